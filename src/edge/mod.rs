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
mod salvage;
mod staging;
mod timer;
mod value;

use alloc::rc::Rc;
use alloc::string::String;

use wasm_bindgen::prelude::*;

use self::driver::Driver;
use self::own::Own;
use self::patch::{core_slot, user_slot};
use self::value::{get, set_number, set_text};
use crate::core::io::{Field, Input, Leaving};
use crate::core::time::UnixMillis;

/// One isolated pipeline. Nothing here throws but for misuse in strict mode.
#[wasm_bindgen]
pub struct Client {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl Client {
    /// Takes `InitOptions`, and an object of what only the package's JavaScript knows: `store`,
    /// `storeKind`, `spool`, `environment`, `strict`, `disabled`, `seed`; and of a client that this one is to
    /// follow, `patch` and `consentAt`. Puts `sessionId` there.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, host: &JsValue) -> Result<Self, JsValue> {
        Ok(Self { driver: Driver::start(options, host)? })
    }

    /// `at` is `Date.now()` of the call.
    #[wasm_bindgen(js_name = logEvent)]
    pub fn log_event(
        &self,
        name: &JsValue,
        metadata: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "number")] at: f64,
    ) -> Result<(), JsValue> {
        self.driver.log(name, metadata, time(at))
    }

    /// Takes an `Exposure`; `at` is `Date.now()` of the call.
    #[wasm_bindgen(js_name = logExperiment)]
    pub fn log_experiment(
        &self,
        exposure: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "number")] at: f64,
    ) -> Result<(), JsValue> {
        self.driver.expose(exposure, time(at))
    }

    /// Registers the name, the keys and the types of an event for staging: of numbers, booleans and
    /// checked texts; what is undefined is none of it. Gives the shape's number; -1 if this one can't be
    /// remembered; -2 if all shapes were forgotten.
    pub fn shape(&self, name: &JsValue, fields: &JsValue) -> i32 {
        self.driver.shape(&value::string(name), &Own::of(fields, 1))
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
    pub fn update_config(&self, patch: &JsValue) -> Given {
        Ok(report::config_object(&self.driver.configure(patch)))
    }

    /// Fields of `core_metadata` from now on; null takes one away.
    #[wasm_bindgen(js_name = setContext)]
    pub fn set_context(&self, patch: &JsValue) -> Result<(), JsValue> {
        self.driver.set_context(patch, core_slot)
    }

    /// Identity and fields of `user_metadata` from now on; null takes one away.
    #[wasm_bindgen(js_name = setUser)]
    pub fn set_user(&self, patch: &JsValue) -> Result<(), JsValue> {
        self.driver.set_context(patch, user_slot)
    }

    /// `'granted'`, `'pending'` or `'denied'`.
    #[wasm_bindgen(js_name = setConsent)]
    pub fn set_consent(&self, consent: &JsValue) -> Result<(), JsValue> {
        let consent = value::text(consent).and_then(|text| patch::consent(&text));
        self.driver.set_consent(consent)
    }

    /// A promise of a `FlushReport`.
    pub fn flush(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "number")] timeout_millis: f64,
    ) -> Given {
        Ok(self.driver.flush(timeout(timeout_millis), false))
    }

    /// A promise of a `FlushReport`. Nothing is logged from now on.
    pub fn shutdown(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "number")] timeout_millis: f64,
    ) -> Given {
        Ok(self.driver.flush(timeout(timeout_millis), true))
    }

    /// `Stats`.
    pub fn stats(&self) -> Given {
        let json = String::from_utf8(self.driver.stats()).unwrap_or_default();
        let stats = value::parse_json(&json);
        set_text(&get(&stats, "store"), "kind", self.driver.store_kind());
        let memory = core::arch::wasm32::memory_size(0) as f64 * 65_536.0;
        set_number(&get(&stats, "sizes"), "memoryBytes", memory);
        Ok(stats)
    }

    /// A promise that is kept once the store is open.
    pub fn ready(&self) -> Given {
        Ok(self.driver.ready())
    }

    /// `'process'`: the process ends, and only what the store takes at once survives. `'signal'`: it
    /// may end at any moment, or go on. `'page'`: the page is hidden or left. Pages call this by
    /// themselves.
    pub fn leave(&self, kind: &JsValue) {
        match value::string(kind).as_str() {
            "process" => self.driver.leave(Leaving::Process),
            "signal" => self.driver.leave(Leaving::Signal),
            _ => self.driver.leave_page(),
        }
    }

    /// Of an instance that trapped: the addresses of its counts and of those that are to be reported.
    pub fn books(&self, reports: bool) -> usize {
        let (counts, unreported) = self.driver.books();
        if reports { unreported as usize } else { counts as usize }
    }

    /// Of an instance that trapped: what its memory holds, batch by batch; `undefined` at the end.
    pub fn salvage(&self) -> Given {
        Ok(self.driver.salvage())
    }

    /// Goes on in the place of a client of an instance that trapped, with its books and what was salvaged.
    pub fn follow(&self, counts: &JsValue, unreported: &JsValue, salvaged: &JsValue) {
        self.driver.follow(counts, unreported, salvaged);
    }
}

/// Of the module for development alone.
#[cfg(feature = "inspect")]
#[wasm_bindgen]
impl Client {
    /// Where everything is, for the inspector; with the events of the batch in memory that has that key.
    pub fn places(&self, key: &JsValue) -> Given {
        let json = self.driver.places(&value::string(key));
        Ok(value::parse_json(&String::from_utf8(json).unwrap_or_default()))
    }
}

/// Never an error. V8 puts calls of WebAssembly into the code of their callers, and up to Node 20 ends the
/// process when it has to give such code up during a call whose one result is a JavaScript value; calls
/// with more than one result it leaves alone.
type Given = Result<JsValue, JsValue>;

/// For programs in Rust.
impl Client {
    /// Logs an event, now. A text in it must be no code, no path and no personal data; `enrich` is not
    /// asked.
    pub fn log(&self, name: &str, fields: &[(&str, Field<'_>)]) {
        self.driver.input(Input::Event { at: timer::now().wall, name, fields });
    }
}

const TIMEOUT_MILLIS: u64 = 30_000;

/// What JavaScript leaves out is NaN here.
fn timeout(millis: f64) -> u64 {
    // The cast saturates.
    if millis.is_nan() { TIMEOUT_MILLIS } else { millis as u64 }
}

fn time(at: f64) -> UnixMillis {
    if at.is_nan() { timer::now().wall } else { UnixMillis::from_host(at) }
}
