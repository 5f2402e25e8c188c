//! A batch that the endpoint finds too large becomes two. If it is stored, both halves are written
//! before the whole is removed: at every moment each event is in some record.

use alloc::vec::Vec;

use super::super::config::Number;
use super::super::io::Command;
use super::super::ledger::Reason;
use super::super::planted::{Bug, planted};
use super::super::record::{Header, Record};
use super::keep::key;
use super::{Batch, Pending, Pipeline, Place};

/// A stored batch whose halves are being written.
#[derive(Debug)]
pub(super) struct Split {
    pub whole: Batch,
    pub halves: [Batch; 2],
    /// Halves whose result is awaited.
    waiting: u32,
    failed: bool,
}

impl Pipeline {
    pub(super) fn split(&mut self, mut batch: Batch, commands: &mut Vec<Command>) {
        let seq = self.next_seq;
        let id = self.batch_ids.id(u64::from(seq));
        // The first half keeps the batch's id, but not its place in the store.
        let place = self.next_place();
        let record = Record::own(&batch.bytes);
        let split = |record: Record<'_>| record.split(batch.events / 2, id, self.client_id, seq);
        let halves = match record.and_then(split) {
            Err(_) => return self.quarantine(batch, commands),
            Ok(None) => {
                let message = ["the endpoint finds a single event too large; dropped"];
                self.told.tell(commands, "too_large", "", &message);
                return self.drop_batch(Reason::TooLarge, batch, commands);
            }
            Ok(Some(halves)) => halves,
        };
        self.next_seq = seq.wrapping_add(1);
        let mut places = [place, id].into_iter();
        let mut halves = halves.map(|(header, bytes)| Batch {
            place: Place::new(key(batch.place.created(), places.next().unwrap_or(header.batch_id))),
            events: header.events,
            attempts: batch.attempts,
            exposure: header.exposure,
            bytes,
        });
        if batch.place.record.is_none() {
            for half in &mut halves {
                self.save_early(half, commands);
            }
            self.vacate(batch.place, commands);
            return self.push_halves(halves);
        }
        let bytes: usize = halves.iter().map(|half| half.bytes.len()).sum();
        if !self.store_usable() || !self.fit(bytes as u64, commands) {
            // No room to do it safely: later, but not for ever.
            batch.attempts = batch.attempts.saturating_add(1);
            if u64::from(batch.attempts) < self.config.get(Number::MaxAttempts) {
                return self.failed(batch, None, commands);
            }
            return self.drop_batch(Reason::TooLarge, batch, commands);
        }
        for half in &mut halves {
            let entry = self.entry(half, self.lease());
            half.place.record = Some(entry.clone());
            half.place.whole = true;
            let pending = Pending::Half { whole: batch.place.key.clone() };
            self.put(entry, half.bytes.clone(), pending, commands);
        }
        self.splits.push(Split { whole: batch, halves, waiting: 2, failed: false });
    }

    /// A finished batch whose earlier state is in the store under a lease that ran out becomes two: what
    /// another holder may have taken over as it is there, and what came later.
    pub(super) fn part_from_lost(&mut self, batch: Batch) -> (Batch, Option<Batch>) {
        let copied = batch.place.record.as_ref().map_or(0, |record| record.events);
        let seq = self.next_seq;
        let id = self.batch_ids.id(u64::from(seq));
        let record = Record::own(&batch.bytes);
        let split = record.and_then(|record| record.split(copied, id, self.client_id, seq));
        let Batch { place, attempts, .. } = batch;
        let Ok(Some([first, second])) = split else {
            let place = Place { whole: true, ..place };
            return (Batch { place, ..batch }, None);
        };
        self.next_seq = seq.wrapping_add(1);
        let batch = |place: Place, (header, bytes): (Header, Vec<u8>)| Batch {
            place,
            events: header.events,
            attempts,
            exposure: header.exposure,
            bytes,
        };
        let key = key(second.0.base, id);
        let rest = batch(Place::new(key), second);
        (batch(Place { whole: true, ..place }, first), Some(rest))
    }

    /// A half was written, or could not be.
    pub(super) fn half_stored(&mut self, whole: &str, ok: bool, commands: &mut Vec<Command>) {
        let Some(index) = self.splits.iter().position(|split| split.whole.place.key == whole)
        else {
            return;
        };
        let split = &mut self.splits[index];
        split.failed |= !ok;
        split.waiting -= 1;
        if split.waiting > 0 {
            return;
        }
        let split = self.splits.swap_remove(index);
        if split.failed {
            self.undo(split, commands);
        } else {
            self.vacate(split.whole.place, commands);
            self.push_halves(split.halves);
        }
    }

    /// Takes back what can't wait for its halves.
    pub(super) fn undo_splits(&mut self, commands: &mut Vec<Command>) {
        for split in core::mem::take(&mut self.splits) {
            self.undo(split, commands);
        }
    }

    fn undo(&mut self, split: Split, commands: &mut Vec<Command>) {
        for half in split.halves {
            self.remove(half.place.key, commands);
        }
        self.retain(split.whole, commands);
    }

    fn push_halves(&mut self, [first, second]: [Batch; 2]) {
        if !planted(Bug::HalfForgotten) {
            self.push_ready(second, true);
        }
        self.push_ready(first, true);
    }
}
