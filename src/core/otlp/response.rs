//! An answer's body: an `ExportLogsServiceResponse`, as JSON or as protobuf. It is read without trust.

use alloc::string::String;
use alloc::vec::Vec;

use super::super::codec::{Corrupt, Reader};
use super::super::io::Content;
use super::super::retry::decimal;

/// What a server has to say beside its success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    let mut partial = PartialSuccess::default();
    if content.bytes.is_empty() {
        // In protobuf, a full success; and many a server answers so, whatever was asked.
    } else if is("application/json") {
        read_json(content.bytes, &mut partial)?;
    } else if is("application/x-protobuf") {
        read_protobuf(content.bytes, &mut partial)?;
    } else {
        return Err(Corrupt);
    }
    Ok((partial != PartialSuccess::default()).then_some(partial))
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
                    partial.message = one_line(core::str::from_utf8(text).map_err(|_| Corrupt)?);
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

fn read_json(bytes: &[u8], partial: &mut PartialSuccess) -> Result<(), Corrupt> {
    let mut json = Json { reader: Reader::new(bytes), partial };
    if json.token() != Ok(b'{') {
        return Err(Corrupt);
    }
    json.entries(b'}', Place::Response, DEPTH)?;
    // What comes behind it can't be told apart from what it should have said.
    if json.token().is_ok() { Err(Corrupt) } else { Ok(()) }
}

/// Objects and lists within one another; the response has two.
const DEPTH: u32 = 32;

/// Where in the response a value stands.
#[derive(Clone, Copy)]
enum Place {
    Response,
    PartialSuccess,
    Rejected,
    Message,
    Elsewhere,
}

struct Json<'a> {
    reader: Reader<'a>,
    partial: &'a mut PartialSuccess,
}

impl Json<'_> {
    /// The rest of a value that begins so.
    fn value(&mut self, first: u8, place: Place, depth: u32) -> Result<(), Corrupt> {
        let text = match first {
            b'{' => return self.entries(b'}', place, depth),
            b'[' => return self.entries(b']', Place::Elsewhere, depth),
            b't' => return self.word(b"rue"),
            b'f' => return self.word(b"alse"),
            b'n' => return self.word(b"ull"),
            b'"' => self.text()?,
            b'-' | b'0'..=b'9' => self.number(first),
            _ => return Err(Corrupt),
        };
        match place {
            Place::Rejected if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.partial.rejected = decimal(text.as_bytes());
            }
            Place::Message => self.partial.message = one_line(&text),
            _ => {}
        }
        Ok(())
    }

    /// The rest of an object or a list.
    fn entries(&mut self, close: u8, place: Place, depth: u32) -> Result<(), Corrupt> {
        let depth = depth.checked_sub(1).ok_or(Corrupt)?;
        let mut next = self.token()?;
        if next == close {
            return Ok(());
        }
        loop {
            let mut inner = Place::Elsewhere;
            if close == b'}' {
                if next != b'"' {
                    return Err(Corrupt);
                }
                inner = match (place, self.text()?.as_str()) {
                    (Place::Response, "partialSuccess") => Place::PartialSuccess,
                    (Place::PartialSuccess, "rejectedLogRecords") => Place::Rejected,
                    (Place::PartialSuccess, "errorMessage") => Place::Message,
                    _ => inner,
                };
                if self.token()? != b':' {
                    return Err(Corrupt);
                }
                next = self.token()?;
            }
            self.value(next, inner, depth)?;
            match self.token()? {
                b',' => next = self.token()?,
                end if end == close => return Ok(()),
                _ => return Err(Corrupt),
            }
        }
    }

    /// The rest of a text.
    fn text(&mut self) -> Result<String, Corrupt> {
        let mut text = Vec::new();
        loop {
            let c = match self.reader.byte()? {
                b'"' => return String::from_utf8(text).map_err(|_| Corrupt),
                b'\\' => self.escaped()?,
                byte => {
                    text.push(byte);
                    continue;
                }
            };
            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn escaped(&mut self) -> Result<char, Corrupt> {
        Ok(match self.reader.byte()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' | b'f' | b'n' | b'r' | b't' => ' ',
            b'u' => {
                let mut unit = 0;
                for digit in self.reader.array::<4>()? {
                    unit = unit << 4 | char::from(digit).to_digit(16).ok_or(Corrupt)?;
                }
                // The halves of a surrogate pair are not put together: it is a message for people.
                char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(Corrupt),
        })
    }

    fn number(&mut self, first: u8) -> String {
        let mut number = String::from(char::from(first));
        let mut ahead = self.reader.clone();
        while let Ok(next @ (b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) = ahead.byte() {
            number.push(char::from(next));
            self.reader = ahead.clone();
        }
        number
    }

    fn word(&mut self, rest: &[u8]) -> Result<(), Corrupt> {
        if self.reader.bytes(rest.len())? == rest { Ok(()) } else { Err(Corrupt) }
    }

    /// The next byte that is not white space.
    fn token(&mut self) -> Result<u8, Corrupt> {
        loop {
            match self.reader.byte()? {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                byte => return Ok(byte),
            }
        }
    }
}

/// Control characters have no business in a diagnostic.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
