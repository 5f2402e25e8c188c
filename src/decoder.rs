//! Stored records as JSON, for the inspectors: a module of its own (the feature `decoder`), so that nothing
//! of it is in the one that logs.

use alloc::string::String;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use crate::core::codec::Corrupt;
use crate::core::format::Format;
use crate::core::json::{write_counts, write_text, write_u64};
use crate::core::pipeline;
use crate::core::record::Record;
use crate::core::time::UnixMillis;
use crate::core::wire::NoBody;

/// Why there is nothing to tell of a record.
enum Problem {
    /// Not a record of this format, or cut off in its header.
    Unknown,
    /// Torn, or changed since it was written.
    Checksum,
    /// The checksum is right and the contents are not.
    Contents,
    /// The body would pass 16 MiB: the batch is split before it is sent.
    TooLarge,
}

impl From<Corrupt> for Problem {
    fn from(_: Corrupt) -> Self {
        Self::Contents
    }
}

impl From<NoBody> for Problem {
    fn from(reason: NoBody) -> Self {
        match reason {
            NoBody::Corrupt => Self::Contents,
            NoBody::TooLarge => Self::TooLarge,
        }
    }
}

/// What a record says of its batch, once its checksum is known to be right:
/// `{"batchId","clientId","seq","events","exposure","dropped"}`; or `{"problem"}`.
#[wasm_bindgen]
pub fn describe(bytes: &[u8]) -> String {
    text(description(bytes))
}

/// The whole record as a request of the format `json` would have it; or `{"problem"}`. `sent_at` is in
/// milliseconds since 1970.
#[wasm_bindgen]
pub fn body(bytes: &[u8], attempt: u32, sent_at: f64) -> String {
    text(encoded(bytes, attempt, UnixMillis(sent_at as u64)))
}

/// Whether that key is not a batch's, but remembers that consent was denied.
#[wasm_bindgen(js_name = isDenial)]
pub fn is_denial(key: &str) -> bool {
    pipeline::is_denial(key)
}

/// Whether nobody holds the record with that lease. Both are in milliseconds since 1970.
#[wasm_bindgen(js_name = isFree)]
pub fn is_free(lease: f64, now: f64) -> bool {
    pipeline::is_free(lease as u64, now as u64)
}

fn description(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let record = checked(bytes)?;
    let header = &record.header;
    let mut out = Vec::new();
    for (name, id) in [("{\"batchId\":", header.batch_id), (",\"clientId\":", header.client_id)] {
        out.extend_from_slice(name.as_bytes());
        write_text(&mut out, &id.text());
    }
    for (name, number) in [(",\"seq\":", header.seq), (",\"events\":", header.events)] {
        out.extend_from_slice(name.as_bytes());
        write_u64(&mut out, u64::from(number));
    }
    out.extend_from_slice(b",\"exposure\":");
    out.extend_from_slice(if header.exposure { b"true" } else { b"false" });
    out.extend_from_slice(b",\"dropped\":");
    write_counts(&mut out, record.report()?.iter());
    out.push(b'}');
    Ok(out)
}

fn encoded(bytes: &[u8], attempt: u32, sent_at: UnixMillis) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    Format::Json.encode(&checked(bytes)?, attempt, sent_at, &mut out)?;
    Ok(out)
}

fn checked(bytes: &[u8]) -> Result<Record<'_>, Problem> {
    Record::own(bytes).map_err(|_| Problem::Unknown)?;
    Record::checked(bytes).map_err(|_| Problem::Checksum)
}

fn text(json: Result<Vec<u8>, Problem>) -> String {
    let json = json.unwrap_or_else(|problem| {
        Vec::from(match problem {
            Problem::Unknown => &b"{\"problem\":\"unknown\"}"[..],
            Problem::Checksum => b"{\"problem\":\"checksum\"}",
            Problem::Contents => b"{\"problem\":\"contents\"}",
            Problem::TooLarge => b"{\"problem\":\"too_large\"}",
        })
    });
    String::from_utf8(json).unwrap_or_default()
}
