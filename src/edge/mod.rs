//! The edge to JavaScript: carries the pipeline's commands out with what the platform has, and knows
//! nothing about events, batches or retries.

pub mod callbacks;
mod driver;
mod enrich;
mod fetch;
pub mod host_store;
pub mod idb;
mod metadata;
mod options;
mod own;
mod page;
mod patch;
pub mod report;
mod staging;
mod timer;
mod value;

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use self::driver::{Driver, NoShape};
use self::options::Options;
use self::patch::{Patch, core_slot, user_slot};
use self::value::Arg::{Number, Text};
use self::value::{get, set};
use crate::core::shapes::FieldKind;
use crate::core::time::UnixMillis;

/// One isolated pipeline. Nothing here throws but for misuse in strict mode.
#[wasm_bindgen]
pub struct Client {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl Client {
    /// Takes `InitOptions`, and an object of what only the package's JavaScript knows: `store`,
    /// `storeKind`, `spool`, `environment`, `strict`, `disabled`, `seed`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, host: &JsValue) -> Result<Self, JsValue> {
        let options = Options::read(options, host).map_err(error)?;
        let given = value::bytes(&get(host, "seed")).and_then(|bytes| bytes.try_into().ok());
        let mut seed = given.unwrap_or([0; 32]);
        if given.is_none() && getrandom::fill(&mut seed).is_err() {
            return Err(error("the platform gives no random numbers here"));
        }
        Ok(Self { driver: Driver::start(seed, options) })
    }

    /// `at` is `Date.now()` of the call.
    #[wasm_bindgen(js_name = logEvent)]
    pub fn log_event(
        &self,
        name: &JsValue,
        metadata: &JsValue,
        at: Option<f64>,
    ) -> Result<(), JsValue> {
        self.driver.log(name, metadata, time(at)).map_err(|misuse| error(&misuse))
    }

    #[wasm_bindgen(js_name = logExperiment)]
    pub fn log_experiment(&self, exposure: &JsValue, at: Option<f64>) -> Result<(), JsValue> {
        self.driver.expose(exposure, time(at)).map_err(|misuse| error(&misuse))
    }

    /// Registers an event's name, its keys and their types (0: number, 1: boolean, 2: text) for staging. Gives
    /// the shape's number; -1 if this one can't be remembered; -2 if all shapes were forgotten.
    pub fn shape(&self, name: &JsValue, keys: &JsValue, kinds: &[u8]) -> i32 {
        let given = kinds.len();
        let name = value::text(name).unwrap_or_default();
        let keys = value::items(keys, kinds.len() as u32 + 1);
        let keys: Vec<String> = keys.iter().filter_map(value::text).collect();
        let kinds = kinds.iter().filter_map(|kind| FieldKind::from_byte(*kind));
        let fields: Vec<_> = keys.iter().map(String::as_str).zip(kinds).collect();
        if fields.len() != given || keys.len() != given {
            return -1;
        }
        match self.driver.shape(&name, &fields) {
            Ok(shape) => i32::try_from(shape.0).unwrap_or(-1),
            Err(NoShape::NotThisOne) => -1,
            Err(NoShape::AllForgotten) => -2,
        }
    }

    /// The address of the staging buffer: 8,192 words of 64 bits.
    pub fn staging(&self) -> usize {
        self.driver.staging.address()
    }

    /// Hands in what is staged.
    pub fn wake(&self) {
        self.driver.wake();
    }

    /// Takes a `ConfigPatch`, gives a `ConfigReport`.
    #[wasm_bindgen(js_name = updateConfig)]
    pub fn update_config(&self, patch: &JsValue) -> JsValue {
        report::config_object(&self.driver.configure(&Patch::read(patch)))
    }

    #[wasm_bindgen(js_name = setContext)]
    pub fn set_context(&self, patch: &JsValue) -> Result<(), JsValue> {
        self.driver.set_context(patch, core_slot).map_err(|misuse| error(&misuse))
    }

    #[wasm_bindgen(js_name = setUser)]
    pub fn set_user(&self, patch: &JsValue) -> Result<(), JsValue> {
        self.driver.set_context(patch, user_slot).map_err(|misuse| error(&misuse))
    }

    #[wasm_bindgen(js_name = setConsent)]
    pub fn set_consent(&self, consent: &JsValue) -> Result<(), JsValue> {
        let consent = value::text(consent).and_then(|text| patch::consent(&text));
        self.driver.set_consent(consent).map_err(|misuse| error(&misuse))
    }

    /// A promise of a `FlushReport`.
    pub fn flush(&self, timeout_millis: Option<f64>) -> JsValue {
        self.driver.flush(timeout(timeout_millis), false)
    }

    /// A promise of a `FlushReport`. Nothing is logged from now on.
    pub fn shutdown(&self, timeout_millis: Option<f64>) -> JsValue {
        self.driver.flush(timeout(timeout_millis), true)
    }

    /// `Stats`.
    pub fn stats(&self) -> JsValue {
        let json = String::from_utf8(self.driver.stats()).unwrap_or_default();
        let stats = value::parse_json(&json);
        set(&get(&stats, "store"), "kind", Text(self.driver.store_kind()));
        let memory = core::arch::wasm32::memory_size(0) as f64 * 65_536.0;
        set(&get(&stats, "sizes"), "memoryBytes", Number(memory));
        stats
    }

    /// A promise that is kept once the store is open.
    pub fn ready(&self) -> JsValue {
        self.driver.ready()
    }

    /// `'process'`: the process ends, and only what the store takes at once survives. `'signal'`: it
    /// may end at any moment, or go on. `'page'`: the page is hidden or left. Pages call this by
    /// themselves.
    pub fn leave(&self, kind: &str) {
        match kind {
            "process" | "signal" => self.driver.leave_process(kind == "process"),
            _ => self.driver.leave_page(),
        }
    }
}

const TIMEOUT_MILLIS: u64 = 30_000;

fn timeout(millis: Option<f64>) -> u64 {
    // The cast saturates.
    millis.filter(|millis| !millis.is_nan()).map_or(TIMEOUT_MILLIS, |millis| millis as u64)
}

fn time(at: Option<f64>) -> UnixMillis {
    at.filter(|at| !at.is_nan()).map_or_else(|| timer::now().wall, UnixMillis::from_host)
}

fn error(message: &str) -> JsValue {
    let message = ["wasm-telemetry: ", message].concat();
    value::construct("TypeError", &[Text(&message)]).unwrap_or_default()
}
