//! What `init`, `updateConfig`, `setContext` and `setUser` are given, in the pipeline's words.

use wasm_bindgen::prelude::*;

use super::value::{self, entries, get, global};
use crate::core::config::{Setting, Value};
use crate::core::context::{ContextPatch, Identity, Scalar, Slot};
use crate::core::io::Consent;

/// A value of a configuration, copied out of JavaScript.
#[derive(Debug)]
enum OwnValue {
    Absent,
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Other,
}

impl OwnValue {
    fn of(value: Option<&JsValue>) -> Self {
        let Some(value) = value else { return Self::Other };
        match value::scalar(value) {
            _ if value.is_undefined() => Self::Absent,
            _ if value.is_null() => Self::Null,
            Some(Scalar::Bool(value)) => Self::Bool(value),
            Some(Scalar::Number(number)) => Self::Number(number),
            Some(Scalar::Text(text)) => Self::Text(text),
            None => Self::Other,
        }
    }

    fn borrow(&self) -> Value<'_> {
        match self {
            Self::Absent => Value::Absent,
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
            Self::Other => Value::Other,
        }
    }
}

#[derive(Debug)]
enum OwnSetting {
    Batch(String, OwnValue),
    BatchReset,
    Sampling(String, [OwnValue; 2]),
    SamplingReset,
    Killed([OwnValue; 3]),
    Unknown(String, &'static str),
}

/// A `ConfigPatch`, copied out of JavaScript.
#[derive(Debug, Default)]
pub struct Patch(Vec<OwnSetting>);

const NOT_AN_OBJECT: &str = "must be an object";

impl Patch {
    pub fn read(patch: &JsValue) -> Self {
        let mut settings = Vec::new();
        if !patch.is_object() {
            settings.push(OwnSetting::Unknown(String::from("patch"), NOT_AN_OBJECT));
        }
        for (name, value) in entries(patch) {
            if !read_group(&name, &value.unwrap_or(JsValue::TRUE), &mut settings) {
                settings.push(OwnSetting::Unknown(name, "unknown key; ignored"));
            }
        }
        Self(settings)
    }

    /// The groups of a configuration among the options of `init`.
    pub fn of_options(options: &JsValue) -> Self {
        let mut settings = Vec::new();
        for name in ["batch", "sampling", "killed"] {
            read_group(name, &get(options, name), &mut settings);
        }
        Self(settings)
    }

    /// The page's own origin, where batches go unless something else is said.
    pub fn of_page() -> Self {
        let origin = value::text(&get(&get(&global(), "location"), "origin"));
        let origin = origin.filter(|origin| origin.starts_with("http"));
        let base = |origin| OwnSetting::Batch(String::from("baseUrl"), OwnValue::Text(origin));
        Self(origin.into_iter().map(base).collect())
    }

    pub fn borrow(&self) -> Vec<Setting<'_>> {
        let borrow = |setting| match setting {
            OwnSetting::Batch(name, value) => Setting::Batch { name, value: value.borrow() },
            OwnSetting::BatchReset => Setting::BatchReset,
            OwnSetting::Sampling(event, [rate, by]) => {
                Setting::Sampling { event, rate: rate.borrow(), by: by.borrow() }
            }
            OwnSetting::SamplingReset => Setting::SamplingReset,
            OwnSetting::Killed([switch, until, stored]) => Setting::Killed {
                switch: switch.borrow(),
                until: until.borrow(),
                stored: stored.borrow(),
            },
            OwnSetting::Unknown(path, reason) => Setting::Unknown { path, reason },
        };
        self.0.iter().map(borrow).collect()
    }
}

/// False if there is no such group.
fn read_group(name: &str, value: &JsValue, settings: &mut Vec<OwnSetting>) -> bool {
    match name {
        "batch" | "sampling" | "killed" if value.is_undefined() => {}
        "killed" if value.is_object() => {
            let part = |name| OwnValue::of(Some(&get(value, name)));
            let parts = [OwnValue::Absent, part("until"), part("stored")];
            settings.push(OwnSetting::Killed(parts));
        }
        "killed" => {
            let parts = [OwnValue::of(Some(value)), OwnValue::Absent, OwnValue::Absent];
            settings.push(OwnSetting::Killed(parts));
        }
        "batch" if value.is_null() => settings.push(OwnSetting::BatchReset),
        "sampling" if value.is_null() => settings.push(OwnSetting::SamplingReset),
        "batch" if value.is_object() => {
            let setting = |(name, value): (String, Option<JsValue>)| {
                OwnSetting::Batch(name, OwnValue::of(value.as_ref()))
            };
            settings.extend(entries(value).into_iter().map(setting));
        }
        "sampling" if value.is_object() => {
            settings.extend(entries(value).into_iter().filter_map(sampling));
        }
        "batch" | "sampling" => {
            settings.push(OwnSetting::Unknown(String::from(name), NOT_AN_OBJECT));
        }
        _ => return false,
    }
    true
}

fn sampling((event, entry): (String, Option<JsValue>)) -> Option<OwnSetting> {
    let parts = match &entry {
        Some(entry) if entry.is_undefined() => return None,
        Some(entry) if entry.is_object() => {
            ["sample_rate", "by"].map(|name| OwnValue::of(Some(&get(entry, name))))
        }
        Some(entry) if entry.is_null() => [OwnValue::Null, OwnValue::Absent],
        _ => [OwnValue::Other, OwnValue::Absent],
    };
    Some(OwnSetting::Sampling(event, parts))
}

/// A patch of the context or the user, copied out of JavaScript; no value takes the field away.
#[derive(Debug, Default)]
pub struct ContextFields {
    fields: Vec<(String, Option<Scalar>)>,
    /// Fields whose values a context can't hold.
    pub refused: Vec<String>,
}

impl ContextFields {
    pub fn read(patch: &JsValue) -> Self {
        let mut fields = Self::default();
        for (name, value) in entries(patch) {
            let value = value.unwrap_or(JsValue::TRUE.js_typeof().into());
            fields.add(name, &value);
        }
        fields
    }

    /// The fields of `init` that `setUser` takes, too.
    pub fn of_options(options: &JsValue) -> Self {
        let mut fields = Self::read(&get(options, "user"));
        for identity in [Identity::UserId, Identity::SessionId] {
            fields.add(String::from(identity.option()), &get(options, identity.option()));
        }
        fields
    }

    fn add(&mut self, name: String, value: &JsValue) {
        match value::scalar(value) {
            Some(scalar) => self.fields.push((name, Some(scalar))),
            None if value.is_null() => self.fields.push((name, None)),
            None if value.is_undefined() => {}
            None => self.refused.push(name),
        }
    }

    pub fn borrow(&self, slot: impl Fn(&str) -> Slot<'_>) -> Vec<ContextPatch<'_>> {
        let patch = |(name, value): &'_ (String, Option<Scalar>)| (name, value.clone());
        self.fields
            .iter()
            .map(|field| {
                let (name, value) = patch(field);
                ContextPatch { slot: slot(name), value }
            })
            .collect()
    }
}

pub fn user_slot(name: &str) -> Slot<'_> {
    let identity = Identity::ALL.into_iter().find(|identity| identity.option() == name);
    identity.map_or(Slot::User(name), Slot::Identity)
}

/// `None` for a text that is no consent.
pub fn consent(text: &str) -> Option<Consent> {
    match text {
        "granted" => Some(Consent::Granted),
        "pending" => Some(Consent::Pending),
        "denied" => Some(Consent::Denied),
        _ => None,
    }
}
