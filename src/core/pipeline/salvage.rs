//! An instance that trapped is given up: what its pipeline still holds is taken out of it, one batch after
//! another, and handed to a new one, which also goes on with its counts.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::super::codec::{Corrupt, Reader};
use super::super::io::{Command, Consent};
use super::super::ledger::{Drops, Ledger, Reason};
use super::super::record::{Record, stamp};
use super::super::store::Entry;
use super::super::time::Now;
use super::operations::Pending;
use super::shelf::Key;
use super::{Batch, Pipeline};

impl Pipeline {
    /// The ledger's counts, and the drops that no batch has reported yet. Of events that are queued they say
    /// how many are in memory in whatever way, so many of a store among them.
    pub fn books(&mut self, stored: u64) -> (&Ledger, &Drops) {
        let Ledger { queued, in_flight, .. } = self.ledger();
        self.counts.queued = queued + in_flight + stored;
        (&self.counts, &self.unreported)
    }

    /// Takes a batch out of memory, the open one last; `None` when there are no more. What was commanded and
    /// is not answered yet is of no interest any more.
    pub fn salvage(&mut self, now: Now) -> Option<Vec<u8>> {
        self.now = now;
        let mut batch = self.flight.take().map(|flight| flight.batch);
        batch = batch.or_else(|| self.pop_ready(true));
        batch = batch.or_else(|| self.splits.pop().map(|split| split.whole));
        batch = batch.or_else(|| match self.operations.take_batch()? {
            Pending::Put(batch) | Pending::Renew { batch, .. } => Some(batch),
            _ => None,
        });
        if batch.is_none() {
            self.seal(&mut Vec::new());
            batch = self.pop_ready(true);
        }
        let mut batch = batch?;
        stamp(&mut batch.bytes);
        let [created, high, low] = batch.key.words();
        let mut packed = Vec::new();
        for word in [created, high, low, batch.attempts.into()] {
            packed.extend_from_slice(&word.to_le_bytes());
        }
        packed.extend_from_slice(&batch.bytes);
        Some(packed)
    }

    /// Takes a record of a store that is in the broken memory, too, for [`Pipeline::salvage`] to give.
    pub fn recall_stored(&mut self, entry: &Entry, bytes: Vec<u8>) {
        if let Some(key) = Key::parse(&entry.key) {
            let Entry { attempts, events, .. } = *entry;
            let batch = Batch { key, events, attempts, exposure: false, bytes };
            self.push_ready(Box::new(batch), false);
        }
    }

    /// Goes on in the place of a pipeline with these books. What was salvaged of it is to follow.
    pub fn follow(&mut self, counts: Ledger, unreported: &Drops) {
        let accepted = counts.delivered + counts.handed_over + counts.dropped.total();
        self.counts = Ledger { accepted, ..counts };
        self.unreported.merge(unreported);
    }

    /// Takes what [`Pipeline::salvage`] gave. The store may have a record of it, or not.
    pub fn adopt_salvaged(&mut self, packed: &[u8]) -> Result<(), Corrupt> {
        let mut reader = Reader::new(packed);
        let mut word = || reader.array().map(u64::from_le_bytes);
        let key = Key::from_words([word()?, word()?, word()?]);
        let attempts = word()? as u32;
        let bytes = &packed[PACKED..];
        let header = Record::checked(bytes)?.header;
        let mut batch = Batch::new(key, &header, Vec::from(bytes));
        batch.attempts = attempts;
        // A listing may have come first.
        self.known.remove(key);
        let mut copy = self.record(&batch, 0);
        copy.doubtful();
        self.copies.insert(copy);
        let events = u64::from(batch.events);
        self.counts.accepted += events;
        self.counts.queued = self.counts.queued.saturating_sub(events);
        self.push_ready(batch, false);
        Ok(())
    }

    /// Nothing else follows: what is missing is lost.
    pub fn followed(&mut self, now: Now, commands: &mut Vec<Command>) {
        self.now = now;
        let lost = core::mem::take(&mut self.counts.queued);
        self.counts.accepted += lost;
        self.drop_events(Reason::Corrupt, lost);
        if self.consent == Consent::Denied {
            self.wipe(Reason::ConsentDenied, commands);
        } else if self.erasing() {
            self.wipe(Reason::Killed, commands);
        }
        self.pump(commands);
    }
}

/// Bytes before the record.
const PACKED: usize = 32;
