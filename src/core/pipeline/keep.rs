//! The store: what is put there, taken from there, and given up.

use alloc::string::String;
use alloc::vec::Vec;

use super::super::config::Number;
use super::super::io::{Command, OpId};
use super::super::ledger::Reason;
use super::super::planted::{Bug, planted};
use super::super::record::{Record, stamp};
use super::super::store::{Entry, StoreOp, StoreResult};
use uuid::Uuid;

use super::shelf::Known;
use super::trust;
use super::{Batch, Operation, Parting, PartingFate, Pending, Pipeline, Place};

/// After a failure the store is left alone for so long.
const BROKEN_MILLIS: u64 = 30_000;
/// Claims lost in a row before no more are tried for a moment.
const LOSSES: u32 = 8;
const LOST_MILLIS: u64 = 10_000;
/// How old a listing may be when there is nothing else to send.
const RELIST_MILLIS: u64 = 60_000;
/// An operation without a result in that time has failed.
const PATIENCE_MILLIS: u64 = 30_000;
/// And so much longer for the results that wait behind a timer when the host has slept.
const LATE_MILLIS: u64 = 1_000;
/// Beside the requests that a lease has to outlast, for a holder whose timers are throttled.
const LEASE_MARGIN_MILLIS: u64 = 10_000;
/// No lease is honestly longer: one that ends later was set by a clock that has jumped since.
const LEASE_MAX_MILLIS: u64 = 3_600_000;

impl Pipeline {
    pub(super) fn store_usable(&self) -> bool {
        self.store_ready && self.store_broken_until <= self.now.mono && self.may_store()
    }

    /// Whether the store may hold what is to go: it is neither listed nor taken.
    pub(super) fn is_wiping(&self) -> bool {
        self.clear_wanted || self.pending().any(|pending| matches!(pending, Pending::Clear))
    }

    pub(super) fn may_store(&self) -> bool {
        self.config.get(Number::MaxStoreBytes) > 0
    }

    /// Until when a lease taken now holds, by the wall clock that all holders share.
    pub(super) fn lease(&self) -> u64 {
        let requests = 2 * self.config.get(Number::ExportTimeoutMillis);
        let millis = (requests + LEASE_MARGIN_MILLIS).min(LEASE_MAX_MILLIS);
        self.now.wall.plus(millis).0
    }

    pub(super) fn entry(&self, batch: &Batch, lease: u64) -> Entry {
        Entry {
            key: batch.place.key.clone(),
            lease,
            attempts: batch.attempts,
            events: batch.events,
            bytes: batch.bytes.len() as u32,
        }
    }

    /// Moves a batch out of memory. False if the store can't take it; it is then first in `ready`.
    pub(super) fn shelve(&mut self, mut batch: Batch, commands: &mut Vec<Command>) -> bool {
        let written = self.is_written(&batch.place.key);
        if let Some(seen) = batch.place.copy().filter(|_| written).cloned() {
            // The bytes are there already: give up the lease, and they are anybody's.
            let entry = Entry { lease: 0, attempts: batch.attempts, ..seen.clone() };
            let op = StoreOp::Mark { seen, lease: 0, attempts: batch.attempts };
            self.known.insert(Known { entry: entry.clone(), mine: true });
            self.start(Pending::Release(entry), op, commands);
            return true;
        }
        self.leave_lost(&mut batch.place);
        let entry = self.entry(&batch, 0);
        if !self.store_usable() || !self.fit(u64::from(entry.bytes), commands) {
            self.push_ready(batch, true);
            return false;
        }
        let bytes = batch.bytes.clone();
        self.put(entry, bytes, Pending::Put(batch), commands);
        true
    }

    /// Whoever had a record's lease when it ran out may remove it yet: what comes is put elsewhere.
    pub(super) fn leave_lost(&mut self, place: &mut Place) {
        // Who ends leaves it to anybody, but as a whole: whoever has it has all of it.
        let left = |record: &Entry| place.whole && record.lease == 0;
        if place.record.as_ref().is_some_and(|record| self.is_free(record) && !left(record)) {
            place.record = None;
            let fresh = key(place.created(), self.next_place());
            place.former.push(core::mem::replace(&mut place.key, fresh));
        }
    }

    /// Whether no copy is still on its way into the store: it could fail.
    pub(super) fn is_written(&self, key: &str) -> bool {
        !self.pending().any(|pending| match pending {
            Pending::Copy { key: written } => written == key,
            _ => false,
        })
    }

    /// While the endpoint can't be reached, finished batches are safer in the store.
    pub(super) fn shelve_ready(&mut self, commands: &mut Vec<Command>) {
        while !self.healthy() && !self.store_is_slow() {
            let Some(batch) = self.pop_ready(true) else { return };
            if !self.shelve(batch, commands) {
                return;
            }
        }
    }

    /// Whether as much as the queue may hold is on its way to the store already.
    pub(super) fn store_is_slow(&self) -> bool {
        let events: u64 = self.moving().map(|batch| u64::from(batch.events)).sum();
        let bytes: u64 = self.moving().map(|batch| batch.bytes.len() as u64).sum();
        events >= self.config.get(Number::MaxQueueSize)
            || bytes >= self.config.get(Number::MaxQueueBytes)
    }

    pub(super) fn shelve_all(&mut self, commands: &mut Vec<Command>) {
        while let Some(batch) = self.pop_ready(true) {
            if !self.shelve(batch, commands) {
                return;
            }
        }
    }

    /// Records of what is in memory too, written or on their way.
    pub(super) fn copies(&self) -> impl Iterator<Item = &Entry> {
        let flight = self.flight.iter().map(|flight| &flight.batch);
        let copies = self.ready.iter().chain(flight).filter_map(|batch| batch.place.copy());
        copies.chain(&self.open_place.record)
    }

    /// Makes room in the store, oldest out first. False if there is no way.
    pub(super) fn fit(&mut self, bytes: u64, commands: &mut Vec<Command>) -> bool {
        let most = self.config.get(Number::MaxStoreBytes);
        if bytes > most {
            return false;
        }
        loop {
            let stored = self.known.sums().bytes;
            let moving: u64 = self.moving().map(|batch| batch.bytes.len() as u64).sum();
            let copies: u64 = self.copies().map(|copy| u64::from(copy.bytes)).sum();
            if stored + moving + copies + bytes <= most {
                return true;
            }
            let oldest = self.known.iter().find(|known| self.is_free(&known.entry));
            let Some(key) = oldest.map(|known| known.entry.key.clone()) else {
                return false;
            };
            let message = ["the store is full; the oldest batches are dropped and counted"];
            self.told.tell(commands, "store_full", "", &message);
            self.discard(&key, Reason::StoreFull, commands);
        }
    }

    /// Whether nobody holds the entry.
    pub(super) fn is_free(&self, entry: &Entry) -> bool {
        let wall = self.now.wall.0;
        entry.lease <= wall
            || entry.lease - wall > LEASE_MAX_MILLIS
            || planted(Bug::LeaseNeverChecked)
    }

    /// When the first lease that somebody holds runs out.
    pub(super) fn earliest_lease(&self) -> Option<u64> {
        if self.known.sums().leases == 0 {
            return None;
        }
        let held = self.known.iter().filter(|known| !self.is_free(&known.entry));
        held.map(|known| known.entry.lease).min()
    }

    /// Takes an entry out of the store for good.
    fn discard(&mut self, key: &str, reason: Reason, commands: &mut Vec<Command>) {
        let Some(known) = self.known.remove(key) else {
            return;
        };
        self.adopt(&known);
        self.drop_events(reason, u64::from(known.entry.events));
        self.remove(known.entry.key, commands);
    }

    /// What another visit or holder left is in this instance's custody from now on.
    fn adopt(&mut self, known: &Known) {
        if !known.mine {
            self.counts.accepted += u64::from(known.entry.events);
        }
    }

    /// Drops what has been stored for too long.
    pub(super) fn expire(&mut self, commands: &mut Vec<Command>) {
        if planted(Bug::ExpiredIsSent) {
            return;
        }
        let age = self.config.get(Number::MaxStoreAgeMillis);
        let oldest = self.now.wall.0.saturating_sub(age);
        loop {
            let mut old = self.known.iter().take_while(|known| created(&known.entry.key) < oldest);
            let Some(known) = old.find(|known| self.is_free(&known.entry)) else { return };
            let key = known.entry.key.clone();
            self.discard(&key, Reason::Expired, commands);
        }
    }

    pub(super) fn remove(&mut self, key: String, commands: &mut Vec<Command>) {
        self.start(Pending::Remove, StoreOp::Remove { key }, commands);
    }

    /// Removes whatever the store may hold of a batch that has its outcome.
    pub(super) fn vacate(&mut self, place: Place, commands: &mut Vec<Command>) {
        if place.record.is_some() {
            self.remove(place.key, commands);
        }
        for key in place.former {
            self.remove(key, commands);
        }
    }

    pub(super) fn put(
        &mut self,
        entry: Entry,
        mut bytes: Vec<u8>,
        pending: Pending,
        commands: &mut Vec<Command>,
    ) {
        stamp(&mut bytes);
        self.start(pending, StoreOp::Put { entry, bytes }, commands);
    }

    /// Other tabs and processes may have left something since the last listing.
    pub(super) fn list_again(&mut self) {
        self.list_wanted |= self.listed_at.plus(RELIST_MILLIS) <= self.now.mono;
    }

    pub(super) fn list(&mut self, commands: &mut Vec<Command>) {
        if self.list_wanted && self.store_usable() && !self.is_wiping() {
            self.list_wanted = false;
            self.listed_at = self.now.mono;
            self.start(Pending::List, StoreOp::List, commands);
        }
    }

    /// Carries out a wipe that had to wait for the store.
    pub(super) fn clear_store(&mut self, commands: &mut Vec<Command>) {
        if !self.clear_wanted || !self.store_ready || self.store_broken_until > self.now.mono {
            return;
        }
        self.clear_wanted = false;
        self.start(Pending::Clear, StoreOp::Clear, commands);
    }

    pub(super) fn start(&mut self, pending: Pending, op: StoreOp, commands: &mut Vec<Command>) {
        let id = OpId(self.next_id());
        let deadline = self.now.mono.plus(PATIENCE_MILLIS);
        self.operations.push(Operation { id, deadline, late: false, pending });
        commands.push(Command::Store { id, op });
    }

    /// A store operation was answered.
    pub(super) fn stored(&mut self, id: OpId, result: StoreResult, commands: &mut Vec<Command>) {
        let Some(index) = self.operations.iter().position(|operation| operation.id == id) else {
            return;
        };
        let pending = self.operations.remove(index).pending;
        if matches!(result, StoreResult::Failed | StoreResult::Full) {
            return self.store_failed(pending, result, commands);
        }
        match (pending, result) {
            (Pending::List, StoreResult::Listed(entries)) => {
                self.listed(entries, commands);
            }
            (Pending::Put(batch), _) => {
                let entry = self.entry(&batch, 0);
                self.known.insert(Known { entry, mine: true });
                self.vacate(Place { record: None, ..batch.place }, commands);
            }
            (Pending::Half { whole }, _) => self.half_stored(&whole, true, commands),
            (Pending::Claim(seen), StoreResult::Claimed(bytes)) => {
                self.losses = 0;
                self.claimed(seen, bytes, commands);
            }
            (Pending::Renew { batch, .. }, StoreResult::Lost) if batch.place.copy().is_some() => {
                // Somebody took the batch over when the lease had run out.
                self.counts.handed_over += u64::from(batch.events);
            }
            (Pending::Renew { mut batch, lease }, _) => {
                batch.place.renewed(lease);
                self.push_ready(batch, true);
            }
            (Pending::Release(entry), StoreResult::Done) => {
                // A listing made before may have told the old lease.
                if let Some(&Known { mine, .. }) = self.known.get(&entry.key) {
                    self.known.insert(Known { entry, mine });
                }
            }
            (Pending::Claim(_), _) => {
                self.list_wanted = true;
                self.losses += 1;
                if self.losses >= LOSSES {
                    // Listings and claims that contradict each other must not go round for ever.
                    self.losses = 0;
                    self.claim_not_before = self.now.mono.plus(LOST_MILLIS);
                }
            }
            (Pending::Release(_), _) => self.list_wanted = true,
            (Pending::Copy { key }, _) => self.copy_written(&key, commands),
            (Pending::List | Pending::Remove | Pending::Clear, _) => {}
        }
    }

    /// Takes operations for failed that the store does not answer.
    pub(super) fn watch_operations(&mut self, commands: &mut Vec<Command>) {
        let now = self.now.mono;
        for operation in self.operations.iter_mut().filter(|operation| !operation.late) {
            if operation.deadline <= now {
                operation.late = true;
                operation.deadline = now.plus(LATE_MILLIS);
            }
        }
        while let Some(index) = self.operations.iter().position(|waiting| waiting.deadline <= now) {
            let pending = self.operations.remove(index).pending;
            self.store_failed(pending, StoreResult::Failed, commands);
        }
    }

    fn store_failed(&mut self, pending: Pending, result: StoreResult, commands: &mut Vec<Command>) {
        let full = result == StoreResult::Full;
        let message: &[&str] = match full {
            true => &["the store has no room left; events stay in memory for now"],
            false => &["the store failed; events stay in memory for now"],
        };
        self.told.tell(commands, if full { "store_full" } else { "store_failed" }, "", message);
        self.store_broken_until = self.now.mono.plus(BROKEN_MILLIS);
        self.unsaved = true;
        match pending {
            Pending::Put(mut batch) => {
                batch.place.record = Some(self.entry(&batch, 0));
                batch.place.whole = false;
                self.push_ready(batch, true);
            }
            Pending::Half { whole } => self.half_stored(&whole, false, commands),
            // Whether the lease is still ours is unknown: take it for kept, rather than wait.
            Pending::Renew { mut batch, lease } => {
                batch.place.renewed(lease);
                self.push_ready(batch, true);
            }
            Pending::Copy { key } => self.copy_failed(&key),
            Pending::Clear => self.clear_wanted = true,
            Pending::List | Pending::Claim(_) | Pending::Release(_) | Pending::Remove => {
                self.list_wanted = true;
            }
        }
    }

    /// Where the batch is that was copied under a key, if it is in memory still.
    fn place_of(&mut self, key: &str) -> Option<&mut Place> {
        let flight = self.flight.iter_mut().map(|flight| &mut flight.batch);
        let moving =
            self.operations.iter_mut().filter_map(|operation| match &mut operation.pending {
                Pending::Put(batch) | Pending::Renew { batch, .. } => Some(batch),
                _ => None,
            });
        let wholes = self.splits.iter_mut().map(|split| &mut split.whole);
        let parting = self.parting.iter_mut().filter_map(|parting| match &mut parting.fate {
            PartingFate::Kept { unwritten, .. } => unwritten.as_mut(),
            PartingFate::HandedOver(_) => None,
        });
        let batches = self.ready.iter_mut().chain(flight).chain(moving).chain(wholes);
        let places = batches.chain(parting).map(|batch| &mut batch.place);
        places.chain([&mut self.open_place]).find(|place| place.key == key)
    }

    fn copy_written(&mut self, key: &str, commands: &mut Vec<Command>) {
        let former = self.place_of(key).map(|place| core::mem::take(&mut place.former));
        for key in former.unwrap_or_default() {
            self.remove(key, commands);
        }
        for parting in &mut self.parting {
            if let PartingFate::Kept { key: kept, unwritten } = &mut parting.fate
                && kept == key
            {
                *unwritten = None;
            }
        }
    }

    fn copy_failed(&mut self, key: &str) {
        if let Some(place) = self.place_of(key) {
            place.doubtful();
        }
        // Nothing witnesses what a page sent as it went away, but if the page stays the answer may come.
        let kept = |parting: &&mut Parting| match &parting.fate {
            PartingFate::Kept { key: kept, .. } => kept == key,
            PartingFate::HandedOver(_) => false,
        };
        if let Some(parting) = self.parting.iter_mut().find(kept)
            && let Some(known) = self.known.remove(key)
        {
            self.counts.handed_over += u64::from(known.entry.events);
            if let PartingFate::Kept { unwritten, .. } = &mut parting.fate
                && let Some(batch) = unwritten.take()
            {
                parting.fate = PartingFate::HandedOver(batch);
            }
        }
    }

    fn listed(&mut self, entries: Vec<Entry>, commands: &mut Vec<Command>) {
        let before = self.known.take();
        for entry in entries {
            if self.known.get(&entry.key).is_some() || self.holds(&entry.key) {
                continue;
            }
            if entry.key.starts_with(trust::PREFIX) {
                self.recall(entry.key, commands);
                continue;
            }
            if created(&entry.key) == 0 {
                // Not a key of ours.
                let key = entry.key;
                self.start(Pending::Remove, StoreOp::Quarantine { key }, commands);
                continue;
            }
            let find =
                |key: &str| before.binary_search_by(|known| known.entry.key.as_str().cmp(key));
            let mine = find(&entry.key).ok().map(|index| &before[index]);
            let mine = mine.filter(|known| known.mine);
            // What was entered in the ledger is what leaves it.
            let events = mine.map_or(entry.events, |known| known.entry.events);
            let mine = mine.is_some();
            self.known.insert(Known { entry: Entry { events, ..entry }, mine });
        }
        for known in before {
            let key = &known.entry.key;
            if !known.mine || self.known.get(key).is_some() {
                continue;
            }
            if self.is_written(key) {
                // Another holder took it and removed it.
                self.counts.handed_over += u64::from(known.entry.events);
            } else {
                self.known.insert(known);
            }
        }
    }

    /// Whether the batch is in memory, with or without a copy in the store.
    fn holds(&self, key: &str) -> bool {
        let open = self.open.is_some() && self.open_place.names(key);
        let flight = self.flight.iter().map(|flight| &flight.batch);
        let flight = flight.chain(self.splits.iter().flat_map(|split| &split.halves));
        open || self
            .ready
            .iter()
            .chain(flight)
            .chain(self.moving())
            .any(|batch| batch.place.names(key))
    }

    /// The free entry to try next: the least tried, then the oldest, so that one bad batch does not
    /// hold up the others.
    pub(super) fn candidate(&self) -> Option<&Known> {
        let busy = |key: &str| {
            let parting = |parting: &Parting| match &parting.fate {
                PartingFate::Kept { key: kept, .. } => kept == key,
                PartingFate::HandedOver(_) => false,
            };
            self.parting.iter().any(parting)
                || self.pending().any(|pending| match pending {
                    Pending::Release(entry) | Pending::Claim(entry) => entry.key == key,
                    _ => false,
                })
        };
        let mut best: Option<&Known> = None;
        for known in self.known.iter() {
            let entry = &known.entry;
            let better = best.is_none_or(|best| entry.attempts < best.entry.attempts);
            if better && self.is_free(entry) && !busy(&entry.key) {
                best = Some(known);
                if entry.attempts == 0 {
                    break;
                }
            }
        }
        best
    }

    pub(super) fn claim(&mut self, commands: &mut Vec<Command>) {
        let Some(known) = self.candidate() else {
            return;
        };
        let seen = known.entry.clone();
        let (lease, attempts) = (self.lease(), seen.attempts);
        let op = StoreOp::Claim { seen: seen.clone(), lease, attempts };
        self.start(Pending::Claim(Entry { lease, ..seen }), op, commands);
    }

    /// A stored batch is ours: check it and send it.
    fn claimed(&mut self, mut entry: Entry, bytes: Vec<u8>, commands: &mut Vec<Command>) {
        let Some(known) = self.known.remove(&entry.key) else {
            // The store was wiped meanwhile.
            return;
        };
        self.adopt(&known);
        let header = Record::checked(&bytes).map(|record| record.header);
        let sound = header.is_ok();
        // Another holder may have split the batch since it was seen.
        let seen = known.entry.events;
        let events = header.map_or(seen, |header| header.events);
        self.counts.accepted += u64::from(events.saturating_sub(seen));
        self.counts.handed_over += u64::from(seen.saturating_sub(events));
        entry.events = events;
        entry.bytes = bytes.len() as u32;
        let batch = Batch {
            events,
            attempts: entry.attempts,
            exposure: header.is_ok_and(|header| header.exposure),
            bytes,
            place: Place {
                key: entry.key.clone(),
                record: Some(entry),
                whole: true,
                former: Vec::new(),
            },
        };
        if !sound {
            self.quarantine(batch, commands);
        } else if self.may_send() {
            self.push_ready(batch, true);
        } else {
            self.shelve(batch, commands);
        }
    }

    /// Sets a record that can't be read aside, and counts its events.
    pub(super) fn quarantine(&mut self, batch: Batch, commands: &mut Vec<Command>) {
        self.drop_events(Reason::Corrupt, u64::from(batch.events));
        let message = ["a stored batch can't be read; it is set aside and its events counted"];
        self.told.tell(commands, "store_corrupt", "", &message);
        if batch.place.record.is_some() {
            let key = batch.place.key.clone();
            self.start(Pending::Remove, StoreOp::Quarantine { key }, commands);
        }
        self.vacate(Place { record: None, ..batch.place }, commands);
    }
}

/// A batch's key in the store: it sorts by age.
pub(super) fn key(created: u64, id: Uuid) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u32| char::from(HEX[(created >> shift & 15) as usize]);
    let mut key: String = (0..12).rev().map(|index| digit(index * 4)).collect();
    key.push('-');
    key.push_str(&super::uuid_text(id));
    key
}

/// The time in an entry's key; 0 if it is not of our making.
pub(super) fn created(key: &str) -> u64 {
    match key.as_bytes().split_first_chunk::<12>() {
        Some((millis, [b'-', id @ ..])) if id.len() == 36 => {
            let mut digits = millis.iter().map(|byte| char::from(*byte).to_digit(16));
            digits.try_fold(0, |all, digit| Some(all << 4 | u64::from(digit?))).unwrap_or(0)
        }
        _ => 0,
    }
}
