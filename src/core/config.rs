//! The configuration that can change while running: what each field takes, which layer wins.
//!
//! A field has up to three values: from `init`, from `updateConfig` (remote configuration), and from
//! the environment. The first of these that is there is in force, else the default.

use alloc::string::String;
use alloc::vec::Vec;

use super::time::UnixMillis;
use super::url::{self, Endpoint};

/// Where a value comes from; the earlier one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// What `init` was given.
    Options,
    /// `updateConfig`.
    Remote,
    /// Environment variables, or what the host knows by itself (a page's own origin).
    Environment,
}

const LAYERS: usize = 3;
/// Below all layers.
const DEFAULTS: usize = LAYERS;

/// A JavaScript value as far as configuration cares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// The field was not there: nothing is said about it.
    Absent,
    /// Back to what a lower layer says, or to the default.
    Null,
    /// For a switch.
    Bool(bool),
    /// Any double; a field takes whole numbers within its range.
    Number(f64),
    /// For a path, a URL, or a word.
    Text(&'a str),
    /// An object, a function, a symbol, …
    Other,
}

/// One entry of a patch, flattened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting<'a> {
    /// `batch: { name: value }`.
    Batch {
        /// As in JavaScript: `maxQueueSize`.
        name: &'a str,
        /// Null: back to a lower layer's.
        value: Value<'a>,
    },
    /// `batch: null`: every field of it.
    BatchReset,
    /// `sampling: { event: { sample_rate: rate, by } }`; a null `rate` takes the entry away.
    Sampling {
        /// The event's name.
        event: &'a str,
        /// From 0 to 1; what is no such number logs all events of the name.
        rate: Value<'a>,
        /// `'event'`, as without it, or `'session'`.
        by: Value<'a>,
    },
    /// `sampling: null`: every entry.
    SamplingReset,
    /// `killed: switch`, or `killed: { until, stored }` with `switch` absent.
    Killed {
        /// True: for good. False: not at all, whatever a lower layer says.
        switch: Value<'a>,
        /// Milliseconds since 1970.
        until: Value<'a>,
        /// `'keep'`, as without it, or `'erase'`.
        stored: Value<'a>,
    },
    /// A key that this version doesn't know, or a group of the wrong type.
    Unknown {
        /// Where it was in the patch: `batch.maxQueue`.
        path: &'a str,
        /// Why it is not taken.
        reason: &'static str,
    },
}

/// What a patch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigReport {
    /// Paths whose value in force is another one now: `batch.maxQueueSize`.
    pub changed: Vec<String>,
    /// Paths that were not taken, each with the reason; the rest applied.
    pub rejected: Vec<(String, String)>,
}

/// A number among the fields of `batch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Number {
    ScheduledDelayMillis,
    MaxExportBatchSize,
    MaxExportBatchBytes,
    MaxQueueSize,
    MaxQueueBytes,
    MaxAttempts,
    ExportTimeoutMillis,
    BaseBackoffMillis,
    MaxBackoffMillis,
    MaxStoreBytes,
    MaxStoreAgeMillis,
}

/// A field of `batch`.
struct Field {
    name: &'static str,
    kind: Kind,
    min: u64,
    max: u64,
    default: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    /// Held as 0 or 1.
    Switch,
    Path,
    BaseUrl,
}

const fn number(name: &'static str, min: u64, max: u64, default: u64) -> Field {
    Field { name, kind: Kind::Number, min, max, default }
}

const fn switch(name: &'static str, default: bool) -> Field {
    Field { name, kind: Kind::Switch, min: 0, max: 1, default: default as u64 }
}

const fn text(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, min: 0, max: 0, default: 0 }
}

/// First in the order of [`Number`]. The names and defaults are OpenTelemetry's where it has the field.
static FIELDS: [Field; 15] = [
    number("scheduledDelayMillis", 10, 3_600_000, 10_000),
    number("maxExportBatchSize", 1, 10_000, 200),
    number("maxExportBatchBytes", 1_024, 16 << 20, 512 << 10),
    number("maxQueueSize", 1, 1_000_000, 8_192),
    number("maxQueueBytes", 1_024, 256 << 20, 8 << 20),
    number("maxAttempts", 1, 100, 8),
    number("exportTimeoutMillis", 10, 600_000, 10_000),
    number("baseBackoffMillis", 1, 600_000, 500),
    number("maxBackoffMillis", 1, 86_400_000, 30_000),
    number("maxStoreBytes", 0, 1 << 40, 50 << 20),
    number("maxStoreAgeMillis", 1_000, 31_536_000_000, 604_800_000),
    switch("skipAuth", false),
    switch("authFallback", true),
    text("path", Kind::Path),
    text("baseUrl", Kind::BaseUrl),
];

const SKIP_AUTH: usize = Number::MaxStoreAgeMillis as usize + 1;
const AUTH_FALLBACK: usize = SKIP_AUTH + 1;
const PATH: usize = AUTH_FALLBACK + 1;
const BASE_URL: usize = PATH + 1;
/// No field of `batch`, but held like one.
const KILLED: usize = FIELDS.len();

/// How one event name is sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SampleRate {
    pub(crate) rate: f64,
    /// Decide once per session and name.
    pub(crate) by_session: bool,
}

/// The kill switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kill {
    pub(crate) until: UnixMillis,
    pub(crate) erase: bool,
}

impl Kill {
    pub(crate) fn holds(self, wall: UnixMillis) -> bool {
        wall < self.until
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Held {
    Number(u64),
    Path(String),
    Base(Endpoint),
    Kill(Kill),
}

/// What one layer says of each field, and of the kill switch.
type Values = [Option<Held>; FIELDS.len() + 1];

/// Sorted by event name. `None` says: log all of them.
type Sampling = Vec<(String, Option<SampleRate>)>;

/// At most this many names can be sampled: a remote configuration can't fill the memory.
const SAMPLED_NAMES: usize = 10_000;

/// What each layer says, and what follows from it.
#[derive(Clone, Debug)]
pub struct Config {
    layers: [Values; LAYERS + 1],
    sampling: [Sampling; LAYERS],
    /// Origins that events may go to; `None` leaves only the host's own choice.
    allowed: Option<Vec<Endpoint>>,
    /// The numbers and switches that are in force, for whoever asks at each event.
    numbers: [u64; PATH],
}

impl Config {
    /// Batches go to this path unless a layer says otherwise.
    pub fn new(path: &str) -> Self {
        let mut config = Self {
            layers: Default::default(),
            sampling: Default::default(),
            allowed: None,
            numbers: core::array::from_fn(|index| FIELDS[index].default),
        };
        let defaults = &mut config.layers[DEFAULTS];
        for (held, number) in defaults.iter_mut().zip(config.numbers) {
            *held = Some(Held::Number(number));
        }
        defaults[PATH] = Some(Held::Path(String::from(path)));
        defaults[KILLED] = Some(Held::Kill(Kill::default()));
        config
    }

    /// Restricts where events may go. Texts that are no origins are returned, and allow nothing.
    pub fn allow_origins<'a>(&mut self, origins: &[&'a str]) -> Vec<&'a str> {
        let mut allowed = Vec::new();
        let mut bad = Vec::new();
        for origin in origins {
            match Endpoint::parse(origin) {
                Ok(endpoint) => allowed.push(endpoint),
                Err(_) => bad.push(*origin),
            }
        }
        self.allowed = Some(allowed);
        bad
    }

    pub(crate) fn get(&self, field: Number) -> u64 {
        self.numbers[field as usize]
    }

    pub(crate) fn skip_auth(&self) -> bool {
        self.numbers[SKIP_AUTH] != 0
    }

    pub(crate) fn auth_fallback(&self) -> bool {
        self.numbers[AUTH_FALLBACK] != 0
    }

    pub(crate) fn base(&self) -> Option<&Endpoint> {
        match self.in_force(BASE_URL) {
            Some(Held::Base(base)) => Some(base),
            _ => None,
        }
    }

    /// The address that batches are posted to, once a `baseUrl` is known.
    pub fn url(&self) -> Option<String> {
        let mut url = String::from(self.base()?.as_str());
        if let Some(Held::Path(path)) = self.in_force(PATH) {
            url.push_str(path);
        }
        Some(url)
    }

    pub(crate) fn killed(&self) -> Kill {
        match self.in_force(KILLED) {
            Some(Held::Kill(kill)) => *kill,
            _ => Kill::default(),
        }
    }

    /// How events of this name are sampled; `None` logs all.
    pub(crate) fn sample_rate(&self, event: &str) -> Option<SampleRate> {
        self.sampling.iter().find_map(|entries| {
            let index = find_sampling(entries, event).ok()?;
            entries.get(index).map(|(_, rate)| *rate)
        })?
    }

    /// Every field that is in force, as members of a JSON object: `"batch":{…},"sampling":{…},…`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        use super::json::{write_number, write_text, write_u64};
        out.extend_from_slice(b"\"batch\":");
        let mut before = b'{';
        for (index, field) in FIELDS.iter().enumerate() {
            let Some(held) = self.in_force(index) else { continue };
            out.push(core::mem::replace(&mut before, b','));
            write_text(out, field.name);
            out.push(b':');
            match held {
                Held::Number(1) if field.kind == Kind::Switch => out.extend_from_slice(b"true"),
                Held::Number(_) if field.kind == Kind::Switch => out.extend_from_slice(b"false"),
                Held::Number(number) => write_u64(out, *number),
                Held::Path(path) => write_text(out, path),
                Held::Base(base) => write_text(out, base.as_str()),
                Held::Kill(_) => {}
            }
        }
        out.extend_from_slice(b"},\"sampling\":{");
        let mut first = true;
        for (layer, entries) in self.sampling.iter().enumerate() {
            for (event, sample) in entries {
                // A name that two layers have is written where it is in force: at the first of them.
                let Some(sample) = sample.filter(|_| !self.samples_above(layer, event)) else {
                    continue;
                };
                if !core::mem::take(&mut first) {
                    out.push(b',');
                }
                write_text(out, event);
                out.extend_from_slice(b":{\"sample_rate\":");
                write_number(out, sample.rate);
                if sample.by_session {
                    out.extend_from_slice(b",\"by\":\"session\"");
                }
                out.push(b'}');
            }
        }
        out.extend_from_slice(b"},\"killed\":");
        let kill = self.killed();
        if kill == Kill::default() {
            out.extend_from_slice(b"false");
        } else if kill.until == UnixMillis::MAX && !kill.erase {
            out.extend_from_slice(b"true");
        } else {
            out.extend_from_slice(b"{\"until\":");
            write_u64(out, kill.until.0);
            out.extend_from_slice(if kill.erase { b",\"stored\":\"erase\"}" } else { b"}" });
        }
    }

    /// The layer that each field of `batch`, and then the kill switch, has its value from, as a digit.
    #[cfg(feature = "inspect")]
    pub(crate) fn sources(&self) -> impl Iterator<Item = u8> {
        (0..=KILLED).map(|index| {
            let layer = self.layers.iter().position(|values| values[index].is_some());
            b'0' + layer.unwrap_or(DEFAULTS) as u8
        })
    }

    /// Takes each setting that is good, and tells which changed what is in force.
    pub fn apply(&mut self, layer: Layer, settings: &[Setting<'_>]) -> ConfigReport {
        let mut report = ConfigReport::default();
        for setting in settings {
            match *setting {
                Setting::BatchReset => {
                    for Field { name, .. } in &FIELDS {
                        self.take(layer, &Setting::Batch { name, value: Value::Null }, &mut report);
                    }
                }
                Setting::SamplingReset => {
                    let entries = core::mem::take(&mut self.sampling[layer as usize]);
                    let changed =
                        entries.iter().filter(|(event, rate)| self.sample_rate(event) != *rate);
                    report.changed.extend(changed.map(|(event, _)| join("sampling.", event)));
                }
                _ => self.take(layer, setting, &mut report),
            }
        }
        report
    }

    fn take(&mut self, layer: Layer, setting: &Setting<'_>, report: &mut ConfigReport) {
        match self.set(layer, setting) {
            Ok(true) => report.changed.push(path_of(setting)),
            Ok(false) => {}
            Err(refusal) => report.rejected.push((path_of(setting), refusal.text())),
        }
    }

    /// Whether the setting changed what is in force, or why it was not taken.
    fn set(&mut self, layer: Layer, setting: &Setting<'_>) -> Result<bool, Refusal> {
        match *setting {
            Setting::Batch { value: Value::Absent, .. } => Ok(false),
            Setting::Batch { name, value } => {
                let index = FIELDS.iter().position(|field| field.name == name).ok_or(UNKNOWN)?;
                let held = parse(&FIELDS[index], value)?;
                if let Some(Held::Base(base)) = &held {
                    self.check_target(layer, base)?;
                }
                self.put(layer, index, held)
            }
            Setting::Sampling { event, rate, by } => self.set_sampling(layer, event, rate, by),
            Setting::Killed { switch, until, stored } => {
                let kill = parse_kill(switch, until, stored)?;
                self.put(layer, KILLED, kill.map(Held::Kill))
            }
            Setting::Unknown { reason, .. } => Err(reason.into()),
            Setting::BatchReset | Setting::SamplingReset => Ok(false),
        }
    }

    /// Puts a layer's value in its place.
    fn put(&mut self, layer: Layer, index: usize, held: Option<Held>) -> Result<bool, Refusal> {
        // That the environment is overridden is its purpose; of a patch the host should know.
        let options = &self.layers[Layer::Options as usize];
        if layer == Layer::Remote && held.is_some() && options[index].is_some() {
            return Err(SHADOWED.into());
        }
        let before = self.in_force(index).cloned();
        self.layers[layer as usize][index] = held;
        let after = self.in_force(index);
        let changed = before.as_ref() != after;
        if let Some(Held::Number(number)) = after {
            self.numbers[index] = *number;
        }
        Ok(changed)
    }

    fn set_sampling(
        &mut self,
        layer: Layer,
        event: &str,
        rate: Value<'_>,
        by: Value<'_>,
    ) -> Result<bool, Refusal> {
        if rate != Value::Null && self.samples_above(layer as usize, event) {
            return Err(SHADOWED.into());
        }
        let by_session = match by {
            Value::Absent | Value::Null | Value::Text("event") => false,
            Value::Text("session") => true,
            _ => return Err("`by` must be 'event' or 'session'".into()),
        };
        let before = self.sample_rate(event);
        let entries = &mut self.sampling[layer as usize];
        let found = find_sampling(entries, event);
        let (sample, problem) = match rate {
            Value::Null => {
                if let Ok(index) = found {
                    entries.remove(index);
                }
                return Ok(before != self.sample_rate(event));
            }
            Value::Number(rate) if (0.0..=1.0).contains(&rate) => {
                (Some(SampleRate { rate, by_session }), Ok(()))
            }
            // A broken rate must not silence an event: log it, add nothing, and say so.
            _ => (None, Err("sample_rate must be a number from 0 to 1; all are logged".into())),
        };
        match found {
            Ok(index) => {
                if let Some(entry) = entries.get_mut(index) {
                    entry.1 = sample;
                }
            }
            Err(_) if entries.len() >= SAMPLED_NAMES => {
                return Err("more than 10,000 sampled names".into());
            }
            Err(index) => entries.insert(index, (String::from(event), sample)),
        }
        problem.map(|()| before != self.sample_rate(event))
    }

    /// A patch can't turn events toward another host.
    fn check_target(&self, layer: Layer, base: &Endpoint) -> Result<(), &'static str> {
        let among = |origins: &[Endpoint]| origins.iter().any(|origin| origin.same_origin(base));
        if let Some(allowed) = &self.allowed {
            return if among(allowed) { Ok(()) } else { Err(FOREIGN) };
        }
        let own = |layer: Layer| match &self.layers[layer as usize][BASE_URL] {
            Some(Held::Base(base)) => Some(base),
            _ => None,
        };
        let host = own(Layer::Options).or(own(Layer::Environment));
        if layer == Layer::Remote && !host.is_some_and(|host| host.same_origin(base)) {
            return Err(FOREIGN);
        }
        Ok(())
    }

    fn samples_above(&self, layer: usize, event: &str) -> bool {
        self.sampling.iter().take(layer).any(|entries| find_sampling(entries, event).is_ok())
    }

    fn in_force(&self, index: usize) -> Option<&Held> {
        self.layers.iter().find_map(|values| values[index].as_ref())
    }
}

const UNKNOWN: &str = "unknown key; ignored";
const SHADOWED: &str = "init sets it, which wins over updateConfig";
const FOREIGN: &str = "its origin is not the host's own, nor named in allowedOrigins";

/// Why a value is not taken.
enum Refusal {
    Says(&'static str),
    Range { min: u64, max: u64 },
}

impl Refusal {
    fn text(self) -> String {
        match self {
            Self::Says(reason) => String::from(reason),
            Self::Range { min, max } => {
                let mut text = Vec::from(&b"must be a whole number from "[..]);
                super::json::write_u64(&mut text, min);
                text.extend_from_slice(b" to ");
                super::json::write_u64(&mut text, max);
                String::from_utf8(text).unwrap_or_default()
            }
        }
    }
}

impl From<&'static str> for Refusal {
    fn from(reason: &'static str) -> Self {
        Self::Says(reason)
    }
}

fn join(left: &str, right: &str) -> String {
    let mut text = String::from(left);
    text.push_str(right);
    text
}

fn path_of(setting: &Setting<'_>) -> String {
    match *setting {
        Setting::Batch { name, .. } => join("batch.", name),
        Setting::Sampling { event, .. } => join("sampling.", event),
        Setting::Killed { .. } => String::from("killed"),
        Setting::Unknown { path, .. } => String::from(path),
        Setting::BatchReset => String::from("batch"),
        Setting::SamplingReset => String::from("sampling"),
    }
}

fn find_sampling(entries: &Sampling, event: &str) -> Result<usize, usize> {
    entries.binary_search_by(|(name, _)| name.as_str().cmp(event))
}

fn parse(field: &Field, value: Value<'_>) -> Result<Option<Held>, Refusal> {
    let &Field { kind, min, max, .. } = field;
    Ok(Some(match (kind, value) {
        (_, Value::Null) => return Ok(None),
        (Kind::Number, Value::Number(number))
            if number >= min as f64 && number <= max as f64 && number as u64 as f64 == number =>
        {
            Held::Number(number as u64)
        }
        (Kind::Switch, Value::Bool(on)) => Held::Number(u64::from(on)),
        (Kind::Path, Value::Text(path)) if url::is_path(path) => Held::Path(String::from(path)),
        (Kind::BaseUrl, Value::Text(url)) => Held::Base(Endpoint::parse(url)?),
        (Kind::Number, _) => return Err(Refusal::Range { min, max }),
        (Kind::Switch, _) => return Err("must be true or false".into()),
        (Kind::Path, _) => return Err(url::PATH.into()),
        (Kind::BaseUrl, _) => return Err("must be a URL as text".into()),
    }))
}

const UNTIL: &str = "`until` must be milliseconds since 1970";

fn parse_kill(
    switch: Value<'_>,
    until: Value<'_>,
    stored: Value<'_>,
) -> Result<Option<Kill>, &'static str> {
    match switch {
        Value::Null => return Ok(None),
        Value::Bool(true) => {
            return Ok(Some(Kill { until: UnixMillis::MAX, erase: false }));
        }
        Value::Bool(false) => return Ok(Some(Kill::default())),
        Value::Absent => {}
        _ => return Err("must be true, false or { until, stored }"),
    }
    let Value::Number(until) = until else { return Err(UNTIL) };
    if !until.is_finite() {
        return Err(UNTIL);
    }
    let erase = match stored {
        Value::Absent | Value::Null | Value::Text("keep") => false,
        Value::Text("erase") => true,
        _ => return Err("`stored` must be 'keep' or 'erase'"),
    };
    Ok(Some(Kill { until: UnixMillis::from_host(until), erase }))
}
