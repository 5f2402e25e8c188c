//! The words that a body is made of, in each format.

use alloc::vec::Vec;

use super::super::format::Format;
use super::super::id::Id;
use super::super::json::{NUMBER, escape, longest, put_number};
use super::super::record::Stored;
use super::super::time::UnixMillis;
use super::body::{Body, Piece};
use super::protobuf;
use super::times::Times;

/// What is written in the `json` format, in OTLP's JSON, and in protobuf: there it ends with a tag, and
/// a byte for the length where something with a length begins.
pub type Texts = [&'static str; 3];

/// In JSON all that may come again begins with a comma; the first one gives way to a bracket.
pub struct Writer<'a> {
    pub body: Body<'a>,
    pub format: Format,
    values: Values,
    events: Events,
    times: Times,
}

/// What stands before values in OTLP's JSON, and behind them.
struct Values {
    before: [Piece; 4],
    behind: [Piece; 2],
}

/// What stands between the parts of an event.
struct Events {
    time: Piece,
    observed: Piece,
    id: Piece,
    id_end: Piece,
    nanos: Piece,
}

impl<'a> Writer<'a> {
    /// Bytes that an event takes beside its pieces and its texts, at most.
    pub const EVENT: usize = 256;
    /// Bytes that a value takes beside its key and its text, at most.
    pub const VALUE: usize = 2 * 24 + NUMBER;

    pub fn new(format: Format, out: &'a mut Vec<u8>) -> Self {
        let mut body = Body::new(out);
        let mut piece = |text: &str| body.piece(text.as_bytes());
        let values = Values {
            before: ["\"intValue\":\"", "\"doubleValue\":", "\"boolValue\":", "\"stringValue\":"]
                .map(&mut piece),
            behind: ["\"}}", "}}"].map(&mut piece),
        };
        let mut piece = |texts: Texts| piece(texts[format as usize]);
        let events = Events {
            // In protobuf with the tag of a number of 64 bits.
            time: piece(["", ",{\"timeUnixNano\":\"", "\x12\0\x09"]),
            observed: piece(["", "\",\"observedTimeUnixNano\":\"", "\x59"]),
            id: piece([
                "",
                ",{\"key\":\"event_id\",\"value\":{\"stringValue\":\"",
                "\x32\x32\x0a\x08event_id\x12\x26\x0a\x24",
            ]),
            id_end: piece(["", "\"}}", ""]),
            nanos: piece(["", "000000", ""]),
        };
        Self { body, format, values, events, times: Times::new() }
    }

    pub fn is_plain(&self) -> bool {
        self.format == Format::Json
    }

    /// Gives where what follows begins.
    pub fn literal(&mut self, texts: &Texts) -> usize {
        self.body.put_bytes(texts[self.format as usize].as_bytes());
        self.body.end()
    }

    /// Ends a list or an object of JSON.
    pub fn close(&mut self, start: usize, open: u8, texts: &Texts) {
        if self.format != Format::OtlpProtobuf {
            if self.body.end() == start {
                self.body.put_bytes(&[open]);
            }
            self.body.replace(start, open);
        }
        self.literal(texts);
    }

    /// Ends what has a length in protobuf.
    pub fn end(&mut self, start: usize) {
        if self.format == Format::OtlpProtobuf {
            protobuf::end(&mut self.body, start);
        }
    }

    pub fn text(&mut self, texts: &Texts, text: &str) {
        let start = self.literal(texts);
        if self.format == Format::OtlpProtobuf {
            self.body.put_bytes(text.as_bytes());
        } else {
            self.body.room(longest(text));
            self.body.write(|out, end| escape(out, end, text));
        }
        self.end(start);
    }

    pub fn number(&mut self, number: u32) {
        self.body.room(NUMBER);
        if self.format == Format::OtlpProtobuf {
            protobuf::put_varint(&mut self.body, u64::from(number));
        } else {
            self.body.write(|out, end| put_number(out, end, f64::from(number)));
        }
    }

    /// A value's key, up to where the value begins. Only OTLP, which is flat, needs the prefix.
    pub fn key(&mut self, tag: &'static str, prefix: &str, key: &str) -> Piece {
        let prefix = if self.is_plain() { "" } else { prefix };
        let start = self.body.end();
        self.literal(&[",", ",{\"key\":", tag]);
        self.text(&["", "", "\x0a\0"], &[prefix, key].concat());
        self.literal(&[":", ",\"value\":{", "\x12\0"]);
        self.body.cut(start)
    }

    /// Where there is room for [`Self::VALUE`]; behind a text there is room for so many bytes again.
    pub fn value(&mut self, key: &Piece, value: Stored<'_>, room: usize) {
        if self.format == Format::OtlpProtobuf {
            return protobuf::put_attribute(&mut self.body, key, value, room);
        }
        let (mut key, mut behind) = (*key, Piece::default());
        if self.format == Format::OtlpJson {
            let (kind, end) = match value {
                Stored::Number(number) if is_safe_integer(number) => (0, 0),
                Stored::Number(_) => (1, 1),
                Stored::Bool(_) => (2, 1),
                Stored::Text(_) => (3, 1),
            };
            self.body.put(&key);
            (key, behind) = (self.values.before[kind], self.values.behind[end]);
        }
        self.plain_value(&key, value, room);
        self.body.put(&behind);
    }

    /// A value in the `json` format, in the same way; here rather than by a call, which would take as
    /// long as the writing.
    #[inline(always)]
    pub fn plain_value(&mut self, key: &Piece, value: Stored<'_>, room: usize) {
        let body = &mut self.body;
        body.put_here(key);
        match value {
            Stored::Number(number) => body.write(|out, end| put_number(out, end, number)),
            Stored::Bool(true) => body.put_short(*b"true\0\0\0\0", 4),
            Stored::Bool(false) => body.put_short(*b"false\0\0\0", 5),
            Stored::Text(text) => {
                body.room(longest(text) + room);
                body.write(|out, end| escape(out, end, text));
            }
        }
    }

    pub fn put(&mut self, tag: &'static str, prefix: &str, key: &str, value: Stored<'_>) {
        let key = self.key(tag, prefix, key);
        self.body.room(key.size() + Self::VALUE);
        self.value(&key, value, Self::VALUE);
    }

    /// What an event begins with, up to its attributes or other members; gives what [`end`](Self::end)
    /// needs. There is room for [`Self::EVENT`] and the head.
    pub fn begin_event(&mut self, head: &Piece, id: Id, at: UnixMillis) -> usize {
        if self.is_plain() {
            self.body.put(head);
            self.body.put_id(id);
            self.times.put(&mut self.body, at);
            return 0;
        }
        let start = self.body.end() + 2;
        self.body.put(&self.events.time);
        let time = self.body.end();
        self.nanos(at);
        let time = time..self.body.end();
        self.body.put(&self.events.observed);
        self.body.repeat(time);
        self.body.put(head);
        start
    }

    /// An event's id as an attribute, which only OTLP has.
    pub fn id(&mut self, id: Id) {
        if !self.is_plain() {
            self.body.put(&self.events.id);
            self.body.put_id(id);
            self.body.put(&self.events.id_end);
        }
    }

    /// A time in nanoseconds. Past the year 2554 it has no such number, and is the last that has.
    fn nanos(&mut self, time: UnixMillis) {
        const NANOS: u64 = 1_000_000;
        let millis = time.0.min(u64::MAX / NANOS);
        if self.format == Format::OtlpProtobuf {
            return protobuf::put_fixed(&mut self.body, millis * NANOS);
        }
        self.body.write(|out, end| put_number(out, end, millis as f64));
        if millis > 0 {
            self.body.put(&self.events.nanos);
        }
    }
}

/// Whether a number is an integer that a double tells apart from its neighbours.
pub fn is_safe_integer(number: f64) -> bool {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    number.abs() <= LARGEST && number as i64 as f64 == number
}
