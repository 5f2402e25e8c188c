//! A batch that the endpoint finds too large becomes two. If it is stored, both halves are written
//! before the whole is removed: at every moment each event is in some record.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::super::codec::Corrupt;
use super::super::config::Number;
use super::super::id::Id;
use super::super::io::Command;
use super::super::ledger::Reason;
use super::super::planted::{Bug, planted};
use super::super::record::{Header, Record};
use super::operations::Pending;
use super::shelf::Key;
use super::{Batch, Pipeline};

/// A stored batch whose halves are being written.
#[derive(Debug)]
pub(super) struct Split {
    pub whole: Box<Batch>,
    pub halves: [Box<Batch>; 2],
    /// Halves whose result is awaited.
    waiting: u32,
    failed: bool,
}

impl Pipeline {
    pub(super) fn split(&mut self, mut batch: Box<Batch>, commands: &mut Vec<Command>) {
        let mut halves = match self.cut(&batch, batch.events / 2) {
            Err(_) => return self.quarantine(&batch, commands),
            Ok(None) => {
                let message = ["the endpoint finds a single event too large; dropped"];
                self.told.tell(commands, "too_large", "", &message);
                return self.drop_batch(Reason::TooLarge, &batch, commands);
            }
            Ok(Some(halves)) => halves,
        };
        if self.copies.get(batch.key).is_none() {
            for half in &mut halves {
                self.save_early(half, commands);
            }
            self.vacate(batch.key, commands);
            return self.push_halves(halves);
        }
        let bytes: usize = halves.iter().map(|half| half.bytes.len()).sum();
        if !self.store_usable() || !self.fit(batch.key, bytes, commands) {
            // No room to do it safely: later, but not for ever.
            batch.attempts = batch.attempts.saturating_add(1);
            if u64::from(batch.attempts) < self.config.get(Number::MaxAttempts) {
                return self.failed(batch, None, commands);
            }
            return self.drop_batch(Reason::TooLarge, &batch, commands);
        }
        for half in &halves {
            let record = self.record(half, self.lease());
            let pending = Pending::Half { half: half.key, whole: batch.key };
            let record = self.put(record, half.bytes.clone(), pending, commands);
            self.copies.insert(record);
        }
        self.operations.moving.count(&batch, true);
        self.splits.push(Split { whole: batch, halves, waiting: 2, failed: false });
    }

    /// Two batches, of the first events and of the others, with places of their own: the first keeps the
    /// batch's id, but not its place in the store.
    fn cut(&mut self, batch: &Batch, keep: u32) -> Result<Option<[Box<Batch>; 2]>, Corrupt> {
        let seq = self.next_seq;
        let id = self.batch_ids.id(u64::from(seq));
        let halves = Record::own(&batch.bytes)?.split(keep, id, self.client_id, seq)?;
        let Some(halves) = halves else { return Ok(None) };
        self.next_seq = seq.wrapping_add(1);
        let (created, attempts) = (batch.key.created(), batch.attempts);
        let half = |id: Id, (header, bytes): (Header, Vec<u8>)| {
            let mut half = Batch::new(Key::new(created, id), &header, bytes);
            half.attempts = attempts;
            half
        };
        let [first, rest] = halves;
        Ok(Some([half(self.next_place(), first), half(id, rest)]))
    }

    /// A finished batch whose earlier state is in the store under a lease that ran out becomes two: what
    /// another holder may have taken over as it is there, and what came later.
    pub(super) fn part_from_lost(&mut self, batch: Box<Batch>) -> (Box<Batch>, Option<Box<Batch>>) {
        let copied = self.copies.get(batch.key).map_or(0, |copy| copy.events);
        self.copies.change(batch.key, |copy| copy.whole = true);
        match self.cut(&batch, copied) {
            Ok(Some([mut first, rest])) => {
                first.key = batch.key;
                (first, Some(rest))
            }
            _ => (batch, None),
        }
    }

    /// As much of a batch in memory as makes a body of at most so many bytes, and the rest.
    pub(super) fn cut_to(
        &mut self,
        batch: &Batch,
        body: usize,
        most: usize,
    ) -> Option<[Box<Batch>; 2]> {
        if self.copies.get(batch.key).is_some() || self.has_former(batch.key) {
            return None;
        }
        // Events differ in size: a tenth less than their share.
        let keep = u64::from(batch.events) * most as u64 * 9 / (10 * body.max(1)) as u64;
        self.cut(batch, keep as u32).ok().flatten()
    }

    /// A half was written, or could not be.
    pub(super) fn half_stored(&mut self, whole: Key, ok: bool, commands: &mut Vec<Command>) {
        let Some(index) = self.splits.iter().position(|split| split.whole.key == whole) else {
            return;
        };
        let split = &mut self.splits[index];
        split.failed |= !ok;
        split.waiting -= 1;
        if split.waiting > 0 {
            return;
        }
        let split = self.splits.remove(index);
        self.operations.moving.count(&split.whole, false);
        if split.failed {
            self.undo(split, commands);
        } else {
            self.vacate(split.whole.key, commands);
            self.push_halves(split.halves);
        }
    }

    /// Takes back what can't wait for its halves.
    pub(super) fn undo_splits(&mut self, commands: &mut Vec<Command>) {
        for split in core::mem::take(&mut self.splits) {
            self.operations.moving.count(&split.whole, false);
            self.undo(split, commands);
        }
    }

    fn undo(&mut self, split: Split, commands: &mut Vec<Command>) {
        for half in split.halves {
            self.vacate(half.key, commands);
        }
        self.retain(split.whole, commands);
    }

    fn push_halves(&mut self, [first, second]: [Box<Batch>; 2]) {
        if !planted(Bug::HalfForgotten) {
            self.push_ready(second, true);
        }
        self.push_ready(first, true);
    }
}
