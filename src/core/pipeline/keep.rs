//! The store: what is put there, taken from there, and given up.

use alloc::string::String;
use alloc::vec::Vec;

use super::super::config::Number;
use super::super::io::{Command, OpId};
use super::super::ledger::Reason;
use super::super::record::{Builder, Record, stamp};
use super::super::store::{Entry, StoreOp, StoreResult};
use uuid::Uuid;

use super::shelf::Known;
use super::{Batch, Parting, PartingFate, Pending, Pipeline};

/// After a failure the store is left alone for so long.
const BROKEN_MILLIS: u64 = 30_000;
/// Claims lost in a row before no more are tried for a moment.
const LOSSES: u32 = 8;
const LOST_MILLIS: u64 = 10_000;
/// How old a listing may be when there is nothing else to send.
const RELIST_MILLIS: u64 = 60_000;
/// Beside the requests that a lease has to outlast, for a holder whose timers are throttled.
const LEASE_MARGIN_MILLIS: u64 = 10_000;
/// No lease is honestly longer: one that ends later was set by a clock that has jumped since.
const LEASE_MAX_MILLIS: u64 = 3_600_000;

impl Pipeline {
    pub(super) fn store_usable(&self) -> bool {
        self.store_ready
            && self.store_broken_until <= self.now.mono
            && self.config.get(Number::MaxStoreBytes) > 0
    }

    /// Until when a lease taken now holds, by the wall clock that all holders share.
    pub(super) fn lease(&self) -> u64 {
        let requests = 2 * self.config.get(Number::ExportTimeoutMillis);
        let millis = (requests + LEASE_MARGIN_MILLIS).min(LEASE_MAX_MILLIS);
        self.now.wall.plus(millis).0
    }

    pub(super) fn entry(&self, batch: &Batch, lease: u64) -> Entry {
        Entry {
            key: batch.key.clone(),
            lease,
            attempts: batch.attempts,
            events: batch.events,
            bytes: batch.bytes.len() as u32,
        }
    }

    /// Moves a batch out of memory. False if the store can't take it; it is then first in `ready`.
    pub(super) fn shelve(&mut self, mut batch: Batch, commands: &mut Vec<Command>) -> bool {
        let written = self.is_written(&batch.key);
        if let Some(seen) = batch.copy.take_if(|_| written) {
            // The bytes are there already: give up the lease, and they are anybody's.
            let entry = Entry { lease: 0, attempts: batch.attempts, ..seen.clone() };
            let op = StoreOp::Mark { seen, lease: 0, attempts: batch.attempts };
            self.known.insert(Known { entry: entry.clone(), mine: true });
            self.start(Pending::Release(entry), op, commands);
            return true;
        }
        let entry = self.entry(&batch, 0);
        if !self.store_usable() || !self.fit(u64::from(entry.bytes), commands) {
            self.push_ready(batch, true);
            return false;
        }
        batch.copy = None;
        let bytes = batch.bytes.clone();
        self.put(entry, bytes, Pending::Put(batch), commands);
        true
    }

    /// Whether no copy is still on its way into the store: it could fail.
    pub(super) fn is_written(&self, key: &str) -> bool {
        !self.pending.iter().any(|(_, pending)| match pending {
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

    /// Makes room in the store, oldest out first. False if there is no way.
    pub(super) fn fit(&mut self, bytes: u64, commands: &mut Vec<Command>) -> bool {
        let most = self.config.get(Number::MaxStoreBytes);
        if bytes > most {
            return false;
        }
        loop {
            let stored = self.known.sums().bytes;
            let moving: u64 = self.moving().map(|batch| batch.bytes.len() as u64).sum();
            let flight = self.flight.iter().map(|flight| &flight.batch);
            let copies = self.ready.iter().chain(flight).filter_map(|batch| batch.copy.as_ref());
            let copies = copies.chain(&self.open_copy).map(|copy| u64::from(copy.bytes));
            if stored + moving + copies.sum::<u64>() + bytes <= most {
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
        entry.lease <= wall || entry.lease - wall > LEASE_MAX_MILLIS
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
        if self.list_wanted && self.store_usable() {
            self.list_wanted = false;
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
        self.pending.push((id, pending));
        commands.push(Command::Store { id, op });
    }

    /// A store operation was answered.
    pub(super) fn stored(&mut self, id: OpId, result: StoreResult, commands: &mut Vec<Command>) {
        let Some(index) = self.pending.iter().position(|(pending, _)| *pending == id) else {
            return;
        };
        let (_, pending) = self.pending.remove(index);
        if matches!(result, StoreResult::Failed | StoreResult::Full) {
            return self.store_failed(pending, result, commands);
        }
        match (pending, result) {
            (Pending::List, StoreResult::Listed(entries)) => {
                self.listed_at = self.now.mono;
                self.listed(entries, commands);
            }
            (Pending::Put(batch), _) => {
                let entry = self.entry(&batch, 0);
                self.known.insert(Known { entry, mine: true });
            }
            (Pending::Half { whole }, _) => self.half_stored(&whole, true, commands),
            (Pending::Claim(seen), StoreResult::Claimed(bytes)) => {
                self.losses = 0;
                self.claimed(seen, bytes, commands);
            }
            (Pending::Renew { batch, .. }, StoreResult::Lost) if batch.copy.is_some() => {
                // Somebody took the batch over when the lease had run out.
                self.counts.handed_over += u64::from(batch.events);
            }
            (Pending::Renew { mut batch, lease }, _) => {
                if let Some(copy) = &mut batch.copy {
                    copy.lease = lease;
                }
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
            (Pending::Copy { key }, _) => self.copy_answered(&key, true),
            (Pending::List | Pending::Remove | Pending::Clear, _) => {}
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
            Pending::Put(batch) => self.push_ready(batch, true),
            Pending::Half { whole } => self.half_stored(&whole, false, commands),
            // Whether the lease is still ours is unknown: take it for kept, rather than wait.
            Pending::Renew { mut batch, lease } => {
                if let Some(copy) = &mut batch.copy {
                    copy.lease = lease;
                }
                self.push_ready(batch, true);
            }
            Pending::Copy { key } => {
                let lost = |copy: &Option<Entry>| copy.as_ref().is_some_and(|c| c.key == key);
                if lost(&self.open_copy) {
                    self.open_copy = None;
                }
                let flight = self.flight.iter_mut().map(|flight| &mut flight.batch);
                let renewing = self.pending.iter_mut().filter_map(|(_, pending)| match pending {
                    Pending::Renew { batch, .. } => Some(batch),
                    _ => None,
                });
                let wholes = self.splits.iter_mut().map(|split| &mut split.whole);
                let batches = self.ready.iter_mut().chain(flight).chain(renewing).chain(wholes);
                for batch in batches {
                    if lost(&batch.copy) {
                        batch.copy = None;
                    }
                }
                self.copy_answered(&key, false);
            }
            Pending::Clear => self.clear_wanted = true,
            Pending::List | Pending::Claim(_) | Pending::Release(_) | Pending::Remove => {
                self.list_wanted = true;
            }
        }
    }

    /// The copy of what a page sent as it went away was written, or could not be: nothing witnesses
    /// it then, but if the page stays the answer may come.
    fn copy_answered(&mut self, key: &str, written: bool) {
        for parting in &mut self.parting {
            let PartingFate::Kept { key: kept, unwritten } = &mut parting.fate else { continue };
            if kept != key {
                continue;
            }
            let batch = unwritten.take();
            if written {
                continue;
            }
            if let Some(known) = self.known.remove(key) {
                self.counts.handed_over += u64::from(known.entry.events);
                if let Some(batch) = batch {
                    parting.fate = PartingFate::HandedOver(Batch { copy: None, ..batch });
                }
            }
        }
    }

    fn listed(&mut self, entries: Vec<Entry>, commands: &mut Vec<Command>) {
        let before = self.known.take();
        for entry in entries {
            if self.known.get(&entry.key).is_some() || self.holds(&entry.key) {
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
        let open = self.open.as_ref().is_some_and(|open| open_key(open) == key);
        let flight = self.flight.iter().map(|flight| &flight.batch);
        let flight = flight.chain(self.splits.iter().flat_map(|split| &split.halves));
        open || self.ready.iter().chain(flight).chain(self.moving()).any(|batch| batch.key == key)
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
                || self.pending.iter().any(|(_, pending)| match pending {
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
            key: entry.key.clone(),
            events,
            attempts: entry.attempts,
            exposure: header.is_ok_and(|header| header.exposure),
            bytes,
            copy: Some(entry),
            stored: true,
        };
        if !sound {
            self.quarantine(batch, commands);
        } else if self.may_send() {
            self.launch(batch, commands);
        } else {
            self.shelve(batch, commands);
        }
    }

    /// Sets a record that can't be read aside, and counts its events.
    pub(super) fn quarantine(&mut self, batch: Batch, commands: &mut Vec<Command>) {
        self.drop_events(Reason::Corrupt, u64::from(batch.events));
        let message = ["a stored batch can't be read; it is set aside and its events counted"];
        self.told.tell(commands, "store_corrupt", "", &message);
        if batch.stored {
            let op = StoreOp::Quarantine { key: batch.key };
            self.start(Pending::Remove, op, commands);
        }
    }
}

/// The key that the open batch has, and will have.
pub(super) fn open_key(open: &Builder) -> String {
    key(open.header().base, open.header().batch_id)
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
    match key.split_once('-') {
        Some((millis, id)) if millis.len() == 12 && id.len() == 36 => {
            u64::from_str_radix(millis, 16).unwrap_or(0)
        }
        _ => 0,
    }
}
