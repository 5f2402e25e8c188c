//! What fuzzing runs: one function for each target, which panics if a property does not hold.
//!
//! Each file is a module of its program in `fuzz/fuzz_targets` too, and so uses none of the others.

mod bounded;
pub mod config;
pub mod inputs;
pub mod json;
pub mod otlp;
pub mod record;
pub mod response;
pub mod retry_after;
pub mod seeds;

/// What one target does with an input.
pub type Run = fn(&[u8]);

/// By the names of their programs and of their folders in `fuzz/corpus`.
pub const TARGETS: [(&str, Run); 7] = [
    ("record", record::run),
    ("inputs", inputs::run),
    ("config", config::run),
    ("retry_after", retry_after::run),
    ("json", json::run),
    ("otlp", otlp::run),
    ("response", response::run),
];
