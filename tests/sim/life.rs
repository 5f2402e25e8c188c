//! What happens to hosts: they begin, are configured, go away, crash, and come back.

use std::collections::HashSet;

use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::context::{ContextPatch, Identity, Scalar, Slot as ContextSlot};
use wasm_telemetry::core::io::{Consent, FlushId, Input, Leaving};
use wasm_telemetry::core::pipeline::Setup;

use super::checks::{Cause, read_record};
use super::client::{Client, Past};
use super::options::draw_numbers;
use super::world::{Happening, World};

const BASE: &str = "https://t.example.com/in";

/// How a client came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Crash,
    /// After the pipeline was told.
    Left,
}

impl World {
    /// One doing of a host.
    pub fn host(&mut self, slot: usize) {
        if self.doings_left == 0 {
            return;
        }
        self.doings_left -= 1;
        let pause = self.dice.below(self.options.pause_millis + 1);
        self.at(self.mono + pause, Happening::Host { slot });
        if self.slots[slot].client.is_none() {
            return;
        }
        self.mischief();
        let life = self.options.life.clone();
        let weights = [
            life.crash,
            life.leave_page,
            life.leave_process,
            life.shutdown,
            life.flush,
            life.configure,
            life.hostile_configure,
            life.consent,
            life.kill,
            life.offline,
            life.wall_jump,
        ];
        let special: u64 = weights.iter().sum();
        if !self.dice.percent(special.min(60)) {
            return self.log(slot);
        }
        match self.dice.weighted(&weights) {
            0 => self.end(slot, End::Crash),
            1 => self.leave_page(slot),
            2 => self.leave_process(slot),
            3 => self.flush(slot, true),
            4 => self.flush(slot, false),
            5 => {
                let numbers = draw_numbers(&mut self.dice, 40);
                self.set_numbers(slot, Layer::Remote, &numbers);
                self.draw_sampling(slot, Layer::Remote);
                self.reset_sometimes(slot);
                if self.dice.percent(40) {
                    let value = Value::Text(self.dice.pick(&["/in", "/api/v2", "/"]));
                    let path = Setting::Batch { name: "path", value };
                    self.configure(slot, Layer::Remote, &[path]);
                }
            }
            6 => self.hostile_patch(slot),
            7 => {
                let consent =
                    self.dice.pick(&[Consent::Granted, Consent::Pending, Consent::Denied]);
                self.consent(slot, consent);
            }
            8 => self.kill(slot),
            9 => {
                let online = self.dice.percent(60);
                self.online(slot, online);
            }
            _ => {
                let jumps = [-86_400_000, -60_000, -1_000, 1_000, 60_000, 3_600_000, 90_000_000];
                self.wall_offset += self.dice.pick(&jumps);
            }
        }
    }

    pub fn begin(&mut self, slot: usize) {
        if self.slots[slot].client.is_some() {
            return;
        }
        self.clients_made += 1;
        let id = self.clients_made;
        let late = self.options.consent_late && self.faults;
        let setup = Setup {
            seed: self.dice.seed(),
            enabled: true,
            consent: if late { Consent::Pending } else { Consent::Granted },
            write_ahead: self.options.write_ahead,
            exit: self.options.exit,
            resource: vec![("service.name".into(), Scalar::Text("shop".into()))],
        };
        self.say(|| format!("{id}: begins"));
        let now = self.now();
        let mut client = Client::new(id, now, setup);
        client.excused = late;
        if self.options.allowed_origins {
            client.pipeline.allow_origins(&["https://t.example.com"]);
        }
        self.slots[slot].client = Some(client);
        let text = |name, value| Setting::Batch { name, value };
        let mut settings = vec![text("baseUrl", Value::Text(BASE))];
        if self.options.skip_auth {
            settings.push(text("skipAuth", Value::Bool(true)));
        }
        if !self.options.auth_fallback {
            settings.push(text("authFallback", Value::Bool(false)));
        }
        self.configure(slot, Layer::Options, &settings);
        if self.faults {
            let (init, remote) = (self.options.init.clone(), self.options.remote.clone());
            self.set_numbers(slot, Layer::Options, &init);
            self.draw_sampling(slot, Layer::Options);
            self.set_numbers(slot, Layer::Remote, &remote);
        }
        let session = Some(Scalar::Text(format!("session {id}")));
        let identity = Identity::SessionId;
        if let Some(client) = &mut self.slots[slot].client {
            client.context.identity.insert(identity as usize, format!("session {id}"));
        }
        let patch = ContextPatch { slot: ContextSlot::Identity(identity), value: session };
        self.give(slot, Input::Context(&[patch]), Cause::Other);
        let never = self.faults && self.dice.percent(self.options.store.never_opens);
        let after = if self.faults { self.options.store.opens_after_millis } else { 0 };
        if !never {
            self.at(self.mono + after, Happening::StoreOpens { slot, client: id });
        }
    }

    pub fn set_numbers(&mut self, slot: usize, layer: Layer, numbers: &[(&'static str, f64)]) {
        let settings: Vec<Setting<'_>> = numbers
            .iter()
            .map(|(name, value)| Setting::Batch { name, value: Value::Number(*value) })
            .collect();
        self.configure(slot, layer, &settings);
        self.note_config(slot);
    }

    /// Whether the store is allowed to refuse, by the configuration in force.
    fn note_config(&mut self, slot: usize) {
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        let config = stats_of(client)["config"].clone();
        let number = |name: &str| config["batch"][name].as_u64().expect("every number is in force");
        client.excused |= number("maxStoreBytes") < 1 << 20;
        assert!(config["batch"]["baseUrl"].as_str().is_some_and(|url| url.starts_with(BASE)));
    }

    pub fn sample(&mut self, slot: usize, layer: Layer, event: &'static str, rate: f64, by: bool) {
        let setting = Setting::Sampling {
            event,
            rate: Value::Number(rate),
            by: Value::Text(if by { "session" } else { "event" }),
        };
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        let shadowed = layer == Layer::Remote && client.sampling.init.contains_key(event);
        if !shadowed {
            let good = (0.0..=1.0).contains(&rate);
            client.sampling_layer(layer).insert(event.into(), good.then_some((rate, by)));
        }
        self.configure(slot, layer, &[setting]);
    }

    fn reset_sometimes(&mut self, slot: usize) {
        if self.dice.percent(15) {
            self.configure(slot, Layer::Remote, &[Setting::BatchReset]);
            self.note_config(slot);
        }
        if self.dice.percent(15) {
            if let Some(client) = &mut self.slots[slot].client {
                client.sampling.remote.clear();
            }
            self.configure(slot, Layer::Remote, &[Setting::SamplingReset]);
        }
    }

    fn hostile_patch(&mut self, slot: usize) {
        let values = [
            Value::Absent,
            Value::Bool(true),
            Value::Number(-1.0),
            Value::Number(f64::NAN),
            Value::Number(1e300),
            Value::Number(0.5),
            Value::Text(""),
            Value::Text("200"),
            Value::Other,
        ];
        let evil = [
            "https://evil.example",
            "http://t.example.com",
            "https://t.example.com@evil.example",
            "https://t.example.com.evil.example",
            "//evil.example",
            "javascript:alert(1)",
        ];
        let names = ["maxQueueSize", "path", "baseUrl", "skipAuth", "nonsense", "maxAttempts"];
        let mut settings = Vec::new();
        for _ in 0..self.dice.within(1, 4) {
            let (name, value) = (self.dice.pick(&names), self.dice.pick(&values));
            let setting = match self.dice.below(5) {
                0 => {
                    let url = self.dice.pick(&evil);
                    Setting::Batch { name: "baseUrl", value: Value::Text(url) }
                }
                1 => Setting::Unknown { path: "extra.thing", reason: "unknown key; ignored" },
                2 => {
                    let until =
                        self.dice.pick(&[Value::Number(f64::NAN), Value::Other, Value::Absent]);
                    Setting::Killed { switch: Value::Absent, until, stored: Value::Text("maybe") }
                }
                _ if name == "skipAuth" && value == Value::Bool(true) => continue,
                _ => Setting::Batch { name, value },
            };
            settings.push(setting);
        }
        self.configure(slot, Layer::Remote, &settings);
        self.note_config(slot);
    }

    pub fn consent(&mut self, slot: usize, consent: Consent) {
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        client.consent = consent;
        client.excused |= consent != Consent::Granted;
        self.give(slot, Input::Consent(consent), Cause::Other);
    }

    fn kill(&mut self, slot: usize) {
        let until = self.now().wall.0 + self.dice.below(200_000);
        let erase = self.dice.percent(40);
        let lifted = self.dice.percent(30);
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        client.killed_until = if lifted { 0 } else { until };
        client.excused = true;
        let setting = if lifted {
            Setting::Killed {
                switch: Value::Bool(false),
                until: Value::Absent,
                stored: Value::Absent,
            }
        } else {
            let stored = if erase { Value::Text("erase") } else { Value::Absent };
            let until = Value::Number(until as f64);
            Setting::Killed { switch: Value::Absent, until, stored }
        };
        self.configure(slot, Layer::Remote, &[setting]);
    }

    pub fn online(&mut self, slot: usize, online: bool) {
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        client.online = online;
        self.give(slot, Input::Online(online), Cause::Other);
    }

    pub fn flush(&mut self, slot: usize, shutdown: bool) {
        let timeout_millis = self.dice.pick(&[0, 50, 5_000, 30_000]);
        let deadline = self.mono + timeout_millis;
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        if client.shut_down {
            return;
        }
        client.last_flush += 1;
        let id = FlushId(client.last_flush);
        client.flushes.insert(id.0, deadline);
        let number = client.id;
        if shutdown {
            client.shut_down = true;
            self.give(slot, Input::Shutdown { id, timeout_millis }, Cause::Other);
            // Some hosts end a while after; the others stay as they are.
            if self.dice.percent(70) {
                let grace = 2_000 + 2 * self.options.timer_late_millis;
                let time = deadline + grace + self.dice.below(20_000);
                self.at(time, Happening::Ends { slot, client: number });
            }
        } else {
            self.give(slot, Input::Flush { id, timeout_millis }, Cause::Other);
        }
    }

    /// A page is hidden: it may be the last that it does, and may not be.
    fn leave_page(&mut self, slot: usize) {
        self.doubt_requests(slot);
        let budget = self.dice.pick(&[65_536, 65_536, 20_000, 500, 0]);
        let leaving = Input::Leaving(Leaving::Page { budget });
        self.give(slot, leaving, Cause::LeavingPage);
        if self.dice.percent(50) {
            self.end(slot, End::Left);
        }
    }

    /// A process ends; what the store does, it does at once.
    pub fn leave_process(&mut self, slot: usize) {
        self.doubt_requests(slot);
        self.give(slot, Input::Leaving(Leaving::Process), Cause::Other);
        if self.dice.percent(80) {
            self.end(slot, End::Left);
        }
    }

    /// From now on, nobody may be there to see the answers.
    pub fn doubt_requests(&mut self, slot: usize) {
        let Some(client) = &self.slots[slot].client else {
            return;
        };
        for request in client.exports.values() {
            let request = &mut self.requests[*request];
            request.doubtful |= !request.answered;
            request.parted |= !request.answered && !request.cancelled;
        }
    }

    pub fn end(&mut self, slot: usize, end: End) {
        let Some(mut client) = self.slots[slot].client.take() else {
            return;
        };
        self.say(|| format!("{}: ends by {end:?}", client.id));
        let carried_out = match end {
            End::Left => client.operations.len(),
            // Some of what was asked for is done, in order.
            End::Crash => self.dice.below(client.operations.len() as u64 + 1) as usize,
        };
        // What waits behind a slow store was not reported as stored.
        let age = self.last_moments(&client);
        for (_, op) in client.operations.drain(..carried_out) {
            self.carry_out(client.id, op);
        }
        for request in client.exports.values() {
            let request = &mut self.requests[*request];
            request.doubtful |= !request.settled;
        }
        let oldest = self.mono.saturating_sub(age);
        let mut stored = HashSet::new();
        for serial in self.store.records.values().flat_map(|kept| read_record(&kept.bytes).1) {
            // A holder that died within a split leaves the whole and its halves.
            if !stored.insert(serial) && end == End::Crash {
                self.events[serial as usize].stored_twice = true;
            }
        }
        let faulty = self.options.store.is_faulty() || client.excused || !client.store_open;
        let lost_by_crash = end == End::Crash && !self.options.write_ahead;
        for (serial, event) in self.events.iter_mut().enumerate() {
            if event.client != client.id || stored.contains(&(serial as u32)) {
                continue;
            }
            let last_moment = end == End::Crash && event.mono >= oldest;
            if faulty || last_moment || (lost_by_crash && !event.exposure) {
                event.excuse.get_or_insert("in the memory of a client that is gone");
            }
        }
        self.past.push(Past { ledger: client.pipeline.ledger() });
        if self.faults {
            let time = self.mono + self.dice.pick(&[0, 100, 20_000]);
            self.at(time, Happening::Begins { slot });
        }
    }

    /// How recent an event may be that even a stored-at-once client loses with a crash.
    fn last_moments(&self, client: &Client) -> u64 {
        let waits = self.options.store.op_millis * (client.operations.len() as u64 + 4);
        let opening = self.options.store.opens_after_millis;
        200 + 2 * self.options.timer_late_millis + waits + opening
    }

    /// Something that befalls the store.
    fn mischief(&mut self) {
        let keys: Vec<String> = self.store.records.keys().cloned().collect();
        if keys.is_empty() {
            return;
        }
        let key = &keys[self.dice.below(keys.len() as u64) as usize];
        if self.dice.percent(self.options.store.loses) {
            self.store.records.remove(key);
            self.excuse_stored(key, "lost by the store");
        } else if self.dice.percent(self.options.store.corrupts) {
            let cut = self.dice.percent(50);
            let at = self.dice.below(1 << 20) as usize;
            let flip = self.dice.within(1, 255) as u8;
            let Some(kept) = self.store.records.get_mut(key) else {
                return;
            };
            let mut bytes = kept.bytes.clone();
            let at = at % bytes.len();
            if cut {
                bytes.truncate(at)
            } else {
                bytes[at] ^= flip
            }
            kept.garbled = Some(bytes);
        }
    }
}

/// `stats()`, which must be JSON.
pub fn stats_of(client: &Client) -> serde_json::Value {
    let mut text = vec![b'{'];
    client.pipeline.write_stats(&mut text);
    text.push(b'}');
    serde_json::from_slice(&text).expect("stats are JSON")
}
