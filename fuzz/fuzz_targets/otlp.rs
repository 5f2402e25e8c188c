#![no_main]

#[path = "../../tests/fuzz/bounded.rs"]
mod bounded;
#[path = "../../tests/fuzz/otlp.rs"]
mod otlp;

libfuzzer_sys::fuzz_target!(|data: &[u8]| otlp::run(data));
