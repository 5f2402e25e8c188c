//! Events of known shapes that JavaScript wrote into linear memory: a Float64Array on our memory costs
//! less than a call for each event.
//!
//! Word 0 tells how many words are in use, itself included. An event is its shape's number, its time,
//! and its values.

use alloc::vec;
use alloc::vec::Vec;

use core::cell::{Cell, OnceCell, RefCell};

use crate::core::shapes::ShapeId;
use crate::core::time::UnixMillis;

const WORDS: usize = 8_192;

/// An event as it was staged.
pub struct Staged<'a> {
    pub at: UnixMillis,
    pub shape: ShapeId,
    pub values: &'a [f64],
}

#[derive(Default)]
pub struct Staging {
    /// Cells, for JavaScript writes here between two calls.
    words: OnceCell<Vec<Cell<f64>>>,
    /// How many values each shape has.
    lengths: RefCell<Vec<usize>>,
}

impl Staging {
    /// Where JavaScript finds the words.
    pub fn address(&self) -> usize {
        let words = self.words.get_or_init(|| vec![Cell::new(1.0); WORDS]);
        words.as_ptr() as usize
    }

    /// JavaScript may stage events of this shape from now on.
    pub fn know(&self, shape: ShapeId, values: usize) {
        let mut lengths = self.lengths.borrow_mut();
        let least = shape.0 as usize + 1;
        if lengths.len() < least {
            lengths.resize(least, 0);
        }
        if let Some(length) = lengths.get_mut(shape.0 as usize) {
            *length = values;
        }
    }

    pub fn forget(&self) {
        self.lengths.borrow_mut().clear();
    }

    /// The words in use, which are free again; none if their number makes no sense.
    pub fn take(&self) -> Option<Vec<f64>> {
        let Some((count, words)) = self.words.get().and_then(|words| words.split_first()) else {
            return Some(Vec::new());
        };
        // The cast takes NaN and what is negative to 0.
        let used = (count.replace(1.0) as usize).wrapping_sub(1);
        Some(words.get(..used)?.iter().map(Cell::get).collect())
    }

    /// Splits the first event off the words; none if they make no sense.
    pub fn split<'a>(&self, words: &'a [f64]) -> Option<(Staged<'a>, &'a [f64])> {
        let (&[shape, at], values) = words.split_first_chunk()?;
        let lengths = self.lengths.borrow();
        let length = *lengths.get(shape as usize).filter(|_| shape >= 0.0)?;
        let (values, rest) = values.split_at_checked(length)?;
        let shape = ShapeId(shape as u32);
        Some((Staged { at: UnixMillis::from_host(at), shape, values }, rest))
    }
}
