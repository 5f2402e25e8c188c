//! The shared store under faults: operations that fail, hang or are never answered, records that are
//! lost, garbled or not ours, and a machine that loses its power.

use std::collections::{HashMap, VecDeque};

use wasm_telemetry::core::io::OpId;
use wasm_telemetry::core::record::Record;
use wasm_telemetry::core::store::{Entry, StoreOp, StoreResult};

use super::checks::{HANDED_OVER, read_record};
use super::client::Operation;
use super::duplicates::{Holder, PUNCTUAL_MILLIS};
use super::life::End;
use super::network::Request;
use super::store::Kept;
use super::world::{Happening, World};

/// What was written within this time may be gone with the power.
const UNSAFE_MILLIS: u64 = 5_000;

/// An operation without an answer in that time has failed.
pub const PATIENCE_MILLIS: u64 = 31_000;

/// How a record was before an operation.
pub struct Change {
    at: u64,
    key: String,
    before: Option<Kept>,
}

impl World {
    /// A client asks for an operation: it is carried out a little later, and after those before.
    pub fn command_store(&mut self, slot: usize, id: OpId, op: StoreOp) {
        let faults = self.faults;
        let store = &self.options.store;
        let mut delay = self.dice.below(if faults { store.op_millis + 1 } else { 5 });
        if faults && self.dice.percent(store.hangs) {
            delay += self.dice.pick(&[2_000, 20_000, 100_000]);
        }
        let mono = self.mono;
        let serials = match &op {
            StoreOp::Put { entry, .. } => self.commanded.get(&entry.key),
            _ => None,
        };
        let serials = serials.map_or_else(Vec::new, |(_, serials)| serials.clone());
        if !serials.is_empty() {
            self.say(|| format!("   {} holds {serials:?}", id.0));
        }
        let Some(client) = &mut self.slots[slot].client else { return };
        assert!(client.store_open, "no operation before the store is open: {op:?}");
        client.operations.push_back(Operation { id, op, commanded_at: mono, serials });
        let time = client.store_busy_until.max(mono) + delay;
        client.store_busy_until = time;
        let client = client.id;
        self.at(time, Happening::StoreWorks { slot, client });
    }

    /// Carries out a client's next operation; the answer is on its way then, or is not.
    pub fn work_store(&mut self, slot: usize, client: u32) {
        let found = self.client(slot, client);
        let Some(operation) = found.and_then(|client| client.operations.pop_front()) else {
            return;
        };
        let (id, op) = (operation.id, operation.op.clone());
        let unanswered = self.faults && self.dice.percent(self.options.store.unanswered);
        let late = self.mono > operation.commanded_at + PUNCTUAL_MILLIS;
        let result = if unanswered && self.dice.percent(50) {
            self.not_carried_out(&op);
            None
        } else {
            Some(self.carry_out(slot, client, operation))
        };
        if late || unanswered {
            self.distrust(slot, &op, "an operation on its record was late");
            let found_out = self.mono + PATIENCE_MILLIS;
            if let Some(client) = self.client(slot, client) {
                // The pipeline finds out a while later.
                client.store_failed_at = Some(found_out);
                client.hindered_at = Some(found_out);
            }
        }
        let Some(result) = result.filter(|_| !unanswered) else { return };
        let most = if self.faults { self.options.store.answer_millis } else { 0 };
        let delay = self.dice.below(most + 1);
        let mono = self.mono;
        let Some(client) = self.client(slot, client) else { return };
        client.results.push_back((id, result));
        let time = client.store_answers_until.max(mono + delay);
        client.store_answers_until = time;
        let client = client.id;
        if time > mono {
            self.at(time, Happening::StoreAnswers { slot, client });
        } else {
            self.happen(Happening::StoreAnswers { slot, client });
        }
    }

    /// Does to the shared store what a client asked for, unless a fault prevents it.
    pub fn carry_out(&mut self, slot: usize, client: u32, operation: Operation) -> StoreResult {
        let Operation { op, serials, commanded_at, .. } = operation;
        let is_put = matches!(op, StoreOp::Put { .. });
        let failed = self.faults && self.dice.percent(self.options.store.failed);
        let full = self.faults && is_put && self.dice.percent(self.options.store.full);
        // Sometimes what is told to have failed was done.
        let done = !full && (!failed || self.dice.percent(30));
        let again = op.clone();
        let result = if done {
            self.change_store(slot, client, op, (commanded_at, serials))
        } else {
            StoreResult::Full
        };
        if !done || result == StoreResult::Full {
            self.not_carried_out(&again);
        }
        if failed || result == StoreResult::Full {
            self.distrust(slot, &again, "an operation on its record failed");
        }
        if failed { StoreResult::Failed } else { result }
    }

    fn change_store(
        &mut self,
        slot: usize,
        client: u32,
        op: StoreOp,
        (commanded_at, serials): (u64, Vec<u32>),
    ) -> StoreResult {
        self.journal(&op);
        let (mut removed, mut put) = (None, None);
        // Who has the record from now on, if it comes to that.
        let holder = match &op {
            StoreOp::Clear => {
                let keys: Vec<String> = self.store.records.keys().cloned().collect();
                keys.iter().for_each(|key| self.excuse_stored(key, "wiped"));
                None
            }
            StoreOp::Remove { seen } => {
                removed = Some(self.batch_of(&seen.key));
                None
            }
            StoreOp::Put { entry, .. } => {
                put = (!serials.is_empty()).then(|| entry.key.clone());
                Some((entry.key.clone(), entry.lease))
            }
            StoreOp::Claim { seen, lease, .. } | StoreOp::Mark { seen, lease, .. } => {
                Some((seen.key.clone(), *lease))
            }
            _ => None,
        };
        let claims = matches!(op, StoreOp::Claim { .. });
        let clears = matches!(op, StoreOp::Clear);
        let result = self.store.apply(op);
        self.note_denial();
        if clears {
            for request in self.requests.iter_mut().filter(|request| request.client == client) {
                request.settled |= request.succeeded();
            }
        }
        if let Some(key) = put.filter(|_| result == StoreResult::Done) {
            self.contents.insert(key, serials);
        }
        if let Some(batch) = removed {
            for request in self.requests_of.get(&batch).cloned().unwrap_or_default() {
                let request = &mut self.requests[request];
                request.settled |= request.client == client && request.succeeded();
            }
        }
        if let (Some((key, lease)), StoreResult::Done | StoreResult::Claimed(_)) = (holder, &result)
        {
            if claims {
                self.taken_over(client, &key);
            }
            if lease > 0 {
                self.holders.insert(key, Holder { slot, client, since: commanded_at });
            } else {
                self.holders.remove(&key);
            }
        }
        result
    }

    /// A client can't rely on what it knows of a record.
    pub fn distrust(&mut self, slot: usize, op: &StoreOp, why: &'static str) {
        let mono = self.mono;
        if let Some(client) = &mut self.slots[slot].client {
            client.store_failed_at = client.store_failed_at.max(Some(mono));
            client.hindered_at = Some(mono);
        }
        let key = match op {
            StoreOp::Put { entry, .. } => &entry.key,
            StoreOp::Mark { seen, .. } | StoreOp::Remove { seen } => &seen.key,
            StoreOp::Quarantine { key } => key,
            StoreOp::List { .. } | StoreOp::Claim { .. } | StoreOp::Clear => return,
        };
        let serials = self.serials_of(key);
        self.may_come_twice(&serials, why);
    }

    /// A refused copy of what a page sent as it went away leaves that without a witness.
    fn not_carried_out(&mut self, op: &StoreOp) {
        let StoreOp::Put { entry, .. } = op else { return };
        let batch = self.batch_of(&entry.key);
        for request in self.requests_of.get(&batch).cloned().unwrap_or_default() {
            let Request { slot, client, parted, .. } = self.requests[request];
            let closing = self.client(slot, client).is_some_and(|client| client.shut_down);
            if parted || closing {
                let serials = self.requests[request].body.serials();
                self.excuse(&serials, HANDED_OVER);
            }
        }
    }

    /// The batch under a store's key.
    pub fn batch_of(&self, key: &str) -> u128 {
        self.commanded.get(key).map_or(0, |(batch, _)| *batch)
    }

    /// The events under a store's key, as last put.
    pub fn serials_of(&self, key: &str) -> Vec<u32> {
        self.contents.get(key).cloned().unwrap_or_default()
    }

    fn journal(&mut self, op: &StoreOp) {
        if !self.faults || self.options.life.power_failure == 0 {
            return;
        }
        let keys: Vec<String> = match op {
            StoreOp::List { .. } => return,
            StoreOp::Clear => self.store.records.keys().cloned().collect(),
            StoreOp::Put { entry, .. } => vec![entry.key.clone()],
            StoreOp::Claim { seen, .. } | StoreOp::Mark { seen, .. } | StoreOp::Remove { seen } => {
                vec![seen.key.clone()]
            }
            StoreOp::Quarantine { key } => vec![key.clone()],
        };
        for key in keys {
            let before = self.store.records.get(&key).cloned();
            self.changes.push_back(Change { at: self.mono, key, before });
        }
        let oldest = self.mono.saturating_sub(UNSAFE_MILLIS);
        while self.changes.front().is_some_and(|change| change.at < oldest) {
            self.changes.pop_front();
        }
    }

    /// Everybody dies, and what was not yet safe on the disk may be gone.
    pub fn power_failure(&mut self) {
        self.say(|| String::from("the power fails"));
        for slot in 0..self.slots.len() {
            self.stop_store(slot, End::Crash);
        }
        let oldest = self.mono.saturating_sub(UNSAFE_MILLIS);
        let changes = std::mem::take(&mut self.changes);
        let mut recent: VecDeque<Change> =
            changes.into_iter().filter(|change| change.at >= oldest).collect();
        let keep = self.dice.below(recent.len() as u64 + 1) as usize;
        let files = self.options.store.files;
        // Of files each has its own fate; the transactions of a database go the newest first.
        let mut settled: HashMap<String, bool> = HashMap::new();
        while let Some(change) = recent.pop_back() {
            let undone = match files {
                true => {
                    let kept = settled.entry(change.key.clone()).or_default();
                    *kept |= self.dice.percent(50);
                    !*kept
                }
                false => recent.len() >= keep,
            };
            if undone {
                self.undo(change);
            }
        }
        for slot in 0..self.slots.len() {
            self.end(slot, End::Crash);
        }
    }

    fn undo(&mut self, change: Change) {
        let Change { key, before, .. } = change;
        let serials = self.serials_of(&key);
        let torn = self.options.store.files && self.dice.percent(30);
        match before {
            Some(kept) => {
                // What had gone or had changed is there again as it was.
                self.may_come_twice(&serials, "its removal was lost with the power");
                let sound = Record::checked(&kept.bytes).is_ok();
                if let Some(contents) = self.contents.get_mut(&key).filter(|_| sound) {
                    *contents = read_record(&kept.bytes).1;
                    let still = &*contents;
                    let gone: Vec<u32> =
                        serials.into_iter().filter(|serial| !still.contains(serial)).collect();
                    self.excuse(&gone, "lost with the power");
                }
                self.store.records.insert(key, kept);
            }
            None => {
                self.excuse(&serials, "lost with the power");
                match self.store.records.get_mut(&key).filter(|_| torn) {
                    Some(kept) => {
                        let length = self.dice.below(kept.bytes.len() as u64);
                        kept.bytes.truncate(length as usize);
                    }
                    None => drop(self.store.records.remove(&key)),
                }
            }
        }
    }

    /// Something that befalls the store.
    pub fn mischief(&mut self) {
        if self.dice.percent(self.options.store.foreign) {
            self.foreign_record();
        }
        let count = self.store.records.len() as u64;
        if count == 0 {
            return;
        }
        let index = self.dice.below(count) as usize;
        let (loses, corrupts) = (self.options.store.loses, self.options.store.corrupts);
        let (loses, corrupts) = (self.dice.percent(loses), self.dice.percent(corrupts));
        if !loses && !corrupts {
            return;
        }
        let key = self.store.records.keys().nth(index).expect("it was counted").clone();
        if loses {
            self.store.records.remove(&key);
            self.excuse_stored(&key, "lost by the store");
            return;
        }
        let cut = self.dice.percent(50);
        let at = self.dice.below(1 << 20) as usize;
        let flip = self.dice.within(1, 255) as u8;
        let for_ever = self.dice.percent(50);
        let Some(kept) = self.store.records.get_mut(&key) else { return };
        let mut bytes = kept.bytes.clone();
        if bytes.is_empty() {
            return;
        }
        let at = at % bytes.len();
        if cut {
            bytes.truncate(at)
        } else {
            bytes[at] ^= flip
        }
        if for_ever {
            kept.bytes = bytes;
        } else {
            kept.garbled = Some(bytes);
        }
    }

    /// A record that no client of ours wrote, or that was written over by something else.
    fn foreign_record(&mut self) {
        let age = self.dice.below(20 * 86_400_000);
        let created = self.now().wall.0 - age;
        let name = match self.dice.below(4) {
            0 => String::from("not ours"),
            1 => String::from("000000000000-00000000-0000-4000-8000-000000000000"),
            2 => format!("{created:012x}-"),
            _ => format!("{created:012x}-{:08x}-0000-4000-8000-000000000000", self.mono),
        };
        let length = self.dice.pick(&[0, 3, 40, 500]);
        let bytes: Vec<u8> = (0..length).map(|_| self.dice.below(256) as u8).collect();
        let entry = Entry {
            key: name.clone(),
            lease: self.dice.pick(&[0, 0, created, u64::MAX]),
            attempts: self.dice.pick(&[0, 1, u32::MAX]),
            events: self.dice.pick(&[0, 1, 7]),
            bytes: length as u32,
        };
        let kept = Kept { entry, bytes, garbled: None };
        self.store.records.entry(name).or_insert(kept);
    }

    /// What was garbled for a while can be read again.
    pub fn mend_records(&mut self) {
        for kept in self.store.records.values_mut() {
            kept.garbled = None;
        }
    }
}
