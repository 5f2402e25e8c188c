//! The clocks, and the one timer that wakes the pipeline.

use std::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use super::value::{call, get, global, invoke};
use crate::core::time::{Millis, Now, UnixMillis};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = Date, js_name = now)]
    fn date_now() -> Result<f64, JsValue>;
    #[wasm_bindgen(catch, js_namespace = ["globalThis", "performance"], js_name = now)]
    fn performance_now() -> Result<f64, JsValue>;
}

#[derive(Default)]
pub struct Clock {
    last: Cell<Millis>,
}

impl Clock {
    pub fn now(&self) -> Now {
        let wall = UnixMillis::from_host(date_now().unwrap_or(0.0));
        // The cast saturates, and takes NaN to 0.
        let mono = performance_now().map_or(Millis(wall.0), |millis| Millis(millis as u64));
        self.last.set(self.last.get().max(mono));
        Now { mono: self.last.get(), wall }
    }
}

/// Longer delays overflow in browsers, and ring at once.
const DELAY_MAX: u64 = 0x7fff_ffff;

/// So many microtasks may follow one another; then the host gets its turn.
const MICROTASKS: u32 = 100;

pub struct Timer {
    ring: JsValue,
    ring_soon: JsValue,
    armed: RefCell<Option<(Millis, JsValue)>>,
    soon: Cell<bool>,
    streak: Cell<u32>,
}

impl Timer {
    /// Calls `ring` when a timer rings, and `ring_soon` in a microtask.
    pub fn new(ring: JsValue, ring_soon: JsValue) -> Self {
        let (soon, streak) = Default::default();
        Self { ring, ring_soon, armed: RefCell::new(None), soon, streak }
    }

    /// Makes sure of a wake-up at that time. One that comes too early does no harm.
    pub fn arm(&self, now: Millis, wake_at: Option<Millis>) {
        let Some(at) = wake_at else { return self.disarm() };
        if at <= now && self.streak.get() < MICROTASKS {
            if !self.soon.replace(true) {
                self.soon.set(invoke(&global(), "queueMicrotask", &[&self.ring_soon]).is_ok());
            }
            if self.soon.get() {
                return;
            }
        }
        if self.armed.borrow().as_ref().is_some_and(|(armed, _)| *armed <= at) {
            return;
        }
        self.disarm();
        let delay = at.0.saturating_sub(now.0).min(DELAY_MAX) as f64;
        if let Ok(handle) = invoke(&global(), "setTimeout", &[&self.ring, &delay.into()]) {
            release(&handle);
            *self.armed.borrow_mut() = Some((at, handle));
        }
    }

    pub fn rang(&self) {
        self.armed.borrow_mut().take();
    }

    pub fn rang_soon(&self) {
        self.soon.set(false);
        self.streak.set(self.streak.get() + 1);
    }

    /// Something else than a microtask of ours runs.
    pub fn turn(&self) {
        self.streak.set(0);
    }

    fn disarm(&self) {
        let armed = self.armed.borrow_mut().take();
        if let Some((_, handle)) = armed {
            let _ = invoke(&global(), "clearTimeout", &[&handle]);
        }
    }
}

/// A timer must not keep a process alive: Node and Bun give an object for it, Deno a number.
fn release(handle: &JsValue) {
    if handle.is_object() {
        let _ = invoke(handle, "unref", &[]);
    } else {
        let deno = get(&global(), "Deno");
        let _ = call(&get(&deno, "unrefTimer"), &deno, &[handle]);
    }
}
