//! Stored bytes: whatever they are, reading them ends without a panic; and whatever can be read says
//! the same when it is written anew, and when it is split.

use serde_json::Value;
use wasm_telemetry::core::codec::{Corrupt, Reader};
use wasm_telemetry::core::context::{Context, Scalar};
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::id::Id;
use wasm_telemetry::core::io::Field;
use wasm_telemetry::core::ledger::Drops;
use wasm_telemetry::core::record::{
    Builder, Fields, Header, Item, Record, Stored, StoredContext, stamp,
};
use wasm_telemetry::core::shapes::definition;
use wasm_telemetry::core::time::UnixMillis;
use wasm_telemetry::core::wire::NoBody;

pub fn run(data: &[u8]) {
    read_parts(data);
    let checked = Record::checked(data).map(|record| record.header);
    let own = Record::own(data).map(|record| record.header);
    assert!(checked.is_err() || checked == own);
    // A checksum keeps chance away, not those who can compute one.
    let mut stamped = data.to_vec();
    if let Some(magic) = stamped.first_chunk_mut() {
        *magic = *b"WTR3";
    }
    stamp(&mut stamped);
    let Ok(record) = Record::checked(&stamped) else { return };
    let body = encode(&record);
    if body == Err(NoBody::TooLarge) {
        return;
    }
    assert_eq!(body.is_ok(), record.report().is_ok() && walk(&record).is_ok());
    let keep = record.header.events / 2;
    let halves = record.split(keep, Id(0, 1), Id(0, 2), 3);
    let Ok(body) = body else { return };
    assert_eq!(encode_again(&record), body);
    let whole = parse(&body);
    assert_eq!(events(&whole).len(), record.header.events as usize);
    match halves.expect("what can be sent can be split") {
        None => assert!(record.header.events < 2),
        Some([(first, left), (second, right)]) => {
            assert_eq!(first.batch_id, record.header.batch_id);
            assert_eq!(second.batch_id, Id(0, 1));
            assert!(first.events > 0 && second.events > 0);
            let halves = [(first, &left), (second, &right)].map(|(header, bytes)| {
                let half = Record::own(bytes).expect("a half is a record");
                assert_eq!(half.header, header);
                parse(&encode(&half).expect("a half can be sent"))
            });
            let together: Vec<&Value> = halves.iter().flat_map(events).collect();
            assert_eq!(together, events(&whole).iter().collect::<Vec<_>>());
            assert!(halves.iter().all(|half| half["resource"] == whole["resource"]));
            assert!(halves[1]["batch"].get("dropped").is_none(), "drops are reported once");
        }
    }
}

/// The codec's parts, on bytes that are no record.
fn read_parts(data: &[u8]) {
    let mut reader = Reader::new(data);
    while reader.text().is_ok() || reader.varint().is_ok() || reader.array::<3>().is_ok() {}
    assert!(reader.remaining() <= data.len());
}

fn encode(record: &Record<'_>) -> Result<Vec<u8>, NoBody> {
    let mut body = Vec::new();
    Format::Json.encode(record, 1, UnixMillis(0), &mut body).map(|()| body)
}

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("a body is JSON")
}

fn events(body: &Value) -> &Vec<Value> {
    body["events"].as_array().expect("events are a list")
}

/// Reads everything, and keeps nothing.
fn walk(record: &Record<'_>) -> Result<(), Corrupt> {
    let mut items = record.items();
    let mut shapes = Vec::new();
    let mut first = true;
    while let Some(item) = items.read()? {
        match item {
            Item::Resource(_) if !first => return Err(Corrupt),
            Item::Shape(shape) => shapes.push(shape),
            Item::Event(mut event) => {
                let shape = shapes.get(event.shape).ok_or(Corrupt)?;
                for (kind, _) in &shape.keys {
                    event.value(*kind)?;
                }
            }
            _ => {}
        }
        first = false;
    }
    Ok(())
}

/// The body of a record that is built from what was read.
fn encode_again(record: &Record<'_>) -> Vec<u8> {
    let mut items = record.items();
    let mut next = items.read().expect("was read before");
    let mut resource = Vec::new();
    if let Some(Item::Resource(fields)) = &next {
        resource = own(fields);
        next = items.read().expect("was read before");
    }
    // The builder counts for itself.
    let header = Header { events: 0, report_at: 0, ..record.header };
    let mut builder = Builder::new(header, &resource);
    let mut epoch = 0;
    let mut shapes = Vec::new();
    while let Some(item) = next {
        match item {
            Item::Resource(_) | Item::Report => {}
            Item::Context(stored) => {
                epoch += 1;
                builder.context(epoch, &own_context(&stored));
            }
            Item::Shape(shape) => shapes.push(shape),
            Item::Event(mut event) => {
                let stored = &shapes[event.shape];
                let keys = stored.keys.iter().map(|(kind, key)| (*key, *kind));
                let definition = definition(stored.name, stored.left_out as usize, keys);
                let fields: Vec<(&str, Field<'_>)> = stored
                    .keys
                    .iter()
                    .map(|(kind, key)| (*key, field(event.value(*kind).expect("was read before"))))
                    .collect();
                builder.event(event.at, &definition, event.rate, &fields);
            }
            Item::Exposure { at, exposure, left_out, .. } => {
                builder.exposure(at, &exposure, left_out);
            }
        }
        next = items.read().expect("was read before");
    }
    let report = record.report().unwrap_or_else(|_| Drops::default());
    let (_, bytes) = builder.finish(&report);
    encode(&Record::own(&bytes).expect("a header was written")).expect("sound items were written")
}

fn own(fields: &Fields<'_>) -> Vec<(String, Scalar)> {
    let scalar = |value: &Stored<'_>| match value {
        Stored::Number(value) => Scalar::Number(*value),
        Stored::Bool(value) => Scalar::Bool(*value),
        Stored::Text(value) => Scalar::Text(String::from(*value)),
    };
    fields.0.iter().map(|(key, value)| (String::from(*key), scalar(value))).collect()
}

fn own_context(stored: &StoredContext<'_>) -> Context {
    Context {
        identity: stored.identity.map(|text| text.map(String::from)),
        core: own(&stored.core),
        user: own(&stored.user),
    }
}

fn field(value: Stored<'_>) -> Field<'_> {
    match value {
        Stored::Number(value) => Field::Number(value),
        Stored::Bool(value) => Field::Bool(value),
        Stored::Text(value) => Field::Text(value),
    }
}
