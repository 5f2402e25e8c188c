//! What happens to hosts: they begin, are configured, go away, crash, and come back.

use std::collections::HashSet;

use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::context::{ContextPatch, Identity, Scalar, Slot as ContextSlot};
use wasm_telemetry::core::io::{Consent, FlushId, Input, Leaving};
use wasm_telemetry::core::pipeline::Setup;

use super::checks::Cause;
use super::client::Client;
use super::disk::PATIENCE_MILLIS;
use super::duplicates::PUNCTUAL_MILLIS;
use super::options::{Own, draw_numbers};
use super::world::{Happening, World};

/// After a failure the store is left alone for so long.
const STORE_PAUSE_MILLIS: u64 = 30_000;

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
            life.freeze,
            life.power_failure,
            self.options.clock.jump,
            self.options.clock.sleep,
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
            10 => self.freeze(slot),
            11 => self.power_failure(),
            12 => self.jump(),
            _ => self.sleep(),
        }
    }

    /// The wall's clock is set anew.
    fn jump(&mut self) {
        let far = self.dice.pick(&[7, 900, 60_000, 3_600_000, 90_000_000, 2_592_000_000]);
        let far = if self.dice.percent(50) { -far } else { far };
        self.say(|| format!("the clock jumps by {far} ms"));
        self.wall_offset += far;
        self.jumped_at = self.mono;
        if far < 0 {
            let lapsed = core::mem::take(&mut self.lapsed);
            self.may_come_twice(&lapsed, "its lease, long over, seems to hold again");
        }
    }

    /// The machine sleeps: nothing goes on but the wall's clock.
    fn sleep(&mut self) {
        let millis = self.dice.pick(&[60_000, 3_600_000, 28_800_000, 259_200_000]);
        self.say(|| format!("the machine sleeps for {millis} ms"));
        self.wall_offset += millis;
        self.jumped_at = self.mono;
        for slot in 0..self.slots.len() {
            self.reset_requests(slot);
        }
    }

    /// No timer and no answer reaches a client for a while.
    fn freeze(&mut self, slot: usize) {
        let cached = self.dice.percent(50);
        if cached {
            self.hide_page(slot);
        }
        let millis = self.dice.pick(&[100, 5_000, 40_000, 3_600_000, 259_200_000]);
        let mono = self.mono;
        let Some(client) = &mut self.slots[slot].client else { return };
        client.frozen = true;
        client.frozen_at = Some(mono);
        let client = client.id;
        self.say(|| format!("{client}: frozen for {millis} ms"));
        self.at(mono + millis, Happening::Thaws { slot, client });
    }

    pub fn thaw(&mut self, slot: usize, client: u32) {
        let mono = self.mono;
        let Some(found) = self.client(slot, client).filter(|found| found.frozen) else { return };
        found.frozen = false;
        found.hindered_at = Some(mono);
        found.thawed_at = Some(mono);
        if !found.results.is_empty() {
            found.store_failed_at = found.store_failed_at.max(Some(mono));
        }
        let held_back = core::mem::take(&mut found.held_back);
        self.say(|| format!("{client}: thaws"));
        if self.dice.percent(50) {
            self.reset_requests(slot);
        }
        for happening in held_back {
            self.at(mono, happening);
        }
    }

    pub fn begin(&mut self, slot: usize) {
        if self.slots[slot].client.is_some() {
            return;
        }
        self.clients_made += 1;
        let id = self.clients_made;
        let own = self.options.hosts.get(slot).filter(|_| self.faults).cloned();
        let own = own.unwrap_or_else(Own::plain);
        let late = own.consent_late;
        let says = !self.faults || self.dice.percent(50);
        let said = match late {
            true => Some(Consent::Pending),
            false => says.then_some(Consent::Granted),
        };
        let setup = Setup {
            seed: self.dice.seed(),
            enabled: true,
            consent: said,
            write_ahead: own.write_ahead,
            exit: own.exit,
            format: own.format,
            compress: own.compress,
            resource: vec![("service.name".into(), Scalar::Text("shop".into()))],
            ..Setup::default()
        };
        self.say(|| format!("{id}: begins"));
        let now = self.now();
        let mut client = Client::new(id, now, setup, own.clone());
        client.excused = late;
        if own.allowed_origins {
            client.pipeline.allow_origins(&["https://t.example.com"]);
        }
        self.slots[slot].client = Some(client);
        let text = |name, value| Setting::Batch { name, value };
        let mut settings = vec![text("baseUrl", Value::Text(BASE))];
        if own.skip_auth {
            settings.push(text("skipAuth", Value::Bool(true)));
        }
        if !own.auth_fallback {
            settings.push(text("authFallback", Value::Bool(false)));
        }
        self.configure(slot, Layer::Options, &settings);
        if self.faults {
            self.set_numbers(slot, Layer::Options, &own.init);
            self.draw_sampling(slot, Layer::Options);
            self.set_numbers(slot, Layer::Remote, &own.remote);
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
    }

    /// What the configuration in force means for what may be in memory and in the store.
    pub fn note_limits(&mut self, slot: usize) {
        self.allow_surplus(slot);
        self.forget_health(slot);
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        let config = client.note_limits();
        client.excused |= client.limits.store_bytes < 1 << 20;
        self.most_attempts = self.most_attempts.max(client.limits.attempts);
        let base = config["batch"]["baseUrl"].as_str();
        assert!(base.is_none_or(|url| url.starts_with(BASE)), "sent astray: {base:?}");
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
    }

    pub fn consent(&mut self, slot: usize, consent: Consent) {
        let now = self.now();
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        client.consent = consent;
        let least = client.said_at + u64::from(consent == Consent::Denied);
        client.said_at = now.wall.0.max(least);
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
        client.flushes.insert(id.0, (self.mono, deadline));
        let number = client.id;
        if shutdown {
            client.shut_down = true;
            self.give(slot, Input::Shutdown { id, timeout_millis }, Cause::Other);
            // Some hosts end a while after; the others stay as they are.
            if self.dice.percent(70) {
                let grace = 2_000 + 2 * self.options.clock.timer_late_millis;
                let time = deadline + grace + self.dice.below(20_000);
                self.at(time, Happening::Ends { slot, client: number });
            }
        } else {
            self.give(slot, Input::Flush { id, timeout_millis }, Cause::Other);
        }
    }

    /// A page is hidden: it may be the last that it does, and may not be.
    fn leave_page(&mut self, slot: usize) {
        self.hide_page(slot);
        if self.dice.percent(50) {
            self.end(slot, End::Left);
        }
    }

    fn hide_page(&mut self, slot: usize) {
        self.hear_denial(slot);
        self.part_requests(slot);
        let budget = self.dice.pick(&[65_536, 65_536, 20_000, 500, 0]);
        let leaving = Input::Leaving(Leaving::Page { budget });
        self.give(slot, leaving, Cause::LeavingPage);
        self.allow_surplus(slot);
    }

    /// A process ends; what the store does, it does at once.
    pub fn leave_process(&mut self, slot: usize) {
        self.part_requests(slot);
        self.give(slot, Input::Leaving(Leaving::Process), Cause::Other);
        self.allow_surplus(slot);
        if self.dice.percent(80) {
            self.end(slot, End::Left);
        }
    }

    /// The last that the store hears of a client: some of what was asked for, in order.
    pub fn stop_store(&mut self, slot: usize, end: End) {
        let Some(client) = &mut self.slots[slot].client else { return };
        let (id, mut operations) = (client.id, core::mem::take(&mut client.operations));
        let carried_out = match end {
            End::Left => operations.len(),
            End::Crash => self.dice.below(operations.len() as u64 + 1) as usize,
        };
        let rest = operations.split_off(carried_out);
        for operation in operations {
            let late = operation.commanded_at + PUNCTUAL_MILLIS < self.mono;
            let op = operation.op.clone();
            self.carry_out(slot, id, operation);
            if late {
                self.distrust(slot, &op, "an operation on its record was late");
            }
        }
        for operation in rest {
            self.excuse(&operation.serials, "the store did not come to it");
            if operation.commanded_at + PATIENCE_MILLIS < self.mono {
                // The pipeline has given it up, and did not ask the store again.
                self.distrust(slot, &operation.op, "an operation on its record was late");
            }
            self.never_done(slot, &operation.op);
        }
    }

    pub fn end(&mut self, slot: usize, end: End) {
        let Some(client) = &self.slots[slot].client else {
            return;
        };
        self.say(|| format!("{}: ends by {end:?}", client.id));
        // What waits behind a slow store was not reported as stored.
        let age = self.last_moments(client);
        self.stop_store(slot, end);
        let aborted = end == End::Crash && self.dice.percent(50);
        self.abandon_requests(slot, aborted);
        let Some(client) = self.slots[slot].client.take() else {
            return;
        };
        // The time in a freeze was none to act in.
        let just_thawed = client.thawed_at.is_none_or(|time| time + age >= self.mono);
        let awake = client.frozen_at.filter(|_| client.frozen || just_thawed);
        let oldest = awake.unwrap_or(self.mono).saturating_sub(age);
        let barred = !client.may_send(self.now());
        let hindered = barred || client.hindered_at.is_some() || self.jumped_at > 0;
        let mut stored = HashSet::new();
        for key in self.store.records.keys() {
            for serial in self.serials_of(key) {
                // A holder that died within a split leaves the whole and its halves.
                // So does one that had lost its lease, and can't wait to see the fresh record written.
                if !stored.insert(serial) && (end == End::Crash || hindered) {
                    let why = "its holder died while it had two records";
                    self.events[serial as usize].repeatable.get_or_insert(why);
                }
            }
        }
        for (serial, event) in self.events.iter_mut().enumerate() {
            if event.client != client.id || stored.contains(&(serial as u32)) {
                continue;
            }
            let last_moment = end == End::Crash && event.mono >= oldest;
            let lost_by_crash = end == End::Crash && !client.own.write_ahead && !event.exposure;
            let failed =
                client.store_failed_at.is_some_and(|time| time + STORE_PAUSE_MILLIS >= event.mono);
            let unsafe_store = failed || client.excused || !client.store_open;
            if unsafe_store || last_moment || lost_by_crash {
                event.excuse_by("in the memory of a client that is gone");
            }
        }
        self.past.push(client.pipeline.ledger());
        for happening in client.held_back {
            // A frozen host is the same as one that is gone, but the next in its place does go on.
            if matches!(happening, Happening::Host { .. }) {
                self.at(self.mono, happening);
            }
        }
        if self.faults {
            let time = self.mono + self.dice.pick(&[0, 100, 20_000]);
            self.at(time, Happening::Begins { slot });
        }
    }

    /// How recent an event may be that even a stored-at-once client loses with a crash.
    fn last_moments(&self, client: &Client) -> u64 {
        let store = &self.options.store;
        let each = store.op_millis + store.answer_millis;
        let waits = each * (client.operations.len() as u64 + 4);
        let opening = self.options.store.opens_after_millis;
        200 + 2 * self.options.clock.timer_late_millis + waits + opening
    }
}
