//! What the bytes of an input say: the host, and step by step what happens to it.

use arbitrary::Arbitrary;
use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::context::{ContextPatch, Identity, Scalar, Slot};
use wasm_telemetry::core::io::{Consent, Content, Field, Outcome};

#[derive(Arbitrary, Debug)]
pub struct Script<'a> {
    pub disabled: bool,
    pub consent: u8,
    pub write_ahead: bool,
    pub exit: u8,
    pub seed: u8,
    pub base: bool,
    pub steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
pub enum Step<'a> {
    Event { at: At, name: &'a str, fields: Vec<(&'a str, AnyField<'a>)> },
    Burst(u8),
    Register { name: &'a str, keys: Vec<(&'a str, bool)> },
    Shaped { at: At, shape: u8, values: Vec<f64> },
    ForgetShapes,
    Exposure { at: At, id: &'a str, variation: u32, texts: [Option<&'a str>; 3] },
    Context(Vec<(u8, &'a str, AnyScalar<'a>)>),
    Consent(u8),
    Online(bool),
    Wait(u16),
    Sleep(u32),
    Jump(i64),
    Export { which: u8, outcome: AnyOutcome<'a> },
    StrayExport { id: u32, outcome: AnyOutcome<'a> },
    StoreReady,
    Store { which: u8, answer: Answer<'a> },
    StrayStore { id: u32, answer: Answer<'a> },
    Work(u8),
    Plant(Planted<'a>),
    Leave { how: u8, budget: u32 },
    Flush { shutdown: bool, timeout: u16 },
    Number { layer: u8, field: u8, value: u32 },
    Configure { layer: u8, settings: Vec<AnySetting<'a>> },
    AllowOrigins(Vec<&'a str>),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum At {
    Now,
    Any(f64),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum AnyField<'a> {
    Number(f64),
    Bool(bool),
    Text(&'a str),
    Refused,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum AnyScalar<'a> {
    Text(&'a str),
    Number(f64),
    Bool(bool),
    Gone,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum AnyOutcome<'a> {
    Taken,
    Status(u16),
    Answer { status: u8, retry_after: Option<&'a str>, authorized: bool },
    NetworkError,
    AuthFailed,
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Answer<'a> {
    /// What a store that works says.
    Honest,
    /// The same, with the record's bytes changed.
    Garbled {
        at: u16,
        flip: u8,
        cut: u16,
        stamped: bool,
    },
    Claimed(&'a [u8]),
    Listed(Vec<AnyEntry<'a>>),
    Done,
    Lost,
    Full,
    Failed,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct AnyEntry<'a> {
    pub key: AnyKey<'a>,
    pub lease: Lease,
    pub attempts: u32,
    pub events: u32,
    pub bytes: u32,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum AnyKey<'a> {
    /// One that the pipeline used.
    Used(u8),
    Made {
        age: u32,
        id: u8,
    },
    Text(&'a str),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Lease {
    Free,
    Near(i32),
    Any(u64),
}

/// A record that somebody else left, sound or not.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Planted<'a> {
    pub entry: AnyEntry<'a>,
    pub exposures: u8,
    pub honest: bool,
    pub flip: Option<(u16, u8)>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum AnySetting<'a> {
    Batch { name: u8, value: AnyValue<'a> },
    Named { name: &'a str, value: AnyValue<'a> },
    Sampling { event: &'a str, rate: AnyValue<'a>, by: AnyValue<'a> },
    Killed { switch: AnyValue<'a>, until: AnyValue<'a>, stored: AnyValue<'a> },
    Kill { after: i32, erase: bool },
    BatchReset,
    SamplingReset,
    Unknown(&'a str),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum AnyValue<'a> {
    Whole(u32),
    Number(f64),
    Bool(bool),
    Text(&'a str),
    Known(u8),
    Null,
    Absent,
    Other,
}

pub const BASE: &str = "https://t.example.com";
pub const TEXTS: [&str; 8] = [
    BASE,
    "https://t.example.com/in",
    "http://localhost:1",
    "/x",
    "session",
    "erase",
    "keep",
    "//",
];
pub const FIELDS: [&str; 15] = [
    "scheduledDelayMillis",
    "maxExportBatchSize",
    "maxExportBatchBytes",
    "maxQueueSize",
    "maxQueueBytes",
    "maxAttempts",
    "exportTimeoutMillis",
    "baseBackoffMillis",
    "maxBackoffMillis",
    "maxStoreBytes",
    "maxStoreAgeMillis",
    "skipAuth",
    "authFallback",
    "path",
    "baseUrl",
];
pub const STATUSES: [u16; 10] = [200, 400, 401, 403, 408, 413, 429, 500, 503, 302];

pub fn consent(which: u8) -> Consent {
    match which % 8 {
        6 => Consent::Pending,
        7 => Consent::Denied,
        _ => Consent::Granted,
    }
}

pub fn layer(which: u8) -> Layer {
    [Layer::Remote, Layer::Options, Layer::Environment][usize::from(which % 3)]
}

pub fn field(any: AnyField<'_>) -> Field<'_> {
    match any {
        AnyField::Number(number) => Field::Number(number),
        AnyField::Bool(value) => Field::Bool(value),
        AnyField::Text(text) => Field::Text(text),
        AnyField::Refused => Field::Refused("is an object"),
    }
}

pub fn patch<'a>((slot, key, value): &(u8, &'a str, AnyScalar<'a>)) -> ContextPatch<'a> {
    let slot = match slot % 7 {
        0 => Slot::Core(key),
        1 => Slot::User(key),
        index => Slot::Identity(Identity::ALL[usize::from(index) - 2]),
    };
    let value = match *value {
        AnyScalar::Text(text) => Some(Scalar::Text(text.into())),
        AnyScalar::Number(number) => Some(Scalar::Number(number)),
        AnyScalar::Bool(value) => Some(Scalar::Bool(value)),
        AnyScalar::Gone => None,
    };
    ContextPatch { slot, value }
}

pub fn reply(any: AnyOutcome<'_>) -> Outcome<'_> {
    let (status, retry_after, authorized) = match any {
        AnyOutcome::Taken => (200, None, true),
        AnyOutcome::Status(status) => (status, None, true),
        AnyOutcome::Answer { status, retry_after, authorized } => {
            (STATUSES[usize::from(status) % STATUSES.len()], retry_after, authorized)
        }
        AnyOutcome::NetworkError => return Outcome::NetworkError,
        AnyOutcome::AuthFailed => return Outcome::AuthFailed,
    };
    Outcome::Response { status, retry_after, authorized, content: Content::default() }
}

pub fn setting<'a>(any: &AnySetting<'a>, wall: u64) -> Setting<'a> {
    match *any {
        AnySetting::Batch { name, value } => {
            Setting::Batch { name: FIELDS[usize::from(name) % FIELDS.len()], value: json(value) }
        }
        AnySetting::Named { name, value } => Setting::Batch { name, value: json(value) },
        AnySetting::Sampling { event, rate, by } => {
            Setting::Sampling { event, rate: json(rate), by: json(by) }
        }
        AnySetting::Killed { switch, until, stored } => {
            Setting::Killed { switch: json(switch), until: json(until), stored: json(stored) }
        }
        AnySetting::Kill { after, erase } => Setting::Killed {
            switch: Value::Absent,
            until: Value::Number(wall.saturating_add_signed(after.into()) as f64),
            stored: Value::Text(if erase { "erase" } else { "keep" }),
        },
        AnySetting::BatchReset => Setting::BatchReset,
        AnySetting::SamplingReset => Setting::SamplingReset,
        AnySetting::Unknown(path) => Setting::Unknown { path, reason: "unknown key; ignored" },
    }
}

pub fn json(any: AnyValue<'_>) -> Value<'_> {
    match any {
        AnyValue::Whole(number) => Value::Number(number.into()),
        AnyValue::Number(number) => Value::Number(number),
        AnyValue::Bool(value) => Value::Bool(value),
        AnyValue::Text(text) => Value::Text(text),
        AnyValue::Known(index) => Value::Text(TEXTS[usize::from(index) % TEXTS.len()]),
        AnyValue::Null => Value::Null,
        AnyValue::Absent => Value::Absent,
        AnyValue::Other => Value::Other,
    }
}
