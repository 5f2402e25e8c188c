//! A world in virtual time: clients that share a store and an endpoint, and what may befall them.

mod checks;
mod client;
mod dice;
mod life;
mod model;
mod network;
mod options;
mod server;
#[path = "../support/store.rs"]
pub mod store;
#[path = "../support/wire.rs"]
mod wire;
mod workload;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::io::Consent;

use dice::Dice;
use options::Options;
use world::{Happening, World};

/// What one run saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub events: u64,
    pub taken: u64,
    pub requests: u64,
    pub clients: u64,
}

/// Runs one seed. A failure tells the options that were drawn, and how to see it again.
pub fn run(seed: u64, verbose: bool) -> Result<Tally, String> {
    let mut dice = Dice::new(seed);
    let options = Options::draw(&mut dice);
    if verbose {
        println!("{options:#?}");
    }
    let mut world = World::new(options.clone(), dice, verbose);
    match catch_unwind(AssertUnwindSafe(|| live(&mut world))) {
        Ok(tally) => Ok(tally),
        Err(_) => Err(format!(
            "seed {seed} failed at {} ms; its options:\n{options:#?}\n\
             see it again: SIM_SEED={seed} cargo test --test simulator -- --nocapture",
            world.mono
        )),
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
    world.check_end();
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
    for kept in world.store.records.values_mut() {
        kept.garbled = None;
    }
    let restart = world.dice.percent(30);
    let wake = world.dice.percent(50);
    for slot in 0..world.slots.len() {
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
    world.slots.push(world::Slot::default());
    let slot = world.slots.len() - 1;
    // Late enough for whoever is about to stop.
    let delay = world.dice.within(60_000, 600_000);
    world.at(world.mono + delay, Happening::Begins { slot });
}
