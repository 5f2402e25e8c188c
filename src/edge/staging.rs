//! Events of known shapes that JavaScript wrote into linear memory: a Float64Array on our memory costs
//! less than a call for each event.
//!
//! Word 0 tells how many words are in use, itself included. `Shapes::split` reads the others.

use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

const WORDS: usize = 8_192;

/// JavaScript writes here between two calls, and nothing is borrowed then.
#[derive(Default)]
pub struct Staging(RefCell<Vec<f64>>);

impl Staging {
    /// Where JavaScript finds the words.
    pub fn address(&self) -> usize {
        let mut words = self.0.borrow_mut();
        if words.is_empty() {
            *words = vec![1.0; WORDS];
        }
        words.as_mut_ptr() as usize
    }

    /// Reads the words in use, which are free again; none if their number makes no sense.
    pub fn take<T>(&self, read: impl FnOnce(&[f64]) -> T) -> Option<T> {
        take(&mut self.0.borrow_mut(), read)
    }

    /// What [`Staging::take`] locks.
    pub fn cell(&self) -> &RefCell<Vec<f64>> {
        &self.0
    }
}

/// Reads the words in use, which are free again; none if their number makes no sense.
pub fn take<T>(words: &mut [f64], read: impl FnOnce(&[f64]) -> T) -> Option<T> {
    let Some((count, words)) = words.split_first_mut() else {
        return Some(read(&[]));
    };
    // The cast takes NaN and what is negative to 0.
    let used = (core::mem::replace(count, 1.0) as usize).wrapping_sub(1);
    words.get(..used).map(read)
}
