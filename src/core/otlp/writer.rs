//! The two formats behind one set of words.

use alloc::vec::Vec;

use super::super::body::{Body, Piece};
use super::super::json::{escape, longest, put_number};
use super::super::record::Stored;
use super::super::time::UnixMillis;
use super::{json, protobuf};

pub struct Writer<'a> {
    pub body: Body<'a>,
    /// None for protobuf.
    json: Option<json::Values>,
}

impl<'a> Writer<'a> {
    pub fn json(out: &'a mut Vec<u8>) -> Self {
        let mut body = Body::new(out);
        Self { json: Some(json::Values::new(&mut body)), body }
    }

    pub fn protobuf(out: &'a mut Vec<u8>) -> Self {
        Self { json: None, body: Body::new(out) }
    }

    pub fn literal(&mut self, json: &str, protobuf: &[u8]) {
        self.body.put_bytes(match self.json {
            Some(_) => json.as_bytes(),
            None => protobuf,
        });
    }

    pub fn piece(&mut self, json: &str, protobuf: &[u8]) -> Piece {
        let start = self.body.end();
        self.literal(json, protobuf);
        self.body.cut(start)
    }

    /// Begins what [`end`](Self::end) ends.
    pub fn begin(&mut self, json: &str, tag: u8) -> usize {
        self.literal(json, &[tag, 0]);
        self.body.end()
    }

    /// `json` closes a list or an object, whose last comma goes.
    pub fn end(&mut self, start: usize, json: &str) {
        match self.json {
            Some(_) => {
                self.body.drop_last(b',');
                self.body.put_bytes(json.as_bytes());
            }
            None => protobuf::end(&mut self.body, start),
        }
    }

    pub fn text(&mut self, json: &str, tag: u8, text: &str) {
        let start = self.begin(json, tag);
        match self.json {
            Some(_) => {
                self.body.room(longest(text));
                self.body.write(|out, end| escape(out, end, text));
            }
            None => {
                self.body.put_bytes(text.as_bytes());
                protobuf::end(&mut self.body, start);
            }
        }
    }

    pub fn number(&mut self, number: u32) {
        self.body.room(32);
        match self.json {
            Some(_) => {
                self.body.write(|out, end| put_number(out, end, f64::from(number)));
            }
            None => protobuf::put_varint(&mut self.body, u64::from(number)),
        }
    }

    /// An attribute's key, up to where its value begins.
    pub fn key(&mut self, tag: u8, prefix: &str, key: &str) -> Piece {
        let start = self.body.end();
        self.begin("", tag);
        self.text("{\"key\":", 1 << 3 | 2, &[prefix, key].concat());
        self.begin(",\"value\":{", 2 << 3 | 2);
        self.body.cut(start)
    }

    pub fn attribute(&mut self, key: Piece, value: Stored<'_>) {
        match &self.json {
            Some(values) => values.put(&mut self.body, key, value),
            None => protobuf::put_attribute(&mut self.body, key, value),
        }
    }

    pub fn put(&mut self, tag: u8, prefix: &str, key: &str, value: Stored<'_>) {
        let key = self.key(tag, prefix, key);
        self.attribute(key, value);
    }

    /// A time in nanoseconds. Past the year 2554 it has no such number, and is the last that has.
    pub fn nanos(&mut self, time: UnixMillis) {
        const NANOS: u64 = 1_000_000;
        let millis = time.0.min(u64::MAX / NANOS);
        match &self.json {
            Some(values) => {
                self.body.write(|out, end| put_number(out, end, millis as f64));
                if millis > 0 {
                    self.body.put(&values.nanos);
                }
            }
            None => protobuf::put_fixed(&mut self.body, millis * NANOS),
        }
    }
}

/// Whether a number is an integer that a double tells apart from its neighbours.
pub fn is_safe_integer(number: f64) -> bool {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    number.abs() <= LARGEST && number as i64 as f64 == number
}
