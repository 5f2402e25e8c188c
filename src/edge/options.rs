//! What `init` is given, and what the package's JavaScript adds.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use super::host_store::HostStore;
use super::own::Own;
use super::page;
use super::patch::{self, PATCH_LEVELS};
use super::report::Queue;
use super::value::{self, args, construct, get, global_get, invoke, read};
use crate::core::config::Value;
use crate::core::context::{Scalar, TEXT_UNITS};
use crate::core::declared::Declared;
use crate::core::format::Format;
use crate::core::pipeline::{ExitPolicy, Setup};
use crate::core::shapes::FieldKind;
use crate::core::text::utf16_units;
use crate::core::time::UnixMillis;

/// Reads the options, and tells which are not taken.
pub struct Options<'a> {
    pub options: &'a JsValue,
    pub host: &'a JsValue,
    pub queue: &'a Queue,
}

pub enum StoreChoice {
    /// IndexedDB where there is one.
    Default,
    Memory,
    Host(JsValue, &'static str),
}

const ATTRIBUTES: usize = 128;
static GROUPS: &[&str] = &["batch", "sampling", "killed"];

impl Options<'_> {
    /// All but the seed.
    pub fn setup(&self, service: &str) -> Setup {
        self.choice("consent", &["granted", "pending", "denied"]);
        let exit = self.choice("exit", &["auto", "send", "keep"]);
        let durability = self.choice("durability", &["on-failure", "write-ahead"]);
        Setup {
            enabled: self.enabled(),
            // What is no consent is as if the host had said nothing.
            consent: patch::consent(&value::string(&self.get("consent"))),
            consent_at: UnixMillis::from_host(get(self.host, "consentAt").as_f64().unwrap_or(0.0)),
            write_ahead: durability == "write-ahead",
            exit: match exit {
                "send" => ExitPolicy::Send,
                "keep" => ExitPolicy::Keep,
                _ => ExitPolicy::Auto,
            },
            compress: self.choice("compression", &["gzip", "none"]) == "gzip",
            format: Format::named(self.choice("format", &Format::NAMES)),
            resource: self.resource(service),
            declared: self.declared(),
            ..Setup::default()
        }
    }

    /// The groups of a `ConfigPatch`.
    pub fn config(&self) -> Own {
        let mut groups = Vec::new();
        for name in GROUPS {
            let group = Own::of(&get(self.options, name), PATCH_LEVELS - 1);
            groups.push((String::from(*name), group));
        }
        Own::Object(groups)
    }

    /// What environment variables say.
    pub fn environment(&self) -> Own {
        Own::of(&get(self.host, "environment"), PATCH_LEVELS)
    }

    /// What `updateConfig` said in an instance that trapped.
    pub fn patched(&self) -> Own {
        Own::of(&get(self.host, "patch"), PATCH_LEVELS)
    }

    pub fn user(&self) -> Own {
        let mut user = match self.object("user") {
            Own::Object(user) => user,
            _ => Vec::new(),
        };
        for name in &["userId", "sessionId"] {
            user.push((String::from(*name), Own::of(&get(self.options, name), 0)));
        }
        Own::Object(user)
    }

    pub fn text(&self, name: &str) -> String {
        let must = "must be text of at most 1,024 characters";
        value::string(&self.fitting(name, is_short, must))
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.fitting(name, |value| value.as_bool().is_some(), "must be true or false").as_bool()
    }

    pub fn function(&self, name: &str) -> JsValue {
        self.fitting(name, JsValue::is_function, "must be a function")
    }

    pub fn object(&self, name: &str) -> Own {
        Own::of(&self.fitting(name, JsValue::is_object, "must be an object"), 1)
    }

    /// `Undefined` if none are told; otherwise what is in it, which may be nothing.
    pub fn origins(&self) -> Own {
        let origins = Own::of(&self.get("allowedOrigins"), 1);
        if !matches!(origins, Own::Undefined | Own::Object(_)) {
            // Whoever meant to restrict where events go must not find them unrestricted.
            self.reject("allowedOrigins", "must be a list of origins");
        }
        origins
    }

    /// Of everything random: the package's, or a fresh one.
    pub fn seed(&self) -> Option<[u8; 32]> {
        let given = get(self.host, "seed");
        let empty = args().js(&construct("Uint8Array", args().number(32.0)));
        let fresh = || invoke(&global_get("crypto"), "getRandomValues", empty);
        let seed = if given.is_undefined() { fresh() } else { given };
        value::bytes(&seed)?.as_slice().try_into().ok()
    }

    pub fn store(&self) -> StoreChoice {
        let store = self.get("store");
        if value::is_text(&store, "memory") {
            return StoreChoice::Memory;
        }
        if HostStore::is_store(&store) {
            return StoreChoice::Host(store, "host");
        }
        if !store.is_undefined() {
            self.reject("store", "must be 'memory' or an object with every method of a Store");
        }
        let store = get(self.host, "store");
        if !HostStore::is_store(&store) {
            return StoreChoice::Default;
        }
        let files = value::is_text(&get(self.host, "storeKind"), "files");
        StoreChoice::Host(store, if files { "files" } else { "host" })
    }

    pub fn reject(&self, name: &str, why: &str) {
        self.queue.diagnose("option_rejected", name, &[name, " ", why]);
    }

    /// An option that is there, or `undefined`.
    fn get(&self, name: &str) -> JsValue {
        match read(self.options, &name.into()) {
            Some(value) if !value.is_null() => return value,
            Some(_) => {}
            None => self.reject(name, "could not be read"),
        }
        JsValue::UNDEFINED
    }

    /// An option that `fits`, or `undefined`.
    fn fitting(&self, name: &str, fits: fn(&JsValue) -> bool, must: &str) -> JsValue {
        let value = self.get(name);
        if value.is_undefined() || fits(&value) {
            return value;
        }
        self.reject(name, must);
        JsValue::UNDEFINED
    }

    /// One of a few texts; the first is the default.
    pub fn choice(&self, name: &str, choices: &[&'static str]) -> &'static str {
        let value = self.get(name);
        let mut must = String::from("must be one of:");
        for choice in choices {
            if value.is_undefined() || value::is_text(&value, choice) {
                return choice;
            }
            must.push(' ');
            must.push_str(choice);
        }
        self.reject(name, &must);
        choices.first().copied().unwrap_or_default()
    }

    /// Whether anything is logged at all. The reason why not is told.
    fn enabled(&self) -> bool {
        let wanted = self.flag("enabled");
        // The package's JavaScript knows the environment; `enabled: true` overrides only a test's.
        let reason = value::string(&get(self.host, "disabled"));
        let overridden = wanted == Some(true) && reason.starts_with("NODE_ENV");
        let gpc = self.flag("respectGpc") == Some(true) && page::wants_privacy();
        let why = if wanted == Some(false) {
            "the option `enabled` is false"
        } else if !reason.is_empty() && !overridden {
            &reason
        } else if gpc {
            "the browser sends Global Privacy Control"
        } else {
            return true;
        };
        self.queue.diagnose("disabled", "", &["nothing is logged: ", why]);
        false
    }

    /// What is not understood allows nothing: whoever meant to restrict must not find all allowed.
    fn declared(&self) -> Declared {
        const MUST: &str = "must be 'number', 'boolean' or 'text'";
        let events = Own::of(&self.get("events"), 2);
        if events == Own::Undefined {
            return Declared::default();
        }
        if !matches!(events, Own::Object(_)) {
            self.reject("events", "must be an object");
        }
        let mut declared = Vec::new();
        for (event, fields) in events.entries() {
            let mut known = Vec::new();
            for (key, kind) in fields.entries() {
                let kind = match kind.value() {
                    Value::Text("number") => FieldKind::Number,
                    Value::Text("boolean") => FieldKind::Bool,
                    Value::Text("text") => FieldKind::Text,
                    _ => {
                        self.reject(&["events.", event, ".", key].concat(), MUST);
                        continue;
                    }
                };
                known.push((key.clone(), kind));
            }
            declared.push((event.clone(), known));
        }
        Declared(Some(declared))
    }

    fn resource(&self, service: &str) -> Vec<(String, Scalar)> {
        let mut resource = vec![(String::from("service.name"), Scalar::Text(service.into()))];
        let version = self.text("serviceVersion");
        if !version.is_empty() {
            resource.push((String::from("service.version"), Scalar::Text(version)));
        }
        for (name, own) in self.object("resource").entries() {
            if resource.iter().any(|(other, _)| other == name) {
                continue;
            }
            match scalar(own) {
                Some(scalar) if resource.len() < ATTRIBUTES => {
                    resource.push((name.clone(), scalar))
                }
                _ => {
                    let field = ["resource.", name].concat();
                    self.reject(&field, "must be text, a number or a boolean, one of 128 at most");
                }
            }
        }
        resource
    }
}

/// A value that the resource may hold.
fn scalar(own: &Own) -> Option<Scalar> {
    own.scalar().filter(|scalar| match scalar {
        Scalar::Text(text) => fits(text),
        Scalar::Number(number) => number.is_finite(),
        Scalar::Bool(_) => true,
    })
}

fn is_short(value: &JsValue) -> bool {
    value::text(value).is_some_and(|text| fits(&text))
}

fn fits(text: &str) -> bool {
    utf16_units(text) <= TEXT_UNITS
}
