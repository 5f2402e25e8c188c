//! The `json` wire format: one request body from one record.

mod number;
mod text;

pub use number::{NUMBER, put_number, write_number, write_u64};
pub use text::{escape, longest, write_text, write_time};

use alloc::vec::Vec;
use core::ops::Range;

use uuid::Uuid;

use text::Times;

use super::body::{Body, ID, LARGEST, NoBody, Piece};
use super::codec::Corrupt;
use super::context::Identity;
use super::io::Exposure;
use super::planted::{Bug, planted};
use super::record::{Fields, Item, Record, Stored, StoredContext, StoredEvent, StoredShape};
use super::shapes::FieldKind;
use super::time::UnixMillis;

/// Bytes of an id, a time and a number together, at most.
const PARTS: usize = ID + 32 + NUMBER;

/// Appends the body. After an error `out` is of no use.
pub fn encode(
    record: &Record<'_>,
    attempt: u32,
    sent_at: UnixMillis,
    out: &mut Vec<u8>,
) -> Result<(), NoBody> {
    let mut items = record.items();
    out.extend_from_slice(b"{\"resource\":");
    let mut next = items.read()?;
    match &next {
        Some(Item::Resource(fields)) => {
            write_object(out, fields);
            next = items.read()?;
        }
        _ => out.extend_from_slice(b"{}"),
    }
    write_batch(out, record, attempt, sent_at)?;
    out.extend_from_slice(b",\"events\":[");

    let mut body = Body::new(out);
    let mut times = Times::new();
    let pieces = Pieces::new(&mut body);
    let mut context = Rendered::default();
    let mut fields = Vec::new();
    let mut shapes = Vec::new();
    let mut first = true;
    while let Some(item) = next {
        match item {
            Item::Resource(_) => return Err(NoBody::Corrupt),
            Item::Report => {}
            Item::Context(stored) => context = Rendered::new(&mut body, &stored),
            Item::Shape(shape) => {
                shapes.push(RenderedShape::new(&mut body, &shape, &mut fields));
            }
            Item::Event(event) => {
                let shape = shapes.get(event.shape).ok_or(Corrupt)?;
                body.room(shape.size + context.event.size() + 2 * PARTS);
                if !core::mem::take(&mut first) {
                    body.put_byte(b',');
                }
                let fields = fields.get(shape.fields.clone()).unwrap_or_default();
                put_event(&mut body, event, shape, fields, &context.event, &pieces, &mut times)?;
            }
            Item::Exposure { id, at, exposure, .. } => body.append(|out| {
                separate(out, &mut first);
                write_exposure(out, id, at, &exposure, &context);
            }),
        }
        if body.end() > LARGEST {
            return Err(NoBody::TooLarge);
        }
        next = items.read()?;
    }
    body.finish();
    out.extend_from_slice(b"]}");
    Ok(())
}

fn write_exposure(
    out: &mut Vec<u8>,
    id: Uuid,
    at: UnixMillis,
    exposure: &Exposure<'_>,
    context: &Rendered<'_>,
) {
    out.extend_from_slice(b"{\"event_type\":\"GrowthbookExperimentEvent\",\"event_id\":");
    write_id(out, id);
    out.extend_from_slice(b",\"timestamp\":");
    write_time(out, at);
    out.extend_from_slice(b",\"experiment_id\":");
    write_text(out, exposure.experiment_id);
    out.extend_from_slice(b",\"variation_id\":");
    write_u64(out, u64::from(exposure.variation_id));
    out.extend_from_slice(&context.exposure);
    write_member(out, "session_id", exposure.session_id.or(context.session));
    write_member(out, "user_attributes", exposure.user_attributes);
    write_member(out, "experiment_metadata", exposure.experiment_metadata);
    write_member(out, "environment", context.environment);
    out.push(b'}');
}

fn write_batch(
    out: &mut Vec<u8>,
    record: &Record<'_>,
    attempt: u32,
    sent_at: UnixMillis,
) -> Result<(), Corrupt> {
    let header = &record.header;
    out.extend_from_slice(b",\"batch\":{\"id\":");
    let renamed = attempt > 1 && planted(Bug::BatchRenamed);
    write_id(out, if renamed { header.client_id } else { header.batch_id });
    out.extend_from_slice(b",\"client_id\":");
    write_id(out, header.client_id);
    out.extend_from_slice(b",\"seq\":");
    write_u64(out, u64::from(header.seq));
    out.extend_from_slice(b",\"attempt\":");
    write_u64(out, u64::from(attempt));
    out.extend_from_slice(b",\"sent_at\":");
    write_time(out, sent_at);
    let report = record.report()?;
    if !report.is_empty() {
        out.extend_from_slice(b",\"dropped\":");
        write_counts(out, report.iter());
    }
    out.push(b'}');
    Ok(())
}

/// `{"name":count,…}`
pub fn write_counts<'a>(out: &mut Vec<u8>, counts: impl Iterator<Item = (&'a str, u64)>) {
    out.push(b'{');
    let mut first = true;
    for (name, count) in counts {
        separate(out, &mut first);
        write_text(out, name);
        out.push(b':');
        write_u64(out, count);
    }
    out.push(b'}');
}

/// A comma before every entry but the first.
pub fn separate(out: &mut Vec<u8>, first: &mut bool) {
    if !core::mem::take(first) {
        out.push(b',');
    }
}

/// What is written for every event.
struct Pieces {
    timestamp: Piece,
    metadata: Piece,
    rate: Piece,
    booleans: [Piece; 2],
}

impl Pieces {
    fn new(body: &mut Body<'_>) -> Self {
        Self {
            timestamp: body.piece(b"\",\"timestamp\":"),
            metadata: body.piece(b",\"event_metadata\":"),
            rate: body.piece(b",\"sample_rate\":"),
            booleans: [body.piece(b"false"), body.piece(b"true")],
        }
    }
}

/// A shape's texts as they are written for each of its events.
struct RenderedShape {
    /// `{"event_name":"…","event_id":"`
    head: Piece,
    fields: Range<usize>,
    /// Bytes of an event, at most, without its context and its texts.
    size: usize,
}

struct RenderedField {
    kind: FieldKind,
    is_rate: bool,
    /// `,"key":`
    text: Piece,
}

impl RenderedShape {
    fn new(body: &mut Body<'_>, shape: &StoredShape<'_>, fields: &mut Vec<RenderedField>) -> Self {
        let mut text = Vec::from(&b"{\"event_name\":"[..]);
        write_text(&mut text, shape.name);
        text.extend_from_slice(b",\"event_id\":\"");
        let head = body.piece(&text);
        let mut size = head.size() + 64;
        let start = fields.len();
        for (kind, key) in &shape.keys {
            text.clear();
            text.push(b',');
            write_text(&mut text, key);
            text.push(b':');
            let text = body.piece(&text);
            size += text.size() + PARTS;
            fields.push(RenderedField { kind: *kind, is_rate: *key == "sample_rate", text });
        }
        Self { head, fields: start..fields.len(), size }
    }
}

/// A context's members as they are written for each of its events.
#[derive(Default)]
struct Rendered<'a> {
    event: Piece,
    exposure: Vec<u8>,
    session: Option<&'a str>,
    environment: Option<&'a str>,
}

impl<'a> Rendered<'a> {
    fn new(body: &mut Body<'_>, context: &StoredContext<'a>) -> Self {
        let identity = |identity: Identity| context.identity[identity as usize];
        let session = identity(Identity::SessionId);
        let account = identity(Identity::AccountUuid);
        let organization = identity(Identity::OrganizationUuid);
        let device = identity(Identity::DeviceId);

        let mut event = Vec::new();
        write_member(&mut event, "user_id", identity(Identity::UserId));
        write_group(&mut event, "core_metadata", &[("session_id", session)], &context.core);
        let user =
            [("account_uuid", account), ("organization_uuid", organization), ("device_id", device)];
        write_group(&mut event, "user_metadata", &user, &context.user);

        let mut exposure = Vec::new();
        write_member(&mut exposure, "device_id", device);
        write_member(&mut exposure, "account_uuid", account);
        write_member(&mut exposure, "organization_uuid", organization);

        Self { event: body.piece(&event), exposure, session, environment: context.environment() }
    }
}

fn put_event(
    body: &mut Body<'_>,
    mut event: StoredEvent<'_>,
    shape: &RenderedShape,
    fields: &[RenderedField],
    context: &Piece,
    pieces: &Pieces,
    times: &mut Times,
) -> Result<(), Corrupt> {
    body.put(&shape.head);
    body.put_id(event.id);
    body.put(&pieces.timestamp);
    times.put(body, event.at);
    body.put(context);
    if !fields.is_empty() || event.rate.is_some() {
        body.put(&pieces.metadata);
        let start = body.end();
        for field in fields {
            let value = event.value(field.kind)?;
            // The rate that was drawn with is the one that counts.
            if event.rate.is_some() && field.is_rate {
                continue;
            }
            body.put(&field.text);
            match value {
                Stored::Number(value) => body.write(|out, end| put_number(out, end, value)),
                Stored::Bool(value) => body.put(&pieces.booleans[usize::from(value)]),
                Stored::Text(text) => {
                    body.room(longest(text) + shape.size);
                    body.write(|out, end| escape(out, end, text));
                }
            }
        }
        if let Some(rate) = event.rate {
            body.put(&pieces.rate);
            body.write(|out, end| put_number(out, end, rate));
        }
        // In place of the first comma.
        body.replace(start, b'{');
        body.put_byte(b'}');
    }
    body.put_byte(b'}');
    Ok(())
}

/// `,"name":{…}` of known members and free fields, unless there is none of either.
fn write_group(out: &mut Vec<u8>, name: &str, known: &[(&str, Option<&str>)], fields: &Fields<'_>) {
    if fields.0.is_empty() && known.iter().all(|(_, text)| text.is_none()) {
        return;
    }
    out.push(b',');
    write_text(out, name);
    out.extend_from_slice(b":{");
    let mut first = true;
    for (key, text) in known {
        let Some(text) = text else { continue };
        separate(out, &mut first);
        write_text(out, key);
        out.push(b':');
        write_text(out, text);
    }
    for (key, value) in &fields.0 {
        if known.iter().any(|(known, text)| known == key && text.is_some()) {
            continue;
        }
        separate(out, &mut first);
        write_text(out, key);
        out.push(b':');
        write_value(out, *value);
    }
    out.push(b'}');
}

fn write_object(out: &mut Vec<u8>, fields: &Fields<'_>) {
    out.push(b'{');
    let mut first = true;
    for (key, value) in &fields.0 {
        separate(out, &mut first);
        write_text(out, key);
        out.push(b':');
        write_value(out, *value);
    }
    out.push(b'}');
}

fn write_value(out: &mut Vec<u8>, value: Stored<'_>) {
    match value {
        Stored::Number(value) => write_number(out, value),
        Stored::Bool(true) => out.extend_from_slice(b"true"),
        Stored::Bool(false) => out.extend_from_slice(b"false"),
        Stored::Text(text) => write_text(out, text),
    }
}

/// `,"name":"text"` if there is a text.
fn write_member(out: &mut Vec<u8>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        out.push(b',');
        write_text(out, name);
        out.push(b':');
        write_text(out, text);
    }
}

fn write_id(out: &mut Vec<u8>, id: Uuid) {
    let mut buffer = Uuid::encode_buffer();
    out.push(b'"');
    out.extend_from_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
    out.push(b'"');
}
