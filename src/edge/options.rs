//! What `init` is given.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use super::fetch::read_headers;
use super::host_store::HostStore;
use super::own::{Entries, Own, entries};
use super::page;
use super::patch::{self, Patch};
use super::report::diagnostic;
use super::value::{self, KEYS, get, read};
use crate::core::context::{Scalar, TEXT_UNITS};
use crate::core::io::Diagnostic;
use crate::core::pipeline::{ExitPolicy, Setup};

/// The options of `init` and what the package's JavaScript adds, copied out of JavaScript.
pub struct Options {
    pub service: String,
    /// All but the seed.
    pub setup: Setup,
    pub allowed_origins: Option<Vec<String>>,
    pub config: Patch,
    /// The page's origin, and environment variables.
    pub environment: [Patch; 2],
    pub user: Entries,
    pub context: Entries,
    pub headers: Vec<(String, String)>,
    pub auth: JsValue,
    pub enrich: JsValue,
    pub store: StoreChoice,
    /// Where a page that goes away leaves its records beside IndexedDB.
    pub spool: JsValue,
    pub strict: bool,
    pub debug: bool,
    pub on_diagnostic: JsValue,
    /// What was not taken.
    pub rejected: Vec<Diagnostic>,
}

pub enum StoreChoice {
    /// IndexedDB where there is one.
    Default,
    Memory,
    Host {
        store: JsValue,
        kind: &'static str,
    },
}

const ORIGINS: u32 = 1_000;
const ATTRIBUTES: usize = 128;

impl Options {
    /// `Err` if there is no service name.
    pub fn read(options: &JsValue, host: &JsValue) -> Result<Self, &'static str> {
        let mut reader = Reader { options, rejected: Vec::new() };
        let service = reader.text("serviceName").unwrap_or_default();
        if service.is_empty() {
            return Err("init needs a `serviceName`, the text that names your program");
        }
        let consent = reader.choice("consent", &["granted", "pending", "denied"]);
        let exit = reader.choice("exit", &["auto", "send", "keep"]);
        let durability = reader.choice("durability", &["on-failure", "write-ahead"]);
        reader.choice("format", &["json"]);
        let setup = Setup {
            enabled: reader.enabled(host),
            consent: patch::consent(consent).unwrap_or_default(),
            write_ahead: durability == "write-ahead",
            exit: match exit {
                "send" => ExitPolicy::Send,
                "keep" => ExitPolicy::Keep,
                _ => ExitPolicy::Auto,
            },
            resource: reader.resource(&service),
            ..Setup::default()
        };
        let context = entries(&reader.object("context"), KEYS);
        let mut user = entries(&reader.object("user"), KEYS);
        for name in ["userId", "sessionId"] {
            user.push((String::from(name), Own::of_property(options, name)));
        }
        let headers = read_headers(&reader.object("headers"), &mut reader.rejected);
        Ok(Self {
            service,
            setup,
            allowed_origins: reader.origins(),
            config: Patch::of_options(options),
            environment: [Patch::of_page(), Patch::of_host(&get(host, "environment"))],
            user,
            context,
            headers,
            auth: reader.function("auth"),
            enrich: reader.function("enrich"),
            store: reader.store(host),
            spool: get(host, "spool"),
            strict: reader.flag("strict").or(get(host, "strict").as_bool()) == Some(true),
            debug: reader.flag("debug") == Some(true),
            on_diagnostic: reader.function("onDiagnostic"),
            rejected: reader.rejected,
        })
    }
}

/// Reads the options, and notes which are not taken.
struct Reader<'a> {
    options: &'a JsValue,
    rejected: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// An option that is there.
    fn get(&mut self, name: &str) -> Option<JsValue> {
        let value = read(self.options, &name.into());
        if value.is_none() {
            self.reject(name, "could not be read");
        }
        value.filter(|value| !value.is_undefined() && !value.is_null())
    }

    fn reject(&mut self, name: &str, why: &str) {
        self.rejected.push(diagnostic("option_rejected", name, &[name, " ", why]));
    }

    /// An option that `fits`, or `undefined`.
    fn fitting(&mut self, name: &str, fits: fn(&JsValue) -> bool, must: &str) -> JsValue {
        let Some(value) = self.get(name) else {
            return JsValue::UNDEFINED;
        };
        if fits(&value) {
            return value;
        }
        self.reject(name, must);
        JsValue::UNDEFINED
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let must = "must be text of at most 1,024 characters";
        value::text(&self.fitting(name, is_short, must))
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        self.fitting(name, |value| value.as_bool().is_some(), "must be true or false").as_bool()
    }

    fn function(&mut self, name: &str) -> JsValue {
        self.fitting(name, JsValue::is_function, "must be a function")
    }

    fn object(&mut self, name: &str) -> JsValue {
        self.fitting(name, JsValue::is_object, "must be an object")
    }

    /// One of a few texts; the first is the default.
    fn choice(&mut self, name: &str, choices: &[&'static str]) -> &'static str {
        let default = choices.first().copied().unwrap_or_default();
        let Some(value) = self.get(name) else {
            return default;
        };
        let text = value::text(&value).unwrap_or_default();
        let choice = choices.iter().find(|choice| **choice == text);
        choice.copied().unwrap_or_else(|| {
            self.reject(name, &["must be one of: ", &choices.join(", ")].concat());
            default
        })
    }

    /// Whether anything is logged at all. The reason why not is told.
    fn enabled(&mut self, host: &JsValue) -> bool {
        let wanted = self.flag("enabled");
        // The package's JavaScript knows the environment; `enabled: true` overrides only a test's.
        let reason = value::text(&get(host, "disabled"));
        let reason = reason.filter(|reason| {
            let overridden = wanted == Some(true) && reason.starts_with("NODE_ENV");
            !reason.is_empty() && !overridden
        });
        let gpc = self.flag("respectGpc") == Some(true) && page::wants_privacy();
        let why = match &reason {
            _ if wanted == Some(false) => "the option `enabled` is false",
            Some(reason) => reason,
            None if gpc => "the browser sends Global Privacy Control",
            None => return true,
        };
        self.rejected.push(diagnostic("disabled", "", &["nothing is logged: ", why]));
        false
    }

    fn resource(&mut self, service: &str) -> Vec<(String, Scalar)> {
        let service = Scalar::Text(String::from(service));
        let mut resource = vec![(String::from("service.name"), service)];
        if let Some(version) = self.text("serviceVersion") {
            resource.push((String::from("service.version"), Scalar::Text(version)));
        }
        for (name, own) in entries(&self.object("resource"), KEYS) {
            if resource.iter().any(|(other, _)| *other == name) {
                continue;
            }
            match scalar(&own) {
                Some(scalar) if resource.len() < ATTRIBUTES => resource.push((name, scalar)),
                _ => {
                    let field = ["resource.", &name].concat();
                    self.reject(&field, "must be text, a number or a boolean, one of 128 at most");
                }
            }
        }
        resource
    }

    fn origins(&mut self) -> Option<Vec<String>> {
        let list = self.get("allowedOrigins")?;
        if !value::is_array(&list) {
            self.reject("allowedOrigins", "must be a list of origins");
            // Whoever meant to restrict where events go must not find them unrestricted.
            return Some(Vec::new());
        }
        let text = |item: &JsValue| value::text(item).unwrap_or_default();
        Some(value::items(&list, ORIGINS).iter().map(text).collect())
    }

    fn store(&mut self, host: &JsValue) -> StoreChoice {
        if let Some(store) = self.get("store") {
            if value::is_text(&store, "memory") {
                return StoreChoice::Memory;
            }
            if HostStore::is_store(&store) {
                return StoreChoice::Host { store, kind: "host" };
            }
            self.reject("store", "must be 'memory' or an object with every method of a Store");
        }
        let store = get(host, "store");
        if !HostStore::is_store(&store) {
            return StoreChoice::Default;
        }
        let files = value::is_text(&get(host, "storeKind"), "files");
        StoreChoice::Host { store, kind: if files { "files" } else { "host" } }
    }
}

/// A value that the resource may hold.
fn scalar(own: &Own) -> Option<Scalar> {
    own.scalar().filter(|scalar| match scalar {
        Scalar::Text(text) => text.encode_utf16().count() <= TEXT_UNITS,
        Scalar::Number(number) => number.is_finite(),
        Scalar::Bool(_) => true,
    })
}

fn is_short(value: &JsValue) -> bool {
    value::text(value).is_some_and(|text| text.encode_utf16().count() <= TEXT_UNITS)
}
