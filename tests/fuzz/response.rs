//! An answer's body: any bytes are read, a response means what its official definition says.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use serde_json::Value;
use wasm_telemetry::core::io::Content;
use wasm_telemetry::core::otlp::response::{PartialSuccess, read};

pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 4 {
        0 | 1 => json(bytes),
        2 => protobuf(bytes),
        _ => {
            if let Ok(Some(said)) = read(Content { kind: "text/html", bytes }) {
                panic!("{said:?} from what is no response");
            }
        }
    }
}

fn json(bytes: &[u8]) {
    let said = checked(Content { kind: "application/json", bytes });
    let Ok(Value::Object(whole)) = serde_json::from_slice(bytes) else { return };
    // Where a key comes twice, both may count.
    let text = String::from_utf8_lossy(bytes);
    if ["partialSuccess", "rejectedLogRecords", "errorMessage"]
        .iter()
        .any(|key| text.matches(key).count() > 1)
        || text.contains("\\u")
    {
        return;
    }
    let said = said.expect("JSON can be read");
    let partial = whole.get("partialSuccess").filter(|partial| partial.is_object());
    let partial = partial.cloned().unwrap_or_default();
    let digits = match &partial["rejectedLogRecords"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let is_count = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty();
    let count: u64 = if is_count { digits.parse().unwrap_or(u64::MAX) } else { 0 };
    assert_eq!(said.rejected, count);
    let message = partial["errorMessage"].as_str().unwrap_or_default();
    assert_eq!(said.message.chars().count(), message.chars().count());
}

fn protobuf(bytes: &[u8]) {
    let said = checked(Content { kind: "application/x-protobuf", bytes });
    let Ok(whole) = ExportLogsServiceResponse::decode(bytes) else { return };
    let Ok(said) = said else { return };
    let partial = whole.partial_success.unwrap_or_default();
    assert_eq!(said.rejected, partial.rejected_log_records.max(0) as u64);
    assert_eq!(said.message.chars().count(), partial.error_message.chars().count());
}

/// What was read is fit to be told.
fn checked(content: Content<'_>) -> Result<PartialSuccess, ()> {
    let said = read(content).map_err(|_| ())?;
    let said = said.unwrap_or(PartialSuccess { rejected: 0, message: String::new() });
    assert!(!said.message.chars().any(char::is_control), "{said:?}");
    assert!(said.message.len() <= content.bytes.len());
    Ok(said)
}
