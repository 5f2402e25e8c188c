//! Going away, coming to an end, and wiping.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::super::config::Number;
use super::super::gzip::{GZIP_MIN, gzip};
use super::super::io::{Command, Consent, Export, ExportId, FlushId, FlushReport};
use super::super::ledger::Reason;
use super::super::planted::{Bug, planted};
use super::super::time::Millis;
use super::operations::Pending;
use super::shelf::Shelf;
use super::{Batch, ExitPolicy, Flight, Flush, Parting, PartingFate, Pipeline};

/// The lease on the copy of what a page sent as it went away: long enough for the request to arrive.
const PARTING_LEASE_MILLIS: u64 = 15_000;
/// For less room than that, a batch that does not fit is not cut.
const WORTH_CUTTING: usize = 16_384;
/// Who goes away tries the store even if it failed a moment ago.
pub(super) const LAST_CHANCE: Millis = Millis(0);
/// After the host went away, no request starts for so long.
const PAUSE_MILLIS: u64 = 1_000;
/// How long a shutdown waits for the store after its time is over.
const GRACE_MILLIS: u64 = 1_000;

impl Pipeline {
    /// A process ends, or a shutdown's time is over: what the store takes in this very moment survives.
    pub(super) fn leave_process(&mut self, ends: bool, commands: &mut Vec<Command>) {
        if !self.enabled || self.stopped || self.consent != Consent::Granted {
            return;
        }
        self.store_broken_until = LAST_CHANCE;
        self.seal(commands);
        self.keep_flight(ends, commands);
        self.undo_splits(commands);
        self.reclaim_renewing();
        self.shelve_all(commands);
        self.pause();
    }

    /// A process may end at any moment, or go on: everything is put into the store, and what is in
    /// flight stays there, with a copy.
    pub(super) fn signalled(&mut self, commands: &mut Vec<Command>) {
        if !self.may_keep() {
            return;
        }
        self.store_broken_until = LAST_CHANCE;
        self.seal(commands);
        if let Some(mut flight) = self.flight.take() {
            if !self.is_copied(&flight.batch) {
                self.save_flight(&mut flight, commands);
            }
            self.flight = Some(flight);
        }
        self.shelve_all(commands);
        self.pause();
    }

    /// A page is hidden, frozen or left: in this very task, what fits is sent and the rest stored.
    pub(super) fn leave_page(&mut self, budget: u32, commands: &mut Vec<Command>) {
        if !self.may_keep() {
            return;
        }
        self.store_broken_until = LAST_CHANCE;
        self.seal(commands);
        self.keep_flight(false, commands);
        self.undo_splits(commands);
        self.reclaim_renewing();
        let mut budget = budget as usize;
        let mut may_send = self.online && self.failures == 0;
        let mut staying = Vec::new();
        while let Some(batch) = self.pop_ready(true) {
            let body = if may_send { self.body(&batch).ok() } else { None };
            let (Some(mut body), Some(url)) = (body, self.config.url()) else {
                staying.push(batch);
                continue;
            };
            let compressed = self.compress && body.len() > GZIP_MIN;
            if compressed {
                body = gzip(&body);
            }
            if body.len() <= budget {
                budget -= body.len();
                let id = ExportId(self.next_id());
                let authorize = !self.config.skip_auth();
                let export = Export { id, url, body, compressed, authorize, keepalive: true };
                self.part(batch, export, commands);
                continue;
            }
            let worthwhile = budget >= WORTH_CUTTING;
            match worthwhile.then(|| self.cut_to(&batch, body.len(), budget)).flatten() {
                Some([first, rest]) => {
                    self.push_ready(rest, true);
                    self.push_ready(first, true);
                }
                None => {
                    // Little fits any more, and each try takes time that the page may not have.
                    may_send &= worthwhile;
                    staying.push(batch);
                }
            }
        }
        for batch in staying {
            self.push_ready(batch, false);
        }
        self.shelve_all(commands);
        self.remember_trust(commands);
        self.pause();
    }

    /// If the host stays after all, go on a little later: what starts now may be cut short.
    fn pause(&mut self) {
        self.not_before = self.not_before.max(self.now.mono.plus(PAUSE_MILLIS));
    }

    /// Sends a batch by a request that outlives the page.
    fn part(&mut self, batch: Box<Batch>, export: Export, commands: &mut Vec<Command>) {
        let id = export.id;
        let deadline = self.now.mono.plus(self.config.get(Number::ExportTimeoutMillis));
        commands.push(Command::Export(export));
        let keep = match self.exit {
            ExitPolicy::Keep => true,
            ExitPolicy::Send => false,
            ExitPolicy::Auto => batch.exposure || self.trust != Some(true),
        };
        let lease = self.parting_lease(deadline);
        let fate = if keep && self.may_copy(&batch, commands) {
            self.keep_copy(batch, lease, commands)
        } else {
            self.counts.handed_over += u64::from(batch.events);
            self.vacate(batch.key, commands);
            PartingFate::HandedOver(batch)
        };
        self.parting.push(Parting { id, deadline, accepted: false, fate });
    }

    /// What is in flight has no witness if the page or the process goes now: a copy is kept.
    fn keep_flight(&mut self, ends: bool, commands: &mut Vec<Command>) {
        let Some(flight) = self.flight.take() else { return };
        if !self.may_copy(&flight.batch, commands) {
            self.flight = Some(flight);
            return;
        }
        let Flight { id, batch, deadline, .. } = flight;
        // A request ends with its process.
        let lease = if ends { 0 } else { self.parting_lease(deadline) };
        let fate = self.keep_copy(batch, lease, commands);
        self.parting.push(Parting { id, deadline, accepted: false, fate });
    }

    /// Until whoever was asked must have answered.
    fn parting_lease(&self, deadline: Millis) -> u64 {
        let left = deadline.0.saturating_sub(self.now.mono.0);
        self.now.wall.plus(left.max(PARTING_LEASE_MILLIS)).0
    }

    fn may_copy(&mut self, batch: &Batch, commands: &mut Vec<Command>) -> bool {
        self.copies.get(batch.key).is_some_and(|copy| copy.is_written())
            || (self.store_usable() && self.fit(batch.key, batch.bytes.len(), commands))
    }

    /// Leaves a batch to the store under a lease, in this instance's custody.
    fn keep_copy(
        &mut self,
        mut batch: Box<Batch>,
        lease: u64,
        commands: &mut Vec<Command>,
    ) -> PartingFate {
        if self.hand_over(&batch, lease, commands) {
            return PartingFate::Kept { key: batch.key, unwritten: None };
        }
        self.leave_lost(&mut batch);
        let key = batch.key;
        self.copies.remove(key);
        let record = self.record(&batch, lease);
        let record = self.put(record, batch.bytes.clone(), Pending::Copy(key), commands);
        self.known.insert(record);
        PartingFate::Kept { key, unwritten: Some(batch) }
    }

    /// Batches whose lease was being renewed can't wait for the answer.
    fn reclaim_renewing(&mut self) {
        while let Some(Pending::Renew { batch, lease }) = self.operations.take_renewal() {
            self.renewed(batch, lease);
        }
    }

    pub(super) fn flush(&mut self, id: FlushId, timeout_millis: u64, shutdown: bool) {
        self.flushes.push(Flush {
            id,
            deadline: self.now.mono.plus(timeout_millis),
            delivered: self.counts.delivered,
            dropped: self.counts.dropped.total(),
            shutdown,
            timed_out: false,
        });
        self.closed |= shutdown;
        // Whoever asks for a flush wants one try now, whatever the backoff says.
        self.not_before = self.now.mono;
    }

    pub(super) fn settle_flushes(&mut self, commands: &mut Vec<Command>) {
        if self.flushes.is_empty() {
            return;
        }
        let settled = self.settled();
        let now = self.now.mono;
        let over = |flush: &Flush| flush.deadline <= now;
        let first_time = |flush: &Flush| flush.shutdown && !flush.timed_out;
        if !settled && self.flushes.iter().any(|flush| over(flush) && first_time(flush)) {
            // A shutdown out of time: the store has a moment to take the rest.
            for flush in self.flushes.iter_mut().filter(|flush| over(flush) && first_time(flush)) {
                flush.timed_out = true;
                flush.deadline = now.plus(GRACE_MILLIS);
            }
            self.settle_accepted(commands);
            self.leave_process(false, commands);
        }
        let ledger = self.ledger();
        let mut index = 0;
        while let Some(flush) = self.flushes.get_mut(index) {
            if !settled && flush.deadline > now {
                index += 1;
                continue;
            }
            let flush = self.flushes.remove(index);
            if flush.shutdown {
                self.abandon();
                self.stopped = true;
            }
            let ledger = if flush.shutdown { self.ledger() } else { ledger };
            let report = FlushReport {
                delivered: ledger.delivered - flush.delivered,
                dropped: ledger.dropped.total() - flush.dropped,
                queued: ledger.queued,
                in_flight: ledger.in_flight,
                stored: ledger.stored,
                timed_out: flush.timed_out || !settled,
            };
            commands.push(Command::Flushed { id: flush.id, report });
        }
    }

    /// After a shutdown nothing will come for what is still in the queue.
    fn abandon(&mut self) {
        while let Some(batch) = self.pop_ready(true) {
            self.drop_events(Reason::ShutDown, u64::from(batch.events));
        }
        if let Some(open) = self.open.take() {
            self.drop_events(Reason::ShutDown, u64::from(open.header().events));
        }
    }

    /// Whether every event has had its outcome, as far as that can be had now.
    fn settled(&mut self) -> bool {
        if !self.may_keep() {
            return self.flight.is_none();
        }
        let store_comes = !self.store_ready && self.may_store();
        let more = self.healthy() && self.may_claim() && self.candidate().is_some();
        let stuck = self.config.base().is_none() && !self.store_usable();
        let idle = self.flight.is_none()
            && self.operations.is_empty()
            && self.open.is_none()
            && !store_comes
            && !(self.list_wanted && self.store_usable());
        idle && (self.ready.is_empty() || stuck) && !more
    }

    /// Drops everything in memory and in the store.
    pub(super) fn wipe(&mut self, reason: Reason, commands: &mut Vec<Command>) {
        self.soon = false;
        self.save_at = Millis::FAR;
        let open = self.open.take().map_or(0, |open| u64::from(open.header().events));
        let moving = self.operations.moving.events;
        // What the store was asked before, it answers about what is to go.
        self.operations.forget();
        self.list_wanted = true;
        self.splits.clear();
        self.former.clear();
        self.copies = Shelf::default();
        let mut gone = open + moving;
        while let Some(batch) = self.pop_ready(true) {
            gone += u64::from(batch.events);
        }
        let known = core::mem::take(&mut self.known).sums();
        self.counts.accepted += known.events - known.mine;
        gone += known.events;
        self.drop_events(reason, gone);
        // Sent as the page went away, and so beyond recall.
        self.parting.retain(|parting| matches!(parting.fate, PartingFate::HandedOver(_)));
        self.clear_wanted = !planted(Bug::DeniedStaysStored);
        self.mark = None;
        self.clear_store(commands);
    }
}
