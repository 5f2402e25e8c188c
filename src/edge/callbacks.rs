//! The functions that JavaScript calls back.

use js_sys::Function;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(method)]
    fn bind(this: &Function, context: &JsValue, kind: u32, id: u32) -> JsValue;
}

/// One closure, and light bound functions that say what happened and to whom. The bound functions are
/// JavaScript's to collect, so one that is never called leaks nothing; one that is called too late
/// names something that is no longer there, and is ignored.
pub struct Callbacks {
    function: Function,
}

impl Callbacks {
    /// `handler` must not keep its owner alive.
    pub fn new(handler: impl Fn(u32, u32, JsValue) + 'static) -> Self {
        let closure: Closure<dyn Fn(u32, u32, JsValue)> = Closure::new(handler);
        // Collected together with the last function bound to it.
        Self { function: closure.into_js_value().unchecked_into() }
    }

    pub fn get(&self, kind: u32, id: u32) -> JsValue {
        self.function.bind(&JsValue::NULL, kind, id)
    }
}
