//! Event names with their keys and types, registered once and named by a number from then on.

use alloc::string::String;
use alloc::vec::Vec;

use super::codec::{put_text, put_varint};
use super::time::UnixMillis;

/// A field's type within a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FieldKind {
    Number = 0,
    Bool = 1,
    Text = 2,
}

impl FieldKind {
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Number, Self::Bool, Self::Text].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// Valid until `Pipeline::forget_shapes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeId(pub u32);

/// An event of a registered shape, as it was staged: numbers as they are, booleans 0 or 1.
#[derive(Clone, Copy, Debug)]
pub struct Staged<'a> {
    pub at: UnixMillis,
    pub shape: ShapeId,
    pub values: &'a [f64],
}

#[derive(Debug)]
pub struct Shape {
    pub name: String,
    pub fields: Vec<(String, FieldKind)>,
    /// As a batch's dictionary holds it.
    pub definition: Vec<u8>,
}

impl Shape {
    pub fn new<'a>(name: &str, fields: impl Iterator<Item = (&'a str, FieldKind)> + Clone) -> Self {
        let mut definition = Vec::new();
        put_text(&mut definition, name);
        put_varint(&mut definition, fields.clone().count() as u64);
        for (key, kind) in fields.clone() {
            definition.push(kind as u8);
            put_text(&mut definition, key);
        }
        let fields = fields.map(|(key, kind)| (String::from(key), kind)).collect();
        Self { name: String::from(name), fields, definition }
    }
}

/// A program whose names or keys never end must not fill the memory.
const SHAPES: usize = 4_096;

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

    pub fn is_full(&self) -> bool {
        self.shapes.len() >= SHAPES
    }

    pub fn get(&self, id: ShapeId) -> Option<&Shape> {
        self.shapes.get(id.0 as usize)
    }

    /// Splits the first event off staged words: its shape's number, its time, its values. `None` if
    /// they make no sense, or there are none.
    pub fn split<'a>(&self, words: &'a [f64]) -> Option<(Staged<'a>, &'a [f64])> {
        let (&[number, at], rest) = words.split_first_chunk()?;
        let shape = ShapeId(Some(number as u32).filter(|_| number >= 0.0)?);
        let fields = self.get(shape)?.fields.len();
        let (values, rest) = rest.split_at_checked(fields)?;
        Some((Staged { at: UnixMillis::from_host(at), shape, values }, rest))
    }

    pub fn clear(&mut self) {
        self.shapes.clear();
    }
}
