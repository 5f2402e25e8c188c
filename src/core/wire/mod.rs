//! One request's body from one record, in any format: what is where. How it is written is said in
//! `writer`.
//!
//! OTLP is one `ExportLogsServiceRequest`: its scope tells of the batch what `json` tells, and an event's
//! members are attributes of its log record.

pub mod body;
mod protobuf;
mod times;
mod writer;

use alloc::vec::Vec;
use core::ops::Range;

use super::codec::Corrupt;
use super::context::Identity;
use super::format::Format;
use super::id::Id;
use super::io::Exposure;
use super::json::write_time;
use super::planted::{Bug, planted};
use super::record::{Fields, Item, Record, Stored, StoredContext, StoredEvent, StoredShape};
use super::shapes::FieldKind;
use super::time::UnixMillis;
use body::Piece;
use writer::{Texts, Writer};

/// Bytes of a body and its pieces. A record holds a context once and a body holds it with every event, so
/// that the one's size does not bound the other's.
const LARGEST: usize = 16 << 20;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBody {
    /// The record is not one of ours, or no longer.
    Corrupt,
    /// The body would pass 16 MiB: a batch must be split.
    TooLarge,
}

impl From<Corrupt> for NoBody {
    fn from(_: Corrupt) -> Self {
        Self::Corrupt
    }
}

/// The tags of attributes, with a byte for the length.
const RESOURCE_ATTRIBUTE: &str = "\x0a\0";
const SCOPE_ATTRIBUTE: &str = "\x1a\0";
const ATTRIBUTE: &str = "\x32\0";

/// The names of the texts of [`Identity`], in its order.
const IDENTITIES: [&str; Identity::ALL.len()] =
    ["user_id", "session_id", "device_id", "account_uuid", "organization_uuid"];
/// What stands before an event's own fields.
const METADATA: &str = ",\"event_metadata\":";
const CORE: &str = "core_metadata.";
const USER: &str = "user_metadata.";
/// Before the key of a field that would be taken for one of the others.
const EVENT: &str = "event_metadata.";

/// Appends the body. After an error `out` is of no use.
pub fn encode(
    format: Format,
    record: &Record<'_>,
    attempt: u32,
    sent_at: UnixMillis,
    out: &mut Vec<u8>,
) -> Result<(), NoBody> {
    let mut writer = Writer::new(format, out);
    let mut items = record.items();
    let mut next = items.read();
    let request = writer.literal(&["{", "{\"resourceLogs\":[{", "\x0a\0"]);
    let resource = writer.literal(&["\"resource\":", "\"resource\":{\"attributes\":", "\x0a\0"]);
    if let Ok(Some(Item::Resource(fields))) = &next {
        for (key, value) in &fields.0 {
            writer.put(RESOURCE_ATTRIBUTE, "", key, *value);
        }
        next = items.read();
    }
    let open = if writer.is_plain() { b'{' } else { b'[' };
    writer.close(resource, open, &["},", "]},", ""]);
    writer.end(resource);
    let logs = writer.literal(&["", "\"scopeLogs\":[{", "\x12\0"]);
    put_batch(&mut writer, open, record, attempt, sent_at)?;
    let list = writer.literal(&["\"events\":", "\"logRecords\":", ""]);

    let rate = writer.key(ATTRIBUTE, "", "sample_rate");
    let mut context = Rendered::new(&mut writer, &StoredContext::default());
    let mut shapes = Vec::new();
    let mut fields = Vec::new();
    // Items are looked at where they are: to move one takes as long as to write two fields.
    while let Some(item) = next.as_mut().map_err(|corrupt| *corrupt)? {
        match item {
            Item::Resource(_) => return Err(NoBody::Corrupt),
            Item::Report => {}
            Item::Context(stored) => context = Rendered::new(&mut writer, stored),
            Item::Shape(shape) => {
                shapes.push(RenderedShape::new(&mut writer, shape, &mut fields));
            }
            Item::Event(event) => {
                let shape = shapes.get(event.shape).ok_or(Corrupt)?;
                let fields = fields.get(shape.fields.clone()).unwrap_or_default();
                put_event(&mut writer, event, shape, fields, &context.event, &rate)?;
            }
            Item::Exposure { id, at, exposure, left_out } => {
                put_exposure(&mut writer, *id, *at, exposure, *left_out, &context);
            }
        }
        if writer.body.size() > LARGEST {
            return Err(NoBody::TooLarge);
        }
        next = items.read();
    }
    writer.close(list, b'[', &["]}", "]}]}]}", ""]);
    writer.end(logs);
    writer.end(request);
    writer.body.finish();
    Ok(())
}

fn put_batch(
    writer: &mut Writer<'_>,
    open: u8,
    record: &Record<'_>,
    attempt: u32,
    sent_at: UnixMillis,
) -> Result<(), Corrupt> {
    const PREFIX: &str = "batch.";
    let header = &record.header;
    let scope = writer.literal(&["", "\"scope\":{", "\x0a\0"]);
    if !writer.is_plain() {
        writer.text(&["", "\"name\":", "\x0a\0"], "wasm-telemetry");
        writer.text(&["", ",\"version\":", "\x12\0"], env!("CARGO_PKG_VERSION"));
    }
    let list = writer.literal(&["\"batch\":", ",\"attributes\":", ""]);
    let renamed = attempt > 1 && planted(Bug::BatchRenamed);
    let batch_id = if renamed { header.client_id } else { header.batch_id };
    for (name, id) in [("id", &batch_id), ("client_id", &header.client_id)] {
        writer.put(SCOPE_ATTRIBUTE, PREFIX, name, Stored::Text(&id.text()));
    }
    for (name, number) in [("seq", header.seq), ("attempt", attempt)] {
        writer.put(SCOPE_ATTRIBUTE, PREFIX, name, Stored::Number(f64::from(number)));
    }
    let mut time = Vec::new();
    write_time(&mut time, sent_at);
    let text = time.get(1..time.len() - 1).unwrap_or_default();
    let text = core::str::from_utf8(text).unwrap_or_default();
    writer.put(SCOPE_ATTRIBUTE, PREFIX, "sent_at", Stored::Text(text));
    let report = record.report()?;
    if !report.is_empty() {
        let dropped = writer.literal(&[",\"dropped\":", "", ""]);
        for (reason, count) in report.iter() {
            let count = Stored::Number(count as f64);
            writer.put(SCOPE_ATTRIBUTE, "batch.dropped.", reason, count);
        }
        if writer.is_plain() {
            writer.close(dropped, open, &["}", "", ""]);
        }
    }
    writer.close(list, open, &["},", "]},", ""]);
    writer.end(scope);
    Ok(())
}

/// A shape's texts as they are written for each of its events.
struct RenderedShape {
    head: Piece,
    fields: Range<usize>,
    /// Bytes of an event, at most, without its context and its texts.
    size: usize,
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
        let head = head(writer, &[",{\"event_name\":", "", ""], shape.name, shape.left_out);
        let start = fields.len();
        let mut size = head.size() + Writer::EVENT;
        for (kind, key) in &shape.keys {
            let prefix = if is_taken(key) { EVENT } else { "" };
            let is_rate = *key == "sample_rate";
            let key = writer.key(ATTRIBUTE, prefix, key);
            size += key.size() + Writer::VALUE;
            fields.push(RenderedField { kind: *kind, is_rate, key });
        }
        Self { head, fields: start..fields.len(), size }
    }
}

/// Whether an attribute of that key, or one that begins like it, is something else.
fn is_taken(key: &str) -> bool {
    key == "event_id"
        || IDENTITIES.contains(&key)
        || [CORE, USER, EVENT].iter().any(|prefix| key.starts_with(prefix))
}

/// An event's beginning: in `json` up to its id, in OTLP what stands between its time and its attributes.
fn head(writer: &mut Writer<'_>, plain: &Texts, name: &str, left_out: u32) -> Piece {
    let start = writer.body.end();
    if writer.is_plain() {
        writer.text(plain, name);
        writer.literal(&[",\"event_id\":\"", "", ""]);
    } else {
        writer.text(&["", "\",\"eventName\":", "\x62\0"], name);
        let body = writer.literal(&["", ",\"body\":{", "\x2a\0"]);
        writer.text(&["", "\"stringValue\":", "\x0a\0"], name);
        writer.end(body);
        writer.literal(&["", "}", ""]);
        if left_out > 0 {
            writer.literal(&["", ",\"droppedAttributesCount\":", "\x38"]);
            writer.number(left_out);
        }
        writer.literal(&["", ",\"attributes\":", ""]);
    }
    writer.body.cut(start)
}

/// A context as it is written for each of its events.
struct Rendered<'a> {
    /// In `json` it ends with [`METADATA`].
    event: Piece,
    identity: [Option<&'a str>; Identity::ALL.len()],
    environment: Option<&'a str>,
}

impl<'a> Rendered<'a> {
    fn new(writer: &mut Writer<'_>, context: &StoredContext<'a>) -> Self {
        use Identity::*;
        let start = writer.body.end();
        let none = Fields::default();
        let groups: [(&Texts, &str, &[Identity], &Fields<'_>); 3] = if writer.is_plain() {
            [
                (&["", "", ""], "", &[UserId], &none),
                (&[",\"core_metadata\":", "", ""], CORE, &[SessionId], &context.core),
                (
                    &[",\"user_metadata\":", "", ""],
                    USER,
                    &[AccountUuid, OrganizationUuid, DeviceId],
                    &context.user,
                ),
            ]
        } else {
            [
                (&["", "", ""], "", &Identity::ALL, &none),
                (&["", "", ""], CORE, &[], &context.core),
                (&["", "", ""], USER, &[], &context.user),
            ]
        };
        for (open, prefix, known, fields) in groups {
            let before = writer.body.end();
            let start = writer.literal(open);
            for identity in known {
                put_identity(writer, *identity, &context.identity);
            }
            for (key, value) in &fields.0 {
                let is_known = |identity: &Identity| {
                    IDENTITIES[*identity as usize] == *key
                        && context.identity[*identity as usize].is_some()
                };
                if !known.iter().any(is_known) {
                    writer.put(ATTRIBUTE, prefix, key, *value);
                }
            }
            if writer.body.end() == start {
                writer.body.cut(before);
            } else if start > before {
                writer.close(start, b'{', &["}", "", ""]);
            }
        }
        writer.literal(&[METADATA, "", ""]);
        let event = writer.body.cut(start);
        Self { event, identity: context.identity, environment: context.environment() }
    }
}

fn put_event(
    writer: &mut Writer<'_>,
    event: &mut StoredEvent<'_>,
    shape: &RenderedShape,
    fields: &[RenderedField],
    context: &Piece,
    rate: &Piece,
) -> Result<(), Corrupt> {
    let room = shape.size + context.size();
    writer.body.room(room);
    let start = writer.begin_event(&shape.head, event.id, event.at);
    let plain = writer.is_plain();
    if plain {
        writer.body.put(context);
    }
    let list = writer.body.end();
    for field in fields {
        let value = event.value(field.kind)?;
        // The rate that was drawn with is the one that counts.
        if event.rate.is_some() && field.is_rate {
            continue;
        }
        if plain {
            writer.plain_value(&field.key, value, room);
        } else {
            writer.value(&field.key, value, room);
        }
    }
    if let Some(value) = event.rate {
        writer.value(rate, Stored::Number(value), room);
    }
    if plain {
        if writer.body.end() == list {
            writer.body.back(list - METADATA.len());
        } else {
            writer.body.replace(list, b'{');
            writer.body.put_byte(b'}');
        }
        writer.body.put_byte(b'}');
    } else {
        writer.id(event.id);
        writer.body.put(context);
        writer.close(list, b'[', &["", "]}", ""]);
        writer.end(start);
    }
    Ok(())
}

fn put_exposure(
    writer: &mut Writer<'_>,
    id: Id,
    at: UnixMillis,
    exposure: &Exposure<'_>,
    left_out: u32,
    context: &Rendered<'_>,
) {
    let plain = writer.is_plain();
    let name = if plain { "GrowthbookExperimentEvent" } else { "growthbook_experiment" };
    let head = head(writer, &[",{\"event_type\":", "", ""], name, left_out);
    writer.body.room(head.size() + Writer::EVENT);
    let start = writer.begin_event(&head, id, at);
    let list = writer.body.end();
    writer.id(id);
    put_optional(writer, "experiment_id", Some(exposure.experiment_id));
    let variation = Stored::Number(f64::from(exposure.variation_id));
    writer.put(ATTRIBUTE, "", "variation_id", variation);
    for identity in [Identity::DeviceId, Identity::AccountUuid, Identity::OrganizationUuid] {
        put_identity(writer, identity, &context.identity);
    }
    let session = context.identity[Identity::SessionId as usize];
    put_optional(writer, "session_id", exposure.session_id.or(session));
    put_optional(writer, "user_attributes", exposure.user_attributes);
    put_optional(writer, "experiment_metadata", exposure.experiment_metadata);
    put_optional(writer, "environment", context.environment);
    if plain {
        writer.body.put_bytes(b"}");
    } else {
        writer.close(list, b'[', &["", "]}", ""]);
        writer.end(start);
    }
}

fn put_identity(writer: &mut Writer<'_>, identity: Identity, texts: &[Option<&str>; 5]) {
    put_optional(writer, IDENTITIES[identity as usize], texts[identity as usize]);
}

fn put_optional(writer: &mut Writer<'_>, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        writer.put(ATTRIBUTE, "", key, Stored::Text(text));
    }
}
