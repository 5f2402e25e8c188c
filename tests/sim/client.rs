//! One instance of the pipeline with what its driver keeps beside it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use wasm_telemetry::core::config::Layer;
use wasm_telemetry::core::io::{Consent, OpId};
use wasm_telemetry::core::pipeline::{Pipeline, Setup};
use wasm_telemetry::core::shapes::{FieldKind, ShapeId};
use wasm_telemetry::core::store::{StoreOp, StoreResult};
use wasm_telemetry::core::time::Now;

use super::health::Health;
use super::model::{ContextModel, SamplingModel};
use super::options::Own;
use super::world::Happening;

pub struct Client {
    /// Names this instance; the next one in its place has another.
    pub id: u32,
    pub own: Own,
    pub pipeline: Pipeline,
    pub limits: Limits,
    pub context: ContextModel,
    pub sampling: SamplingModel,
    pub consent: Consent,
    /// When its host last said so, by the wall; 0 if it never did.
    pub said_at: u64,
    pub online: bool,
    /// Until when the kill switch holds.
    pub killed_until: u64,
    pub shapes: HashMap<(String, String), ShapeId>,
    /// Store operations commanded and not yet carried out.
    pub operations: VecDeque<Operation>,
    /// Results that the pipeline has not heard of yet.
    pub results: VecDeque<(OpId, StoreResult)>,
    /// When the last operation is carried out, and when the last is answered.
    pub store_busy_until: u64,
    pub store_answers_until: u64,
    pub store_open: bool,
    /// When an operation last failed, or was answered late or never.
    pub store_failed_at: Option<u64>,
    pub timer: Option<u64>,
    pub timer_number: u64,
    /// Wake-ups in a row at one time.
    pub wakes: (u64, u32),
    /// Requests that are not over, by their export's number.
    pub exports: BTreeMap<u32, usize>,
    /// When each flush was asked for, and its deadline.
    pub flushes: HashMap<u32, (u64, u64)>,
    pub last_flush: u32,
    pub shut_down: bool,
    pub stopped: bool,
    /// Some setting or state made it lawful that an event is not stored.
    pub excused: bool,
    /// Neither timers nor results reach it, until it thaws.
    pub frozen: bool,
    pub held_back: Vec<Happening>,
    pub frozen_at: Option<u64>,
    pub thawed_at: Option<u64>,
    /// When it last could not do in time what it had to do.
    pub hindered_at: Option<u64>,
    pub health: Health,
    /// Bytes and events in memory when a limit was lowered or all of it was given to the store.
    pub surplus: (u64, u64),
}

pub struct Operation {
    pub id: OpId,
    pub op: StoreOp,
    pub commanded_at: u64,
    /// What a `Put` is to write.
    pub serials: Vec<u32>,
}

/// The numbers in force.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    pub queue_events: u64,
    pub queue_bytes: u64,
    pub batch_events: u64,
    pub batch_bytes: u64,
    pub store_bytes: u64,
    pub store_age: u64,
    pub timeout: u64,
    pub base_backoff: u64,
    pub most_backoff: u64,
    /// The highest that ever was.
    pub attempts: u64,
}

impl Client {
    pub fn new(id: u32, now: Now, setup: Setup, own: Own) -> Self {
        Self {
            id,
            own,
            consent: setup.consent.unwrap_or_default(),
            said_at: setup.consent.map_or(0, |_| now.wall.0),
            pipeline: Pipeline::new(now, setup),
            limits: Limits::default(),
            context: ContextModel::default(),
            sampling: SamplingModel::default(),
            online: true,
            killed_until: 0,
            shapes: HashMap::new(),
            operations: VecDeque::new(),
            results: VecDeque::new(),
            store_busy_until: 0,
            store_answers_until: 0,
            store_open: false,
            store_failed_at: None,
            timer: None,
            timer_number: 0,
            wakes: (0, 0),
            exports: BTreeMap::new(),
            flushes: HashMap::new(),
            last_flush: 0,
            shut_down: false,
            stopped: false,
            excused: false,
            frozen: false,
            held_back: Vec::new(),
            frozen_at: None,
            thawed_at: None,
            hindered_at: None,
            health: Health::default(),
            surplus: (0, 0),
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

    /// `stats()`, which must be JSON.
    pub fn stats(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stats_text()).expect("stats are JSON")
    }

    /// One number out of `stats()`, without reading all of it.
    pub fn stat(&self, name: &str) -> Option<u64> {
        let text = String::from_utf8(self.stats_text()).expect("stats are text");
        let (_, rest) = text.split_once(&format!("\"{name}\":"))?;
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        rest[..end].parse().ok()
    }

    fn stats_text(&self) -> Vec<u8> {
        let mut text = vec![b'{'];
        self.pipeline.write_stats(&mut text);
        text.push(b'}');
        text
    }

    /// Reads the numbers in force anew.
    pub fn note_limits(&mut self) -> serde_json::Value {
        let config = self.stats()["config"].clone();
        let number = |name: &str| config["batch"][name].as_u64().expect("a number is in force");
        self.limits = Limits {
            queue_events: number("maxQueueSize"),
            queue_bytes: number("maxQueueBytes"),
            batch_events: number("maxExportBatchSize"),
            batch_bytes: number("maxExportBatchBytes"),
            store_bytes: number("maxStoreBytes"),
            store_age: number("maxStoreAgeMillis"),
            timeout: number("exportTimeoutMillis"),
            base_backoff: number("baseBackoffMillis"),
            most_backoff: number("maxBackoffMillis"),
            attempts: number("maxAttempts").max(self.limits.attempts),
        };
        config
    }
}
