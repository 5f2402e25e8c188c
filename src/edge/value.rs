//! JavaScript values, read without trust: a getter may throw, a proxy may lie, a global may be missing
//! or replaced. Whatever can throw is caught here, for an exception that passes through Rust leaves
//! locks held.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use super::callbacks::{Callbacks, Event};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = globalThis)]
    static GLOBAL: JsValue;

    #[wasm_bindgen(catch, js_namespace = Reflect, js_name = get)]
    fn reflect_get(target: &JsValue, key: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = Reflect, js_name = set)]
    fn reflect_set(target: &JsValue, key: &str, value: &JsValue) -> Result<bool, JsValue>;
    #[wasm_bindgen(catch, js_namespace = Reflect, js_name = apply)]
    fn reflect_apply(function: &JsValue, this: &JsValue, args: &Args) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = Reflect, js_name = construct)]
    fn reflect_construct(class: &JsValue, args: &Args) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = Object, js_name = keys)]
    fn object_keys(object: &JsValue) -> Result<JsValue, JsValue>;

    /// A list, as arguments of a call.
    #[wasm_bindgen(js_name = Array)]
    pub type Args;
    #[wasm_bindgen(constructor, js_class = "Array")]
    fn new() -> Args;
    #[wasm_bindgen(method)]
    fn push(this: &Args, item: &JsValue);

    #[wasm_bindgen(js_name = Uint8Array)]
    type Octets;
    #[wasm_bindgen(constructor, js_class = "Uint8Array")]
    fn of(source: &[u8]) -> Octets;
    #[wasm_bindgen(js_namespace = ["Uint8Array", "prototype", "set"], js_name = call)]
    fn copy_octets(target: &mut [u8], source: &JsValue);
    #[wasm_bindgen(js_namespace = ArrayBuffer, js_name = isView)]
    fn is_view(value: &JsValue) -> bool;
    #[wasm_bindgen(catch, js_namespace = Array, js_name = isArray)]
    fn is_array(value: &JsValue) -> Result<bool, JsValue>;

    #[wasm_bindgen(js_name = String)]
    type Text;
    #[wasm_bindgen(method)]
    fn slice(this: &Text, start: u32, end: u32) -> String;
}

/// UTF-16 code units; a header may have as many.
pub const TEXT_UNITS: u32 = 8_192;

/// More keys of one object are not read.
pub const KEYS: u32 = 10_240;

pub fn global() -> JsValue {
    GLOBAL.with(JsValue::clone)
}

/// A property, or `undefined` if there is none or reading it throws.
pub fn get(target: &JsValue, name: &str) -> JsValue {
    read(target, &name.into()).unwrap_or_default()
}

/// A property of the global object.
pub fn global_get(name: &str) -> JsValue {
    get(&global(), name)
}

/// A property; `None` if reading it throws.
pub fn read(target: &JsValue, key: &JsValue) -> Option<JsValue> {
    reflect_get(target, key).ok()
}

// Only a frozen or foreign object refuses, and these objects are our own or the platform's.
pub fn set(target: &JsValue, name: &str, value: &JsValue) {
    let _ = reflect_set(target, name, value);
}

pub fn set_text(target: &JsValue, name: &str, text: &str) {
    set(target, name, &text.into());
}

pub fn set_number(target: &JsValue, name: &str, number: f64) {
    set(target, name, &number.into());
}

pub fn object() -> JsValue {
    construct("Object", args())
}

/// No arguments, to which some are added.
pub fn args() -> Args {
    Args::new()
}

impl Args {
    pub fn js(self, value: &JsValue) -> Self {
        self.push(value);
        self
    }

    pub fn text(self, text: &str) -> Self {
        self.js(&text.into())
    }

    pub fn number(self, number: f64) -> Self {
        self.js(&number.into())
    }
}

/// The object's own enumerable text keys, `limit` at most.
pub fn keys(object: &JsValue, limit: u32) -> Items {
    items(&object_keys(object).unwrap_or_default(), limit)
}

/// The items of something that has a length; `limit` at most.
pub fn items(list: &JsValue, limit: u32) -> Items {
    Items { list: list.clone(), next: 0, end: limit.min(length(list)) }
}

pub fn length(list: &JsValue) -> u32 {
    whole(&get(list, "length"), u64::from(u32::MAX)).unwrap_or(0) as u32
}

pub struct Items {
    list: JsValue,
    next: u32,
    end: u32,
}

impl Iterator for Items {
    type Item = JsValue;

    fn next(&mut self) -> Option<JsValue> {
        if self.next == self.end {
            return None;
        }
        self.next += 1;
        Some(read(&self.list, &(self.next - 1).into()).unwrap_or_default())
    }
}

/// A text, cut above what any field may hold, so that a huge one costs little and is still too long.
/// Lone surrogates become U+FFFD.
pub fn text(value: &JsValue) -> Option<String> {
    text_within(value, TEXT_UNITS)
}

/// A text in the same way; what is none is empty.
pub fn string(value: &JsValue) -> String {
    text(value).unwrap_or_default()
}

/// A text's first `units` UTF-16 code units.
pub fn text_within(value: &JsValue, units: u32) -> Option<String> {
    if !value.is_string() {
        return None;
    }
    let value: &Text = value.unchecked_ref();
    Some(value.slice(0, units))
}

pub fn is_text(value: &JsValue, expected: &str) -> bool {
    string(value) == expected
}

/// A whole number from 0 to `max`.
pub fn whole(value: &JsValue, max: u64) -> Option<u64> {
    let number = value.as_f64()?;
    // The cast saturates, so what doesn't fit is not equal afterwards.
    let whole = number as u64;
    (whole as f64 == number && whole <= max).then_some(whole)
}

pub fn parse_json(text: &str) -> JsValue {
    invoke(&global_get("JSON"), "parse", args().text(text))
}

/// The bytes of a Uint8Array, of whatever realm.
pub fn bytes(value: &JsValue) -> Option<Vec<u8>> {
    if !is_view(value) {
        return None;
    }
    // A copy first: what the host gave may be detached, shared or a subclass with a length of its own.
    let copy = construct("Uint8Array", args().js(value));
    if !copy.is_object() {
        return None;
    }
    let mut bytes = vec![0; length(&copy) as usize];
    copy_octets(&mut bytes, &copy);
    Some(bytes)
}

/// Whether it is an array or a view on bytes; a revoked proxy is none.
pub fn is_list(value: &JsValue) -> bool {
    is_view(value) || is_array(value) == Ok(true)
}

pub fn octets(bytes: &[u8]) -> JsValue {
    Octets::of(bytes).into()
}

/// `target[method](…args)`; `undefined` if there is no such method, or it throws.
pub fn invoke(target: &JsValue, method: &str, args: Args) -> JsValue {
    call(&get(target, method), target, args).unwrap_or_default()
}

/// `globalThis[function](…args)`, in the same way.
pub fn invoke_global(function: &str, args: Args) -> JsValue {
    invoke(&global(), function, args)
}

/// `Err` holds what was thrown.
pub fn call(function: &JsValue, this: &JsValue, args: Args) -> Result<JsValue, JsValue> {
    reflect_apply(function, this, &args)
}

/// `new globalThis[class](…args)`; `undefined` if there is no such class, or it throws.
pub fn construct(class: &str, args: Args) -> JsValue {
    reflect_construct(&global_get(class), &args).unwrap_or_default()
}

pub fn type_error(message: &str) -> JsValue {
    construct("TypeError", args().text(&["wasm-telemetry: ", message].concat()))
}

/// Whether the value is a promise or the like.
pub fn is_thenable(value: &JsValue) -> bool {
    value.is_object() && get(value, "then").is_function()
}

/// Calls back with one of the two events when the promise settles; a plain value settles at once, in a
/// microtask. False if that can't be.
pub fn settle(
    value: &JsValue,
    callbacks: &Callbacks,
    [fulfilled, rejected]: [Event; 2],
    id: u32,
) -> bool {
    let promise = invoke(&global_get("Promise"), "resolve", args().js(value));
    let then = args().js(&callbacks.get(fulfilled, id)).js(&callbacks.get(rejected, id));
    invoke(&promise, "then", then).is_object()
}

/// Whether an error says that a disk or a quota is full.
pub fn is_full(error: &JsValue) -> bool {
    let is = |property, expected| is_text(&get(error, property), expected);
    is("name", "QuotaExceededError") || is("code", "ENOSPC") || is("code", "EDQUOT")
}
