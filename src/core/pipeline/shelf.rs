//! Records as last seen in the store, by key and so by age, with running sums: what an event costs must
//! not grow with what is stored.

use alloc::collections::{BinaryHeap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::super::id::Id;
use super::super::planted::{Bug, planted};
use super::super::store::Entry;

/// No lease is honestly longer: one that ends later was set by a clock that has jumped since.
pub const LEASE_MAX_MILLIS: u64 = 3_600_000;

/// A key of our making, as numbers: the time, and the two halves of a UUID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key([u64; 3]);

/// Each character's word; none for a dash.
fn word(index: usize) -> Option<usize> {
    match index {
        12 | 21 | 26 | 31 | 36 => None,
        _ => Some(usize::from(index > 12) + usize::from(index > 31)),
    }
}

/// Twelve digits of the time, a dash, and the UUID.
const KEY: usize = 49;

impl Key {
    pub const LAST: Self = Self([u64::MAX; 3]);

    pub fn new(created: u64, id: Id) -> Self {
        let Id(high, low) = id;
        Self([created & 0xffff_ffff_ffff, high, low])
    }

    pub fn from_words(words: [u64; 3]) -> Self {
        Self(words)
    }

    pub fn words(self) -> [u64; 3] {
        self.0
    }

    /// `None` if it is not of our making.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = [0; 3];
        for (index, byte) in text.bytes().enumerate() {
            let digit = match (word(index), byte) {
                (None, b'-') => continue,
                (Some(_), b'0'..=b'9') => byte - b'0',
                (Some(_), b'a'..=b'f') => byte - b'a' + 10,
                _ => return None,
            };
            let word = &mut words[word(index)?];
            *word = *word << 4 | u64::from(digit);
        }
        (text.len() == KEY).then_some(Self(words))
    }

    pub fn text(self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let Self(mut words) = self;
        let mut text = [b'-'; KEY];
        for (index, byte) in text.iter_mut().enumerate().rev() {
            if let Some(word) = word(index).map(|word| &mut words[word]) {
                *byte = DIGITS[(*word & 15) as usize];
                *word >>= 4;
            }
        }
        String::from_utf8(text.into()).unwrap_or_default()
    }

    /// When the batch was begun, in milliseconds since 1970; 0 if it is no batch.
    pub fn created(self) -> u64 {
        self.0[0]
    }
}

/// A record as last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub key: Key,
    pub lease: u64,
    pub attempts: u32,
    pub events: u32,
    /// How much room it takes; 0 if it may be there or not.
    pub bytes: u32,
    /// The operation that writes or marks it, if its result is awaited; else 0.
    pub awaited: u32,
    /// In this instance's custody, and so in its ledger.
    pub mine: bool,
    /// Whether it is the very batch, and not an earlier state of it.
    pub whole: bool,
}

impl Ord for Known {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Known {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Known {
    pub fn entry(&self) -> Entry {
        let Self { key, lease, attempts, events, bytes, .. } = *self;
        Entry { key: key.text(), lease, attempts, events, bytes }
    }

    /// Whether it is in the store, as far as one can know.
    pub fn is_written(&self) -> bool {
        self.whole && self.awaited == 0
    }

    /// Whether nobody holds it.
    pub fn is_free(&self, wall: u64) -> bool {
        is_free(self.lease, wall) || planted(Bug::LeaseNeverChecked)
    }

    /// A record may be there or not, an earlier state of the batch, or anybody's.
    pub fn doubtful(&mut self) {
        *self = Self { whole: false, lease: 0, bytes: 0, ..*self };
    }
}

/// Whether nobody holds what has that lease, by a wall clock that all holders share.
pub fn is_free(lease: u64, wall: u64) -> bool {
    lease <= wall || lease - wall > LEASE_MAX_MILLIS
}

#[derive(Debug, Default)]
pub struct Shelf {
    sorted: VecDeque<Known>,
    sums: Sums,
    /// No lease that somebody holds runs out earlier, as far as was seen at that time.
    lease: (u64, u64),
    /// No entry was tried less often.
    pub least: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub bytes: u64,
    pub events: u64,
    /// Events in this instance's custody.
    pub mine: u64,
}

impl Shelf {
    /// Takes in what a listing told of the keys after one up to another, in whatever order, and gives
    /// what it did not tell of. One of several with the same key counts.
    pub fn learn(&mut self, after: Key, last: Key, mut listed: Vec<Known>) -> Vec<Known> {
        if !listed.is_sorted() {
            listed = BinaryHeap::from(listed).into_sorted_vec();
        }
        let mut missing = Vec::new();
        let mut told = 0;
        let mut index = self.find(after).map_or_else(|index| index, |index| index + 1);
        while let Some(known) = self.sorted.get(index).filter(|known| known.key <= last) {
            while listed.get(told).is_some_and(|told| told.key < known.key) {
                told += 1;
            }
            if listed.get(told).is_none_or(|told| told.key != known.key) {
                missing.push(*known);
            }
            index += 1;
        }
        listed.into_iter().for_each(|known| self.insert(known));
        missing
    }

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
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.sorted.iter()
    }

    pub fn get(&self, key: Key) -> Option<&Known> {
        self.sorted.get(self.find(key).ok()?)
    }

    /// Adds an entry, or replaces the one of the same key.
    pub fn insert(&mut self, known: Known) {
        self.count(&known, true);
        match self.find(known.key) {
            Ok(index) => {
                let old = core::mem::replace(&mut self.sorted[index], known);
                self.count(&old, false);
            }
            Err(index) => self.sorted.insert(index, known),
        }
    }

    pub fn remove(&mut self, key: Key) -> Option<Known> {
        let index = self.find(key).ok()?;
        let known = self.sorted.remove(index)?;
        self.count(&known, false);
        Some(known)
    }

    /// Changes the entry of a key, if there is one.
    pub fn change(&mut self, key: Key, change: impl FnOnce(&mut Known)) {
        if let Some(mut known) = self.get(key).copied() {
            change(&mut known);
            self.insert(known);
        }
    }

    /// When the first lease that somebody holds runs out, or a little earlier; `u64::MAX` without one.
    pub fn first_lease(&mut self, wall: u64) -> u64 {
        let (first, seen) = self.lease;
        if first <= wall || wall < seen {
            let held = self.sorted.iter().filter(|known| !known.is_free(wall));
            self.lease = (held.map(|known| known.lease).min().unwrap_or(u64::MAX), wall);
        }
        self.lease.0
    }

    fn find(&self, key: Key) -> Result<usize, usize> {
        // Most new entries are the newest.
        match self.sorted.back() {
            Some(last) if last.key < key => Err(self.sorted.len()),
            _ => self.sorted.binary_search_by(|known| known.key.cmp(&key)),
        }
    }

    fn count(&mut self, known: &Known, comes: bool) {
        let events = u64::from(known.events);
        let sums = &mut self.sums;
        for (sum, amount) in [
            (&mut sums.bytes, u64::from(known.bytes)),
            (&mut sums.events, events),
            (&mut sums.mine, if known.mine { events } else { 0 }),
        ] {
            *sum = if comes { *sum + amount } else { *sum - amount };
        }
        if comes {
            self.least = self.least.min(known.attempts);
            if known.lease > 0 {
                self.lease.0 = self.lease.0.min(known.lease);
            }
        }
    }
}
