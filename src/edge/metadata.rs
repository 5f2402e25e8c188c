//! Events as the host gives them. Everything is read before the pipeline is touched, for a getter may
//! log an event of its own.

use alloc::string::String;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use super::own::{Entries, Own};
use super::value::{self, args, global_get, invoke};
use crate::core::declared::Declared;
use crate::core::io::Field;
use crate::core::text::characters;

const NAME_CHARACTERS: usize = 256;
/// UTF-16 code units of an exposure's JSON texts.
const JSON_UNITS: u32 = 65_536;

/// An event's fields, copied out of JavaScript.
#[derive(Clone, Debug, Default)]
pub struct Fields(Entries);

impl Fields {
    /// Fields of an object; nothing at all is no fields. `Err` says what anything else is.
    pub fn read(metadata: &JsValue) -> Result<Self, &'static str> {
        // The bytes of a text are numbers, too.
        if value::is_list(metadata) {
            return Err("is a list");
        }
        match Own::of(metadata, 1) {
            Own::Undefined | Own::Null => Ok(Self::default()),
            Own::Object(entries) => Ok(Self(entries)),
            Own::Other(what) => Err(what),
            _ => Err("is no object"),
        }
    }

    pub fn borrow(&self) -> Vec<(&str, Field<'_>)> {
        let mut fields = Vec::with_capacity(self.0.len());
        for (name, own) in &self.0 {
            let field = match own {
                Own::Undefined => continue,
                Own::Number(number) => Field::Number(*number),
                Own::Bool(value) => Field::Bool(*value),
                Own::Verified(text) => Field::Text(text),
                Own::Text(_) => Field::Refused("is a string; wrap checked text in verified()"),
                Own::Null => Field::Refused("is null; leave it out, or make it undefined"),
                Own::Other(what) => Field::Refused(what),
                // Not at this level.
                Own::Object(_) => continue,
            };
            fields.push((name.as_str(), field));
        }
        fields
    }

    /// Adds what is not there yet.
    pub fn add(&mut self, more: Self) {
        for (name, own) in more.0 {
            if self.0.iter().all(|(other, _)| *other != name) {
                self.0.push((name, own));
            }
        }
    }
}

/// The event's name, cut where it is too long anyway; a name that is no text becomes an empty one,
/// which the pipeline counts as invalid.
pub fn read_name(name: &JsValue) -> String {
    value::string(name)
}

/// Whether an event or an experiment can have that name.
pub fn is_name(text: &str) -> bool {
    (1..=NAME_CHARACTERS).contains(&characters(text))
}

/// What a developer is told in strict mode, if something is wrong.
pub fn misuse(
    name: &JsValue,
    fields: &Result<Fields, &'static str>,
    declared: &Declared,
) -> Option<String> {
    let text = read_name(name);
    if !name.is_string() {
        return Some(String::from("an event's name must be a string"));
    }
    if !is_name(&text) {
        return Some(String::from("an event's name must have 1 to 256 characters"));
    }
    let parts = match (fields, declared.event(&text)) {
        (_, Err(undeclared)) => ["event \"", &text, "\" ", undeclared],
        (Err(kind), _) => ["event \"", &text, "\": metadata ", kind],
        (Ok(fields), Ok(declared)) => {
            let fields = fields.borrow();
            let (field, why) = fields.iter().find_map(|(name, field)| match field {
                Field::Number(number) if !number.is_finite() => {
                    Some((*name, "is a number that is not finite"))
                }
                _ => Some((*name, declared.check(name, field).err()?)),
            })?;
            return Some(["event \"", &text, "\": field \"", field, "\" ", why].concat());
        }
    };
    Some(parts.concat())
}

/// The value as JSON, cut just above what the pipeline takes; none if it can't be written.
pub fn json_text(value: &JsValue) -> Option<String> {
    let json = invoke(&global_get("JSON"), "stringify", args().js(value));
    value::text_within(&json, JSON_UNITS + 1)
}
