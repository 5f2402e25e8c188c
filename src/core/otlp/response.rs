//! An answer's body: an `ExportLogsServiceResponse`, as JSON or as protobuf. It is read without trust.

use alloc::string::String;
use alloc::vec::Vec;

use super::super::codec::{Corrupt, Reader};
use super::super::io::Content;
use super::super::retry::decimal;

/// What a server has to say beside its success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialSuccess {
    /// Log records that it will never take. A server may claim any number.
    pub rejected: u64,
    /// On one line; empty if there is none.
    pub message: String,
}

/// What there is to say; corrupt is what is no such response.
pub fn read(content: Content<'_>) -> Result<Option<PartialSuccess>, Corrupt> {
    let is = |name: &str| {
        let start = content.kind.get(..name.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let mut partial = PartialSuccess { rejected: 0, message: String::new() };
    if content.bytes.is_empty() {
        // In protobuf, a full success; and many a server answers so, whatever was asked.
    } else if is("application/json") {
        read_json(content.bytes, &mut partial)?;
    } else if is("application/x-protobuf") {
        read_protobuf(content.bytes, &mut partial)?;
    } else {
        return Err(Corrupt);
    }
    let says = partial.rejected > 0 || !partial.message.is_empty();
    Ok(says.then_some(partial))
}

/// Field 1 of the response is the partial success, whose field 1 is the count and field 2 the message.
fn read_protobuf(bytes: &[u8], partial: &mut PartialSuccess) -> Result<(), Corrupt> {
    let mut response = Reader::new(bytes);
    while !response.is_empty() {
        let (0x0a, _, bytes) = read_field(&mut response)? else { continue };
        let mut fields = Reader::new(bytes);
        while !fields.is_empty() {
            match read_field(&mut fields)? {
                (0x08, count, _) => partial.rejected = (count as i64).max(0) as u64,
                (0x12, _, text) => {
                    partial.message = one_line(text)?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// A field's tag, and its number or its bytes.
fn read_field<'a>(reader: &mut Reader<'a>) -> Result<(u64, u64, &'a [u8]), Corrupt> {
    let tag = reader.varint()?;
    let length = match tag & 7 {
        0 => return Ok((tag, reader.varint()?, &[])),
        1 => 8,
        2 => reader.count()?,
        5 => 4,
        _ => return Err(Corrupt),
    };
    Ok((tag, 0, reader.bytes(length)?))
}

/// Whatever is JSON is read as such. What only looks like it may pass for it, but never as more than it says.
fn read_json(bytes: &[u8], partial: &mut PartialSuccess) -> Result<(), Corrupt> {
    let mut json = Reader::new(bytes);
    let (mut key, mut value) = (Vec::new(), Vec::new());
    let mut is_text = false;
    let mut depth = 0_u32;
    let mut within = false;
    loop {
        match json.byte()? {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' => {
                value = read_text(&mut json)?;
                is_text = true;
            }
            b':' => key = core::mem::take(&mut value),
            b'{' | b'[' => {
                depth += 1;
                if depth == 2 {
                    within = key == b"partialSuccess";
                }
                key.clear();
            }
            end @ (b',' | b'}' | b']') => {
                if depth == 2 && within {
                    if key == b"rejectedLogRecords" && value.iter().all(u8::is_ascii_digit) {
                        partial.rejected = decimal(&value);
                    }
                    if key == b"errorMessage" && is_text {
                        partial.message = one_line(&value)?;
                    }
                }
                key.clear();
                value.clear();
                is_text = false;
                if end != b',' {
                    depth = depth.checked_sub(1).ok_or(Corrupt)?;
                    if depth == 0 {
                        return Ok(());
                    }
                }
            }
            _ if depth == 0 => return Err(Corrupt),
            // Of a number, or of `true` and the like.
            byte => value.push(byte),
        }
    }
}

/// The rest of a text.
fn read_text(json: &mut Reader<'_>) -> Result<Vec<u8>, Corrupt> {
    let mut text = Vec::new();
    loop {
        text.push(match json.byte()? {
            b'"' => return Ok(text),
            b'\\' => match json.byte()? {
                b'b' | b'f' | b'n' | b'r' | b't' => b' ',
                // Beyond ASCII hardly any server writes what it need not.
                b'u' => match json.array()? {
                    [b'0', b'0', high @ b'0'..=b'7', low] => {
                        let low = char::from(low).to_digit(16).ok_or(Corrupt)?;
                        (high - b'0') << 4 | low as u8
                    }
                    _ => b'?',
                },
                byte => byte,
            },
            byte => byte,
        });
    }
}

/// Control characters have no business in a diagnostic.
fn one_line(text: &[u8]) -> Result<String, Corrupt> {
    let mut line = Vec::from(text);
    let mut before = 0;
    for byte in &mut line {
        match (before, *byte) {
            (_, 0..b' ' | 0x7f) => *byte = b' ',
            // U+0080 to U+009F become U+00A0, which is a space.
            (0xc2, 0x80..=0x9f) => *byte = 0xa0,
            _ => {}
        }
        before = *byte;
    }
    String::from_utf8(line).map_err(|_| Corrupt)
}
