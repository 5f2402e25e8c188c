//! The events that a program declared: with a declaration, no others are logged, and no other fields.

use alloc::string::String;
use alloc::vec::Vec;

use super::io::Field;
use super::shapes::FieldKind;

/// Nothing but these, if there is a list.
#[derive(Clone, Debug, Default)]
pub struct Declared(pub Option<Vec<Event>>);

/// Its name, and its fields.
pub type Event = (String, Vec<(String, FieldKind)>);

impl Declared {
    /// The event's fields; `Err` if it is not declared. All fields go where nothing is declared.
    pub fn event(&self, name: &str) -> Result<Fields<'_>, &'static str> {
        let Some(events) = &self.0 else { return Ok(Fields(None)) };
        let event = events.iter().find(|(declared, _)| declared == name).ok_or(UNDECLARED)?;
        Ok(Fields(Some(&event.1)))
    }
}

const UNDECLARED: &str = "is not among the declared `events`";

/// The fields of one event.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(Option<&'a [(String, FieldKind)]>);

impl Fields<'_> {
    /// Why the field may not be there, if so.
    pub fn check(self, key: &str, field: &Field<'_>) -> Result<(), &'static str> {
        self.check_kind(key, field.kind()?)
    }

    pub(crate) fn check_kind(self, key: &str, kind: FieldKind) -> Result<(), &'static str> {
        let Some(fields) = self.0 else { return Ok(()) };
        match fields.iter().find(|(declared, _)| declared == key) {
            None => Err("is not declared in `events`"),
            Some((_, declared)) if *declared != kind => Err("is of another type than declared"),
            _ => Ok(()),
        }
    }
}
