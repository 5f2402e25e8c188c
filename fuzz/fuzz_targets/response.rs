#![no_main]

#[path = "../../tests/fuzz/response.rs"]
mod response;

libfuzzer_sys::fuzz_target!(|data: &[u8]| response::run(data));
