//! The configuration that can change while running: what each field takes, which layer wins.
//!
//! A field has up to three values: from `init`, from `updateConfig` (remote configuration), and from
//! the environment. The first of these that is there is in force, else the default.

use alloc::string::String;
use alloc::vec::Vec;

use super::time::UnixMillis;
use super::url::Endpoint;

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

/// A JavaScript value as far as configuration cares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// The field was not there: nothing is said about it.
    Absent,
    /// Back to what a lower layer says, or to the default.
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a str),
    /// An object, a function, a symbol, …
    Other,
}

/// One entry of a patch, flattened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting<'a> {
    /// `batch: { name: value }`.
    Batch { name: &'a str, value: Value<'a> },
    /// `batch: null`: every field of it.
    BatchReset,
    /// `sampling: { event: { sample_rate: rate, by } }`; a null `rate` takes the entry away.
    Sampling { event: &'a str, rate: Value<'a>, by: Value<'a> },
    /// `sampling: null`: every entry.
    SamplingReset,
    /// `killed: switch`, or `killed: { until, stored }` with `switch` absent.
    Killed { switch: Value<'a>, until: Value<'a>, stored: Value<'a> },
    /// A key that this version doesn't know, or a group of the wrong type.
    Unknown { path: &'a str, reason: &'static str },
}

/// What a patch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigReport {
    pub changed: Vec<String>,
    pub rejected: Vec<(String, String)>,
}

/// A number among the fields of `batch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Number {
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

struct NumberField {
    name: &'static str,
    min: u64,
    max: u64,
    default: u64,
}

const fn number(name: &'static str, min: u64, max: u64, default: u64) -> NumberField {
    NumberField { name, min, max, default }
}

/// In the order of [`Number`]. The names and defaults are OpenTelemetry's where it has the field.
static NUMBERS: [NumberField; 11] = [
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
];

/// A switch among the fields of `batch`: name and default.
static SWITCHES: [(&str, bool); 2] = [("skipAuth", false), ("authFallback", true)];

const DEFAULT_PATH: &str = "/api/event_logging/batch";

/// How one event name is sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRate {
    pub rate: f64,
    /// Decide once per session and name.
    pub by_session: bool,
}

/// The kill switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kill {
    pub until: UnixMillis,
    pub erase: bool,
}

impl Kill {
    pub fn holds(self, wall: UnixMillis) -> bool {
        wall < self.until
    }
}

/// What one layer says.
#[derive(Clone, Debug, Default, PartialEq)]
struct Values {
    numbers: [Option<u64>; NUMBERS.len()],
    switches: [Option<bool>; SWITCHES.len()],
    path: Option<String>,
    base: Option<Endpoint>,
    killed: Option<Kill>,
    /// Sorted by event name. `None` says: log all of them.
    sampling: Vec<(String, Option<SampleRate>)>,
}

/// At most this many names can be sampled: a remote configuration can't fill the memory.
const SAMPLED_NAMES: usize = 10_000;

#[derive(Clone, Debug)]
pub struct Config {
    layers: [Values; LAYERS],
    /// Origins that events may go to; `None` leaves only the host's own choice.
    allowed: Option<Vec<Endpoint>>,
    /// What is in force, derived from the layers at each change.
    numbers: [u64; NUMBERS.len()],
}

impl Config {
    pub fn new() -> Self {
        let mut config = Self {
            layers: [Values::default(), Values::default(), Values::default()],
            allowed: None,
            numbers: [0; NUMBERS.len()],
        };
        config.settle();
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

    pub fn get(&self, field: Number) -> u64 {
        self.numbers[field as usize]
    }

    pub fn skip_auth(&self) -> bool {
        self.switch(0)
    }

    pub fn auth_fallback(&self) -> bool {
        self.switch(1)
    }

    pub fn path(&self) -> &str {
        self.first(|values| values.path.as_deref()).unwrap_or(DEFAULT_PATH)
    }

    pub fn base(&self) -> Option<&Endpoint> {
        self.first(|values| values.base.as_ref())
    }

    /// The address that batches are posted to, once a `baseUrl` is known.
    pub fn url(&self) -> Option<String> {
        let mut url = String::from(self.base()?.as_str());
        url.push_str(self.path());
        Some(url)
    }

    pub fn killed(&self) -> Kill {
        self.first(|values| values.killed).unwrap_or_default()
    }

    /// How events of this name are sampled; `None` logs all.
    pub fn sample_rate(&self, event: &str) -> Option<SampleRate> {
        self.first(|values| {
            let index = find_sampling(&values.sampling, event).ok()?;
            values.sampling.get(index).map(|(_, rate)| *rate)
        })
        .flatten()
    }

    /// Every field that is in force, as members of a JSON object: `"batch":{…},"sampling":{…},…`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        use super::json::{write_number, write_text, write_u64};
        out.extend_from_slice(b"\"batch\":{");
        for (field, value) in NUMBERS.iter().zip(self.numbers) {
            write_text(out, field.name);
            out.push(b':');
            write_u64(out, value);
            out.push(b',');
        }
        for (index, (name, _)) in SWITCHES.iter().enumerate() {
            write_text(out, name);
            out.extend_from_slice(if self.switch(index) { b":true," } else { b":false," });
        }
        out.extend_from_slice(b"\"path\":");
        write_text(out, self.path());
        if let Some(base) = self.base() {
            out.extend_from_slice(b",\"baseUrl\":");
            write_text(out, base.as_str());
        }
        out.extend_from_slice(b"},\"sampling\":{");
        let mut first = true;
        for layer in &self.layers {
            for (event, _) in &layer.sampling {
                // A name that two layers have is written where it is in force: at the first of them.
                let owner = self.layers.iter().find(|l| find_sampling(&l.sampling, event).is_ok());
                let Some(sample) = self.sample_rate(event) else {
                    continue;
                };
                if !owner.is_some_and(|owner| core::ptr::eq(owner, layer)) {
                    continue;
                }
                if !core::mem::take(&mut first) {
                    out.push(b',');
                }
                write_text(out, event);
                out.extend_from_slice(b":{\"sample_rate\":");
                write_number(out, sample.rate);
                out.extend_from_slice(if sample.by_session {
                    b",\"by\":\"session\"}"
                } else {
                    b"}"
                });
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

    /// Takes each setting that is good, and tells which changed what is in force.
    pub fn apply(&mut self, layer: Layer, settings: &[Setting<'_>]) -> ConfigReport {
        let mut report = ConfigReport::default();
        for setting in settings {
            match *setting {
                Setting::BatchReset => {
                    let names = NUMBERS.iter().map(|field| field.name);
                    let names = names.chain(SWITCHES.iter().map(|(name, _)| *name));
                    for name in names.chain(["path", "baseUrl"]) {
                        self.take(layer, &Setting::Batch { name, value: Value::Null }, &mut report);
                    }
                }
                Setting::SamplingReset => {
                    let entries = core::mem::take(&mut self.layer(layer).sampling);
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
        let before = self.in_force();
        match self.set(layer, setting) {
            Ok(resampled) if resampled || self.in_force() != before => {
                report.changed.push(path_of(setting));
            }
            Ok(_) => {}
            Err(reason) => report.rejected.push((path_of(setting), reason)),
        }
    }

    /// All that a setting may change, but for sampling.
    fn in_force(&self) -> (Values, [u64; NUMBERS.len()]) {
        let values = Values {
            switches: [Some(self.switch(0)), Some(self.switch(1))],
            path: Some(String::from(self.path())),
            base: self.base().cloned(),
            killed: Some(self.killed()),
            ..Values::default()
        };
        (values, self.numbers)
    }

    /// Whether the setting changed how events are sampled, or why it was not taken.
    fn set(&mut self, layer: Layer, setting: &Setting<'_>) -> Result<bool, String> {
        match *setting {
            Setting::Batch { value: Value::Absent, .. } => Ok(false),
            Setting::Batch { name: "path", value } => {
                let path = parse(value, parse_path)?;
                self.replace(layer, path, |values| &mut values.path)
            }
            Setting::Batch { name: "baseUrl", value } => {
                let base = parse(value, parse_endpoint)?;
                if let Some(base) = &base {
                    self.check_target(layer, base)?;
                }
                self.replace(layer, base, |values| &mut values.base)
            }
            Setting::Batch { name, value } => {
                if let Some(index) = SWITCHES.iter().position(|(switch, _)| *switch == name) {
                    let switch = parse(value, parse_bool)?;
                    return self.replace(layer, switch, |values| &mut values.switches[index]);
                }
                let Some(index) = NUMBERS.iter().position(|field| field.name == name) else {
                    return Err(String::from(UNKNOWN));
                };
                let number = parse(value, |value| parse_number(&NUMBERS[index], value))?;
                self.replace(layer, number, |values| &mut values.numbers[index])
            }
            Setting::Sampling { event, rate, by } => self.set_sampling(layer, event, rate, by),
            Setting::Killed { switch, until, stored } => {
                let kill = parse_kill(switch, until, stored)?;
                self.replace(layer, kill, |values| &mut values.killed)
            }
            Setting::Unknown { reason, .. } => Err(String::from(reason)),
            Setting::BatchReset | Setting::SamplingReset => Ok(false),
        }
    }

    /// Puts a layer's value in its place.
    fn replace<T>(
        &mut self,
        layer: Layer,
        value: Option<T>,
        slot: impl Fn(&mut Values) -> &mut Option<T>,
    ) -> Result<bool, String> {
        let mut above = self.layers.iter_mut().take(layer as usize);
        // That the environment is overridden is its purpose; of a patch the host should know.
        let patch = layer == Layer::Remote && value.is_some();
        if patch && above.any(|values| slot(values).is_some()) {
            return Err(String::from(SHADOWED));
        }
        *slot(self.layer(layer)) = value;
        self.settle();
        Ok(false)
    }

    fn set_sampling(
        &mut self,
        layer: Layer,
        event: &str,
        rate: Value<'_>,
        by: Value<'_>,
    ) -> Result<bool, String> {
        let above = self.layers.iter().take(layer as usize);
        if rate != Value::Null
            && above.into_iter().any(|values| find_sampling(&values.sampling, event).is_ok())
        {
            return Err(String::from(SHADOWED));
        }
        let by_session = match by {
            Value::Absent | Value::Null | Value::Text("event") => false,
            Value::Text("session") => true,
            _ => return Err(String::from("`by` must be 'event' or 'session'")),
        };
        let before = self.sample_rate(event);
        let entries = &mut self.layer(layer).sampling;
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
            _ => (
                None,
                Err(String::from("sample_rate must be a number from 0 to 1; all are logged")),
            ),
        };
        match found {
            Ok(index) => {
                if let Some(entry) = entries.get_mut(index) {
                    entry.1 = sample;
                }
            }
            Err(_) if entries.len() >= SAMPLED_NAMES => {
                return Err(String::from("more than 10,000 sampled names"));
            }
            Err(index) => entries.insert(index, (String::from(event), sample)),
        }
        problem.map(|()| before != self.sample_rate(event))
    }

    /// A patch can't turn events toward another host.
    fn check_target(&self, layer: Layer, base: &Endpoint) -> Result<(), String> {
        if let Some(allowed) = &self.allowed {
            return if allowed.iter().any(|origin| origin.same_origin(base)) {
                Ok(())
            } else {
                Err(String::from("its origin is not among allowedOrigins"))
            };
        }
        let own = |layer: Layer| self.layers[layer as usize].base.as_ref();
        let host = own(Layer::Options).or(own(Layer::Environment));
        if layer == Layer::Remote && !host.is_some_and(|host| host.same_origin(base)) {
            return Err(String::from(
                "it is another origin than the host's; name it in allowedOrigins to permit that",
            ));
        }
        Ok(())
    }

    fn settle(&mut self) {
        for (index, field) in NUMBERS.iter().enumerate() {
            self.numbers[index] =
                self.first(|values| values.numbers[index]).unwrap_or(field.default);
        }
    }

    fn switch(&self, index: usize) -> bool {
        self.first(|values| values.switches[index]).unwrap_or(SWITCHES[index].1)
    }

    fn layer(&mut self, layer: Layer) -> &mut Values {
        &mut self.layers[layer as usize]
    }

    fn first<'a, T>(&'a self, read: impl Fn(&'a Values) -> Option<T>) -> Option<T> {
        self.layers.iter().find_map(read)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

const UNKNOWN: &str = "unknown key; ignored";
const SHADOWED: &str = "init sets it, which wins over updateConfig";

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

fn find_sampling(entries: &[(String, Option<SampleRate>)], event: &str) -> Result<usize, usize> {
    entries.binary_search_by(|(name, _)| name.as_str().cmp(event))
}

fn parse<'a, T>(
    value: Value<'a>,
    good: impl FnOnce(Value<'a>) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if value == Value::Null { Ok(None) } else { good(value).map(Some) }
}

fn parse_bool(value: Value<'_>) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(value),
        _ => Err(String::from("must be true or false")),
    }
}

fn parse_number(field: &NumberField, value: Value<'_>) -> Result<u64, String> {
    match value {
        Value::Number(number)
            if number >= field.min as f64
                && number <= field.max as f64
                && number as u64 as f64 == number =>
        {
            Ok(number as u64)
        }
        _ => {
            let mut text = Vec::from(&b"must be a whole number from "[..]);
            super::json::write_u64(&mut text, field.min);
            text.extend_from_slice(b" to ");
            super::json::write_u64(&mut text, field.max);
            Err(String::from_utf8(text).unwrap_or_default())
        }
    }
}

fn parse_path(value: Value<'_>) -> Result<String, String> {
    match value {
        Value::Text(path) if super::url::is_path(path) => Ok(String::from(path)),
        _ => Err(String::from("must start with one `/` and hold nothing that a URL path may not")),
    }
}

fn parse_endpoint(value: Value<'_>) -> Result<Endpoint, String> {
    match value {
        Value::Text(url) => Endpoint::parse(url).map_err(String::from),
        _ => Err(String::from("must be a URL as text")),
    }
}

fn parse_kill(
    switch: Value<'_>,
    until: Value<'_>,
    stored: Value<'_>,
) -> Result<Option<Kill>, String> {
    match switch {
        Value::Null => return Ok(None),
        Value::Bool(true) => {
            return Ok(Some(Kill { until: UnixMillis::MAX, erase: false }));
        }
        Value::Bool(false) => return Ok(Some(Kill::default())),
        Value::Absent => {}
        _ => return Err(String::from("must be true, false or { until, stored }")),
    }
    let Value::Number(until) = until else {
        return Err(String::from("`until` must be milliseconds since 1970"));
    };
    if !until.is_finite() {
        return Err(String::from("`until` must be milliseconds since 1970"));
    }
    let erase = match stored {
        Value::Absent | Value::Null | Value::Text("keep") => false,
        Value::Text("erase") => true,
        _ => return Err(String::from("`stored` must be 'keep' or 'erase'")),
    };
    Ok(Some(Kill { until: UnixMillis::from_host(until), erase }))
}
