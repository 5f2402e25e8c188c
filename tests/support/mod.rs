//! A host for scenario tests: one pipeline, a clock that is moved by hand, a store in memory.
#![allow(dead_code)]

pub mod gunzip;
pub mod otlp;
pub mod store;
pub mod wire;

use std::cell::RefCell;
use std::rc::Rc;

use wasm_telemetry::core::config::{ConfigReport, Layer, Setting, Value};
use wasm_telemetry::core::context::Scalar;
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::io::{
    Command, Content, Diagnostic, Export, ExportId, Exposure, Field, FlushId, FlushReport, Input,
    OpId, Outcome,
};
use wasm_telemetry::core::ledger::{Ledger, Reason};
use wasm_telemetry::core::pipeline::{Pipeline, Setup};
use wasm_telemetry::core::random::Rng;
use wasm_telemetry::core::store::{StoreOp, StoreResult};
use wasm_telemetry::core::time::{Millis, Now, UnixMillis};

use store::SharedStore;
use wire::Body;

/// 2026-01-02T03:04:05.678Z
pub const START: u64 = 1_767_323_045_678;
pub const BASE: &str = "https://t.example.com";

/// What the store does with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    Works,
    Fails,
    Full,
    /// Operations wait for [`Host::work`].
    Waits,
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: ExportId,
    pub url: String,
    pub body: Body,
    pub bytes: usize,
    pub authorize: bool,
    pub keepalive: bool,
}

impl Sent {
    pub fn event_ids(&self) -> Vec<String> {
        let id = |event: &serde_json::Value| event["event_id"].as_str().map(String::from);
        self.body.events.iter().filter_map(id).collect()
    }

    pub fn numbers(&self) -> Vec<u64> {
        let number = |event: &serde_json::Value| event["event_metadata"]["n"].as_u64();
        self.body.events.iter().filter_map(number).collect()
    }
}

pub struct Host {
    pub pipeline: Pipeline,
    format: Format,
    pub mono: u64,
    pub wall_offset: i64,
    pub store: Rc<RefCell<SharedStore>>,
    pub store_mode: StoreMode,
    pub operations: Vec<(OpId, StoreOp)>,
    /// Every operation that was commanded.
    pub commanded: Vec<StoreOp>,
    sent: Vec<Sent>,
    pub cancelled: Vec<ExportId>,
    pub flushed: Vec<(FlushId, FlushReport)>,
    pub diagnostics: Vec<Diagnostic>,
}

/// What most tests begin with.
pub fn setup(seed: u8) -> Setup {
    let mut rng = Rng::new(seed.into());
    Setup {
        seed: core::array::from_fn(|_| rng.draw() as u8),
        enabled: true,
        resource: vec![("service.name".into(), Scalar::Text("shop".into()))],
        ..Setup::default()
    }
}

pub fn number(name: &str, value: f64) -> Setting<'_> {
    Setting::Batch { name, value: Value::Number(value) }
}

pub fn text<'a>(name: &'a str, value: &'a str) -> Setting<'a> {
    Setting::Batch { name, value: Value::Text(value) }
}

impl Host {
    /// A pipeline with an endpoint and an open, empty store.
    pub fn new() -> Self {
        Self::with(setup(1), &[])
    }

    pub fn configured(settings: &[Setting<'_>]) -> Self {
        Self::with(setup(1), settings)
    }

    pub fn with(setup: Setup, settings: &[Setting<'_>]) -> Self {
        let mut host = Self::closed(setup, settings, Rc::default());
        host.give(Input::StoreReady);
        host
    }

    /// One more client of a store.
    pub fn beside(other: &Self, seed: u8, settings: &[Setting<'_>]) -> Self {
        let mut host = Self::closed(setup(seed), settings, Rc::clone(&other.store));
        host.mono = other.mono;
        host.wall_offset = other.wall_offset;
        host.give(Input::StoreReady);
        host
    }

    /// A pipeline whose store is not open yet.
    pub fn closed(setup: Setup, settings: &[Setting<'_>], store: Rc<RefCell<SharedStore>>) -> Self {
        let now = Now { mono: Millis(1_000), wall: UnixMillis(START) };
        let mut host = Self {
            format: setup.format,
            pipeline: Pipeline::new(now, setup),
            mono: 1_000,
            wall_offset: 0,
            store,
            store_mode: StoreMode::Works,
            operations: Vec::new(),
            commanded: Vec::new(),
            sent: Vec::new(),
            cancelled: Vec::new(),
            flushed: Vec::new(),
            diagnostics: Vec::new(),
        };
        host.configure(Layer::Options, &[text("baseUrl", BASE)]);
        host.configure(Layer::Options, settings);
        host
    }

    pub fn now(&self) -> Now {
        let wall = (START - 1_000 + self.mono).saturating_add_signed(self.wall_offset);
        Now { mono: Millis(self.mono), wall: UnixMillis(wall) }
    }

    pub fn give(&mut self, input: Input<'_>) {
        let mut commands = Vec::new();
        let now = self.now();
        self.pipeline.handle(now, input, &mut commands);
        self.obey(commands);
    }

    pub fn configure(&mut self, layer: Layer, settings: &[Setting<'_>]) -> ConfigReport {
        let mut commands = Vec::new();
        let report = self.pipeline.configure(self.now(), layer, settings, &mut commands);
        self.obey(commands);
        report
    }

    pub fn remote(&mut self, settings: &[Setting<'_>]) -> ConfigReport {
        self.configure(Layer::Remote, settings)
    }

    fn obey(&mut self, commands: Vec<Command>) {
        let ledger = self.ledger();
        assert!(ledger.balances(), "{ledger:?}");
        for command in commands {
            match command {
                Command::Export(export) => self.sent.push(sent(export, self.format)),
                Command::Cancel(id) => self.cancelled.push(id),
                Command::Store { id, op } => {
                    self.commanded.push(op.clone());
                    self.operations.push((id, op));
                }
                Command::Flushed { id, report } => self.flushed.push((id, report)),
                Command::Diagnose(diagnostic) => self.diagnostics.push(diagnostic),
            }
        }
        if self.store_mode != StoreMode::Waits {
            self.work();
        }
    }

    /// Carries out the operations that wait, and those that follow from them.
    pub fn work(&mut self) {
        while !self.operations.is_empty() {
            let (id, op) = self.operations.remove(0);
            let result = match self.store_mode {
                StoreMode::Fails => StoreResult::Failed,
                StoreMode::Full if matches!(op, StoreOp::Put { .. }) => StoreResult::Full,
                _ => self.store.borrow_mut().apply(op),
            };
            self.answer_store(id, result);
        }
    }

    pub fn answer_store(&mut self, id: OpId, result: StoreResult) {
        let mut commands = Vec::new();
        let now = self.now();
        self.pipeline.handle(now, Input::Stored { id, result }, &mut commands);
        let mode = core::mem::replace(&mut self.store_mode, StoreMode::Waits);
        self.obey(commands);
        self.store_mode = mode;
    }

    /// Lets time pass, ringing the timer whenever it is due.
    pub fn wait(&mut self, millis: u64) {
        let end = self.mono + millis;
        for _ in 0..100_000 {
            match self.pipeline.wake_at() {
                Some(time) if time.0 <= end => {
                    self.mono = self.mono.max(time.0);
                    self.give(Input::Wake);
                }
                _ => {
                    self.mono = end;
                    return;
                }
            }
        }
        panic!("wake_at makes no progress: {:?} at {}", self.pipeline.wake_at(), self.mono);
    }

    /// The host's task is over: what is due at once happens.
    pub fn turn(&mut self) {
        self.wait(0);
    }

    /// One event with a number.
    pub fn log(&mut self, n: u64) {
        self.event("event", &[("n", Field::Number(n as f64))]);
    }

    pub fn event(&mut self, name: &str, fields: &[(&str, Field<'_>)]) {
        let at = self.now().wall;
        self.give(Input::Event { at, name, fields });
    }

    pub fn expose(&mut self, experiment_id: &str) {
        let at = self.now().wall;
        let exposure = Exposure { experiment_id, variation_id: 1, ..Exposure::default() };
        self.give(Input::Exposure { at, exposure });
    }

    /// Requests since the last call.
    pub fn sent(&mut self) -> Vec<Sent> {
        core::mem::take(&mut self.sent)
    }

    pub fn has_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    /// The only request since the last call.
    pub fn sent_one(&mut self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "one request: {sent:?}");
        sent.remove(0)
    }

    pub fn answer(&mut self, sent: &Sent, status: u16) {
        self.answer_with(sent, status, None);
    }

    pub fn answer_with(&mut self, sent: &Sent, status: u16, retry_after: Option<&str>) {
        self.respond(sent, status, retry_after, Content::default());
    }

    pub fn answer_saying(&mut self, sent: &Sent, status: u16, content: Content<'_>) {
        self.respond(sent, status, None, content);
    }

    fn respond(
        &mut self,
        sent: &Sent,
        status: u16,
        retry_after: Option<&str>,
        content: Content<'_>,
    ) {
        let authorized = sent.authorize;
        let outcome = Outcome::Response { status, retry_after, authorized, content };
        self.give(Input::Exported { id: sent.id, outcome });
    }

    /// Only the head of an answer, a success, has come.
    pub fn accept(&mut self, sent: &Sent) {
        self.give(Input::Exported { id: sent.id, outcome: Outcome::Accepted });
    }

    pub fn fail(&mut self, sent: &Sent) {
        self.give(Input::Exported { id: sent.id, outcome: Outcome::NetworkError });
    }

    pub fn flush(&mut self, timeout_millis: u64) {
        self.give(Input::Flush { id: FlushId(1), timeout_millis });
    }

    pub fn shutdown(&mut self, timeout_millis: u64) {
        self.give(Input::Shutdown { id: FlushId(2), timeout_millis });
    }

    pub fn ledger(&self) -> Ledger {
        self.pipeline.ledger()
    }

    pub fn dropped(&self, reason: Reason) -> u64 {
        self.ledger().dropped.0[reason as usize]
    }

    pub fn stored_events(&self) -> u64 {
        self.store.borrow().records.values().map(|kept| u64::from(kept.entry.events)).sum()
    }

    /// `stats()`, which must be JSON.
    pub fn stats(&self) -> serde_json::Value {
        let mut text = vec![b'{'];
        self.pipeline.write_stats(&mut text);
        text.push(b'}');
        serde_json::from_slice(&text).expect("stats are JSON")
    }

    pub fn in_force(&self, field: &str) -> serde_json::Value {
        self.stats()["config"]["batch"][field].clone()
    }
}

fn sent(export: Export, format: Format) -> Sent {
    Sent {
        id: export.id,
        body: otlp::read(&gunzip::plain(&export), format),
        url: export.url,
        bytes: export.body.len(),
        authorize: export.authorize,
        keepalive: export.keepalive,
    }
}
