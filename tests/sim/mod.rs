//! A world in virtual time: clients that share a store and an endpoint, and what may befall them.

mod body;
mod checks;
mod client;
mod consent;
mod dice;
mod disk;
mod duplicates;
#[path = "../support/gunzip.rs"]
mod gunzip;
mod health;
#[cfg(feature = "planted")]
pub mod hunt;
mod life;
mod model;
mod network;
mod options;
#[path = "../support/otlp.rs"]
mod otlp;
mod partial;
pub mod runner;
mod server;
#[path = "../support/store.rs"]
pub mod store;
#[path = "../support/wire.rs"]
mod wire;
mod workload;
mod world;

use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::io::Consent;

use world::{Happening, World};

/// What one run saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub events: u64,
    pub taken: u64,
    pub requests: u64,
    pub clients: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.taken += other.taken;
        self.requests += other.requests;
        self.clients += other.clients;
    }
}

const DAY: u64 = 86_400_000;

fn live(world: &mut World) -> Tally {
    for slot in 0..world.slots.len() {
        let delay = world.dice.below(3_000);
        world.at(world.mono + delay, Happening::Begins { slot });
        world.at(world.mono + delay, Happening::Host { slot });
    }
    while world.doings_left > 0 && world.step(u64::MAX) {}
    heal(world);
    let end = world.mono + 2 * DAY;
    while world.step(end) {}
    if world.is_left() {
        // Somebody stopped over a store that was slow to take the rest.
        visit(world, 0);
        while world.step(end + DAY) {}
    }
    world.check_end();
    world.report_drops();
    Tally {
        events: world.events.len() as u64,
        taken: world.server.taken,
        requests: world.requests.len() as u64,
        clients: u64::from(world.clients_made),
    }
}

/// Faults stop, and one more visitor comes: from here on everything must find its end.
fn heal(world: &mut World) {
    world.say(|| String::from("faults stop"));
    world.faults = false;
    world.store.capacity = u64::MAX;
    world.mend_records();
    let restart = world.dice.percent(30);
    let wake = world.dice.percent(50);
    for slot in 0..world.slots.len() {
        let Some(client) = &world.slots[slot].client else {
            continue;
        };
        let id = client.id;
        world.thaw(slot, id);
        let Some(client) = &world.slots[slot].client else {
            continue;
        };
        if client.shut_down && restart {
            world.leave_process(slot);
            world.end(slot, life::End::Left);
            continue;
        }
        let (id, open) = (client.id, client.store_open);
        if !open {
            world.at(world.mono, Happening::StoreOpens { slot, client: id });
        }
        let lifted = Setting::Killed {
            switch: Value::Bool(false),
            until: Value::Absent,
            stored: Value::Absent,
        };
        if let Some(client) = &mut world.slots[slot].client {
            client.killed_until = 0;
        }
        world.configure(slot, Layer::Remote, &[Setting::BatchReset, lifted]);
        world.consent(slot, Consent::Granted);
        let online = world.slots[slot].client.as_ref().is_some_and(|client| client.online);
        if wake || !online {
            world.online(slot, true);
        }
    }
    world.rearm();
    // Late enough for whoever is about to stop.
    let delay = world.dice.within(60_000, 600_000);
    visit(world, delay);
}

fn visit(world: &mut World, delay: u64) {
    world.slots.push(world::Slot::default());
    let slot = world.slots.len() - 1;
    world.at(world.mono + delay, Happening::Begins { slot });
}
