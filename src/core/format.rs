//! The formats of requests, and in what they differ.

use alloc::vec::Vec;

use super::record::Record;
use super::time::UnixMillis;
use super::wire::{self, NoBody};

/// What requests are written in; fixed for a pipeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Our own: the events, and what the batch says of itself, in one JSON object.
    #[default]
    Json,
    /// OTLP/HTTP logs in proto3's JSON.
    OtlpJson,
    /// OTLP/HTTP logs in binary protobuf.
    OtlpProtobuf,
}

impl Format {
    /// In the order of the variants.
    pub const NAMES: [&'static str; 3] = ["json", "otlp-json", "otlp-protobuf"];

    /// As options and `stats()` name it.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The format of that name; [`Format::Json`] for any other.
    pub fn named(name: &str) -> Self {
        match name {
            "otlp-json" => Self::OtlpJson,
            "otlp-protobuf" => Self::OtlpProtobuf,
            _ => Self::Json,
        }
    }

    /// Whether the endpoint speaks OTLP, which gives its answers a body that counts.
    pub fn is_otlp(self) -> bool {
        self != Self::Json
    }

    /// Where batches are posted to unless `batch.path` says otherwise.
    pub fn path(self) -> &'static str {
        if self.is_otlp() { "/v1/logs" } else { "/api/event_logging/batch" }
    }

    /// The request's `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json | Self::OtlpJson => "application/json",
            Self::OtlpProtobuf => "application/x-protobuf",
        }
    }

    /// Appends the body. After an error `out` is of no use.
    pub fn encode(
        self,
        record: &Record<'_>,
        attempt: u32,
        sent_at: UnixMillis,
        out: &mut Vec<u8>,
    ) -> Result<(), NoBody> {
        wire::encode(self, record, attempt, sent_at, out)
    }
}
