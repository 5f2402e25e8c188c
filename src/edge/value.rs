//! JavaScript values, read without trust: a getter may throw, a proxy may lie, a global may be missing
//! or replaced. Whatever can throw is caught here, for an exception that passes through Rust leaves
//! locks held.

use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::core::context::{Scalar, TEXT_UNITS};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = globalThis)]
    static GLOBAL: JsValue;

    #[wasm_bindgen(catch, js_namespace = Object, js_name = keys)]
    fn object_keys(object: &JsValue) -> Result<Array, JsValue>;

    #[wasm_bindgen(js_namespace = ArrayBuffer, js_name = isView)]
    fn is_view(value: &JsValue) -> bool;

    #[wasm_bindgen(js_name = Uint8Array)]
    type Octets;
    #[wasm_bindgen(catch, constructor, js_class = "Uint8Array")]
    fn new(source: &JsValue) -> Result<Octets, JsValue>;

    #[wasm_bindgen(js_name = String)]
    type Text;
    #[wasm_bindgen(method)]
    fn slice(this: &Text, start: u32, end: u32) -> String;
}

/// More keys of one object are not read.
const KEYS: u32 = 10_240;

pub fn global() -> JsValue {
    GLOBAL.with(JsValue::clone)
}

/// A property, or `undefined` if there is none or reading it throws.
pub fn get(target: &JsValue, name: &str) -> JsValue {
    read(target, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A property; `None` if reading it throws.
pub fn read(target: &JsValue, key: &JsValue) -> Option<JsValue> {
    Reflect::get(target, key).ok()
}

pub fn set(target: &JsValue, name: &str, value: &JsValue) {
    // Only a frozen or foreign object refuses, and these objects are our own or the platform's.
    let _ = Reflect::set(target, &JsValue::from_str(name), value);
}

/// A plain object with these properties.
pub fn object(properties: &[(&str, &JsValue)]) -> JsValue {
    let object = Object::new().into();
    for (name, value) in properties {
        set(&object, name, value);
    }
    object
}

/// The object's own enumerable text keys, `limit` at most.
pub fn keys(object: &JsValue, limit: u32) -> Vec<JsValue> {
    let Ok(keys) = object_keys(object) else { return Vec::new() };
    (0..keys.length().min(limit.min(KEYS))).map(|index| keys.get(index)).collect()
}

/// The object's own enumerable entries; `None` stands for a getter that threw.
pub fn entries(object: &JsValue) -> Vec<(String, Option<JsValue>)> {
    let entry = |key: JsValue| Some((text(&key)?, read(object, &key)));
    keys(object, KEYS).into_iter().filter_map(entry).collect()
}

/// The items of something that has a length; `limit` at most.
pub fn items(list: &JsValue, limit: u32) -> Vec<JsValue> {
    let length = whole(&get(list, "length"), u64::from(limit)).unwrap_or(0);
    (0..length as u32).map(|index| Reflect::get_u32(list, index).unwrap_or_default()).collect()
}

/// A text, cut just above what any field may hold, so that a huge one costs little and is still
/// too long. Lone surrogates become U+FFFD.
pub fn text(value: &JsValue) -> Option<String> {
    text_within(value, TEXT_UNITS as u32 + 1)
}

/// A text's first `units` UTF-16 code units.
pub fn text_within(value: &JsValue, units: u32) -> Option<String> {
    if !value.is_string() {
        return None;
    }
    let value: &Text = value.unchecked_ref();
    Some(value.slice(0, units))
}

/// A whole number from 0 to `max`.
pub fn whole(value: &JsValue, max: u64) -> Option<u64> {
    let number = value.as_f64()?;
    // The cast saturates, so what doesn't fit is not equal afterwards.
    let whole = number as u64;
    (whole as f64 == number && whole <= max).then_some(whole)
}

/// A value that a context may hold.
pub fn scalar(value: &JsValue) -> Option<Scalar> {
    if let Some(number) = value.as_f64() {
        return Some(Scalar::Number(number));
    }
    value.as_bool().map(Scalar::Bool).or_else(|| text(value).map(Scalar::Text))
}

/// The bytes of a Uint8Array, of whatever realm.
pub fn bytes(value: &JsValue) -> Option<Vec<u8>> {
    if !is_view(value) {
        return None;
    }
    // A copy first: what the host gave may be detached, shared or a subclass with a length of its own.
    let copy: Uint8Array = Octets::new(value).ok()?.unchecked_into();
    Some(copy.to_vec())
}

pub fn octets(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

/// `target[method](…arguments)`.
pub fn invoke(target: &JsValue, method: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    let function = Reflect::get(target, &JsValue::from_str(method))?;
    call(&function, target, arguments)
}

pub fn call(function: &JsValue, this: &JsValue, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    if !function.is_function() {
        return Err(JsValue::UNDEFINED);
    }
    Reflect::apply(function.unchecked_ref::<Function>(), this, &list(arguments))
}

/// `new globalThis[class](…arguments)`.
pub fn construct(class: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    let class = get(&global(), class);
    if !class.is_function() {
        return Err(JsValue::UNDEFINED);
    }
    Reflect::construct(class.unchecked_ref::<Function>(), &list(arguments))
}

fn list(items: &[&JsValue]) -> Array {
    let list = Array::new();
    for item in items {
        list.push(item);
    }
    list
}

/// Whether the value is a promise or the like.
pub fn is_thenable(value: &JsValue) -> bool {
    value.is_object() && get(value, "then").is_function()
}

/// Calls one of the two when the promise settles; a plain value settles at once, in a microtask.
pub fn settle(value: &JsValue, fulfilled: &JsValue, rejected: &JsValue) -> Result<(), JsValue> {
    let promise = invoke(&get(&global(), "Promise"), "resolve", &[value])?;
    invoke(&promise, "then", &[fulfilled, rejected])?;
    Ok(())
}

/// Whether an error says that a disk or a quota is full.
pub fn is_full(error: &JsValue) -> bool {
    let is = |property, expected| text(&get(error, property)).as_deref() == Some(expected);
    is("name", "QuotaExceededError") || is("code", "ENOSPC") || is("code", "EDQUOT")
}
