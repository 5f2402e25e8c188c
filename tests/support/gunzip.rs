//! What is in a request's body.
#![allow(dead_code)]

use std::borrow::Cow;
use std::io::Read;

use flate2::read::GzDecoder;
use wasm_telemetry::core::io::Export;

pub fn plain(export: &Export) -> Cow<'_, [u8]> {
    if export.compressed { gunzip(&export.body).into() } else { (&export.body).into() }
}

/// Panics if it is no gzip, or not whole.
pub fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain).expect("gzip");
    plain
}
