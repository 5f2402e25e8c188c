//! What `updateConfig`, `setContext` and `setUser` are given, in the pipeline's words.

use alloc::vec;
use alloc::vec::Vec;

use super::own::Own;
use crate::core::config::{Setting, Value};
use crate::core::context::{Identity, Slot};
use crate::core::io::Consent;

/// A `ConfigPatch` has groups, which have fields, which may be objects.
pub const PATCH_LEVELS: u32 = 3;

pub fn settings(patch: &Own) -> Vec<Setting<'_>> {
    const NOT_AN_OBJECT: &str = "must be an object";
    let Own::Object(groups) = patch else {
        return vec![Setting::Unknown { path: "patch", reason: NOT_AN_OBJECT }];
    };
    let mut settings = Vec::new();
    for (name, group) in groups {
        settings.push(match name.as_str() {
            "batch" => match group {
                Own::Undefined => continue,
                Own::Null => Setting::BatchReset,
                Own::Object(fields) => {
                    for (name, own) in fields {
                        settings.push(Setting::Batch { name, value: own.value() });
                    }
                    continue;
                }
                _ => Setting::Unknown { path: name, reason: NOT_AN_OBJECT },
            },
            "sampling" => match group {
                Own::Undefined => continue,
                Own::Null => Setting::SamplingReset,
                Own::Object(events) => {
                    for (event, own) in events {
                        let rate = match own {
                            Own::Undefined => continue,
                            Own::Null => Value::Null,
                            _ => own.value_of("sample_rate"),
                        };
                        settings.push(Setting::Sampling { event, rate, by: own.value_of("by") });
                    }
                    continue;
                }
                _ => Setting::Unknown { path: name, reason: NOT_AN_OBJECT },
            },
            "killed" => Setting::Killed {
                switch: match group {
                    Own::Undefined => continue,
                    Own::Object(_) => Value::Absent,
                    _ => group.value(),
                },
                until: group.value_of("until"),
                stored: group.value_of("stored"),
            },
            _ => Setting::Unknown { path: name, reason: "unknown key; ignored" },
        });
    }
    settings
}

pub fn core_slot(name: &str) -> Slot<'_> {
    Slot::Core(name)
}

pub fn user_slot(name: &str) -> Slot<'_> {
    let identity = Identity::ALL.iter().find(|identity| identity.option() == name);
    identity.map_or(Slot::User(name), |identity| Slot::Identity(*identity))
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
