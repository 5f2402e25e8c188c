//! Events as the host gives them. Everything is read before the pipeline is touched, for a getter may
//! log an event of its own.

use alloc::string::String;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use super::own::{Entries, Own};
use super::value::{self, get};
use crate::core::io::{Exposure, Field};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = JSON)]
    fn stringify(value: &JsValue) -> Result<JsValue, JsValue>;
}

const NAME_CHARACTERS: usize = 256;
/// UTF-16 code units of an exposure's JSON texts.
const JSON_UNITS: u32 = 65_536;

/// An event's fields, copied out of JavaScript.
#[derive(Clone, Debug, Default)]
pub struct Fields(Entries);

impl Fields {
    /// Fields of an object; nothing at all is no fields. `Err` says what anything else is.
    pub fn read(metadata: &JsValue) -> Result<Self, &'static str> {
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

/// What a developer is told in strict mode, if something is wrong.
pub fn misuse(name: &JsValue, fields: &Result<Fields, &'static str>) -> Option<String> {
    let text = read_name(name);
    if !name.is_string() {
        return Some(String::from("an event's name must be a string"));
    }
    if !(1..=NAME_CHARACTERS).contains(&text.chars().count()) {
        return Some(String::from("an event's name must have 1 to 256 characters"));
    }
    let parts = match fields {
        Err(kind) => ["event \"", &text, "\": metadata ", kind],
        Ok(fields) => {
            let fields = fields.borrow();
            let (field, why) = fields.iter().find_map(|(name, field)| match field {
                Field::Refused(why) => Some((*name, *why)),
                Field::Number(number) if !number.is_finite() => {
                    Some((*name, "is a number that is not finite"))
                }
                _ => None,
            })?;
            return Some(["event \"", &text, "\": field \"", field, "\" ", why].concat());
        }
    };
    Some(parts.concat())
}

/// An exposure, copied out of JavaScript.
#[derive(Debug, Default)]
pub struct OwnExposure {
    experiment_id: String,
    variation_id: u32,
    session_id: Option<String>,
    user_attributes: Option<String>,
    experiment_metadata: Option<String>,
}

/// What is wrong with an exposure: the field, and why.
pub type Misuse = (&'static str, &'static str);

impl OwnExposure {
    /// The exposure, and what had to be left out of it; or why there is none.
    pub fn read(exposure: &JsValue) -> Result<(Self, Vec<Misuse>), Misuse> {
        let id = value::string(&get(exposure, "experimentId"));
        if !(1..=NAME_CHARACTERS).contains(&id.chars().count()) {
            return Err(("experimentId", "must be text of 1 to 256 characters"));
        }
        let variation = value::whole(&get(exposure, "variationId"), u64::from(u32::MAX));
        let Some(variation) = variation else {
            return Err(("variationId", "must be a whole number from 0"));
        };
        let attributes = get(exposure, "userAttributes");
        let mut left_out = Vec::new();
        let mut json = |field, value: &JsValue| {
            let text = json_text(value);
            text.unwrap_or_else(|reason| {
                left_out.push((field, reason));
                None
            })
        };
        let own = Self {
            experiment_id: id,
            variation_id: variation as u32,
            session_id: value::text(&get(&attributes, "sessionId")),
            user_attributes: json("userAttributes", &attributes),
            experiment_metadata: json("experimentMetadata", &get(exposure, "experimentMetadata")),
        };
        Ok((own, left_out))
    }

    pub fn borrow(&self) -> Exposure<'_> {
        Exposure {
            experiment_id: &self.experiment_id,
            variation_id: self.variation_id,
            session_id: self.session_id.as_deref(),
            user_attributes: self.user_attributes.as_deref(),
            experiment_metadata: self.experiment_metadata.as_deref(),
        }
    }
}

/// The value as JSON, cut just above what the pipeline takes.
fn json_text(value: &JsValue) -> Result<Option<String>, &'static str> {
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    if !value.is_object() {
        return Err("must be an object; left out");
    }
    let text = stringify(value).ok().and_then(|text| value::text_within(&text, JSON_UNITS + 1));
    text.map(Some).ok_or("can't be written as JSON; left out")
}
