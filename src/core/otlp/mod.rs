//! OTLP/HTTP logs: one `ExportLogsServiceRequest` from one record, as JSON or as protobuf.
//!
//! What is where is said here, once for both; how it is written, in `writer`.

mod json;
mod protobuf;
mod writer;

pub mod response;

use alloc::vec::Vec;
use core::ops::Range;

use uuid::Uuid;

use super::body::{LARGEST, NoBody, Piece};
use super::codec::Corrupt;
use super::context::Identity;
use super::io::Exposure;
use super::json::write_time;
use super::record::{Item, Record, Stored, StoredContext, StoredEvent, StoredShape};
use super::shapes::FieldKind;
use super::time::UnixMillis;
use writer::Writer;

/// Appends the body. After an error `out` is of no use.
pub fn encode_json(
    record: &Record<'_>,
    attempt: u32,
    sent_at: UnixMillis,
    out: &mut Vec<u8>,
) -> Result<(), NoBody> {
    encode(record, attempt, sent_at, Writer::json(out))
}

/// Appends the body. After an error `out` is of no use.
pub fn encode_protobuf(
    record: &Record<'_>,
    attempt: u32,
    sent_at: UnixMillis,
    out: &mut Vec<u8>,
) -> Result<(), NoBody> {
    encode(record, attempt, sent_at, Writer::protobuf(out))
}

/// Tags of protobuf: the field's number, and that it has a length.
const RESOURCE_LOGS: u8 = 1 << 3 | 2;
const RESOURCE: u8 = 1 << 3 | 2;
const RESOURCE_ATTRIBUTE: u8 = 1 << 3 | 2;
const SCOPE_LOGS: u8 = 2 << 3 | 2;
const SCOPE: u8 = 1 << 3 | 2;
const SCOPE_NAME: u8 = 1 << 3 | 2;
const SCOPE_VERSION: u8 = 2 << 3 | 2;
const SCOPE_ATTRIBUTE: u8 = 3 << 3 | 2;
const ATTRIBUTE: u8 = 6 << 3 | 2;
const BODY: u8 = 5 << 3 | 2;
const STRING: u8 = 1 << 3 | 2;
const EVENT_NAME: u8 = 12 << 3 | 2;

/// The names of the texts of [`Identity`], in its order.
const IDENTITIES: [&str; Identity::ALL.len()] =
    ["user_id", "session_id", "device_id", "account_uuid", "organization_uuid"];
const CORE: &str = "core_metadata.";
const USER: &str = "user_metadata.";
/// Before the key of a field that would be taken for one of the others.
const EVENT: &str = "event_metadata.";

fn encode(
    record: &Record<'_>,
    attempt: u32,
    sent_at: UnixMillis,
    mut writer: Writer<'_>,
) -> Result<(), NoBody> {
    let mut items = record.items();
    let mut next = items.read()?;
    let request = writer.begin("{\"resourceLogs\":[{", RESOURCE_LOGS);
    if let Some(Item::Resource(fields)) = &next {
        let resource = writer.begin("\"resource\":{\"attributes\":[", RESOURCE);
        for (key, value) in &fields.0 {
            writer.put(RESOURCE_ATTRIBUTE, "", key, *value);
        }
        writer.end(resource, "]},");
        next = items.read()?;
    }
    let logs = writer.begin("\"scopeLogs\":[{", SCOPE_LOGS);
    put_scope(&mut writer, record, attempt, sent_at)?;
    writer.literal("\"logRecords\":[", b"");

    let pieces = Pieces::new(&mut writer);
    let mut fields = Vec::new();
    let mut context = Rendered::new(&mut writer, &StoredContext::default());
    let mut shapes = Vec::new();
    while let Some(item) = next {
        match item {
            Item::Resource(_) => return Err(NoBody::Corrupt),
            Item::Report => {}
            Item::Context(stored) => context = Rendered::new(&mut writer, &stored),
            Item::Shape(shape) => {
                shapes.push(RenderedShape::new(&mut writer, &shape, &mut fields));
            }
            Item::Event(event) => {
                let shape = shapes.get(event.shape).ok_or(Corrupt)?;
                let fields = fields.get(shape.fields.clone()).unwrap_or_default();
                put_event(&mut writer, event, shape.head, fields, context.event, &pieces)?;
            }
            Item::Exposure { id, at, exposure, left_out } => {
                let head = head(&mut writer, "growthbook_experiment", left_out);
                let start = begin_event(&mut writer, at, head, &pieces);
                put_exposure(&mut writer, id, &exposure, &context, &pieces);
                writer.end(start, "]},");
            }
        }
        if writer.body.end() > LARGEST {
            return Err(NoBody::TooLarge);
        }
        next = items.read()?;
    }
    writer.end(logs, "]}]");
    writer.end(request, "}]}");
    writer.body.finish();
    Ok(())
}

/// What the `json` format tells of a batch.
fn put_scope(
    writer: &mut Writer<'_>,
    record: &Record<'_>,
    attempt: u32,
    sent_at: UnixMillis,
) -> Result<(), Corrupt> {
    let header = &record.header;
    let scope = writer.begin("\"scope\":{", SCOPE);
    writer.text("\"name\":", SCOPE_NAME, "wasm-telemetry");
    writer.text(",\"version\":", SCOPE_VERSION, env!("CARGO_PKG_VERSION"));
    writer.literal(",\"attributes\":[", b"");
    for (name, id) in [("id", &header.batch_id), ("client_id", &header.client_id)] {
        let mut buffer = Uuid::encode_buffer();
        writer.put(
            SCOPE_ATTRIBUTE,
            "batch.",
            name,
            Stored::Text(id.hyphenated().encode_lower(&mut buffer)),
        );
    }
    for (name, number) in [("seq", header.seq), ("attempt", attempt)] {
        writer.put(SCOPE_ATTRIBUTE, "batch.", name, Stored::Number(f64::from(number)));
    }
    let mut time = Vec::new();
    write_time(&mut time, sent_at);
    let text = time.get(1..time.len() - 1).unwrap_or_default();
    let text = core::str::from_utf8(text).unwrap_or_default();
    writer.put(SCOPE_ATTRIBUTE, "batch.", "sent_at", Stored::Text(text));
    for (reason, count) in record.report()?.iter() {
        writer.put(SCOPE_ATTRIBUTE, "batch.dropped.", reason, Stored::Number(count as f64));
    }
    writer.end(scope, "]},");
    Ok(())
}

/// What is written for every event.
struct Pieces {
    time: Piece,
    observed: Piece,
    id: Piece,
    id_end: Piece,
    rate: Piece,
}

impl Pieces {
    fn new(writer: &mut Writer<'_>) -> Self {
        // An empty length, which is filled in at the end, and the tag of a fixed number of 64 bits.
        let time = writer.piece("{\"timeUnixNano\":\"", b"\x12\0\x09");
        let observed = writer.piece("\",\"observedTimeUnixNano\":\"", b"\x59");
        let id = writer.piece(
            "{\"key\":\"event_id\",\"value\":{\"stringValue\":\"",
            b"\x32\x32\x0a\x08event_id\x12\x26\x0a\x24",
        );
        let id_end = writer.piece("\"}},", b"");
        Self { time, observed, id, id_end, rate: writer.key(ATTRIBUTE, "", "sample_rate") }
    }
}

/// A shape's texts as they are written for each of its events.
struct RenderedShape {
    head: Piece,
    fields: Range<usize>,
}

struct RenderedField {
    kind: FieldKind,
    is_rate: bool,
    key: Piece,
}

impl RenderedShape {
    fn new(
        writer: &mut Writer<'_>,
        shape: &StoredShape<'_>,
        fields: &mut Vec<RenderedField>,
    ) -> Self {
        let start = fields.len();
        for (kind, key) in &shape.keys {
            let prefix = if is_taken(key) { EVENT } else { "" };
            let is_rate = *key == "sample_rate";
            let key = writer.key(ATTRIBUTE, prefix, key);
            fields.push(RenderedField { kind: *kind, is_rate, key });
        }
        Self { head: head(writer, shape.name, shape.left_out), fields: start..fields.len() }
    }
}

/// Whether an attribute of that key, or one that begins like it, is something else.
fn is_taken(key: &str) -> bool {
    key == "event_id"
        || IDENTITIES.contains(&key)
        || [CORE, USER, EVENT].iter().any(|prefix| key.starts_with(prefix))
}

/// What stands between an event's time and its attributes.
fn head(writer: &mut Writer<'_>, name: &str, left_out: u32) -> Piece {
    let start = writer.body.end();
    writer.text("\",\"eventName\":", EVENT_NAME, name);
    let body = writer.begin(",\"body\":{", BODY);
    writer.text("\"stringValue\":", STRING, name);
    writer.end(body, "}");
    if left_out > 0 {
        writer.literal(",\"droppedAttributesCount\":", b"\x38");
        writer.number(left_out);
    }
    writer.literal(",\"attributes\":[", b"");
    writer.body.cut(start)
}

/// A context as it is written for each of its events.
struct Rendered<'a> {
    event: Piece,
    identity: [Option<&'a str>; Identity::ALL.len()],
    environment: Option<&'a str>,
}

impl<'a> Rendered<'a> {
    fn new(writer: &mut Writer<'_>, context: &StoredContext<'a>) -> Self {
        let start = writer.body.end();
        for (name, text) in IDENTITIES.iter().zip(context.identity) {
            put_optional(writer, name, text);
        }
        for (prefix, fields) in [(CORE, &context.core), (USER, &context.user)] {
            for (key, value) in &fields.0 {
                writer.put(ATTRIBUTE, prefix, key, *value);
            }
        }
        let event = writer.body.cut(start);
        Self { event, identity: context.identity, environment: context.environment() }
    }
}

fn begin_event(writer: &mut Writer<'_>, at: UnixMillis, head: Piece, pieces: &Pieces) -> usize {
    writer.body.room(head.size() + 128);
    let start = writer.body.end() + 2;
    writer.body.put(&pieces.time);
    writer.nanos(at);
    writer.body.put(&pieces.observed);
    writer.nanos(at);
    writer.body.put(&head);
    start
}

fn put_event(
    writer: &mut Writer<'_>,
    mut event: StoredEvent<'_>,
    head: Piece,
    fields: &[RenderedField],
    context: Piece,
    pieces: &Pieces,
) -> Result<(), Corrupt> {
    let start = begin_event(writer, event.at, head, pieces);
    for field in fields {
        let value = event.value(field.kind)?;
        // The rate that was drawn with is the one that counts.
        if event.rate.is_none() || !field.is_rate {
            writer.attribute(field.key, value);
        }
    }
    if let Some(rate) = event.rate {
        writer.attribute(pieces.rate, Stored::Number(rate));
    }
    put_id(writer, event.id, context.size(), pieces);
    writer.body.put(&context);
    writer.end(start, "]},");
    Ok(())
}

fn put_exposure(
    writer: &mut Writer<'_>,
    id: Uuid,
    exposure: &Exposure<'_>,
    context: &Rendered<'_>,
    pieces: &Pieces,
) {
    put_id(writer, id, 0, pieces);
    put_optional(writer, "experiment_id", Some(exposure.experiment_id));
    let variation = Stored::Number(f64::from(exposure.variation_id));
    writer.put(ATTRIBUTE, "", "variation_id", variation);
    let identity = |identity: Identity| context.identity[identity as usize];
    for known in [Identity::DeviceId, Identity::AccountUuid, Identity::OrganizationUuid] {
        put_optional(writer, IDENTITIES[known as usize], identity(known));
    }
    let session = exposure.session_id.or(identity(Identity::SessionId));
    put_optional(writer, "session_id", session);
    put_optional(writer, "user_attributes", exposure.user_attributes);
    put_optional(writer, "experiment_metadata", exposure.experiment_metadata);
    put_optional(writer, "environment", context.environment);
}

fn put_optional(writer: &mut Writer<'_>, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        writer.put(ATTRIBUTE, "", key, Stored::Text(text));
    }
}

/// Leaves room for so many bytes behind it.
fn put_id(writer: &mut Writer<'_>, id: Uuid, room: usize, pieces: &Pieces) {
    writer.body.room(room + 128);
    writer.body.put(&pieces.id);
    writer.body.put_id(id);
    writer.body.put(&pieces.id_end);
}
