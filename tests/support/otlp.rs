//! A reader of the OTLP formats by their official definitions, which tells what the `json` format
//! would have said.
#![allow(dead_code)]

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use serde_json::{Map, Value, json};
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::json::write_time;
use wasm_telemetry::core::time::UnixMillis;

use super::wire::{self, Body};

/// Panics with the offending part of a body that breaks its format.
pub fn read(bytes: &[u8], format: Format) -> Body {
    let request: ExportLogsServiceRequest = match format {
        Format::Json => return wire::read(bytes),
        Format::OtlpJson => serde_json::from_slice(bytes).expect("a body is OTLP in JSON"),
        Format::OtlpProtobuf => Message::decode(bytes).expect("a body is OTLP in protobuf"),
    };
    let [resource] = request.resource_logs.try_into().expect("one resource");
    let [logs] = resource.scope_logs.try_into().expect("one scope");
    let scope = logs.scope.expect("a scope");
    assert_eq!(scope.name, "wasm-telemetry");
    let mut batch = attributes(&scope.attributes);
    let mut take = |name: &str| batch.remove(name).unwrap_or_else(|| panic!("no {name}"));
    let text = |value: Value| String::from(value.as_str().expect("a text"));
    let body = Body {
        resource: attributes(&resource.resource.expect("a resource").attributes),
        batch_id: text(take("batch.id")),
        client_id: text(take("batch.client_id")),
        seq: take("batch.seq").as_u64().expect("a number"),
        attempt: take("batch.attempt").as_u64().expect("a number"),
        sent_at: wire::time(&take("batch.sent_at")),
        dropped: Map::new(),
        events: logs.log_records.iter().map(event).collect(),
    };
    let reason = |key: &str| key.strip_prefix("batch.dropped.").map(String::from);
    let dropped = batch.into_iter().map(|(key, count)| (reason(&key).expect("a reason"), count));
    Body { dropped: dropped.collect(), ..body }
}

fn event(record: &LogRecord) -> Value {
    let name = record.event_name.as_str();
    assert_eq!(value(record.body.as_ref()), json!(name));
    assert_eq!(record.time_unix_nano, record.observed_time_unix_nano);
    let mut attributes = attributes(&record.attributes);
    let mut time = Vec::new();
    write_time(&mut time, UnixMillis(record.time_unix_nano / 1_000_000));
    let mut event = Map::new();
    event.insert("timestamp".into(), serde_json::from_slice(&time).expect("a JSON text"));
    if name == "growthbook_experiment" {
        event.insert("event_type".into(), json!("GrowthbookExperimentEvent"));
        event.append(&mut attributes);
        return Value::Object(event);
    }
    event.insert("event_name".into(), json!(name));
    for (key, value) in attributes {
        let (group, key) = match key.as_str() {
            "event_id" | "user_id" => {
                event.insert(key, value);
                continue;
            }
            "session_id" => ("core_metadata", key),
            "device_id" | "account_uuid" | "organization_uuid" => ("user_metadata", key),
            _ => match key.split_once('.') {
                Some((group @ ("core_metadata" | "user_metadata" | "event_metadata"), key)) => {
                    (group, String::from(key))
                }
                _ => ("event_metadata", key),
            },
        };
        let group = event.entry(group).or_insert_with(|| json!({}));
        group.as_object_mut().expect("an object").insert(key, value);
    }
    Value::Object(event)
}

fn attributes(list: &[KeyValue]) -> Map<String, Value> {
    let mut map = Map::new();
    for KeyValue { key, value: any, .. } in list {
        let before = map.insert(key.clone(), value(any.as_ref()));
        assert_eq!(before, None, "{key} is there twice");
    }
    map
}

fn value(any: Option<&AnyValue>) -> Value {
    match any.and_then(|any| any.value.as_ref()).expect("a value") {
        Any::StringValue(text) => json!(text),
        Any::BoolValue(value) => json!(value),
        Any::IntValue(number) => json!(number),
        Any::DoubleValue(number) => json!(number),
        other => panic!("{other:?}"),
    }
}
