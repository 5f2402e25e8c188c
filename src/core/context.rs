//! The fields attached to every event. An event keeps those that were in force at its call.

use alloc::string::String;
use alloc::vec::Vec;

use super::text::utf16_units;

/// A context's value. Text is allowed here: the host sets the context on purpose.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Goes on as it is.
    Bool(bool),
    /// Refused if it is not finite.
    Number(f64),
    /// Refused beyond [`TEXT_UNITS`].
    Text(String),
}

/// One field of `setContext` or `setUser`; no value takes the field away.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextPatch<'a> {
    /// Which field.
    pub slot: Slot<'a>,
    /// What it is from now on.
    pub value: Option<Scalar>,
}

/// Where a field of the context belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot<'a> {
    /// `setUser({ userId })` and its like.
    Identity(Identity),
    /// `core_metadata`, from `setContext`.
    Core(&'a str),
    /// `user_metadata`, from `setUser`.
    User(&'a str),
}

/// Who and what an event is about, beside free fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Identity {
    /// `setUser({ userId })`.
    UserId,
    /// Random at each start unless the host sets it.
    SessionId,
    /// `setUser({ deviceId })`; nothing else makes one up.
    DeviceId,
    /// `setUser({ accountUuid })`; any text.
    AccountUuid,
    /// `setUser({ organizationUuid })`; any text.
    OrganizationUuid,
}

impl Identity {
    /// In the order of the variants.
    pub const ALL: [Self; 5] =
        [Self::UserId, Self::SessionId, Self::DeviceId, Self::AccountUuid, Self::OrganizationUuid];

    /// The name in JavaScript.
    pub fn option(self) -> &'static str {
        ["userId", "sessionId", "deviceId", "accountUuid", "organizationUuid"][self as usize]
    }
}

/// Fields of one group; more are left out.
const FIELDS: usize = 128;
/// UTF-8 bytes of a key.
const KEY_BYTES: usize = 128;
/// UTF-16 code units of a text, as JavaScript counts them.
pub const TEXT_UNITS: usize = 1_024;

/// What every event from now on carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// In the order of [`Identity`].
    pub identity: [Option<String>; Identity::ALL.len()],
    /// `core_metadata`: 128 fields at most.
    pub core: Vec<(String, Scalar)>,
    /// `user_metadata`: 128 fields at most.
    pub user: Vec<(String, Scalar)>,
}

impl Context {
    /// Whether that changes anything, or why the field was refused.
    pub fn apply(&mut self, patch: &ContextPatch<'_>) -> Result<bool, &'static str> {
        match &patch.value {
            Some(Scalar::Text(text)) if utf16_units(text) > TEXT_UNITS => {
                return Err("text is longer than 1,024 characters");
            }
            Some(Scalar::Number(number)) if !number.is_finite() => {
                return Err("number is not finite");
            }
            _ => {}
        }
        match patch.slot {
            Slot::Identity(identity) => {
                let value = match &patch.value {
                    Some(Scalar::Text(text)) => Some(text.clone()),
                    Some(_) => return Err("must be text"),
                    None => None,
                };
                let changes = self.identity(identity) != value.as_deref();
                self.identity[identity as usize] = value;
                Ok(changes)
            }
            Slot::Core(key) => set(&mut self.core, key, patch.value.clone()),
            Slot::User(key) => set(&mut self.user, key, patch.value.clone()),
        }
    }

    /// The text that is set, if one is.
    pub fn identity(&self, identity: Identity) -> Option<&str> {
        self.identity[identity as usize].as_deref()
    }
}

fn set(
    fields: &mut Vec<(String, Scalar)>,
    key: &str,
    value: Option<Scalar>,
) -> Result<bool, &'static str> {
    if key.is_empty() || key.len() > KEY_BYTES {
        return Err("key must have 1 to 128 bytes");
    }
    let found = fields.iter_mut().position(|(name, _)| name == key);
    match (found, value) {
        (Some(index), Some(value)) if fields[index].1 == value => return Ok(false),
        (Some(index), Some(value)) => fields[index].1 = value,
        (Some(index), None) => {
            fields.remove(index);
        }
        (None, Some(_)) if fields.len() >= FIELDS => return Err("more than 128 fields"),
        (None, Some(value)) => fields.push((String::from(key), value)),
        (None, None) => return Ok(false),
    }
    Ok(true)
}
