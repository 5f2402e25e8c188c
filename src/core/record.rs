//! A batch as bytes: how it waits in memory, how it is stored, and what the wire format is made from.
//!
//! A header of fixed length is followed by items. Definitions (resource, context, shapes) come before
//! the first event that needs them, so a batch explains itself, and events hold little but values:
//!
//! | item | tag | then |
//! | --- | --- | --- |
//! | resource | 0 | fields |
//! | context | 1 | identity texts (length + 1, 0 for none), core fields, user fields |
//! | shape | 2 | name, fields left out, count, (kind, key)… |
//! | exposure | 3 | length, time, fields left out, experiment, variation, three optional texts |
//! | drop report | 4 | count, (reason, events)… |
//! | event | 5 + 2 × shape + (1 if sampled) | length, time, \[rate\], values |
//!
//! Numbers are LEB128; a time is the difference to the event before, zigzag. An event's id is not
//! stored: it follows from the header's seed and first number.
//!
//! A number value is a double without its last bytes that are zero: few are left of the numbers that
//! events hold, and it takes no branch to find out. A byte before every two values tells how many are
//! left of each, and nothing of a text, whose length comes before it. A boolean is the number 0 or 1.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::codec::{
    Corrupt, Reader, checksum, put_text, put_varint, put_zeros, unzigzag, write_varint, zigzag,
};
use super::context::{Context, Identity, Scalar};
use super::id::Id;
use super::io::{Exposure, Field};
use super::ledger::{Drops, REASONS};
use super::random::IdSeed;
use super::shapes::{FieldKind, Shape, ShapeId, Shapes, Staged};
use super::time::UnixMillis;

const MAGIC: [u8; 4] = *b"WTR3";
const HEADER: usize = 85;

const RESOURCE: u64 = 0;
const CONTEXT: u64 = 1;
const SHAPE: u64 = 2;
const EXPOSURE: u64 = 3;
const REPORT: u64 = 4;
const EVENT: u64 = 5;

/// So many zeros are put behind a record at once, to be written over: quicker than to grow byte by byte.
const AHEAD: usize = 2_048;
/// With so many words the length of a staged event takes one byte, whatever they are.
const SHORT: usize = 12;
/// What two bytes can tell of its length.
const LONGEST: usize = 1 << 14;
/// Bytes of a text that can't be too long, however few characters they make.
const SHORT_TEXT: usize = 1_024;

/// What a record says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The same at every attempt, so that a receiver can tell copies.
    pub batch_id: Id,
    /// The pipeline that began the batch; new at each start.
    pub client_id: Id,
    /// What the ids of its events follow from.
    pub id_seed: IdSeed,
    /// The number of the first event's id.
    pub first: u64,
    /// The time that the first event's is relative to.
    pub base: u64,
    /// The batch's number among its client's, from 1.
    pub seq: u32,
    /// Events inside, exposures among them.
    pub events: u32,
    /// Where the drop report is, from the record's start; 0 without one.
    pub report_at: u32,
    /// Whether there are exposures among its events.
    pub exposure: bool,
}

impl Header {
    fn write(&self, record: &mut [u8]) {
        let Some((header, _)) = record.split_first_chunk_mut::<HEADER>() else {
            return;
        };
        header[..4].copy_from_slice(&MAGIC);
        header[8..24].copy_from_slice(&self.batch_id.to_bytes());
        header[24..40].copy_from_slice(&self.client_id.to_bytes());
        header[40..56].copy_from_slice(&self.id_seed.0);
        header[56..64].copy_from_slice(&self.first.to_le_bytes());
        header[64..72].copy_from_slice(&self.base.to_le_bytes());
        header[72..76].copy_from_slice(&self.seq.to_le_bytes());
        header[76..80].copy_from_slice(&self.events.to_le_bytes());
        header[80..84].copy_from_slice(&self.report_at.to_le_bytes());
        header[84] = u8::from(self.exposure);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Corrupt> {
        Ok(Self {
            batch_id: Id::from_bytes(reader.array()?),
            client_id: Id::from_bytes(reader.array()?),
            id_seed: IdSeed(reader.array()?),
            first: u64::from_le_bytes(reader.array()?),
            base: u64::from_le_bytes(reader.array()?),
            seq: u32::from_le_bytes(reader.array()?),
            events: u32::from_le_bytes(reader.array()?),
            report_at: u32::from_le_bytes(reader.array()?),
            exposure: match reader.byte()? {
                0 => false,
                1 => true,
                _ => return Err(Corrupt),
            },
        })
    }
}

/// Writes the checksum, which a record needs in a store only.
pub fn stamp(record: &mut [u8]) {
    let Some((sum, rest)) = record.get_mut(4..).and_then(<[u8]>::split_first_chunk_mut) else {
        return;
    };
    *sum = checksum(rest).to_le_bytes();
}

/// A batch that still takes events.
#[derive(Debug)]
pub struct Builder {
    header: Header,
    bytes: Vec<u8>,
    last: u64,
    /// The epoch of the context written last.
    context: Option<u32>,
    /// The batch's own number of each registered shape, plus one.
    known: Vec<u32>,
    /// Where each definition lies in `bytes`.
    definitions: Vec<(u32, u32)>,
}

impl Builder {
    /// `header.first` and `header.base` belong to the first event to come.
    pub fn new(header: Header, resource: &[(String, Scalar)]) -> Self {
        let mut bytes = vec![0; HEADER];
        put_varint(&mut bytes, RESOURCE);
        put_fields(&mut bytes, resource);
        Self {
            header,
            bytes,
            last: header.base,
            context: None,
            known: Vec::new(),
            definitions: Vec::new(),
        }
    }

    /// As it stands; `report_at` is known at the end only.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes so far, the header among them.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the context unless it is the one written last.
    pub fn context(&mut self, epoch: u32, context: &Context) {
        if self.context.replace(epoch) == Some(epoch) {
            return;
        }
        put_varint(&mut self.bytes, CONTEXT);
        for text in &context.identity {
            put_optional(&mut self.bytes, text.as_deref());
        }
        put_fields(&mut self.bytes, &context.core);
        put_fields(&mut self.bytes, &context.user);
    }

    /// An event of a registered shape. False if a number is not finite, or a text is garbled or has more
    /// than 1,024 bytes: then nothing was written.
    pub fn shaped(&mut self, event: &Staged<'_>, shape: &Shape, rate: Option<f64>) -> bool {
        let index = event.shape.0 as usize;
        if self.known.len() <= index {
            self.known.resize(index + 1, 0);
        }
        let (start, definitions) = (self.bytes.len(), self.definitions.len());
        if self.known[index] == 0 {
            // Not looked for among the others: with names by the thousand that would take longest.
            self.known[index] = self.add(&shape.definition) + 1;
        }
        let tag = tag(self.known[index] - 1, rate);
        let end = self.bytes.len();
        put_zeros(&mut self.bytes, room(event));
        let written = self.write(end, tag, event, shape, rate);
        if written.is_none() && self.definitions.len() > definitions {
            self.known[index] = 0;
            self.definitions.pop();
        }
        self.bytes.truncate(written.unwrap_or(start));
        written.is_some()
    }

    /// Takes staged events of shapes that are defined here already, as long as they are `plain`, and
    /// there is room for so many and below that size. Gives the words that are left.
    pub fn run<'w>(
        &mut self,
        mut words: &'w [f64],
        shapes: &Shapes,
        plain: impl Fn(ShapeId) -> bool,
        events: u32,
        size: usize,
    ) -> &'w [f64] {
        let last = self.header.events.saturating_add(events);
        let mut end = self.bytes.len();
        while self.header.events < last
            && let Some((event, rest)) = shapes.split(words)
            && end + room(&event) <= size
            && plain(event.shape)
            && let Some(known @ 1..) = self.known.get(event.shape.0 as usize).copied()
            && let Some(shape) = shapes.get(event.shape)
        {
            if self.bytes.len() < end + room(&event) {
                let missing = end + room(&event) - self.bytes.len();
                put_zeros(&mut self.bytes, missing + AHEAD);
            }
            let tag = tag(known - 1, None);
            let Some(next) = self.write(end, tag, &event, shape, None) else { break };
            end = next;
            words = rest;
            if !shape.texts && event.values.len() <= SHORT && tag < 0x80 {
                (end, words) = self.alike(end, words, &event, tag as u8, last, size);
            }
        }
        self.bytes.truncate(end);
        words
    }

    /// Takes the events that follow one like them, in its shape and nearly its time: nothing but the
    /// values is left to be written, and that is what a burst costs.
    fn alike<'w>(
        &mut self,
        mut end: usize,
        mut words: &'w [f64],
        first: &Staged<'_>,
        tag: u8,
        most: u32,
        size: usize,
    ) -> (usize, &'w [f64]) {
        let shape = f64::from(first.shape.0);
        let (step, room) = (2 + first.values.len(), room(first));
        let mut last = self.last as f64;
        let mut events = self.header.events;
        for event in words.chunks_exact(step) {
            let Some((&[number, at], values)) = event.split_first_chunk() else { break };
            let later = at.min(UnixMillis::MAX.0 as f64) - last;
            if number != shape
                || !(0.0..64.0).contains(&later)
                || events >= most
                || end + room > size
            {
                break;
            }
            if self.bytes.len() < end + room {
                put_zeros(&mut self.bytes, AHEAD);
            }
            let Some(out) = self.bytes.get_mut(end..) else { break };
            let Some(length) = write_numbers(out, 3, values) else { break };
            let Some(start) = out.first_chunk_mut() else { break };
            let later = later as u8;
            *start = [tag, length as u8 - 2, later * 2];
            last += f64::from(later);
            events += 1;
            end += length;
        }
        let taken = (events - self.header.events) as usize;
        self.header.events = events;
        self.last = last as u64;
        words = words.get(taken * step..).unwrap_or_default();
        (end, words)
    }

    /// Writes over what lies behind the record; gives its new end. The length is written before the
    /// values are, in as few bytes as always do.
    fn write(
        &mut self,
        end: usize,
        tag: u64,
        event: &Staged<'_>,
        shape: &Shape,
        rate: Option<f64>,
    ) -> Option<usize> {
        if room(event) > LONGEST {
            return None;
        }
        let out = self.bytes.get_mut(end..)?;
        let start = write_varint(out, 0, tag)? + if event.values.len() <= SHORT { 1 } else { 2 };
        let difference = event.at.0.wrapping_sub(self.last) as i64;
        let mut at = write_varint(out, start, zigzag(difference))?;
        if let Some(rate) = rate {
            *out.get_mut(at..)?.first_chunk_mut()? = rate.to_le_bytes();
            at += 8;
        }
        at = if shape.texts {
            write_fields(out, at, &shape.fields, event.values)?
        } else {
            write_numbers(out, at, event.values)?
        };
        let length = at - start;
        if event.values.len() <= SHORT {
            *out.get_mut(start - 1)? = length as u8;
        } else {
            *out.get_mut(start - 2..)?.first_chunk_mut()? =
                [length as u8 | 0x80, (length >> 7) as u8];
        }
        self.last = event.at.0;
        self.header.events += 1;
        Some(end + at)
    }

    /// An event of any other shape; refused fields must be gone already.
    pub fn event(
        &mut self,
        at: UnixMillis,
        definition: &[u8],
        rate: Option<f64>,
        fields: &[(&str, Field<'_>)],
    ) {
        let local = self.define(definition);
        let start = self.begin(at, local, rate);
        for pair in fields.chunks(2) {
            let sizes = pair.iter().rev().fold(0, |sizes, (_, field)| sizes << 4 | size_of(*field));
            self.bytes.push(sizes);
            for (_, field) in pair {
                match *field {
                    Field::Text(text) => put_text(&mut self.bytes, text),
                    field => put_trimmed(&mut self.bytes, number(field)),
                }
            }
        }
        self.end(start);
    }

    /// An exposure, with the number of its fields that validation left out.
    pub fn exposure(&mut self, at: UnixMillis, exposure: &Exposure<'_>, left_out: u32) {
        put_varint(&mut self.bytes, EXPOSURE);
        let start = self.bytes.len();
        self.put_time(at);
        put_varint(&mut self.bytes, u64::from(left_out));
        put_text(&mut self.bytes, exposure.experiment_id);
        put_varint(&mut self.bytes, u64::from(exposure.variation_id));
        for text in [exposure.session_id, exposure.user_attributes, exposure.experiment_metadata] {
            put_optional(&mut self.bytes, text);
        }
        self.end(start);
        self.header.exposure = true;
    }

    /// Shapes are about to be numbered anew.
    pub fn forget_shapes(&mut self) {
        self.known.clear();
    }

    /// The record as it stands, for a store; events may follow.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        self.header.write(&mut bytes);
        bytes
    }

    /// The finished record, with the drops that are to be reported along.
    pub fn finish(mut self, report: &Drops) -> (Header, Vec<u8>) {
        if !report.is_empty() {
            self.header.report_at = self.bytes.len() as u32;
            put_report(&mut self.bytes, report);
        }
        self.bytes.shrink_to_fit();
        self.header.write(&mut self.bytes);
        (self.header, self.bytes)
    }

    fn define(&mut self, definition: &[u8]) -> u32 {
        let known = self.definitions.iter().position(|(start, length)| {
            let start = *start as usize;
            *length as usize == definition.len()
                && self.bytes.get(start..start + definition.len()) == Some(definition)
        });
        known.map_or_else(|| self.add(definition), |local| local as u32)
    }

    fn add(&mut self, definition: &[u8]) -> u32 {
        put_varint(&mut self.bytes, SHAPE);
        self.definitions.push((self.bytes.len() as u32, definition.len() as u32));
        self.bytes.extend_from_slice(definition);
        self.definitions.len() as u32 - 1
    }

    fn begin(&mut self, at: UnixMillis, local: u32, rate: Option<f64>) -> usize {
        put_varint(&mut self.bytes, tag(local, rate));
        let start = self.bytes.len();
        self.put_time(at);
        if let Some(rate) = rate {
            self.bytes.extend_from_slice(&rate.to_le_bytes());
        }
        start
    }

    /// Puts the length of what was written since `start` before it.
    fn end(&mut self, start: usize) {
        let length = self.bytes.len() - start;
        if length < 0x80 {
            self.bytes.insert(start, length as u8);
        } else {
            let mut prefix = Vec::new();
            put_varint(&mut prefix, length as u64);
            self.bytes.splice(start..start, prefix);
        }
        self.header.events += 1;
    }

    fn put_time(&mut self, at: UnixMillis) {
        let difference = at.0.wrapping_sub(self.last) as i64;
        self.last = at.0;
        put_varint(&mut self.bytes, zigzag(difference));
    }
}

/// The item's tag.
fn tag(local: u32, rate: Option<f64>) -> u64 {
    EVENT + 2 * u64::from(local) + u64::from(rate.is_some())
}

/// More bytes than the event takes, by those that are written too much.
fn room(event: &Staged<'_>) -> usize {
    32 + 9 * event.values.len()
}

/// The values as a record holds them; none if one is not finite.
fn write_numbers(out: &mut [u8], mut at: usize, values: &[f64]) -> Option<usize> {
    let mut largest = 0;
    let (pairs, odd) = values.as_chunks();
    for [first, second] in pairs {
        // One check for both, and for the bytes that are written too much.
        let place: &mut [u8; 17] = out.get_mut(at..)?.first_chunk_mut()?;
        let ([sizes, bytes @ ..], (size, word), (next, more)) =
            (place, trim(*first), trim(*second));
        *sizes = (size | next << 4) as u8;
        *bytes.first_chunk_mut()? = word;
        *bytes.get_mut(size..)?.first_chunk_mut()? = more;
        largest = largest.max(first.to_bits() << 1).max(second.to_bits() << 1);
        at += 1 + size + next;
    }
    for value in odd {
        let place: &mut [u8; 9] = out.get_mut(at..)?.first_chunk_mut()?;
        let ([sizes, bytes @ ..], (size, word)) = (place, trim(*value));
        (*sizes, *bytes) = (size as u8, word);
        largest = largest.max(value.to_bits() << 1);
        at += 1 + size;
    }
    (largest < f64::INFINITY.to_bits() << 1).then_some(at)
}

/// The same for a shape with texts; none also if one of these is not for this way.
fn write_fields(
    out: &mut [u8],
    mut at: usize,
    fields: &[(String, FieldKind)],
    mut words: &[f64],
) -> Option<usize> {
    let mut sizes = at;
    for (index, (_, kind)) in fields.iter().enumerate() {
        let second = index % 2 == 1;
        if !second {
            sizes = at;
            *out.get_mut(at)? = 0;
            at += 1;
        }
        let (value, rest) = words.split_first()?;
        words = rest;
        if *kind != FieldKind::Text {
            let (size, bytes) = trim(*value);
            *out.get_mut(at..)?.first_chunk_mut()? = bytes;
            *out.get_mut(sizes)? |= (size as u8) << if second { 4 } else { 0 };
            at += size;
            if !value.is_finite() {
                return None;
            }
            continue;
        }
        let length = *value as usize;
        if length > SHORT_TEXT {
            return None;
        }
        at = write_varint(out, at, length as u64)?;
        let (text, rest) = words.split_at_checked(length.div_ceil(8))?;
        words = rest;
        let bytes = out.get_mut(at..)?;
        for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(text) {
            *place = word.to_bits().to_le_bytes();
        }
        core::str::from_utf8(bytes.get(..length)?).ok()?;
        at += length;
    }
    Some(at)
}

/// How many bytes are left of a double, and these, first.
#[inline(always)]
fn trim(value: f64) -> (usize, [u8; 8]) {
    let bits = value.to_bits();
    let zeros = bits.trailing_zeros();
    // Of zero nothing is left, however far it is shifted.
    (8 - zeros as usize / 8, bits.wrapping_shr(zeros & 56).to_le_bytes())
}

fn put_trimmed(out: &mut Vec<u8>, value: f64) {
    let (size, bytes) = trim(value);
    out.extend_from_slice(&bytes[..size]);
}

fn number(field: Field<'_>) -> f64 {
    match field {
        Field::Number(value) => value,
        Field::Bool(value) => f64::from(u8::from(value)),
        Field::Text(_) | Field::Refused(_) => 0.0,
    }
}

/// Bytes of the value; a text tells its own length.
fn size_of(field: Field<'_>) -> u8 {
    trim(number(field)).0 as u8
}

fn put_optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => out.push(0),
        Some(text) => {
            put_varint(out, text.len() as u64 + 1);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

fn put_fields(out: &mut Vec<u8>, fields: &[(String, Scalar)]) {
    put_varint(out, fields.len() as u64);
    for (key, value) in fields {
        put_text(out, key);
        match value {
            Scalar::Bool(value) => {
                out.extend_from_slice(&[FieldKind::Bool as u8, 1, u8::from(*value)])
            }
            Scalar::Number(value) => {
                out.extend_from_slice(&[FieldKind::Number as u8, trim(*value).0 as u8]);
                put_trimmed(out, *value);
            }
            Scalar::Text(value) => {
                out.push(FieldKind::Text as u8);
                put_text(out, value);
            }
        }
    }
}

fn put_report(out: &mut Vec<u8>, report: &Drops) {
    put_varint(out, REPORT);
    put_varint(out, report.iter().count() as u64);
    for (reason, count) in report.0.iter().enumerate().filter(|(_, count)| **count > 0) {
        put_varint(out, reason as u64);
        put_varint(out, *count);
    }
}

/// A field's value as a record holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stored<'a> {
    /// Finite.
    Number(f64),
    /// Held as 0 or 1.
    Bool(bool),
    /// Points into the record.
    Text(&'a str),
}

impl<'a> Stored<'a> {
    fn read(reader: &mut Reader<'a>, kind: FieldKind, size: u8) -> Result<Self, Corrupt> {
        Self::read_here(reader, kind, size)
    }

    /// The same without a call.
    #[inline(always)]
    fn read_here(reader: &mut Reader<'a>, kind: FieldKind, size: u8) -> Result<Self, Corrupt> {
        if kind == FieldKind::Text {
            return reader.text().map(Self::Text);
        }
        let number = reader.double(usize::from(size))?;
        Ok(if kind == FieldKind::Bool { Self::Bool(number != 0.0) } else { Self::Number(number) })
    }
}

/// A group of context fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields<'a>(pub Vec<(&'a str, Stored<'a>)>);

impl<'a> Fields<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Corrupt> {
        let count = reader.count()?;
        let mut fields = Vec::new();
        for _ in 0..count {
            let key = reader.text()?;
            let kind = FieldKind::from_byte(reader.byte()?).ok_or(Corrupt)?;
            let size = if kind == FieldKind::Text { 0 } else { reader.byte()? };
            fields.push((key, Stored::read(reader, kind, size)?));
        }
        Ok(Self(fields))
    }
}

/// The context of the events that follow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredContext<'a> {
    /// In the order of [`Identity`].
    pub identity: [Option<&'a str>; Identity::ALL.len()],
    /// `core_metadata`, from `setContext`.
    pub core: Fields<'a>,
    /// `user_metadata`, from `setUser`.
    pub user: Fields<'a>,
}

impl<'a> StoredContext<'a> {
    /// What exposures tell of it.
    pub fn environment(&self) -> Option<&'a str> {
        self.core.0.iter().find_map(|(key, value)| match value {
            Stored::Text(text) if *key == "environment" => Some(*text),
            _ => None,
        })
    }
}

/// The definition of a shape in a batch's dictionary.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredShape<'a> {
    /// The event's.
    pub name: &'a str,
    /// How many fields of each such event validation left out.
    pub left_out: u32,
    /// In the order of the values.
    pub keys: Vec<(FieldKind, &'a str)>,
}

/// An event's values, read one by one in the order of its shape's keys.
#[derive(Clone, Debug)]
pub struct StoredEvent<'a> {
    /// Index of its shape among those met before.
    pub shape: usize,
    /// Follows from the header; the record does not hold it.
    pub id: Id,
    /// The call's time.
    pub at: UnixMillis,
    /// The sample rate that the event was drawn with, if it was.
    pub rate: Option<f64>,
    values: Reader<'a>,
    /// Of the value to come and the one after it; 0 before a pair begins.
    sizes: u8,
    odd: bool,
}

impl<'a> StoredEvent<'a> {
    /// The next value; to be asked for once per key of the shape, with the kind that stands there.
    #[inline(always)]
    pub fn value(&mut self, kind: FieldKind) -> Result<Stored<'a>, Corrupt> {
        self.sizes = match self.odd {
            true => self.sizes >> 4,
            false => *self.values.bytes(1)?.first().ok_or(Corrupt)?,
        };
        self.odd = !self.odd;
        Stored::read_here(&mut self.values, kind, self.sizes & 15)
    }
}

/// What a record holds beside its header, in the order in which it was written.
#[derive(Clone, Debug)]
pub enum Item<'a> {
    /// Attributes of the resource; once, at the start.
    Resource(Fields<'a>),
    /// For the events that follow.
    Context(StoredContext<'a>),
    /// Shapes are numbered from 0 as they come.
    Shape(StoredShape<'a>),
    /// Of a shape that came before.
    Event(StoredEvent<'a>),
    /// An experiment's exposure.
    Exposure {
        /// An event's: both are numbered in one row.
        id: Id,
        /// The call's time.
        at: UnixMillis,
        /// Its texts point into the record.
        exposure: Exposure<'a>,
        /// How many of its fields validation left out.
        left_out: u32,
    },
    /// The drop report, checked; [`Record::report`] gives what it says.
    Report,
}

/// A record whose header was read. Items are read, and checked, on the way through it.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// As the record says; its counts are checked on the way.
    pub header: Header,
    bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// Takes a record that this process wrote.
    pub fn own(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC {
            return Err(Corrupt);
        }
        reader.bytes(4)?;
        Ok(Self { header: Header::read(&mut reader)?, bytes })
    }

    /// Takes a record from a store: its checksum must be right.
    pub fn checked(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let record = Self::own(bytes)?;
        if bytes[4..8] == checksum(&bytes[8..]).to_le_bytes() { Ok(record) } else { Err(Corrupt) }
    }

    /// The drops that are reported along with this batch.
    pub fn report(&self) -> Result<Drops, Corrupt> {
        let mut drops = Drops::default();
        if self.header.report_at == 0 {
            return Ok(drops);
        }
        let bytes = self.bytes.get(self.header.report_at as usize..).ok_or(Corrupt)?;
        let mut reader = Reader::new(bytes);
        if reader.varint()? != REPORT {
            return Err(Corrupt);
        }
        read_report(&mut reader, &mut drops)?;
        Ok(drops)
    }

    /// From the first one on.
    pub fn items(&self) -> Items<'a> {
        let body = self.bytes.get(HEADER..).unwrap_or_default();
        Items {
            reader: Reader::new(body),
            id_seed: self.header.id_seed,
            number: self.header.first,
            time: self.header.base,
            left: self.header.events,
        }
    }

    /// Two records, of the first `keep` events and of the others, or none if either would be empty. The
    /// first keeps the batch's id, number and report; the second is a new batch of the given client.
    pub fn split(
        &self,
        keep: u32,
        id: Id,
        client_id: Id,
        seq: u32,
    ) -> Result<Option<Halves>, Corrupt> {
        if keep == 0 || keep >= self.header.events {
            return Ok(None);
        }
        let mut first = Half::new(self.header, keep);
        let mut second = Half::new(self.header, self.header.events - keep);
        second.header.batch_id = id;
        second.header.client_id = client_id;
        second.header.seq = seq;
        second.header.first = self.header.first.wrapping_add(u64::from(keep));
        let mut items = self.items();
        let body = self.bytes.get(HEADER..).ok_or(Corrupt)?;
        let mut seen = 0;
        loop {
            let before = body.len() - items.reader.remaining();
            let Some(item) = items.read()? else { break };
            let raw = &body[before..body.len() - items.reader.remaining()];
            match item {
                Item::Event(StoredEvent { at, .. }) | Item::Exposure { at, .. } => {
                    let in_first = seen < keep;
                    if in_first {
                        second.header.base = at.0;
                    }
                    let half = if in_first { &mut first } else { &mut second };
                    half.bytes.extend_from_slice(raw);
                    half.header.exposure |= matches!(item, Item::Exposure { .. });
                    seen += 1;
                }
                Item::Report => {
                    first.header.report_at = first.bytes.len() as u32;
                    first.bytes.extend_from_slice(raw);
                }
                _ => {
                    if seen < keep {
                        first.bytes.extend_from_slice(raw);
                    }
                    second.bytes.extend_from_slice(raw);
                }
            }
        }
        Ok(Some([first.finish(), second.finish()]))
    }
}

/// Two batches out of one, each with its header.
pub type Halves = [(Header, Vec<u8>); 2];

struct Half {
    header: Header,
    bytes: Vec<u8>,
}

impl Half {
    fn new(header: Header, events: u32) -> Self {
        let header = Header { events, report_at: 0, exposure: false, ..header };
        Self { header, bytes: vec![0; HEADER] }
    }

    fn finish(mut self) -> (Header, Vec<u8>) {
        self.header.write(&mut self.bytes);
        (self.header, self.bytes)
    }
}

fn read_report(reader: &mut Reader<'_>, drops: &mut Drops) -> Result<(), Corrupt> {
    for _ in 0..reader.count()? {
        let reason = usize::try_from(reader.varint()?).map_err(|_| Corrupt)?;
        let count = reader.varint()?;
        if reason >= REASONS {
            return Err(Corrupt);
        }
        drops.0[reason] = drops.0[reason].saturating_add(count);
    }
    Ok(())
}

fn read_optional<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a str>, Corrupt> {
    let Some(length) = reader.varint()?.checked_sub(1) else {
        return Ok(None);
    };
    let length = usize::try_from(length).map_err(|_| Corrupt)?;
    core::str::from_utf8(reader.bytes(length)?).map(Some).map_err(|_| Corrupt)
}

/// Reads a record's items one by one.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    reader: Reader<'a>,
    id_seed: IdSeed,
    number: u64,
    time: u64,
    /// Events that the header promises and that have not come yet.
    left: u32,
}

impl<'a> Items<'a> {
    /// The next item; `None` at the end, if every event of the header was there.
    pub fn read(&mut self) -> Result<Option<Item<'a>>, Corrupt> {
        if self.reader.is_empty() {
            return if self.left == 0 { Ok(None) } else { Err(Corrupt) };
        }
        let reader = &mut self.reader;
        let item = match reader.varint()? {
            RESOURCE => Item::Resource(Fields::read(reader)?),
            CONTEXT => {
                let mut context = StoredContext::default();
                for text in &mut context.identity {
                    *text = read_optional(reader)?;
                }
                context.core = Fields::read(reader)?;
                context.user = Fields::read(reader)?;
                Item::Context(context)
            }
            SHAPE => {
                let name = reader.text()?;
                let left_out = reader.small()?;
                let mut keys = Vec::new();
                for _ in 0..reader.count()? {
                    let kind = FieldKind::from_byte(reader.byte()?).ok_or(Corrupt)?;
                    keys.push((kind, reader.text()?));
                }
                Item::Shape(StoredShape { name, left_out, keys })
            }
            EXPOSURE => {
                let mut body = self.body()?;
                let at = self.time(&mut body)?;
                let left_out = body.small()?;
                let exposure = Exposure {
                    experiment_id: body.text()?,
                    variation_id: body.small()?,
                    session_id: read_optional(&mut body)?,
                    user_attributes: read_optional(&mut body)?,
                    experiment_metadata: read_optional(&mut body)?,
                };
                Item::Exposure { id: self.id()?, at, exposure, left_out }
            }
            REPORT => {
                read_report(reader, &mut Drops::default())?;
                Item::Report
            }
            tag => {
                let tag = tag - EVENT;
                let mut body = self.body()?;
                let at = self.time(&mut body)?;
                let rate = match tag & 1 {
                    0 => None,
                    _ => Some(f64::from_le_bytes(body.array()?)),
                };
                if rate.is_some_and(|rate| !rate.is_finite()) {
                    return Err(Corrupt);
                }
                let shape = usize::try_from(tag >> 1).map_err(|_| Corrupt)?;
                Item::Event(StoredEvent {
                    shape,
                    id: self.id()?,
                    at,
                    rate,
                    values: body,
                    sizes: 0,
                    odd: false,
                })
            }
        };
        Ok(Some(item))
    }

    fn body(&mut self) -> Result<Reader<'a>, Corrupt> {
        let length = self.reader.count()?;
        Ok(Reader::new(self.reader.bytes(length)?))
    }

    fn time(&mut self, body: &mut Reader<'a>) -> Result<UnixMillis, Corrupt> {
        self.time = self.time.wrapping_add(unzigzag(body.varint()?) as u64);
        Ok(UnixMillis(self.time))
    }

    fn id(&mut self) -> Result<Id, Corrupt> {
        self.left = self.left.checked_sub(1).ok_or(Corrupt)?;
        let id = self.id_seed.id(self.number);
        self.number = self.number.wrapping_add(1);
        Ok(id)
    }
}
