//! A request's body: a quick look at every one of them, a thorough reading where a run asks for it.

use serde_json::Value;

use super::{gunzip, otlp, wire};
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::io::Export;

#[derive(Debug)]
pub struct Body {
    pub batch_id: u128,
    pub client_id: u128,
    pub seq: u64,
    pub attempt: u64,
    pub dropped: Vec<(String, u64)>,
    pub events: Vec<Came>,
}

/// An event on the wire.
#[derive(Debug)]
pub struct Came {
    /// The number that the simulator gave it.
    pub serial: u32,
    pub id: u128,
    pub exposure: bool,
    /// All of it, if the body was read thoroughly.
    pub whole: Option<Value>,
}

impl Body {
    pub fn serials(&self) -> Vec<u32> {
        self.events.iter().map(|event| event.serial).collect()
    }
}

/// Panics with the offending part of a body that breaks the format.
pub fn read(export: &Export, format: Format, thoroughly: bool) -> Body {
    let bytes = &*gunzip::plain(export);
    if format.is_otlp() {
        return translated(otlp::read(bytes, format), thoroughly);
    }
    let mut body = Body {
        batch_id: 0,
        client_id: 0,
        seq: 0,
        attempt: 0,
        dropped: Vec::new(),
        events: Vec::new(),
    };
    let mut scanner = Scanner { rest: bytes };
    scanner.members(|key, scanner| match key {
        b"batch" => head(&mut body, scanner),
        b"events" => scanner.items(|scanner| body.events.push(event(scanner))),
        _ => scanner.skip(),
    });
    assert!(body.batch_id != 0 && body.client_id != 0 && body.attempt > 0, "{body:?}");
    assert!(!body.events.is_empty() && scanner.rest.is_empty(), "{body:?}");
    if thoroughly {
        let values = wire::read(bytes).events;
        assert_eq!(values.len(), body.events.len());
        for (event, value) in body.events.iter_mut().zip(values) {
            event.whole = Some(value);
        }
    }
    body
}

/// What was written in another format.
fn translated(body: wire::Body, thoroughly: bool) -> Body {
    let whole = |event: Value| {
        let exposure = event.get("event_type").is_some();
        let serial = if exposure { &event["variation_id"] } else { &event["event_metadata"]["n"] };
        Came {
            serial: serial.as_u64().expect("every event has its number") as u32,
            id: uuid(event["event_id"].as_str().expect("a text").as_bytes()),
            exposure,
            whole: thoroughly.then_some(event),
        }
    };
    assert!(!body.events.is_empty(), "a batch has events");
    let count = |count: Value| count.as_u64().expect("a count");
    Body {
        batch_id: uuid(body.batch_id.as_bytes()),
        client_id: uuid(body.client_id.as_bytes()),
        seq: body.seq,
        attempt: body.attempt,
        dropped: body.dropped.into_iter().map(|(key, value)| (key, count(value))).collect(),
        events: body.events.into_iter().map(whole).collect(),
    }
}

fn head(body: &mut Body, scanner: &mut Scanner<'_>) {
    scanner.members(|key, scanner| match key {
        b"id" => body.batch_id = uuid(scanner.text()),
        b"client_id" => body.client_id = uuid(scanner.text()),
        b"seq" => body.seq = number(scanner.word()) as u64,
        b"attempt" => body.attempt = number(scanner.word()) as u64,
        b"dropped" => scanner.members(|reason, scanner| {
            let reason = String::from_utf8_lossy(reason).into_owned();
            body.dropped.push((reason, number(scanner.word()) as u64));
        }),
        _ => scanner.skip(),
    });
}

fn event(scanner: &mut Scanner<'_>) -> Came {
    let (mut serial, mut id, mut exposure) = (None, 0, false);
    scanner.members(|key, scanner| match key {
        b"event_id" => id = uuid(scanner.text()),
        b"event_type" => {
            exposure = true;
            scanner.skip();
        }
        b"variation_id" => serial = Some(number(scanner.word()) as u32),
        b"event_metadata" => scanner.members(|key, scanner| match key {
            b"n" => serial = Some(number(scanner.word()) as u32),
            _ => scanner.skip(),
        }),
        _ => scanner.skip(),
    });
    let serial = serial.expect("every event has its number");
    Came { serial, id, exposure, whole: None }
}

fn number(text: &[u8]) -> f64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).expect("a number")
}

fn uuid(text: &[u8]) -> u128 {
    let text = std::str::from_utf8(text).expect("a UUID is text");
    uuid::Uuid::parse_str(text).expect("a UUID").as_u128()
}

/// Walks over JSON as the encoder writes it: without spaces.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.rest.split_first().expect("a body is whole");
        self.rest = rest;
        *first
    }

    fn peek(&self) -> u8 {
        *self.rest.first().expect("a body is whole")
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn expect(&mut self, wanted: u8) {
        let found = self.next();
        assert_eq!(char::from(found), char::from(wanted), "a body is JSON");
    }

    /// What is between the quotes, as it stands.
    fn text(&mut self) -> &'a [u8] {
        self.expect(b'"');
        let mut length = 0;
        loop {
            match self.rest[length] {
                b'"' => break,
                b'\\' => length += 2,
                _ => length += 1,
            }
        }
        let text = self.take(length);
        self.expect(b'"');
        text
    }

    /// A number or another word, as it stands.
    fn word(&mut self) -> &'a [u8] {
        let end = |byte: &u8| matches!(byte, b',' | b'}' | b']');
        let length = self.rest.iter().position(end).expect("a body is whole");
        self.take(length)
    }

    fn skip(&mut self) {
        match self.peek() {
            b'"' => {
                self.text();
            }
            b'{' => self.members(|_, scanner| scanner.skip()),
            b'[' => self.items(Self::skip),
            _ => {
                self.word();
            }
        }
    }

    fn members(&mut self, mut visit: impl FnMut(&'a [u8], &mut Self)) {
        self.sequence(b'{', b'}', |scanner| {
            let key = scanner.text();
            scanner.expect(b':');
            visit(key, scanner);
        });
    }

    fn items(&mut self, visit: impl FnMut(&mut Self)) {
        self.sequence(b'[', b']', visit);
    }

    fn sequence(&mut self, open: u8, close: u8, mut visit: impl FnMut(&mut Self)) {
        self.expect(open);
        if self.peek() == close {
            self.next();
            return;
        }
        loop {
            visit(self);
            match self.next() {
                b',' => {}
                end => {
                    assert_eq!(char::from(end), char::from(close), "a body is JSON");
                    return;
                }
            }
        }
    }
}
