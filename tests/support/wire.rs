//! A reader of the `json` wire format that takes nothing but what the specification allows.
#![allow(dead_code)]

use serde_json::{Map, Value};

/// One request's body, checked.
#[derive(Clone, Debug)]
pub struct Body {
    pub resource: Map<String, Value>,
    pub batch_id: String,
    pub client_id: String,
    pub seq: u64,
    pub attempt: u64,
    pub sent_at: u64,
    pub dropped: Map<String, Value>,
    pub events: Vec<Value>,
}

const REASONS: [&str; 12] = [
    "invalid_name",
    "queue_full",
    "too_large",
    "rejected",
    "unauthorized",
    "max_attempts",
    "expired",
    "store_full",
    "corrupt",
    "consent_denied",
    "killed",
    "shut_down",
];

/// Panics with the offending part of a body that breaks the format.
pub fn read(bytes: &[u8]) -> Body {
    let body: Value = serde_json::from_slice(bytes).expect("a body is JSON");
    let body = object(&body, &["resource", "batch", "events"], &[]);
    let resource = body["resource"].as_object().expect("resource is an object").clone();
    assert!(resource.values().all(is_scalar), "{resource:?}");
    let required = ["id", "client_id", "seq", "attempt", "sent_at"];
    let batch = object(&body["batch"], &required, &["dropped"]);
    let dropped = batch.get("dropped").map(|dropped| {
        let dropped = dropped.as_object().expect("dropped is an object");
        assert!(!dropped.is_empty(), "an empty drop report is left out");
        for (reason, count) in dropped {
            assert!(REASONS.contains(&reason.as_str()), "unknown reason {reason}");
            assert!(count.as_u64().is_some_and(|count| count > 0), "{reason}: {count}");
        }
        dropped.clone()
    });
    let events = body["events"].as_array().expect("events is an array");
    assert!(!events.is_empty(), "a batch has events");
    events.iter().for_each(check_event);
    Body {
        resource,
        batch_id: uuid(&batch["id"]),
        client_id: uuid(&batch["client_id"]),
        seq: batch["seq"].as_u64().expect("seq is a number"),
        attempt: batch["attempt"].as_u64().filter(|n| *n > 0).expect("attempts count from 1"),
        sent_at: time(&batch["sent_at"]),
        dropped: dropped.unwrap_or_default(),
        events: events.clone(),
    }
}

fn check_event(event: &Value) {
    uuid(&event["event_id"]);
    time(&event["timestamp"]);
    if event.get("event_type").is_none() {
        let required = ["event_name", "event_id", "timestamp"];
        let optional = ["user_id", "core_metadata", "user_metadata", "event_metadata"];
        let event = object(event, &required, &optional);
        let name = event["event_name"].as_str().expect("event_name is text");
        assert!((1..=256).contains(&name.chars().count()), "{name}");
        assert!(event.get("user_id").is_none_or(Value::is_string));
        for group in ["core_metadata", "user_metadata", "event_metadata"] {
            let Some(group) = event.get(group) else {
                continue;
            };
            let group = group.as_object().expect("metadata is an object");
            assert!(!group.is_empty() && group.values().all(is_scalar), "{group:?}");
            assert!(group.keys().all(|key| !key.is_empty()), "{group:?}");
        }
        return;
    }
    let required = ["event_type", "event_id", "timestamp", "experiment_id", "variation_id"];
    let texts = [
        "device_id",
        "account_uuid",
        "organization_uuid",
        "session_id",
        "user_attributes",
        "experiment_metadata",
        "environment",
    ];
    let event = object(event, &required, &texts);
    assert_eq!(event["event_type"], "GrowthbookExperimentEvent");
    assert!(event["experiment_id"].is_string() && event["variation_id"].is_u64());
    assert!(texts.iter().all(|text| event.get(*text).is_none_or(Value::is_string)));
}

fn object<'a>(value: &'a Value, required: &[&str], optional: &[&str]) -> &'a Map<String, Value> {
    let object = value.as_object().expect("an object");
    for key in required {
        assert!(object.contains_key(*key), "no {key} in {value}");
    }
    for key in object.keys() {
        let known = required.contains(&key.as_str()) || optional.contains(&key.as_str());
        assert!(known, "unexpected {key} in {value}");
    }
    object
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_))
}

fn uuid(value: &Value) -> String {
    let text = value.as_str().expect("a UUID is text");
    let id = uuid::Uuid::parse_str(text).expect("a UUID");
    assert_eq!(id.get_version_num(), 4, "{text}");
    assert_eq!(id.hyphenated().to_string(), text, "a UUID in lower case with hyphens");
    text.into()
}

/// Milliseconds since 1970 of an ISO 8601 text with milliseconds and `Z`.
pub fn time(value: &Value) -> u64 {
    let text = value.as_str().expect("a time is text");
    let (year, rest) = match text.strip_prefix('+') {
        Some(text) => text.split_at(6),
        None => text.split_at(4),
    };
    let number = |from: usize, to: usize| -> u64 { rest[from..to].parse().expect(text) };
    let separators: String = [0, 3, 6, 9, 12, 15, 19].map(|at| &rest[at..=at]).concat();
    assert_eq!((separators.as_str(), rest.len()), ("--T::.Z", 20), "{text}");
    let days = days_since_1970(year.parse().expect(text), number(1, 3), number(4, 6));
    let seconds = days * 86_400 + number(7, 9) * 3_600 + number(10, 12) * 60 + number(13, 15);
    seconds * 1_000 + number(16, 19)
}

/// Plain counting, so that it shares nothing with what it checks.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let before = (year - 1_970) * 365 + leap_days(year - 1) - leap_days(1_969);
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    before + months[..month as usize - 1].iter().sum::<u64>() + day - 1
}

/// Equal but for how a number is written: a reader of JSON may round the last digit.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            let (left, right) = (left.as_f64().unwrap_or(0.0), right.as_f64().unwrap_or(1.0));
            left == right || (left - right).abs() <= left.abs() * 2.0 * f64::EPSILON
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        _ => left == right,
    }
}
