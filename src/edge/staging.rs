//! Events of known shapes that JavaScript wrote into linear memory: a Float64Array on our memory costs
//! less than a call for each event.
//!
//! Word 0 tells how many words are in use, itself included. `Shapes::split` reads the others.

use alloc::vec;
use alloc::vec::Vec;

use core::cell::{Cell, OnceCell};

const WORDS: usize = 8_192;

#[derive(Default)]
pub struct Staging {
    /// Cells, for JavaScript writes here between two calls.
    words: OnceCell<Vec<Cell<f64>>>,
}

impl Staging {
    /// Where JavaScript finds the words.
    pub fn address(&self) -> usize {
        let words = self.words.get_or_init(|| vec![Cell::new(1.0); WORDS]);
        words.as_ptr() as usize
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
}
