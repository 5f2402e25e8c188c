//! Numbers, texts and times as JSON, read back by others.

use arbitrary::{Arbitrary, Unstructured};
use wasm_telemetry::core::json::{write_number, write_text, write_time, write_u64};
use wasm_telemetry::core::time::UnixMillis;

#[derive(Arbitrary)]
struct Script<'a> {
    number: f64,
    digits: u32,
    decimals: u8,
    integer: u64,
    text: &'a str,
}

pub fn run(data: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let decimal = f64::from(script.digits) / 10_f64.powi(i32::from(script.decimals % 24));
    for number in [script.number, decimal] {
        let text = written(|out| write_number(out, number));
        if number.is_finite() {
            assert_eq!(text.parse::<f64>().expect("a number"), number, "{text}");
            serde_json::from_str::<f64>(&text).expect("a JSON number");
        } else {
            assert_eq!(text, "null");
        }
    }
    assert_eq!(written(|out| write_u64(out, script.integer)), script.integer.to_string());
    let text = written(|out| write_text(out, script.text));
    assert_eq!(serde_json::from_str::<String>(&text).expect("a JSON text"), script.text);
    let time = written(|out| write_time(out, UnixMillis(script.integer)));
    serde_json::from_str::<String>(&time).expect("a JSON text");
    assert!(time.len() == 26 || time.len() == 29, "{time}");
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("UTF-8")
}
