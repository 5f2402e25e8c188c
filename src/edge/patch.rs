//! What `updateConfig`, `setContext` and `setUser` are given, in the pipeline's words.

use alloc::string::String;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use super::own::{Entries, Own, entries};
use super::value::{self, KEYS, get, global_get};
use crate::core::config::{Setting, Value};
use crate::core::context::{ContextPatch, Identity, Slot};
use crate::core::io::Consent;

#[derive(Clone, Copy, Debug)]
enum Group {
    Batch,
    BatchReset,
    Sampling,
    SamplingReset,
    Killed,
    Unknown(&'static str),
}

/// One setting of a patch: to what it belongs, its name, and its values.
#[derive(Debug)]
struct OwnSetting(Group, String, [Own; 3]);

/// A `ConfigPatch`, copied out of JavaScript.
#[derive(Debug, Default)]
pub struct Patch(Vec<OwnSetting>);

impl Patch {
    pub fn read(patch: &JsValue) -> Self {
        let mut read = Self::default();
        if !patch.is_object() {
            read.push(Group::Unknown(NOT_AN_OBJECT), "patch");
        }
        for key in value::keys(patch, KEYS) {
            let name = value::text(&key).unwrap_or_default();
            if GROUPS.contains(&name.as_str()) {
                read.group(&name, patch);
            } else {
                read.push(Group::Unknown("unknown key; ignored"), &name);
            }
        }
        read
    }

    /// The groups of a configuration among the options of `init`.
    pub fn of_options(options: &JsValue) -> Self {
        let mut read = Self::default();
        for name in GROUPS {
            read.group(name, options);
        }
        read
    }

    /// What environment variables say; nothing if there are none.
    pub fn of_host(environment: &JsValue) -> Self {
        if environment.is_object() { Self::read(environment) } else { Self::default() }
    }

    /// The page's own origin, where batches go unless something else is said.
    pub fn of_page() -> Self {
        let origin = value::text(&get(&global_get("location"), "origin"));
        let mut read = Self::default();
        if let Some(origin) = origin.filter(|origin| origin.starts_with("http")) {
            read.add(Group::Batch, "baseUrl", Own::Text(origin));
        }
        read
    }

    fn group(&mut self, name: &str, patch: &JsValue) {
        let group = get(patch, name);
        let own = Own::of(&group);
        match (name, own) {
            (_, Own::Undefined) => {}
            ("killed", Own::Other(_)) if group.is_object() => {
                let [until, stored] = ["until", "stored"].map(|n| Own::of_property(&group, n));
                let values = [Own::Undefined, until, stored];
                self.0.push(OwnSetting(Group::Killed, String::new(), values));
            }
            ("killed", own) => self.add(Group::Killed, "", own),
            ("batch", Own::Null) => self.push(Group::BatchReset, ""),
            ("sampling", Own::Null) => self.push(Group::SamplingReset, ""),
            (_, _) if !group.is_object() => self.push(Group::Unknown(NOT_AN_OBJECT), name),
            ("batch", _) => {
                for (name, own) in entries(&group, KEYS) {
                    self.add(Group::Batch, &name, own);
                }
            }
            _ => {
                for key in value::keys(&group, KEYS) {
                    let event = value::text(&key).unwrap_or_default();
                    self.sampling(event, &value::read(&group, &key).unwrap_or(JsValue::TRUE));
                }
            }
        }
    }

    fn sampling(&mut self, event: String, entry: &JsValue) {
        let values = match Own::of(entry) {
            Own::Undefined => return,
            Own::Null => [Own::Null, Own::Undefined],
            _ => ["sample_rate", "by"].map(|name| Own::of_property(entry, name)),
        };
        let [rate, by] = values;
        self.0.push(OwnSetting(Group::Sampling, event, [rate, by, Own::Undefined]));
    }

    fn push(&mut self, group: Group, name: &str) {
        self.add(group, name, Own::Undefined);
    }

    fn add(&mut self, group: Group, name: &str, own: Own) {
        let values = [own, Own::Undefined, Own::Undefined];
        self.0.push(OwnSetting(group, String::from(name), values));
    }

    pub fn borrow(&self) -> Vec<Setting<'_>> {
        let mut settings = Vec::with_capacity(self.0.len());
        for OwnSetting(group, name, values) in &self.0 {
            let [first, second, third] = values.each_ref().map(borrow);
            settings.push(match group {
                Group::Batch => Setting::Batch { name, value: first },
                Group::BatchReset => Setting::BatchReset,
                Group::Sampling => Setting::Sampling { event: name, rate: first, by: second },
                Group::SamplingReset => Setting::SamplingReset,
                Group::Killed => Setting::Killed { switch: first, until: second, stored: third },
                Group::Unknown(reason) => Setting::Unknown { path: name, reason },
            });
        }
        settings
    }
}

const GROUPS: [&str; 3] = ["batch", "sampling", "killed"];
const NOT_AN_OBJECT: &str = "must be an object";

fn borrow(own: &Own) -> Value<'_> {
    match own {
        Own::Undefined => Value::Absent,
        Own::Null => Value::Null,
        Own::Bool(value) => Value::Bool(*value),
        Own::Number(number) => Value::Number(*number),
        Own::Text(text) | Own::Verified(text) => Value::Text(text),
        Own::Other(_) => Value::Other,
    }
}

/// A patch of the context or the user in the pipeline's words; `null` takes a field away. `refuse` is
/// told of each field whose value a context can't hold.
pub fn context_patches<'a>(
    fields: &'a Entries,
    slot: impl Fn(&'a str) -> Slot<'a>,
    refuse: &mut dyn FnMut(&str),
) -> Vec<ContextPatch<'a>> {
    let mut patches = Vec::with_capacity(fields.len());
    for (name, own) in fields {
        match own {
            Own::Undefined => {}
            Own::Other(_) => refuse(name),
            own => patches.push(ContextPatch { slot: slot(name), value: own.scalar() }),
        }
    }
    patches
}

pub fn core_slot(name: &str) -> Slot<'_> {
    Slot::Core(name)
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
