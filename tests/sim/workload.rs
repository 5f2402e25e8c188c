//! What hosts log. Every event carries its number, so that it can be found again.

use serde_json::{Map, Value, json};
use wasm_telemetry::core::config::Layer;
use wasm_telemetry::core::context::{ContextPatch, Identity, Scalar, Slot};
use wasm_telemetry::core::io::{Exposure, Field, Input};
use wasm_telemetry::core::shapes::{FieldKind, Staged};
use wasm_telemetry::core::time::UnixMillis;

use super::checks::Cause;
use super::model::scalar;
use super::server::Logged;
use super::world::World;

const NAMES: [&str; 5] = ["checkout", "page view", "läuft \"gut\" \\ \u{1F980}", "a", "__proto__"];
const KEYS: [&str; 6] = ["items", "express", "price", "ключ", "\"quoted\"\n", "__proto__"];
const TEXTS: [&str; 4] = ["", "plain", "\u{0}\u{1f}\"\\\u{2028}", "日本語 🦀"];

impl World {
    /// A task of the host: a burst of events, now and then a context.
    pub fn log(&mut self, slot: usize) {
        for _ in 0..self.dice.within(1, self.options.mix.burst) {
            let mix = self.options.mix.clone();
            let weights = [mix.plain, mix.shaped, mix.exposure, mix.hostile, mix.context];
            match self.dice.weighted(&weights) {
                0 => self.plain(slot, false),
                1 => self.shaped(slot),
                2 => self.exposure(slot),
                3 => self.plain(slot, true),
                _ => self.set_context(slot),
            }
            if self.slots[slot].client.is_none() {
                return;
            }
        }
    }

    fn number(&mut self) -> f64 {
        let number = self.dice.below(100_000);
        // Extremes take long to write.
        match self.dice.below(30) {
            0 => self.dice.pick(&[1e300, 5e-324, 1.5e-7]),
            1..=5 => 0.1 * number as f64,
            6..=10 => self.dice.pick(&[-1.0, 0.0]),
            _ => number as f64,
        }
    }

    /// The time of the call: the clock's, or what a broken clock says.
    fn time(&mut self, hostile: bool) -> UnixMillis {
        let wall = self.now().wall;
        let times = [UnixMillis(0), UnixMillis::MAX, UnixMillis::from_host(f64::NAN)];
        if hostile && self.dice.percent(30) { self.dice.pick(&times) } else { wall }
    }

    fn plain(&mut self, slot: usize, hostile: bool) {
        let serial = self.events.len() as u32;
        let at = self.time(hostile);
        let long = "n".repeat(if hostile { self.dice.within(256, 257) as usize } else { 1 });
        let name = if hostile && self.dice.percent(40) {
            let names = [long.as_str(), "", "sampled to death"];
            String::from(self.dice.pick(&names))
        } else {
            String::from(self.dice.pick(&NAMES))
        };
        let mut fields: Vec<(String, OwnField)> =
            vec![("n".into(), OwnField::Number(serial.into()))];
        for key in KEYS {
            if self.dice.percent(40) {
                let field = self.field(hostile);
                fields.push((key.into(), field));
            }
        }
        if hostile {
            for index in 0..self.dice.pick(&[0, 0, 3, 200]) {
                fields.push((format!("key {index}"), OwnField::Bool(index % 2 == 0)));
            }
            if self.dice.percent(30) {
                let key = "k".repeat(self.dice.within(128, 129) as usize);
                fields.push((key, OwnField::Number(1.0)));
                fields.push((String::new(), OwnField::Number(1.0)));
            }
        }
        let mut good = Map::new();
        for (key, field) in &fields {
            let fits = (1..=128).contains(&key.chars().count()) && good.len() < 128;
            if let (true, Some(value)) = (fits, field.expected()) {
                good.insert(key.clone(), value);
            }
        }
        let valid = (1..=256).contains(&name.chars().count());
        let borrowed: Vec<(&str, Field<'_>)> =
            fields.iter().map(|(key, field)| (key.as_str(), field.borrow())).collect();
        let input = Input::Event { at, name: &name, fields: &borrowed };
        self.one(slot, Call { at, name: &name, metadata: good, exposure: None, valid }, input);
    }

    fn field(&mut self, hostile: bool) -> OwnField {
        if hostile && self.dice.percent(30) {
            return match self.dice.below(4) {
                0 => OwnField::Refused("is a string"),
                1 => OwnField::Number(f64::NAN),
                2 => OwnField::Number(f64::NEG_INFINITY),
                _ => OwnField::Text("x".repeat(self.dice.within(1_024, 1_025) as usize)),
            };
        }
        match self.dice.below(4) {
            0 => OwnField::Bool(self.dice.percent(50)),
            1 if self.options.mix.long_texts => {
                OwnField::Text("long ".repeat(self.dice.below(200) as usize))
            }
            1 => OwnField::Text(String::from(self.dice.pick(&TEXTS))),
            _ => OwnField::Number(self.number()),
        }
    }

    fn shaped(&mut self, slot: usize) {
        let serial = self.events.len() as u32;
        let at = self.time(false);
        let name = self.dice.pick(&NAMES);
        let mut fields = vec![("n", FieldKind::Number)];
        let mut values = vec![f64::from(serial)];
        let mut metadata = Map::from_iter([(String::from("n"), json!(serial))]);
        for (index, key) in KEYS.into_iter().enumerate() {
            if !self.dice.percent(50) {
                continue;
            }
            if index % 2 == 0 {
                let value = if self.dice.percent(3) { f64::INFINITY } else { self.number() };
                fields.push((key, FieldKind::Number));
                values.push(value);
                if value.is_finite() {
                    metadata.insert(key.into(), json!(value));
                }
            } else {
                let value = self.dice.percent(50);
                fields.push((key, FieldKind::Bool));
                values.push(f64::from(u8::from(value)));
                metadata.insert(key.into(), json!(value));
            }
        }
        let forget = self.dice.percent(2);
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        if forget {
            client.pipeline.forget_shapes();
            client.shapes.clear();
        }
        let shape = client.shape(name, &fields).expect("the shape keeps to the limits");
        let input = Input::Shaped(Staged { at, shape, values: &values });
        self.one(slot, Call { at, name, metadata, exposure: None, valid: true }, input);
    }

    pub fn exposure(&mut self, slot: usize) {
        let serial = self.events.len() as u32;
        let at = self.time(false);
        let session = self.dice.percent(30).then_some("another session");
        let attributes = self.dice.percent(50).then_some("{\"country\":\"\u{e5}\",\"age\":7}");
        let long = "x".repeat(65_537);
        let metadata = self.dice.percent(5).then_some(long.as_str());
        let mut expected = Map::from_iter([
            (String::from("event_type"), json!("GrowthbookExperimentEvent")),
            (String::from("experiment_id"), json!("new-nav")),
            (String::from("variation_id"), json!(serial)),
        ]);
        for (key, text) in [("session_id", session), ("user_attributes", attributes)] {
            if let Some(text) = text {
                expected.insert(key.into(), json!(text));
            }
        }
        let exposure = Exposure {
            experiment_id: "new-nav",
            variation_id: serial,
            session_id: session,
            user_attributes: attributes,
            experiment_metadata: metadata,
        };
        let call =
            Call { at, name: "", metadata: Map::new(), exposure: Some(expected), valid: true };
        self.one(slot, call, Input::Exposure { at, exposure });
    }

    /// Hands one event in and writes down what must become of it.
    fn one(&mut self, slot: usize, call: Call<'_>, input: Input<'_>) {
        let serial = self.events.len() as u32;
        let now = self.now();
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        let exposure = call.exposure.is_some();
        let sampling = match exposure {
            true => None,
            false => client.sampling.of(call.name),
        };
        let before = client.pipeline.ledger();
        let killed = client.killed_until > now.wall.0;
        let denied = client.consent == wasm_telemetry::core::io::Consent::Denied;
        let suppressed = client.shut_down || killed || denied;
        let expected = match call.exposure {
            _ if !self.options.thorough => Map::new(),
            Some(mut members) => {
                client.context.expose(&mut members);
                members
            }
            None => {
                let mut metadata = call.metadata;
                if let Some((rate, _)) = sampling.filter(|(rate, _)| *rate < 1.0) {
                    metadata.insert("sample_rate".into(), json!(rate));
                }
                let mut members = Map::from_iter([
                    (String::from("event_name"), json!(call.name)),
                    (String::from("event_metadata"), Value::Object(metadata)),
                ]);
                client.context.enrich(&mut members);
                members
            }
        };
        self.events.push(Logged {
            client: client.id,
            mono: self.mono,
            accepted: false,
            exposure,
            at: call.at.0,
            expected: self.options.thorough.then_some(Value::Object(expected)),
            id: None,
            batch: None,
            receipts: Vec::new(),
            repeatable: None,
            denied: false,
            excuse: None,
        });
        // An exposure or a full batch may go out in the same step.
        let likely = !suppressed && sampling.is_none_or(|(rate, _)| rate > 0.0);
        self.events[serial as usize].accepted = likely;
        self.give(slot, input, Cause::Logged(serial));
        let Some(client) = &self.slots[slot].client else {
            return;
        };
        let after = client.pipeline.ledger();
        let sampled_out = after.sampled_out - before.sampled_out;
        assert_eq!(after.suppressed - before.suppressed, u64::from(suppressed), "suppressed");
        if suppressed || sampling.is_none_or(|(rate, _)| rate == 1.0) {
            assert_eq!(sampled_out, 0, "{sampling:?}");
        }
        if !suppressed && sampling.is_some_and(|(rate, _)| rate == 0.0) {
            assert_eq!(sampled_out, 1, "a rate of 0 drops");
        }
        assert!(suppressed || sampled_out + after.accepted - before.accepted >= 1);
        let event = &mut self.events[serial as usize];
        event.accepted = likely && sampled_out == 0;
        if event.accepted && !call.valid {
            assert!(event.excuse.is_some(), "an event without a valid name goes nowhere");
        }
    }

    fn set_context(&mut self, slot: usize) {
        let serial = self.events.len();
        let too_long = "x".repeat(1_025);
        let value = match self.dice.below(6) {
            0 => None,
            1 => Some(Scalar::Number(self.number())),
            2 => Some(Scalar::Bool(true)),
            3 if self.dice.percent(20) => Some(Scalar::Text(too_long)),
            3 if self.dice.percent(20) => Some(Scalar::Number(f64::NAN)),
            _ => Some(Scalar::Text(format!("value {serial}"))),
        };
        let good = match &value {
            Some(Scalar::Text(text)) => text.len() <= 1_024,
            Some(Scalar::Number(number)) => number.is_finite(),
            _ => true,
        };
        let key = self.dice.pick(&["environment", "plan", "ünïcode", "__proto__"]);
        let identity = self.dice.pick(&Identity::ALL);
        let which = self.dice.below(3);
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        let (slot_of, group) = match which {
            0 => (Slot::Core(key), Some(&mut client.context.core)),
            1 => (Slot::User(key), Some(&mut client.context.user)),
            _ => (Slot::Identity(identity), None),
        };
        match (group, &value) {
            _ if !good => {}
            (Some(group), Some(value)) => {
                group.insert(key.into(), scalar(value));
            }
            (Some(group), None) => {
                group.remove(key);
            }
            (None, Some(Scalar::Text(text))) => {
                client.context.identity.insert(identity as usize, text.clone());
            }
            (None, None) => {
                client.context.identity.remove(&(identity as usize));
            }
            (None, _) => {}
        }
        let patch = ContextPatch { slot: slot_of, value };
        self.give(slot, Input::Context(&[patch]), Cause::Other);
    }

    /// A sampling table for a client's start.
    pub fn draw_sampling(&mut self, slot: usize, layer: Layer) {
        for name in NAMES.into_iter().chain(["sampled to death"]) {
            if !self.dice.percent(25) {
                continue;
            }
            let rate = self.dice.pick(&[0.0, 0.25, 0.5, 1.0, 1.5, f64::NAN, 1e-9]);
            let by_session = self.dice.percent(30);
            self.sample(slot, layer, name, rate, by_session);
        }
    }
}

struct Call<'a> {
    at: UnixMillis,
    name: &'a str,
    metadata: Map<String, Value>,
    exposure: Option<Map<String, Value>>,
    valid: bool,
}

enum OwnField {
    Number(f64),
    Bool(bool),
    Text(String),
    Refused(&'static str),
}

impl OwnField {
    fn borrow(&self) -> Field<'_> {
        match self {
            Self::Number(value) => Field::Number(*value),
            Self::Bool(value) => Field::Bool(*value),
            Self::Text(value) => Field::Text(value),
            Self::Refused(kind) => Field::Refused(kind),
        }
    }

    fn expected(&self) -> Option<Value> {
        match self {
            Self::Number(value) => value.is_finite().then(|| json!(value)),
            Self::Bool(value) => Some(json!(value)),
            Self::Text(value) => (value.len() <= 1_024).then(|| json!(value)),
            Self::Refused(_) => None,
        }
    }
}
