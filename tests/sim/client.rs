//! One instance of the pipeline with what its driver keeps beside it.

use std::collections::{HashMap, VecDeque};

use wasm_telemetry::core::config::Layer;
use wasm_telemetry::core::io::{Consent, OpId};
use wasm_telemetry::core::ledger::Ledger;
use wasm_telemetry::core::pipeline::{Pipeline, Setup};
use wasm_telemetry::core::shapes::{FieldKind, ShapeId};
use wasm_telemetry::core::store::StoreOp;
use wasm_telemetry::core::time::Now;

use super::model::{ContextModel, SamplingModel};

pub struct Client {
    /// Names this instance; the next one in its place has another.
    pub id: u32,
    pub pipeline: Pipeline,
    pub context: ContextModel,
    pub sampling: SamplingModel,
    pub consent: Consent,
    pub online: bool,
    /// Until when the kill switch holds.
    pub killed_until: u64,
    pub shapes: HashMap<(String, String), ShapeId>,
    /// Store operations commanded and not yet carried out.
    pub operations: VecDeque<(OpId, StoreOp)>,
    /// When the last of them is carried out.
    pub store_busy_until: u64,
    pub store_open: bool,
    pub timer: Option<u64>,
    pub timer_number: u64,
    /// Wake-ups in a row at one time.
    pub wakes: (u64, u32),
    /// Requests by their export's number.
    pub exports: HashMap<u32, usize>,
    pub flushes: HashMap<u32, u64>,
    pub last_flush: u32,
    pub shut_down: bool,
    pub stopped: bool,
    /// Some setting or state made it lawful that an event is not stored.
    pub excused: bool,
}

impl Client {
    pub fn new(id: u32, now: Now, setup: Setup) -> Self {
        Self {
            id,
            consent: setup.consent,
            pipeline: Pipeline::new(now, setup),
            context: ContextModel::default(),
            sampling: SamplingModel::default(),
            online: true,
            killed_until: 0,
            shapes: HashMap::new(),
            operations: VecDeque::new(),
            store_busy_until: 0,
            store_open: false,
            timer: None,
            timer_number: 0,
            wakes: (0, 0),
            exports: HashMap::new(),
            flushes: HashMap::new(),
            last_flush: 0,
            shut_down: false,
            stopped: false,
            excused: false,
        }
    }

    pub fn may_send(&self, now: Now) -> bool {
        self.consent == Consent::Granted && self.killed_until <= now.wall.0
    }

    pub fn shape(&mut self, name: &str, fields: &[(&str, FieldKind)]) -> Option<ShapeId> {
        let keys: Vec<&str> = fields.iter().map(|(key, _)| *key).collect();
        let key = (String::from(name), keys.join("\n"));
        if let Some(id) = self.shapes.get(&key) {
            return Some(*id);
        }
        if self.pipeline.shapes_full() {
            self.pipeline.forget_shapes();
            self.shapes.clear();
        }
        let id = self.pipeline.shape(name, fields)?;
        self.shapes.insert(key, id);
        Some(id)
    }

    pub fn sampling_layer(&mut self, layer: Layer) -> &mut HashMap<String, Option<(f64, bool)>> {
        match layer {
            Layer::Options => &mut self.sampling.init,
            _ => &mut self.sampling.remote,
        }
    }
}

/// What is left of a client that is gone.
pub struct Past {
    pub ledger: Ledger,
}
