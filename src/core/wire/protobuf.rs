//! Protobuf's wire format, as far as a log record needs it.

use super::super::codec::write_varint;
use super::super::record::Stored;
use super::body::{Body, Piece};
use super::writer::is_safe_integer;

/// An attribute whose key ends with the tag of its value, and which leaves a byte for the length of
/// each.
pub fn put_attribute(body: &mut Body<'_>, key: &Piece, value: Stored<'_>, room: usize) {
    let start = body.end() + 2;
    body.put(key);
    let value_start = body.end();
    match value {
        Stored::Text(text) => {
            body.put_byte(1 << 3 | 2);
            put_varint(body, text.len() as u64);
            body.put_bytes(text.as_bytes());
            body.room(room);
        }
        Stored::Bool(value) => {
            body.put_byte(2 << 3);
            body.put_byte(u8::from(value));
        }
        Stored::Number(number) if is_safe_integer(number) => {
            body.put_byte(3 << 3);
            put_varint(body, number as i64 as u64);
        }
        Stored::Number(number) => {
            body.put_byte(4 << 3 | 1);
            put_fixed(body, number.to_bits());
        }
    }
    end(body, value_start);
    end(body, start);
}

/// Fills in the length of what began there. It was left a byte; if it takes more, what follows moves.
pub fn end(body: &mut Body<'_>, start: usize) {
    let length = body.end() - start;
    if length < 0x80 {
        return body.replace(start - 1, length as u8);
    }
    let more = (1..5).take_while(|bytes| length >> (7 * bytes) > 0).count();
    body.shift(start, more);
    body.write(|out, end| {
        write_varint(out, start - 1, length as u64);
        end
    });
}

pub fn put_varint(body: &mut Body<'_>, value: u64) {
    body.write(|out, end| write_varint(out, end, value).unwrap_or(end));
}

pub fn put_fixed(body: &mut Body<'_>, value: u64) {
    body.write(|out, end| {
        if let Some(place) = out.get_mut(end..).and_then(<[u8]>::first_chunk_mut) {
            *place = value.to_le_bytes();
        }
        end + 8
    });
}
