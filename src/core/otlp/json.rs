//! Attributes in protobuf's JSON mapping, as OTLP has it: integers of 64 bits are texts.

use super::super::body::{Body, Piece};
use super::super::json::{NUMBER, escape, longest, put_number};
use super::super::record::Stored;
use super::writer::is_safe_integer;

/// What stands before values, and behind them.
pub struct Values {
    integer: Piece,
    integer_end: Piece,
    double: Piece,
    text: Piece,
    end: Piece,
    /// Behind milliseconds.
    pub nanos: Piece,
    booleans: [Piece; 2],
}

impl Values {
    pub fn new(body: &mut Body<'_>) -> Self {
        let mut piece = |text: &str| body.piece(text.as_bytes());
        Self {
            integer: piece("\"intValue\":\""),
            integer_end: piece("\"}},"),
            double: piece("\"doubleValue\":"),
            text: piece("\"stringValue\":"),
            end: piece("}},"),
            nanos: piece("000000"),
            booleans: [piece("\"boolValue\":false}},"), piece("\"boolValue\":true}},")],
        }
    }

    pub fn put(&self, body: &mut Body<'_>, key: Piece, value: Stored<'_>) {
        body.room(key.size() + 32 + NUMBER);
        body.put(&key);
        let (before, behind) = match value {
            Stored::Bool(value) => return body.put(&self.booleans[usize::from(value)]),
            Stored::Text(_) => (self.text, self.end),
            Stored::Number(number) if is_safe_integer(number) => (self.integer, self.integer_end),
            Stored::Number(_) => (self.double, self.end),
        };
        body.put(&before);
        match value {
            Stored::Number(number) => body.write(|out, end| put_number(out, end, number)),
            Stored::Bool(_) => {}
            Stored::Text(text) => {
                body.room(longest(text) + 8);
                body.write(|out, end| escape(out, end, text));
            }
        }
        body.put(&behind);
    }
}
