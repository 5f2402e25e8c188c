//! The store's contents as last seen, with running sums: what an event costs must not grow with what
//! is stored.

use alloc::vec::Vec;

use super::super::store::Entry;

/// A stored batch as last seen.
#[derive(Clone, Debug)]
pub struct Known {
    pub entry: Entry,
    /// In this instance's custody, and so in its ledger.
    pub mine: bool,
}

/// Sorted by key, and so by age.
#[derive(Debug, Default)]
pub struct Shelf {
    sorted: Vec<Known>,
    sums: Sums,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub bytes: u64,
    pub events: u64,
    /// Events in this instance's custody.
    pub mine: u64,
    /// Entries with a lease, run out or not.
    pub leases: u64,
}

impl Shelf {
    pub fn sums(&self) -> Sums {
        self.sums
    }

    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// From the oldest to the newest.
    pub fn iter(&self) -> core::slice::Iter<'_, Known> {
        self.sorted.iter()
    }

    pub fn get(&self, key: &str) -> Option<&Known> {
        self.find(key).ok().map(|index| &self.sorted[index])
    }

    /// Adds an entry, or replaces the one of the same key.
    pub fn insert(&mut self, known: Known) {
        self.count(&known, true);
        match self.find(&known.entry.key) {
            Ok(index) => {
                let old = core::mem::replace(&mut self.sorted[index], known);
                self.count(&old, false);
            }
            Err(index) => self.sorted.insert(index, known),
        }
    }

    pub fn remove(&mut self, key: &str) -> Option<Known> {
        let index = self.find(key).ok()?;
        let known = self.sorted.remove(index);
        self.count(&known, false);
        Some(known)
    }

    /// Everything, leaving nothing.
    pub fn take(&mut self) -> Vec<Known> {
        self.sums = Sums::default();
        core::mem::take(&mut self.sorted)
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        // Most new entries are the newest.
        match self.sorted.last() {
            Some(last) if last.entry.key.as_str() < key => Err(self.sorted.len()),
            _ => self.sorted.binary_search_by(|known| known.entry.key.as_str().cmp(key)),
        }
    }

    fn count(&mut self, known: &Known, comes: bool) {
        let events = u64::from(known.entry.events);
        let sums = &mut self.sums;
        for (sum, amount) in [
            (&mut sums.bytes, u64::from(known.entry.bytes)),
            (&mut sums.events, events),
            (&mut sums.mine, if known.mine { events } else { 0 }),
            (&mut sums.leases, u64::from(known.entry.lease > 0)),
        ] {
            *sum = if comes { *sum + amount } else { *sum - amount };
        }
    }
}
