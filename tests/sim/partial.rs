//! What an OTLP endpoint says beside its success: which events it rejected, or nonsense.

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceResponse,
};
use prost::Message;
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::io::Content;

use super::dice::Dice;

#[derive(Clone, Debug, Default)]
pub struct Said {
    kind: &'static str,
    bytes: Vec<u8>,
    /// So many of the batch's events, the first ones, were not taken.
    pub rejected: usize,
}

impl Said {
    pub fn draw(dice: &mut Dice, format: Format, events: usize) -> Self {
        let rejected = match dice.below(4) {
            0 => 0,
            1 => events,
            _ => dice.below(events as u64 + 1) as usize,
        };
        if dice.percent(20) {
            // It can't be understood, and so nothing may follow from it.
            let bytes =
                dice.pick(&[&b"{\"partialSuccess\":{\"rejectedLogRecords\":9"[..], &[0x0a, 9]]);
            return Self { kind: format.content_type(), bytes: bytes.into(), rejected: 0 };
        }
        let exaggerates = rejected == events && dice.percent(50);
        let claimed = if exaggerates { i64::MAX } else { rejected as i64 };
        let response = ExportLogsServiceResponse {
            partial_success: Some(ExportLogsPartialSuccess {
                rejected_log_records: claimed,
                error_message: String::from(dice.pick(&["", "läuft \"nicht\"\n"])),
            }),
        };
        let bytes = match format {
            Format::OtlpProtobuf => response.encode_to_vec(),
            _ => serde_json::to_vec(&response).expect("a response is JSON"),
        };
        Self { kind: format.content_type(), bytes, rejected }
    }

    pub fn content(&self) -> Content<'_> {
        Content { kind: self.kind, bytes: &self.bytes }
    }
}
