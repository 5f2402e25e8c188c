//! The clocks, and the one timer that wakes the pipeline.

use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};

use wasm_bindgen::prelude::*;

use super::callbacks::{Callbacks, Event};
use super::value::{args, call, global_get, invoke, invoke_global};
use crate::core::time::{Millis, Now, UnixMillis};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = Date, js_name = now)]
    fn date_now() -> Result<f64, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["globalThis", "performance"], js_name = now)]
    fn performance_now() -> Result<f64, JsValue>;
}

static LAST: AtomicU64 = AtomicU64::new(0);

pub fn now() -> Now {
    let wall = UnixMillis::from_host(date_now().unwrap_or(0.0));
    // The cast saturates, and takes NaN to 0.
    let mono = performance_now().map_or(Millis(wall.0), |millis| Millis(millis as u64));
    // Where there is no `performance` the wall's clock must do, and it may go back.
    let last = Millis(LAST.fetch_max(mono.0, Ordering::Relaxed));
    Now { mono: mono.max(last), wall }
}

/// Longer delays overflow in browsers, and ring at once.
const DELAY_MAX: u64 = 0x7fff_ffff;

/// So many microtasks may follow one another; then the host gets its turn.
const MICROTASKS: u32 = 100;

pub struct Timer {
    ring: JsValue,
    ring_soon: JsValue,
    handle: Cell<JsValue>,
    /// When it rings; `FAR` if it doesn't.
    at: Cell<Millis>,
    soon: Cell<bool>,
    streak: Cell<u32>,
}

impl Timer {
    /// Calls back with `Timer` when a timer rings, and with `Soon` in a microtask.
    pub fn new(callbacks: &Callbacks) -> Self {
        Self {
            ring: callbacks.get(Event::Timer, 0),
            ring_soon: callbacks.get(Event::Soon, 0),
            handle: Cell::default(),
            at: Cell::new(Millis::FAR),
            soon: Cell::new(false),
            streak: Cell::new(0),
        }
    }

    /// Makes sure of a wake-up at that time. One that comes too early does no harm.
    pub fn arm(&self, now: Millis, at: Millis) {
        if at <= now && self.streak.get() < MICROTASKS {
            if !self.soon.get() {
                let queue = global_get("queueMicrotask");
                let queued = call(&queue, &JsValue::UNDEFINED, args().js(&self.ring_soon));
                self.soon.set(queued.is_ok());
            }
            if self.soon.get() {
                return;
            }
        }
        if self.at.get() <= at && at != Millis::FAR {
            return;
        }
        let handle = self.handle.take();
        if self.at.replace(Millis::FAR) != Millis::FAR {
            invoke_global("clearTimeout", args().js(&handle));
        }
        if at == Millis::FAR {
            return;
        }
        let delay = at.0.saturating_sub(now.0).min(DELAY_MAX) as f64;
        let handle = invoke_global("setTimeout", args().js(&self.ring).number(delay));
        if !handle.is_undefined() {
            release(&handle);
            self.handle.set(handle);
            self.at.set(at);
        }
    }

    pub fn rang(&self) {
        self.at.set(Millis::FAR);
    }

    pub fn rang_soon(&self) {
        self.soon.set(false);
        self.streak.set(self.streak.get() + 1);
    }

    /// Something else than a microtask of ours runs.
    pub fn turn(&self) {
        self.streak.set(0);
    }
}

/// A timer must not keep a process alive: Node and Bun give an object for it, Deno a number.
fn release(handle: &JsValue) {
    if handle.is_object() {
        invoke(handle, "unref", args());
    } else {
        invoke(&global_get("Deno"), "unrefTimer", args().js(handle));
    }
}
