//! The pipeline, given inputs in any order, from a host, a server and a store that may all be broken
//! or lie: after each step the ledger balances, and what comes out makes sense.

mod script;

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::context::{ContextPatch, Scalar};
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::id::Id;
use wasm_telemetry::core::io::{Command, ExportId, Exposure, Field, FlushId, Input, Leaving, OpId};
use wasm_telemetry::core::ledger::Reason;
use wasm_telemetry::core::pipeline::{ExitPolicy, Pipeline, Setup};
use wasm_telemetry::core::random::IdSeed;
use wasm_telemetry::core::record::{Builder, Header, Record, stamp};
use wasm_telemetry::core::shapes::{FieldKind, ShapeId, Staged};
use wasm_telemetry::core::store::{Entry, MemoryStore, StoreOp, StoreResult};
use wasm_telemetry::core::time::{Millis, Now, UnixMillis};

use script::{Answer, AnyEntry, AnyKey, At, BASE, FIELDS, Lease, Planted, Script, Step};
use script::{consent, field, layer, patch, reply, setting};

const START: u64 = 1_767_323_045_678;
/// A store that is silent for longer is taken for failed.
const PATIENCE_MILLIS: u64 = 30_000;
/// Enough to reach every state, and few enough to be quick.
const STEPS: usize = 300;

pub fn run(data: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) else { return };
    if std::env::var_os("FUZZ_TELL").is_some() {
        eprintln!("{script:#?}");
    }
    let mut host = Host::new(&script);
    for step in script.steps.iter().take(STEPS) {
        host.step(step);
        host.check();
    }
    host.finish();
}

/// A store operation that waits for its answer.
struct Asked {
    id: OpId,
    op: StoreOp,
    at: u64,
    /// The pipeline may have given it up since, or its record.
    disturbed: bool,
}

struct Host {
    pipeline: Pipeline,
    mono: u64,
    wall: u64,
    store: MemoryStore,
    asked: Vec<Asked>,
    exports: Vec<ExportId>,
    flushes: BTreeSet<u32>,
    keys: Vec<String>,
    shapes: Vec<ShapeId>,
    /// Things that one input may have to be answered for, each with a few commands.
    things: usize,
}

impl Host {
    fn new(script: &Script<'_>) -> Self {
        let setup = Setup {
            seed: [script.seed; 32],
            enabled: !script.disabled,
            consent: Some(consent(script.consent)),
            write_ahead: script.write_ahead,
            exit: [ExitPolicy::Auto, ExitPolicy::Send, ExitPolicy::Keep]
                [usize::from(script.exit % 3)],
            format: Format::Json,
            compress: false,
            resource: vec![("service.name".into(), Scalar::Text("shop".into()))],
            ..Setup::default()
        };
        let now = Now { mono: Millis(1), wall: UnixMillis(START) };
        let mut host = Self {
            pipeline: Pipeline::new(now, setup),
            mono: 1,
            wall: START,
            store: MemoryStore::default(),
            asked: Vec::new(),
            exports: Vec::new(),
            flushes: BTreeSet::new(),
            keys: Vec::new(),
            shapes: Vec::new(),
            things: 64,
        };
        if script.base {
            let base = Setting::Batch { name: "baseUrl", value: Value::Text(BASE) };
            host.configure(Layer::Options, &[base]);
        }
        host
    }

    fn now(&self) -> Now {
        Now { mono: Millis(self.mono), wall: UnixMillis(self.wall) }
    }

    fn give(&mut self, input: Input<'_>) -> Vec<Command> {
        let wake = matches!(input, Input::Wake);
        let mut commands = Vec::new();
        self.pipeline.handle(self.now(), input, &mut commands);
        if wake {
            let wake_at = self.pipeline.wake_at();
            assert!(wake_at.is_none_or(|time| time.0 > self.mono), "the timer would ring for ever");
        }
        self.take_in(&commands);
        commands
    }

    fn configure(&mut self, layer: Layer, settings: &[Setting<'_>]) {
        let mut commands = Vec::new();
        let report = self.pipeline.configure(self.now(), layer, settings, &mut commands);
        assert!(report.rejected.len() <= settings.len());
        self.take_in(&commands);
    }

    fn take_in(&mut self, commands: &[Command]) {
        assert!(commands.len() <= 4 * self.things, "{} commands", commands.len());
        for command in commands {
            match command {
                Command::Export(export) => {
                    let body: serde_json::Value =
                        serde_json::from_slice(&export.body).expect("a body is JSON");
                    assert!(body["events"].is_array());
                    assert!(export.url.starts_with("http"));
                    assert!(!self.exports.contains(&export.id));
                    self.exports.push(export.id);
                }
                Command::Cancel(id) => self.exports.retain(|export| export != id),
                Command::Store { id, op } => self.ask(*id, op.clone()),
                Command::Flushed { id, .. } => {
                    assert!(self.flushes.remove(&id.0), "answered once");
                }
                Command::Diagnose(diagnostic) => {
                    assert!(diagnostic.field.chars().count() <= 128);
                }
            }
        }
    }

    fn ask(&mut self, id: OpId, op: StoreOp) {
        let removed = match &op {
            StoreOp::Remove { seen } => Some(&seen.key),
            _ => None,
        };
        let clear = op == StoreOp::Clear;
        for asked in &mut self.asked {
            if let StoreOp::Claim { seen, .. } = &asked.op {
                asked.disturbed |= clear || removed == Some(&seen.key);
            }
        }
        match &op {
            // What is remembered of the endpoint.
            StoreOp::Put { entry, .. } if entry.key.starts_with("000000000000-") => {}
            StoreOp::Put { entry, bytes } => {
                let record = Record::checked(bytes).expect("what is stored is a record");
                assert_eq!(record.header.events, entry.events);
                assert_eq!(bytes.len(), entry.bytes as usize);
                self.keys.push(entry.key.clone());
                self.things += 1;
            }
            StoreOp::Claim { .. } => {
                let waits =
                    |asked: &Asked| matches!(asked.op, StoreOp::Claim { .. }) && !asked.disturbed;
                assert!(!self.asked.iter().any(waits), "one claim at a time");
            }
            _ => {}
        }
        self.asked.push(Asked { id, op, at: self.mono, disturbed: false });
    }

    fn check(&self) {
        let ledger = self.pipeline.ledger();
        assert!(ledger.balances(), "{ledger:?}");
    }

    fn step(&mut self, step: &Step<'_>) {
        match step {
            Step::Event { at, name, fields } => {
                let fields: Vec<(&str, Field<'_>)> =
                    fields.iter().map(|(key, value)| (*key, field(*value))).collect();
                self.things += fields.len();
                self.log(Input::Event { at: self.at(*at), name, fields: &fields });
            }
            Step::Burst(count) => {
                for n in 0..count % 64 {
                    let fields = [("n", Field::Number(n.into()))];
                    self.log(Input::Event { at: self.now().wall, name: "burst", fields: &fields });
                }
            }
            Step::Register { name, keys } => {
                let kind = |number| if number { FieldKind::Number } else { FieldKind::Bool };
                let keys: Vec<(&str, FieldKind)> =
                    keys.iter().map(|(key, number)| (*key, kind(*number))).collect();
                self.shapes.extend(self.pipeline.shape(name, &keys));
            }
            Step::Shaped { at, shape, values } => {
                let index = usize::from(*shape) % (self.shapes.len() + 1);
                let shape = self.shapes.get(index).copied().unwrap_or(ShapeId(u32::MAX));
                self.log(Input::Shaped(Staged { at: self.at(*at), shape, values }));
            }
            Step::ForgetShapes => {
                self.pipeline.forget_shapes();
                self.shapes.clear();
            }
            Step::Exposure { at, id, variation, texts } => {
                let [session_id, user_attributes, experiment_metadata] = *texts;
                let exposure = Exposure {
                    experiment_id: id,
                    variation_id: *variation,
                    session_id,
                    user_attributes,
                    experiment_metadata,
                };
                self.log(Input::Exposure { at: self.at(*at), exposure });
            }
            Step::Context(patches) => {
                let patches: Vec<ContextPatch<'_>> = patches.iter().map(patch).collect();
                self.things += patches.len();
                self.give(Input::Context(&patches));
            }
            Step::Consent(which) => {
                self.give(Input::Consent(consent(*which)));
            }
            Step::Online(online) => {
                self.give(Input::Online(*online));
            }
            Step::Wait(millis) => self.wait((*millis).into()),
            Step::Sleep(seconds) => self.wait(u64::from(*seconds) * 1_000),
            Step::Jump(millis) => {
                self.wall = self.wall.saturating_add_signed(*millis).min(UnixMillis::MAX.0);
                self.give(Input::Wake);
            }
            Step::Export { which, outcome } => {
                if !self.exports.is_empty() {
                    let id = self.exports.remove(usize::from(*which) % self.exports.len());
                    self.give(Input::Exported { id, outcome: reply(*outcome) });
                }
            }
            Step::StrayExport { id, outcome } => {
                self.give(Input::Exported { id: ExportId(*id), outcome: reply(*outcome) });
            }
            Step::StoreReady => {
                self.give(Input::StoreReady);
            }
            Step::Store { which, answer } => {
                if !self.asked.is_empty() {
                    self.answer(usize::from(*which) % self.asked.len(), answer);
                }
            }
            Step::StrayStore { id, answer } => {
                let result = self.result(None, answer);
                self.give(Input::Stored { id: OpId(*id), result });
            }
            Step::Work(count) => {
                for _ in 0..*count {
                    if self.asked.is_empty() {
                        break;
                    }
                    self.answer(0, &Answer::Honest);
                }
            }
            Step::Plant(planted) => self.plant(*planted),
            Step::Leave { how, budget } => {
                self.give(Input::Leaving(match how % 3 {
                    0 => Leaving::Page { budget: *budget },
                    1 => Leaving::Process,
                    _ => Leaving::Signal,
                }));
            }
            Step::Flush { shutdown, timeout } => {
                let id = FlushId(self.things as u32);
                self.things += 1;
                self.flushes.insert(id.0);
                let timeout_millis = u64::from(*timeout);
                self.give(match shutdown {
                    true => Input::Shutdown { id, timeout_millis },
                    false => Input::Flush { id, timeout_millis },
                });
            }
            Step::Number { layer: which, field, value } => {
                let name = FIELDS[usize::from(field % 11)];
                let value = Value::Number(f64::from(*value));
                self.configure(layer(*which), &[Setting::Batch { name, value }]);
            }
            Step::Configure { layer: which, settings } => {
                let wall = self.wall;
                let settings: Vec<Setting<'_>> =
                    settings.iter().map(|any| setting(any, wall)).collect();
                self.things += settings.len();
                self.configure(layer(*which), &settings);
            }
            Step::AllowOrigins(origins) => {
                self.pipeline.allow_origins(origins);
            }
        }
    }

    /// An event, which may be refused but not overlooked.
    fn log(&mut self, input: Input<'_>) {
        self.things += 1;
        let unknown = matches!(input, Input::Shaped(Staged { shape: ShapeId(u32::MAX), .. }));
        let sum = |host: &Self| {
            let ledger = host.pipeline.ledger();
            ledger.accepted + ledger.suppressed + ledger.sampled_out
        };
        let before = sum(self);
        self.give(input);
        assert!(unknown || sum(self) > before, "an event vanished");
    }

    fn wait(&mut self, millis: u64) {
        self.mono = self.mono.saturating_add(millis).min(u64::MAX / 2);
        self.wall = self.wall.saturating_add(millis).min(UnixMillis::MAX.0);
        for asked in &mut self.asked {
            asked.disturbed |= asked.at + PATIENCE_MILLIS <= self.mono;
        }
        self.give(Input::Wake);
    }

    /// Answers the operation of that index.
    fn answer(&mut self, index: usize, answer: &Answer<'_>) {
        let Asked { id, op, disturbed, .. } = self.asked.remove(index);
        let claimed = match &op {
            StoreOp::Claim { seen, .. } => Some(seen.key.clone()),
            _ => None,
        };
        let result = self.result(Some(op), answer);
        if matches!(result, StoreResult::Listed(_) | StoreResult::Page { .. }) {
            self.asked.iter_mut().for_each(|asked| asked.disturbed = true);
        }
        let garbled = match &result {
            StoreResult::Claimed(bytes) => Record::checked(bytes).is_err(),
            _ => false,
        };
        let known = self.pipeline.ledger();
        let commands = self.give(Input::Stored { id, result });
        if let Some(key) = claimed.filter(|_| garbled && !disturbed) {
            let aside = Command::Store { id: OpId(0), op: StoreOp::Quarantine { key } };
            assert!(commands.iter().any(|command| same_op(command, &aside)), "not set aside");
            let corrupt = Reason::Corrupt as usize;
            let dropped = self.pipeline.ledger().dropped.0[corrupt] - known.dropped.0[corrupt];
            let left = self.pipeline.ledger().accepted - known.accepted;
            assert!(dropped > 0 || left == 0, "not counted");
        }
    }

    fn result(&mut self, op: Option<StoreOp>, answer: &Answer<'_>) -> StoreResult {
        match answer {
            Answer::Honest => op.map_or(StoreResult::Done, |op| self.store.apply(op)),
            Answer::Garbled { at, flip, cut, stamped } => {
                let mut result = op.map_or(StoreResult::Lost, |op| self.store.apply(op));
                if let StoreResult::Claimed(bytes) = &mut result {
                    garble(bytes, *at, *flip);
                    bytes.truncate(bytes.len().saturating_sub(usize::from(*cut)));
                    if *stamped {
                        stamp(bytes);
                    }
                }
                result
            }
            Answer::Claimed(bytes) => StoreResult::Claimed(bytes.to_vec()),
            Answer::Listed(entries) => {
                self.things += entries.len();
                let entries: Vec<Entry> = entries.iter().map(|entry| self.entry(entry)).collect();
                // One in two, so that both are tried.
                match entries.last().filter(|_| entries.len() % 2 == 1) {
                    Some(Entry { key, .. }) => StoreResult::Page { last: key.clone(), entries },
                    None => StoreResult::Listed(entries),
                }
            }
            Answer::Done => StoreResult::Done,
            Answer::Lost => StoreResult::Lost,
            Answer::Full => StoreResult::Full,
            Answer::Failed => StoreResult::Failed,
        }
    }

    fn entry(&self, any: &AnyEntry<'_>) -> Entry {
        let key = match any.key {
            AnyKey::Used(index) if !self.keys.is_empty() => {
                self.keys[usize::from(index) % self.keys.len()].clone()
            }
            AnyKey::Used(index) => made_key(self.wall, index),
            AnyKey::Made { age, id } => made_key(self.wall.saturating_sub(age.into()), id),
            AnyKey::Text(text) => String::from(text),
        };
        let lease = match any.lease {
            Lease::Free => 0,
            Lease::Near(millis) => self.wall.saturating_add_signed(millis.into()),
            Lease::Any(lease) => lease,
        };
        Entry { key, lease, attempts: any.attempts, events: any.events, bytes: any.bytes }
    }

    fn plant(&mut self, planted: Planted<'_>) {
        let header = Header {
            batch_id: Id(0, planted.exposures.into()),
            client_id: Id(0, 2),
            id_seed: IdSeed([3; 16]),
            first: 0,
            base: self.wall,
            seq: 1,
            events: 0,
            report_at: 0,
            exposure: false,
        };
        let mut builder = Builder::new(header, &[]);
        for _ in 0..planted.exposures % 16 {
            let exposure = Exposure { experiment_id: "planted", ..Exposure::default() };
            builder.exposure(self.now().wall, &exposure, 0);
        }
        let mut bytes = builder.snapshot();
        if let Some((at, flip)) = planted.flip {
            garble(&mut bytes, at, flip);
        }
        stamp(&mut bytes);
        let mut entry = self.entry(&planted.entry);
        if planted.honest {
            entry.events = u32::from(planted.exposures % 16);
            entry.bytes = bytes.len() as u32;
            entry.attempts = 0;
        }
        self.things += 1;
        self.store.apply(StoreOp::Put { entry, bytes });
    }

    fn at(&self, at: At) -> UnixMillis {
        match at {
            At::Now => self.now().wall,
            At::Any(millis) => UnixMillis::from_host(millis),
        }
    }

    /// With nobody to answer, timers come further and further apart, and what is told is JSON.
    fn finish(&mut self) {
        for _ in 0..40 {
            let Some(Millis(time)) = self.pipeline.wake_at() else { break };
            self.wait(time.saturating_sub(self.mono));
            self.check();
        }
        let mut stats = vec![b'{'];
        self.pipeline.write_stats(&mut stats);
        stats.push(b'}');
        serde_json::from_slice::<serde_json::Value>(&stats).expect("stats are JSON");
    }
}

fn same_op(left: &Command, right: &Command) -> bool {
    match (left, right) {
        (Command::Store { op: left, .. }, Command::Store { op: right, .. }) => left == right,
        _ => false,
    }
}

fn made_key(created: u64, id: u8) -> String {
    format!("{created:012x}-{}", Id(0, id.into()).text())
}

fn garble(bytes: &mut [u8], at: u16, flip: u8) {
    let length = bytes.len().max(1);
    if let Some(byte) = bytes.get_mut(usize::from(at) % length) {
        *byte ^= flip;
    }
}
