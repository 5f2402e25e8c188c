//! OTLP's bodies from stored bytes, whatever they are: what the `json` format can say OTLP can, in both
//! of its formats, which say the same.

use serde_json::{Map, Value, json};
use wasm_telemetry::core::codec::{Corrupt, Reader};
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::record::Record;
use wasm_telemetry::core::time::UnixMillis;
use wasm_telemetry::core::wire::NoBody;

pub fn run(data: &[u8]) {
    let mut data = data.to_vec();
    if let Some(magic) = data.first_chunk_mut() {
        *magic = *b"WTR3";
    }
    let Ok(record) = Record::own(&data) else { return };
    let bodies = [Format::Json, Format::OtlpJson, Format::OtlpProtobuf].map(|format| {
        let mut body = Vec::new();
        format.encode(&record, 1, UnixMillis(0), &mut body).map(|()| body)
    });
    if bodies.contains(&Err(NoBody::TooLarge)) {
        return;
    }
    let [Ok(plain), Ok(json), Ok(protobuf)] = &bodies else {
        assert!(bodies.iter().all(|body| *body == Err(NoBody::Corrupt)), "one has a body");
        return;
    };
    let plain: Value = serde_json::from_slice(plain).expect("JSON");
    let mut json: Value = serde_json::from_slice(json).expect("JSON");
    doubles(&mut json);
    assert_eq!(read(protobuf, REQUEST).expect("protobuf"), json);

    let logged = plain["events"].as_array().expect("events");
    let records = json.pointer("/resourceLogs/0/scopeLogs/0/logRecords");
    let records = records.and_then(Value::as_array).expect("log records");
    assert_eq!(records.len(), logged.len());
    for (record, logged) in records.iter().zip(logged) {
        let exposure = json!("growthbook_experiment");
        assert_eq!(&record["eventName"], logged.get("event_name").unwrap_or(&exposure));
        let attributes = record["attributes"].as_array().expect("attributes");
        let id = json!({ "key": "event_id", "value": { "stringValue": logged["event_id"] } });
        assert!(attributes.contains(&id), "{id}");
    }
}

/// A double may be written as an integer.
fn doubles(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(doubles),
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_f64() {
                    Some(number) if name == "doubleValue" => *value = json!(number),
                    _ => doubles(value),
                }
            }
        }
        _ => {}
    }
}

/// A message's fields by their numbers, with their names in JSON.
type Message = &'static [(u64, &'static str, Kind)];

enum Kind {
    One(Message),
    Many(Message),
    Text,
    Bool,
    Number,
    Integer,
    Double,
    Nanos,
}

const REQUEST: Message = &[(1, "resourceLogs", Kind::Many(RESOURCE_LOGS))];
const RESOURCE_LOGS: Message =
    &[(1, "resource", Kind::One(RESOURCE)), (2, "scopeLogs", Kind::Many(SCOPE_LOGS))];
const RESOURCE: Message = &[(1, "attributes", Kind::Many(ATTRIBUTE))];
const SCOPE_LOGS: Message =
    &[(1, "scope", Kind::One(SCOPE)), (2, "logRecords", Kind::Many(RECORD))];
const SCOPE: Message = &[
    (1, "name", Kind::Text),
    (2, "version", Kind::Text),
    (3, "attributes", Kind::Many(ATTRIBUTE)),
];
const RECORD: Message = &[
    (1, "timeUnixNano", Kind::Nanos),
    (5, "body", Kind::One(VALUE)),
    (6, "attributes", Kind::Many(ATTRIBUTE)),
    (7, "droppedAttributesCount", Kind::Number),
    (11, "observedTimeUnixNano", Kind::Nanos),
    (12, "eventName", Kind::Text),
];
const ATTRIBUTE: Message = &[(1, "key", Kind::Text), (2, "value", Kind::One(VALUE))];
const VALUE: Message = &[
    (1, "stringValue", Kind::Text),
    (2, "boolValue", Kind::Bool),
    (3, "intValue", Kind::Integer),
    (4, "doubleValue", Kind::Double),
];

/// The message as JSON.
fn read(bytes: &[u8], message: Message) -> Result<Value, Corrupt> {
    let mut members = Map::new();
    for (_, name, kind) in message {
        if let Kind::Many(_) = kind {
            members.insert((*name).into(), json!([]));
        }
    }
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let tag = reader.varint()?;
        let (_, name, kind) =
            message.iter().find(|(number, ..)| *number == tag >> 3).ok_or(Corrupt)?;
        let wire_type = match kind {
            Kind::Bool | Kind::Number | Kind::Integer => 0,
            Kind::Nanos | Kind::Double => 1,
            Kind::One(_) | Kind::Many(_) | Kind::Text => 2,
        };
        assert_eq!(tag & 7, wire_type, "{name}");
        let value = match kind {
            Kind::One(message) | Kind::Many(message) => {
                let length = reader.count()?;
                read(reader.bytes(length)?, message)?
            }
            Kind::Text => json!(reader.text()?),
            Kind::Bool => json!(reader.varint()? == 1),
            Kind::Number => json!(reader.varint()?),
            Kind::Integer => json!((reader.varint()? as i64).to_string()),
            Kind::Double => json!(f64::from_le_bytes(reader.array()?)),
            Kind::Nanos => json!(u64::from_le_bytes(reader.array()?).to_string()),
        };
        match members.get_mut(*name) {
            Some(Value::Array(values)) => values.push(value),
            None => drop(members.insert((*name).into(), value)),
            Some(_) => panic!("{name} comes twice"),
        }
    }
    Ok(Value::Object(members))
}
