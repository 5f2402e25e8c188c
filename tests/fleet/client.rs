//! One client: a pipeline, its store, and what its driver keeps beside them.

use std::collections::VecDeque;

use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::context::Scalar;
use wasm_telemetry::core::io::{Command, Export, ExportId, Input, OpId};
use wasm_telemetry::core::pipeline::{Pipeline, Setup};
use wasm_telemetry::core::random::Rng;
use wasm_telemetry::core::shapes::{FieldKind, ShapeId, Staged};
use wasm_telemetry::core::store::{MemoryStore, StoreOp, StoreResult};
use wasm_telemetry::core::time::Now;

use super::endpoint::Reply;

/// Mean milliseconds between two events of a client.
const GAP: (f64, f64) = (5_000.0, 60_000.0);

pub struct Client {
    pub pipeline: Pipeline,
    store: MemoryStore,
    shape: ShapeId,
    mean_gap: f64,
    pub logged: u64,
    /// When the timer rings.
    pub timer: Option<u64>,
    /// The request under way, and when its answer comes.
    pub flight: Option<(ExportId, Reply, u64)>,
    /// Events in the store, as last counted.
    pub stored: u64,
}

impl Client {
    pub fn new(now: Now, rng: &mut Rng) -> Self {
        let mut pipeline = Pipeline::new(
            now,
            Setup {
                seed: core::array::from_fn(|_| rng.draw() as u8),
                enabled: true,
                resource: vec![("service.name".into(), Scalar::Text("shop".into()))],
                ..Setup::default()
            },
        );
        let base = Setting::Batch { name: "baseUrl", value: Value::Text("https://t.example.com") };
        pipeline.configure(now, Layer::Options, &[base], &mut Vec::new());
        let fields = [("items", FieldKind::Number), ("express", FieldKind::Bool)];
        let shape = pipeline.shape("checkout_started", &fields).expect("a lawful shape");
        Self {
            pipeline,
            store: MemoryStore::default(),
            shape,
            mean_gap: GAP.0 + rng.unit() * (GAP.1 - GAP.0),
            logged: 0,
            timer: None,
            flight: None,
            stored: 0,
        }
    }

    pub fn gap(&self, rng: &mut Rng) -> u64 {
        (-self.mean_gap * (1.0 - rng.unit()).ln()) as u64
    }

    pub fn log(&mut self, now: Now, requests: &mut Vec<Request>) {
        self.logged += 1;
        let (shape, values) = (self.shape, [self.logged as f64, 1.0]);
        self.give(now, Input::Shaped(Staged { at: now.wall, shape, values: &values }), requests);
    }

    /// The driver's rule: handle, carry out every command; the store answers at once.
    pub fn give(&mut self, now: Now, input: Input<'_>, requests: &mut Vec<Request>) {
        let mut commands = Vec::new();
        let mut answers: VecDeque<(OpId, StoreResult)> = VecDeque::new();
        self.pipeline.handle(now, input, &mut commands);
        loop {
            for command in commands.drain(..) {
                match command {
                    Command::Export(export) => requests.push(Request::Start(export)),
                    Command::Cancel(id) => requests.push(Request::GiveUp(id)),
                    Command::Store { id, op } => answers.push_back((id, self.store.apply(op))),
                    Command::Flushed { .. } | Command::Diagnose(_) => {}
                }
            }
            let Some((id, result)) = answers.pop_front() else {
                return;
            };
            self.pipeline.handle(now, Input::Stored { id, result }, &mut commands);
        }
    }

    pub fn stored_batches(&mut self) -> u64 {
        match self.store.apply(StoreOp::List { after: String::new() }) {
            StoreResult::Listed(entries) => entries.len() as u64,
            result => unreachable!("a listing is answered by {result:?}"),
        }
    }
}

/// What a client wants of the network.
pub enum Request {
    Start(Export),
    GiveUp(ExportId),
}
