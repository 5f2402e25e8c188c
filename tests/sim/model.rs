//! What a host knows of itself: the context it set, the sampling it asked for.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use wasm_telemetry::core::context::{Identity, Scalar};

/// The context in force, as it must appear on the wire.
#[derive(Clone, Debug, Default)]
pub struct ContextModel {
    pub identity: HashMap<usize, String>,
    pub core: Map<String, Value>,
    pub user: Map<String, Value>,
}

impl ContextModel {
    /// Adds the context's members to an event.
    pub fn enrich(&self, event: &mut Map<String, Value>) {
        let identity = |identity: Identity| self.identity.get(&(identity as usize));
        if let Some(user) = identity(Identity::UserId) {
            event.insert("user_id".into(), json!(user));
        }
        let mut core = self.core.clone();
        if let Some(session) = identity(Identity::SessionId) {
            core.insert("session_id".into(), json!(session));
        }
        let mut user = self.user.clone();
        for (key, which) in IDENTITIES {
            if let Some(text) = identity(which) {
                user.insert(key.into(), json!(text));
            }
        }
        for (name, group) in [("core_metadata", core), ("user_metadata", user)] {
            if !group.is_empty() {
                event.insert(name.into(), Value::Object(group));
            }
        }
    }

    /// Adds them to an exposure.
    pub fn expose(&self, event: &mut Map<String, Value>) {
        for (key, which) in IDENTITIES.into_iter().chain([("session_id", Identity::SessionId)]) {
            if let Some(text) = self.identity.get(&(which as usize)) {
                event.entry(key).or_insert_with(|| json!(text));
            }
        }
        if let Some(Value::String(environment)) = self.core.get("environment") {
            event.insert("environment".into(), json!(environment));
        }
    }
}

const IDENTITIES: [(&str, Identity); 3] = [
    ("account_uuid", Identity::AccountUuid),
    ("organization_uuid", Identity::OrganizationUuid),
    ("device_id", Identity::DeviceId),
];

pub fn scalar(value: &Scalar) -> Value {
    match value {
        Scalar::Bool(value) => json!(value),
        Scalar::Number(value) => json!(value),
        Scalar::Text(value) => json!(value),
    }
}

/// `sampling` by layer: `None` is an entry whose rate is broken.
#[derive(Clone, Debug, Default)]
pub struct SamplingModel {
    pub init: HashMap<String, Option<(f64, bool)>>,
    pub remote: HashMap<String, Option<(f64, bool)>>,
}

impl SamplingModel {
    /// The rate and whether it is by session, unless all events of the name are logged.
    pub fn of(&self, name: &str) -> Option<(f64, bool)> {
        *self.init.get(name).or_else(|| self.remote.get(name))?
    }
}
