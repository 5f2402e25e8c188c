//! Events of known shapes that JavaScript wrote into linear memory: a Float64Array on our memory costs
//! less than a call for each event.
//!
//! Word 0 tells how many words are in use, itself included. An event is its shape's number, its time,
//! and its values.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use core::cell::{Cell, OnceCell, RefCell};

use crate::core::shapes::ShapeId;
use crate::core::time::UnixMillis;

const WORDS: usize = 8_192;

#[derive(Default)]
pub struct Staging {
    /// Cells, for JavaScript writes here between two calls.
    words: OnceCell<Box<[Cell<f64>]>>,
    /// How many values each shape has.
    lengths: RefCell<Vec<usize>>,
}

impl Staging {
    /// Where JavaScript finds the words.
    pub fn address(&self) -> usize {
        let words = self.words.get_or_init(|| vec![Cell::new(1.0); WORDS].into_boxed_slice());
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

    /// Hands each staged event over. False if the words made no sense, and the rest was discarded.
    pub fn take(&self, mut event: impl FnMut(UnixMillis, ShapeId, &[f64])) -> bool {
        let Some(words) = self.words.get() else {
            return true;
        };
        let Some((count, words)) = words.split_first() else {
            return true;
        };
        let used = count.replace(1.0);
        if used == 1.0 {
            return true;
        }
        // The cast takes NaN and what is negative to 0.
        let used = (used as usize).wrapping_sub(1);
        let Some(words) = words.get(..used) else {
            return false;
        };
        let words: Vec<f64> = words.iter().map(Cell::get).collect();
        let lengths = self.lengths.borrow();
        let mut rest = words.as_slice();
        while let Some((&[shape, at], values)) = rest.split_first_chunk() {
            let length = lengths.get(shape as usize).filter(|_| shape >= 0.0);
            let Some((values, next)) = length.and_then(|l| values.split_at_checked(*l)) else {
                return false;
            };
            event(UnixMillis::from_host(at), ShapeId(shape as u32), values);
            rest = next;
        }
        rest.is_empty()
    }
}
