//! Event names with their keys and types, registered once and named by a number from then on.

use alloc::string::String;
use alloc::vec::Vec;

use super::codec::{put_text, put_varint};
use super::io::Field;
use super::time::UnixMillis;

/// A field's type within a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FieldKind {
    /// A finite double.
    Number = 0,
    /// Staged and stored as 0 or 1.
    Bool = 1,
    /// From `verified(text)`.
    Text = 2,
}

impl FieldKind {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Number, Self::Bool, Self::Text].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Valid until `Pipeline::forget_shapes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeId(pub u32);

/// An event of a registered shape, as it was staged: numbers as they are, booleans 0 or 1, and a text
/// as the number of its bytes, and these, in whole words.
#[derive(Clone, Copy, Debug)]
pub struct Staged<'a> {
    /// The call's time.
    pub at: UnixMillis,
    /// What the values are of.
    pub shape: ShapeId,
    /// In the order of the shape's fields.
    pub values: &'a [f64],
}

/// What all events of one registration have in common.
#[derive(Debug)]
pub struct Shape {
    /// The event's; not checked here.
    pub name: String,
    /// In the order of the staged values.
    pub fields: Vec<(String, FieldKind)>,
    /// Whether there are texts among the fields.
    pub texts: bool,
    /// As a batch's dictionary holds it.
    pub definition: Vec<u8>,
}

impl Shape {
    /// Without a check: that is [`Pipeline::shape`]'s.
    ///
    /// [`Pipeline::shape`]: super::pipeline::Pipeline::shape
    pub fn new<'a>(name: &str, fields: impl Iterator<Item = (&'a str, FieldKind)> + Clone) -> Self {
        let definition = definition(name, 0, fields.clone());
        let texts = fields.clone().any(|(_, kind)| kind == FieldKind::Text);
        let fields = fields.map(|(key, kind)| (String::from(key), kind)).collect();
        Self { name: String::from(name), fields, texts, definition }
    }

    /// Words that the values take at the start of these; `None` if they are not all there.
    fn extent(&self, words: &[f64]) -> Option<usize> {
        if !self.texts {
            return Some(self.fields.len());
        }
        self.fields.iter().try_fold(0_usize, |end, (_, kind)| {
            let text = if *kind == FieldKind::Text { *words.get(end)? } else { 0.0 };
            (end + 1).checked_add((text as usize).div_ceil(8))
        })
    }

    /// The fields of a staged event. `bytes` are those of its values.
    pub fn read<'a>(&'a self, values: &[f64], bytes: &'a [u8]) -> Vec<(&'a str, Field<'a>)> {
        let mut at = 0;
        let read = |(key, kind): &'a (String, FieldKind)| {
            let value = values.get(at).copied().unwrap_or_default();
            at += 1;
            let field = match kind {
                FieldKind::Number => Field::Number(value),
                FieldKind::Bool => Field::Bool(value != 0.0),
                FieldKind::Text => {
                    let text = bytes.get(at * 8..).and_then(|bytes| bytes.get(..value as usize));
                    at += (value as usize).div_ceil(8);
                    let text = text.and_then(|text| core::str::from_utf8(text).ok());
                    text.map_or(Field::Refused("is garbled"), Field::Text)
                }
            };
            (key.as_str(), field)
        };
        self.fields.iter().map(read).collect()
    }
}

/// A shape as a batch's dictionary holds it. How many fields validation left out is nearly always the
/// same for all its events, and so is told here.
pub fn definition<'a>(
    name: &str,
    left_out: usize,
    fields: impl Iterator<Item = (&'a str, FieldKind)> + Clone,
) -> Vec<u8> {
    let mut definition = Vec::new();
    put_text(&mut definition, name);
    put_varint(&mut definition, left_out as u64);
    put_varint(&mut definition, fields.clone().count() as u64);
    for (key, kind) in fields {
        definition.push(kind as u8);
        put_text(&mut definition, key);
    }
    definition
}

/// A program whose names or keys never end must not fill the memory.
const SHAPES: usize = 4_096;

/// All registered shapes, 4,096 at most.
#[derive(Debug, Default)]
pub struct Shapes {
    shapes: Vec<Shape>,
}

impl Shapes {
    /// `None` when there is no room: forget all of them and begin anew.
    pub fn add(&mut self, shape: Shape) -> Option<ShapeId> {
        if self.is_full() {
            return None;
        }
        self.shapes.push(shape);
        Some(ShapeId(self.shapes.len() as u32 - 1))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.shapes.len() >= SHAPES
    }

    /// None if it was never given, or all were forgotten since.
    pub fn get(&self, id: ShapeId) -> Option<&Shape> {
        self.shapes.get(id.0 as usize)
    }

    /// Splits the first event off staged words: its shape's number, its time, its values. `None` if
    /// they make no sense, or there are none.
    #[inline(always)]
    pub fn split<'a>(&self, words: &'a [f64]) -> Option<(Staged<'a>, &'a [f64])> {
        let (&[number, at], rest) = words.split_first_chunk()?;
        let shape = ShapeId(Some(number as u32).filter(|_| number >= 0.0)?);
        let (values, rest) = rest.split_at_checked(self.get(shape)?.extent(rest)?)?;
        Some((Staged { at: UnixMillis::from_host(at), shape, values }, rest))
    }

    /// Every [`ShapeId`] is free to be given again.
    pub fn clear(&mut self) {
        self.shapes.clear();
    }
}
