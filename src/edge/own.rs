//! Values copied out of JavaScript, so that none of its code runs while they are used.

use alloc::string::String;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use super::value::{self, args, global, global_get, invoke, read};
use crate::core::config::Value;
use crate::core::context::Scalar;

#[wasm_bindgen]
extern "C" {
    type VerifiedTexts;
    #[wasm_bindgen(catch, method)]
    fn get(this: &VerifiedTexts, value: &JsValue) -> Result<JsValue, JsValue>;
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Own {
    #[default]
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    /// Cut above what any field may hold.
    Text(String),
    /// A text that the package's `verified` vouched for.
    Verified(String),
    /// Its own enumerable entries.
    Object(Entries),
    /// What it is instead; it follows a field's name in a message.
    Other(&'static str),
}

pub type Entries = Vec<(String, Own)>;

/// More values than these are not read.
const VALUES: u32 = 40_000;

impl Own {
    /// The value; an object with what is in it, so many levels deep.
    pub fn of(value: &JsValue, levels: u32) -> Self {
        Self::within(value, levels, &mut { VALUES })
    }

    fn within(value: &JsValue, levels: u32, room: &mut u32) -> Self {
        if let Some(number) = value.as_f64() {
            return Self::Number(number);
        }
        if let Some(value) = value.as_bool() {
            return Self::Bool(value);
        }
        if let Some(text) = value::text(value) {
            return Self::Text(text);
        }
        if value.is_undefined() {
            return Self::Undefined;
        }
        if value.is_null() {
            return Self::Null;
        }
        if value.is_object() {
            if levels > 0 {
                return Self::Object(entries(value, levels - 1, room));
            }
            return match verified_text(value) {
                Some(text) => Self::Verified(text),
                None => Self::Other("is an object; make each of its values a field"),
            };
        }
        Self::Other(match value::text(&value.js_typeof()).as_deref() {
            Some("bigint") => "is a bigint; make it a number",
            Some("symbol") => "is a symbol",
            _ => "is a function",
        })
    }

    /// What is in an object.
    pub fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Object(entries) => entries,
            _ => &[],
        }
    }

    /// What an object has under a name, as configuration sees it.
    pub fn value_of(&self, name: &str) -> Value<'_> {
        let entry = self.entries().iter().find(|(key, _)| key == name);
        entry.map_or(Value::Absent, |(_, own)| own.value())
    }

    /// What it is for configuration.
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Undefined => Value::Absent,
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) | Self::Verified(text) => Value::Text(text),
            Self::Object(_) | Self::Other(_) => Value::Other,
        }
    }

    /// A value that a context may hold.
    pub fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Bool(value) => Some(Scalar::Bool(*value)),
            Self::Number(number) => Some(Scalar::Number(*number)),
            Self::Text(text) | Self::Verified(text) => Some(Scalar::Text(text.clone())),
            _ => None,
        }
    }
}

fn entries(object: &JsValue, levels: u32, room: &mut u32) -> Entries {
    let mut entries = Vec::new();
    for key in value::keys(object, *room) {
        *room = room.saturating_sub(1);
        let own = match read(object, &key) {
            Some(value) => Own::within(&value, levels, room),
            None => Own::Other("could not be read"),
        };
        entries.push((value::string(&key), own));
    }
    entries
}

/// Every copy of the package in a realm shares the list of verified texts.
fn verified_text(value: &JsValue) -> Option<String> {
    let symbol = invoke(&global_get("Symbol"), "for", args().text("wasm-telemetry.verified"));
    let texts = read(&global(), &symbol)?;
    if !texts.is_object() {
        return None;
    }
    value::text(&texts.unchecked_into::<VerifiedTexts>().get(value).ok()?)
}
