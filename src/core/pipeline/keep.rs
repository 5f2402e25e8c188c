//! The store: what is put there, taken from there, and given up.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::config::Number;
use super::super::io::{Command, Consent, OpId};
use super::super::ledger::Reason;
use super::super::planted::{Bug, planted};
use super::super::record::{Record, stamp};
use super::super::store::{Entry, StoreOp, StoreResult};
use super::operations::Pending;
use super::shelf::{Key, Known, LEASE_MAX_MILLIS};
use super::{Batch, PartingFate, Pipeline};

/// After a failure the store is left alone for so long.
const BROKEN_MILLIS: u64 = 30_000;
/// Claims lost in a row before no more are tried for a moment.
const LOSSES: u32 = 8;
const LOST_MILLIS: u64 = 10_000;
/// How old a listing may be when there is nothing else to send.
const RELIST_MILLIS: u64 = 60_000;
/// Beside the requests that a lease has to outlast, for a holder whose timers are throttled.
const LEASE_MARGIN_MILLIS: u64 = 10_000;
/// So many operations that are not urgent may start at a time: then the host gets its turn.
pub(super) const SLICE: usize = 32;

impl Pipeline {
    pub(super) fn store_usable(&self) -> bool {
        self.store_ready && self.store_broken_until <= self.now.mono && self.may_store()
    }

    /// Whether the store may hold what is to go: it is neither listed nor taken.
    pub(super) fn is_wiping(&self) -> bool {
        self.clear_wanted || self.operations.clears > 0
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

    /// The record of a whole batch.
    // Many call it, and the compiler would give each a copy.
    #[inline(never)]
    pub(super) fn record(&self, batch: &Batch, lease: u64) -> Known {
        Known {
            key: batch.key,
            lease,
            attempts: batch.attempts,
            events: batch.events,
            bytes: batch.bytes.len() as u32,
            awaited: 0,
            mine: true,
            whole: true,
        }
    }

    /// Moves a batch out of memory. False if the store can't take it; it is then first in `ready`.
    pub(super) fn shelve(&mut self, mut batch: Box<Batch>, commands: &mut Vec<Command>) -> bool {
        if self.hand_over(&batch, 0, commands) {
            // The bytes are there already: without a lease they are anybody's.
            return true;
        }
        self.leave_lost(&mut batch);
        if !self.store_usable() || !self.fit(batch.key, batch.bytes.len(), commands) {
            self.push_ready(batch, true);
            return false;
        }
        let record = Known { whole: false, ..self.record(&batch, 0) };
        let bytes = batch.bytes.clone();
        let record = self.put(record, bytes, Pending::Put(batch), commands);
        self.copies.insert(record);
        true
    }

    /// Leaves a batch whose copy was written to the store, under another lease. False if there is no
    /// such copy.
    pub(super) fn hand_over(
        &mut self,
        batch: &Batch,
        lease: u64,
        commands: &mut Vec<Command>,
    ) -> bool {
        let Some(copy) = self.copies.get(batch.key).filter(|copy| copy.is_written()).copied()
        else {
            return false;
        };
        self.copies.remove(batch.key);
        let attempts = batch.attempts;
        let mut known = Known { lease, attempts, ..copy };
        let op = StoreOp::Mark { seen: copy.entry(), lease, attempts };
        known.awaited = self.start(Pending::Release(Box::new(known)), op, commands);
        self.known.insert(known);
        true
    }

    /// Whoever had a record's lease when it ran out may remove it yet: what comes is put elsewhere.
    pub(super) fn leave_lost(&mut self, batch: &mut Batch) {
        // Who ends leaves it to anybody, but as a whole: whoever has it has all of it.
        let wall = self.now.wall.0;
        let lost = |copy: &Known| copy.is_free(wall) && !(copy.whole && copy.lease == 0);
        if self.copies.get(batch.key).is_some_and(lost) {
            self.copies.change(batch.key, Known::doubtful);
            let old = batch.key;
            batch.key = Key::new(old.created(), self.next_place());
            for (key, _) in self.former.iter_mut().filter(|(key, _)| *key == old) {
                *key = batch.key;
            }
            self.former.push((batch.key, old));
        }
    }

    /// While the endpoint can't be reached, finished batches are safer in the store.
    pub(super) fn shelve_ready(&mut self, commands: &mut Vec<Command>) {
        let most = commands.len() + SLICE;
        while !self.healthy() && !self.store_is_slow() {
            if commands.len() >= most && !self.ready.is_empty() {
                self.rest = true;
                return;
            }
            let Some(batch) = self.pop_ready(true) else { return };
            if !self.shelve(batch, commands) {
                return;
            }
        }
    }

    /// Whether as much as the queue may hold is on its way to the store already.
    pub(super) fn store_is_slow(&self) -> bool {
        let moving = self.operations.moving;
        moving.events >= self.config.get(Number::MaxQueueSize)
            || moving.bytes >= self.config.get(Number::MaxQueueBytes)
    }

    pub(super) fn shelve_all(&mut self, commands: &mut Vec<Command>) {
        while let Some(batch) = self.pop_ready(true) {
            if !self.shelve(batch, commands) {
                return;
            }
        }
    }

    /// Makes room in the store for a record in the place of what a key has there, oldest out first.
    /// False if there is no way.
    pub(super) fn fit(&mut self, key: Key, bytes: usize, commands: &mut Vec<Command>) -> bool {
        let most = self.config.get(Number::MaxStoreBytes);
        if bytes as u64 > most {
            return false;
        }
        let wall = self.now.wall.0;
        loop {
            let before = self.copies.get(key).map_or(0, |copy| copy.bytes);
            let others = self.known.sums().bytes + self.copies.sums().bytes - u64::from(before);
            if others + bytes as u64 <= most {
                return true;
            }
            if !self.discard_oldest(wall, commands) {
                return false;
            }
        }
    }

    /// False if nothing may be taken out.
    fn discard_oldest(&mut self, wall: u64, commands: &mut Vec<Command>) -> bool {
        let oldest = self.known.iter().find(|known| known.is_free(wall));
        let Some(key) = oldest.map(|known| known.key) else {
            return false;
        };
        let message = ["the store is full; the oldest batches are dropped and counted"];
        self.told.tell(commands, "store_full", "", &message);
        self.discard(key, Reason::StoreFull, commands);
        true
    }

    /// An earlier visit may have left more than may be stored now. While the endpoint answers, sending
    /// makes room.
    pub(super) fn shrink(&mut self, commands: &mut Vec<Command>) {
        if self.healthy() {
            return;
        }
        let (wall, most) = (self.now.wall.0, commands.len() + SLICE);
        while self.known.sums().bytes + self.copies.sums().bytes
            > self.config.get(Number::MaxStoreBytes)
        {
            if commands.len() >= most {
                self.rest = true;
                return;
            }
            if !self.discard_oldest(wall, commands) {
                return;
            }
        }
    }

    /// Takes an entry out of the store for good.
    fn discard(&mut self, key: Key, reason: Reason, commands: &mut Vec<Command>) {
        let Some(known) = self.known.remove(key) else {
            return;
        };
        self.adopt(&known);
        self.drop_events(reason, u64::from(known.events));
        self.remove(&known, commands);
    }

    /// What another visit or holder left is in this instance's custody from now on.
    fn adopt(&mut self, known: &Known) {
        if !known.mine {
            self.counts.accepted += u64::from(known.events);
        }
    }

    /// Drops what has been stored for too long.
    pub(super) fn expire(&mut self, commands: &mut Vec<Command>) {
        if planted(Bug::ExpiredIsSent) {
            return;
        }
        let age = self.config.get(Number::MaxStoreAgeMillis);
        let wall = self.now.wall.0;
        let oldest = wall.saturating_sub(age);
        let most = commands.len() + SLICE;
        loop {
            let mut old = self.known.iter().take_while(|known| known.key.created() < oldest);
            let Some(&Known { key, .. }) = old.find(|known| known.is_free(wall)) else { return };
            drop(old);
            if commands.len() >= most {
                self.rest = true;
                return;
            }
            self.discard(key, Reason::Expired, commands);
        }
    }

    /// Removes a record as it was last seen or written.
    pub(super) fn remove(&mut self, record: &Known, commands: &mut Vec<Command>) {
        self.start(Pending::Remove, StoreOp::Remove { seen: record.entry() }, commands);
    }

    /// Removes whatever the store may hold of a batch that has its outcome.
    pub(super) fn vacate(&mut self, key: Key, commands: &mut Vec<Command>) {
        if let Some(copy) = self.copies.remove(key) {
            self.remove(&copy, commands);
        }
        self.vacate_former(key, commands);
    }

    /// Removes the records that a batch had under other keys.
    pub(super) fn vacate_former(&mut self, key: Key, commands: &mut Vec<Command>) {
        while let Some(index) = self.former.iter().position(|(batch, _)| *batch == key) {
            let (_, former) = self.former.swap_remove(index);
            if let Some(copy) = self.copies.remove(former) {
                self.remove(&copy, commands);
            }
        }
    }

    pub(super) fn has_former(&self, key: Key) -> bool {
        self.former.iter().any(|(batch, _)| *batch == key)
    }

    /// Writes a record; gives it back as it is until that is done.
    pub(super) fn put(
        &mut self,
        record: Known,
        mut bytes: Vec<u8>,
        pending: Pending,
        commands: &mut Vec<Command>,
    ) -> Known {
        stamp(&mut bytes);
        let op = StoreOp::Put { entry: record.entry(), bytes };
        Known { awaited: self.start(pending, op, commands), ..record }
    }

    /// Other tabs and processes may have left something since the last listing.
    pub(super) fn list_again(&mut self) {
        self.list_wanted |= self.listed_at.plus(RELIST_MILLIS) <= self.now.mono;
    }

    pub(super) fn list(&mut self, commands: &mut Vec<Command>) {
        if self.list_wanted && self.store_usable() && !self.is_wiping() && !self.rest {
            self.list_wanted = false;
            self.look(commands);
            self.listed_at = self.now.mono;
            self.list_after(Key::default(), String::new(), commands);
        }
    }

    fn list_after(&mut self, key: Key, after: String, commands: &mut Vec<Command>) {
        self.start(Pending::List(key), StoreOp::List { after }, commands);
    }

    /// Carries out a wipe that had to wait for the store.
    pub(super) fn clear_store(&mut self, commands: &mut Vec<Command>) {
        if !self.clear_wanted || !self.store_ready || self.store_broken_until > self.now.mono {
            return;
        }
        self.clear_wanted = false;
        self.start(Pending::Clear, StoreOp::Clear, commands);
        self.remember_denial(commands);
    }

    /// Gives the operation's number.
    pub(super) fn start(
        &mut self,
        pending: Pending,
        op: StoreOp,
        commands: &mut Vec<Command>,
    ) -> u32 {
        let id = OpId(self.next_id());
        self.operations.push(id, self.now.mono, pending);
        commands.push(Command::Store { id, op });
        id.0
    }

    /// A store operation was answered.
    pub(super) fn stored(&mut self, id: OpId, result: StoreResult, commands: &mut Vec<Command>) {
        if let Some(pending) = self.operations.take(id) {
            self.ended(id, pending, result, commands);
        }
    }

    /// Takes operations for failed that the store does not answer.
    pub(super) fn watch_operations(&mut self, commands: &mut Vec<Command>) {
        while let Some((id, pending)) = self.operations.take_overdue(self.now.mono) {
            self.ended(id, pending, StoreResult::Failed, commands);
        }
    }

    fn ended(
        &mut self,
        id: OpId,
        pending: Pending,
        result: StoreResult,
        commands: &mut Vec<Command>,
    ) {
        // What was commanded later of the same record is what counts.
        let mut latest = false;
        if let Some(key) = pending.key() {
            for shelf in [&mut self.known, &mut self.copies] {
                shelf.change(key, |known| {
                    if known.awaited == id.0 {
                        (known.awaited, latest) = (0, true);
                    }
                });
            }
        }
        if matches!(result, StoreResult::Failed | StoreResult::Full) {
            return self.store_failed(pending, result, latest, commands);
        }
        match (pending, result) {
            (
                Pending::Look(asked_at),
                StoreResult::Listed(entries) | StoreResult::Page { entries, .. },
            ) => {
                self.looked(asked_at, &entries, commands);
            }
            (Pending::List(after), StoreResult::Listed(entries)) => {
                self.listed(after, None, entries, commands);
            }
            (Pending::List(after), StoreResult::Page { entries, last }) => {
                self.listed(after, Some(last), entries, commands);
            }
            (Pending::Put(batch), _) => {
                self.copies.remove(batch.key);
                let record = self.record(&batch, 0);
                self.known.insert(record);
                self.vacate_former(batch.key, commands);
            }
            (Pending::Half { whole, .. }, _) => self.half_stored(whole, true, commands),
            (Pending::Claim(seen), StoreResult::Claimed(bytes)) => {
                self.losses = 0;
                self.claimed(&seen, bytes, commands);
            }
            (Pending::Renew { batch, .. }, StoreResult::Lost) if self.is_copied(&batch) => {
                // Somebody took the batch over when the lease had run out.
                self.copies.remove(batch.key);
                self.counts.handed_over += u64::from(batch.events);
            }
            (Pending::Renew { batch, lease }, _) => self.renewed(batch, lease),
            (Pending::Release(record), StoreResult::Done) => {
                // A listing made before may have told the old lease.
                self.known.change(record.key, |known| {
                    *known = Known { awaited: known.awaited, mine: known.mine, ..*record };
                });
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
            (Pending::Copy(key), _) => self.copy_written(key, commands),
            (Pending::List(_) | Pending::Remove | Pending::Clear, _) => {}
            (Pending::Look(_) | Pending::Denial, _) => {}
        }
    }

    fn store_failed(
        &mut self,
        pending: Pending,
        result: StoreResult,
        latest: bool,
        commands: &mut Vec<Command>,
    ) {
        let full = result == StoreResult::Full;
        let message: &[&str] = match full {
            true => &["the store has no room left; events stay in memory for now"],
            false => &["the store failed; events stay in memory for now"],
        };
        self.told.tell(commands, if full { "store_full" } else { "store_failed" }, "", message);
        self.store_broken_until = self.now.mono.plus(BROKEN_MILLIS);
        self.unsaved = true;
        match pending {
            Pending::Put(batch) => {
                self.copies.change(batch.key, Known::doubtful);
                self.push_ready(batch, true);
            }
            Pending::Half { whole, .. } => self.half_stored(whole, false, commands),
            // Whether the lease is still ours is unknown: take it for kept, rather than wait.
            Pending::Renew { batch, lease } => self.renewed(batch, lease),
            Pending::Copy(key) if latest => self.copy_failed(key),
            Pending::Copy(_) => {}
            Pending::Clear => self.clear_wanted = true,
            Pending::Denial => self.clear_wanted |= self.consent == Consent::Denied,
            Pending::Look(_) => {}
            Pending::List(_) | Pending::Claim(_) | Pending::Release(_) | Pending::Remove => {
                self.list_wanted = true;
            }
        }
    }

    pub(super) fn renewed(&mut self, batch: Box<Batch>, lease: u64) {
        self.copies.change(batch.key, |copy| copy.lease = lease);
        self.push_ready(batch, true);
    }

    fn copy_written(&mut self, key: Key, commands: &mut Vec<Command>) {
        self.vacate_former(key, commands);
        for parting in &mut self.parting {
            if let PartingFate::Kept { key: kept, unwritten } = &mut parting.fate
                && *kept == key
            {
                *unwritten = None;
            }
        }
    }

    fn copy_failed(&mut self, key: Key) {
        self.copies.change(key, Known::doubtful);
        // Nothing witnesses what a page sent as it went away, but if the page stays the answer may come.
        if let Some(parting) = self.parting.iter_mut().find(|parting| parting.keeps(key))
            && let Some(mut known) = self.known.remove(key)
        {
            self.counts.handed_over += u64::from(known.events);
            if let PartingFate::Kept { unwritten, .. } = &mut parting.fate
                && let Some(batch) = unwritten.take()
            {
                known.doubtful();
                self.copies.insert(known);
                parting.fate = PartingFate::HandedOver(batch);
            }
        }
    }

    /// Takes in the entries after a key, all of them or up to another key of whatever making.
    fn listed(
        &mut self,
        after: Key,
        page: Option<String>,
        entries: Vec<Entry>,
        commands: &mut Vec<Command>,
    ) {
        let mut listed = Vec::with_capacity(entries.len());
        let mut last = after;
        for Entry { key: text, lease, attempts, events, bytes } in entries {
            let Some(key) = Key::parse(&text) else {
                self.start(Pending::Remove, StoreOp::Quarantine { key: text }, commands);
                continue;
            };
            last = last.max(key);
            if key.created() == 0 {
                self.recall(key, commands);
            } else if self.copies.get(key).is_none() {
                // What was entered in the ledger is what leaves it.
                let before = self.known.get(key).copied().unwrap_or_default();
                let events = if before.mine { before.events } else { events };
                listed.push(Known { key, lease, attempts, events, bytes, ..before });
            }
        }
        if page.is_none() {
            last = Key::LAST;
        }
        for known in self.known.learn(after, last, listed) {
            // What is on its way into the store is not there yet.
            if known.awaited == 0 || !known.mine {
                self.known.remove(known.key);
            }
            if known.awaited == 0 && known.mine {
                // Another holder took it and removed it.
                self.counts.handed_over += u64::from(known.events);
            }
        }
        if let Some(page) = page {
            self.list_after(last, page, commands);
        }
    }

    /// The free entry to try next: the least tried, then the oldest, so that one bad batch does not
    /// hold up the others.
    pub(super) fn candidate(&mut self) -> Option<Known> {
        let wall = self.now.wall.0;
        let free = |known: &Known| {
            known.awaited == 0
                && known.is_free(wall)
                && !self.parting.iter().any(|parting| parting.keeps(known.key))
        };
        let mut least = u32::MAX;
        let mut best: Option<&Known> = None;
        for known in self.known.iter() {
            least = least.min(known.attempts);
            let better = best.is_none_or(|best| known.attempts < best.attempts);
            if better && free(known) {
                best = Some(known);
                if known.attempts <= self.known.least {
                    return best.copied();
                }
            }
        }
        let best = best.copied();
        self.known.least = least;
        best
    }

    pub(super) fn claim(&mut self, commands: &mut Vec<Command>) {
        let Some(known) = self.candidate() else {
            return;
        };
        let (lease, attempts) = (self.lease(), known.attempts);
        let op = StoreOp::Claim { seen: known.entry(), lease, attempts };
        let awaited = self.start(Pending::Claim(Box::new(Known { lease, ..known })), op, commands);
        self.known.change(known.key, |known| known.awaited = awaited);
    }

    /// A stored batch is ours: check it and send it.
    fn claimed(&mut self, record: &Known, bytes: Vec<u8>, commands: &mut Vec<Command>) {
        let Some(known) = self.known.remove(record.key) else {
            // The store was wiped meanwhile.
            return;
        };
        self.adopt(&known);
        let header = Record::checked(&bytes).map(|record| record.header);
        let sound = header.is_ok();
        // Another holder may have split the batch since it was seen.
        let seen = known.events;
        let events = header.map_or(seen, |header| header.events);
        self.counts.accepted += u64::from(events.saturating_sub(seen));
        self.counts.handed_over += u64::from(seen.saturating_sub(events));
        let exposure = header.is_ok_and(|header| header.exposure);
        let Known { key, attempts, .. } = *record;
        let batch = Box::new(Batch { key, events, attempts, exposure, bytes });
        let copy = self.record(&batch, record.lease);
        self.copies.insert(copy);
        if !sound {
            self.quarantine(&batch, commands);
        } else if self.may_send() {
            self.push_ready(batch, true);
        } else {
            self.shelve(batch, commands);
        }
    }

    /// Sets a record that can't be read aside, and counts its events.
    pub(super) fn quarantine(&mut self, batch: &Batch, commands: &mut Vec<Command>) {
        self.drop_events(Reason::Corrupt, u64::from(batch.events));
        let message = ["a stored batch can't be read; it is set aside and its events counted"];
        self.told.tell(commands, "store_corrupt", "", &message);
        if self.copies.remove(batch.key).is_some() {
            let key = batch.key.text();
            self.start(Pending::Remove, StoreOp::Quarantine { key }, commands);
        }
        self.vacate_former(batch.key, commands);
    }

    /// Whether the store has the very batch, or is about to.
    pub(super) fn is_copied(&self, batch: &Batch) -> bool {
        self.copies.get(batch.key).is_some_and(|copy| copy.whole)
    }
}
