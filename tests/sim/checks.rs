//! What must hold after every step, and the reasons for which an event may never arrive.

use wasm_telemetry::core::io::{Command, Consent, FlushReport};
use wasm_telemetry::core::ledger::{Drops, Ledger, Reason};
use wasm_telemetry::core::pipeline::ExitPolicy;
use wasm_telemetry::core::record::{Item, Record, Stored};
use wasm_telemetry::core::shapes::FieldKind;
use wasm_telemetry::core::store::StoreOp;

use super::client::Client;
use super::network::Request;
use super::world::World;

/// What a step was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Logged(u32),
    Exported(usize),
    LeavingPage,
    /// The store gave a batch that was asked for.
    Claimed,
    Other,
}

/// No event of a host here is larger in memory.
const LARGEST_EVENT: u64 = 16_384;
/// A lease that is longer was set by another clock, and binds nobody.
const LONGEST_LEASE: u64 = 3_600_000;

pub const HANDED_OVER: &str = "handed over by a page";

impl World {
    pub fn check_step(&mut self, slot: usize, before: &Ledger, commands: &[Command], cause: Cause) {
        let now = self.now();
        let Some(client) = &self.slots[slot].client else {
            return;
        };
        let (id, consent, may_send) = (client.id, client.consent, client.may_send(now));
        let store_age = client.limits.store_age;
        let after = client.pipeline.ledger();
        assert!(after.balances(), "client {id}: the ledger is out of balance: {after:?}");
        for command in commands {
            match command {
                Command::Export(export) => {
                    assert!(may_send, "client {id} sends against consent or the kill switch");
                    assert!(!export.body.is_empty());
                }
                Command::Store { op: StoreOp::Put { entry, bytes }, .. } if entry.events > 0 => {
                    assert_eq!(consent, Consent::Granted, "client {id} stores without consent");
                    let (batch, serials) = read_record(bytes);
                    assert_eq!(serials.len(), entry.events as usize, "{entry:?}");
                    assert_eq!(bytes.len(), entry.bytes as usize, "{entry:?}");
                    self.commanded.insert(entry.key.clone(), (batch, serials));
                }
                Command::Store { op: StoreOp::Claim { seen, .. }, .. } => {
                    let lease = seen.lease.saturating_sub(now.wall.0);
                    assert!(lease == 0 || lease > LONGEST_LEASE, "claimed under a lease: {seen:?}");
                    let (created, _) = seen.key.split_once('-').expect("a key of ours");
                    let created = u64::from_str_radix(created, 16).expect("a key of ours");
                    let expired = created.saturating_add(store_age) < now.wall.0;
                    assert!(!expired, "claimed although it has expired: {seen:?}");
                }
                _ => {}
            }
        }
        self.steps += 1;
        if commands.iter().any(|command| matches!(command, Command::Cancel(_))) {
            // A request that had its time comes back into memory.
            self.allow_surplus(slot);
        }
        // What an answer brings back is noted after its step.
        if self.steps.is_multiple_of(32) && !matches!(cause, Cause::Exported(_) | Cause::Claimed) {
            self.check_memory(slot);
        }
        self.excuse_drops(slot, before, &after, commands, cause);
        if cause == Cause::LeavingPage {
            self.check_parting(slot, &after, before, commands);
        }
    }

    /// The queue keeps to its bounds, and as much again may be on its way into the store. What a
    /// lowered limit or a parting left above that only gets less.
    fn check_memory(&mut self, slot: usize) {
        let Some(client) = &mut self.slots[slot].client else { return };
        let ((bytes, events), (most_bytes, most_events)) = memory(client);
        let (more_bytes, more_events) = client.surplus;
        assert!(bytes <= most_bytes + more_bytes, "{bytes} bytes of {most_bytes} and {more_bytes}");
        assert!(
            events <= most_events + more_events,
            "{events} events of {most_events} and {more_events}"
        );
        // As long as it may all be on its way into the store, the queue may fill beside it.
        if 2 * bytes <= most_bytes {
            client.surplus.0 = 0;
        }
        if 2 * events <= most_events {
            client.surplus.1 = 0;
        }
    }

    /// What is in memory now may stay there beside what the limits allow: a limit was lowered, all
    /// was given to a store that is slow, or a request came back.
    pub fn allow_surplus(&mut self, slot: usize) {
        if let Some(client) = &mut self.slots[slot].client {
            client.surplus = memory(client).0;
        }
    }

    /// The next wake-up comes in time for whoever waits for an answer.
    pub fn check_deadlines(&self, slot: usize) {
        let Some(client) = &self.slots[slot].client else { return };
        let wake = client.pipeline.wake_at().map_or(u64::MAX, |time| time.0);
        for index in client.exports.values() {
            let request = &self.requests[*index];
            let late = request.deadline < self.mono.min(wake);
            assert!(request.parted || !late, "request {index} has no time-out");
            assert!(request.parted || wake <= request.deadline, "it wakes too late for {index}");
        }
    }

    /// Names the events that were dropped in a step: by its cause, or by the commands.
    fn excuse_drops(
        &mut self,
        slot: usize,
        before: &Ledger,
        after: &Ledger,
        commands: &[Command],
        cause: Cause,
    ) {
        let id = self.slots[slot].client.as_ref().map_or(0, |client| client.id);
        let dropped =
            |reason: Reason| after.dropped.0[reason as usize] - before.dropped.0[reason as usize];
        if let Cause::Logged(serial) = cause {
            let count = dropped(Reason::QueueFull) + dropped(Reason::InvalidName);
            assert!(count <= 1, "one event was logged and {count} dropped");
            if count == 1 {
                self.events[serial as usize].excuse = Some("dropped at the call");
            }
        }
        let sent = match cause {
            Cause::Exported(request) => Some(request),
            _ => None,
        };
        let delivered = after.delivered > before.delivered;
        let refused =
            [Reason::Rejected, Reason::Unauthorized, Reason::MaxAttempts, Reason::TooLarge];
        let count: u64 = refused.into_iter().map(dropped).sum();
        if count > 0 {
            let request = sent.expect("only an answer makes the pipeline drop a batch like this");
            let Request { body, rejected, .. } = &self.requests[request];
            let mut serials = body.serials();
            if *rejected > 0 {
                serials.truncate(*rejected);
            }
            assert_eq!(serials.len() as u64, count, "dropped is what the endpoint refused");
            self.excuse(&serials, "refused by the endpoint");
        }
        let out_of_store = dropped(Reason::StoreFull) + dropped(Reason::Expired);
        let corrupt = dropped(Reason::Corrupt);
        let removes = |command: &&Command| {
            matches!(command, Command::Store { op: StoreOp::Remove { .. }, .. })
        };
        let removed = commands.iter().filter(removes).count();
        assert!(out_of_store == 0 || removed > 0, "what is dropped out of the store is removed");
        for command in commands {
            let Command::Store { op, .. } = command else {
                continue;
            };
            match op {
                StoreOp::Remove { seen } if out_of_store > 0 => {
                    let sent = sent.filter(|_| delivered || count > 0);
                    let sent = sent.map(|request| self.requests[request].body.batch_id);
                    if sent.is_none_or(|batch| batch != self.batch_of(&seen.key)) {
                        self.excuse_commanded(&seen.key, "dropped out of the store");
                    }
                }
                StoreOp::Quarantine { key } if corrupt > 0 => {
                    self.excuse_commanded(key, "corrupt");
                }
                _ => {}
            }
        }
        if dropped(Reason::ConsentDenied) > 0 && self.options.hosts.len() == 1 {
            let own = self.events.iter_mut().filter(|event| event.client == id);
            for event in own.filter(|event| event.receipts.is_empty() && event.excuse.is_none()) {
                event.denied = true;
            }
        }
        if dropped(Reason::Killed) > 0 {
            // A wipe may come to nothing, and what the wiped client hears of them it ignores.
            let keys: Vec<String> = self.store.records.keys().cloned().collect();
            for key in keys {
                let serials = self.serials_of(&key);
                self.may_come_twice(&serials, "there was a wipe");
            }
        }
        if dropped(Reason::ConsentDenied) + dropped(Reason::Killed) + dropped(Reason::ShutDown) > 0
        {
            for event in &mut self.events {
                if event.client == id && event.receipts.is_empty() {
                    event.excuse_by("dropped from memory");
                }
            }
        }
    }

    /// A page's last requests: what has no copy counts as handed over.
    fn check_parting(
        &mut self,
        slot: usize,
        after: &Ledger,
        before: &Ledger,
        commands: &[Command],
    ) {
        let mut kept: Vec<u128> = Vec::new();
        for command in commands {
            let Command::Store { op, .. } = command else { continue };
            match op {
                StoreOp::Put { entry, .. } => kept.push(self.batch_of(&entry.key)),
                StoreOp::Mark { seen, .. } => kept.push(self.batch_of(&seen.key)),
                StoreOp::Remove { seen } => {
                    kept.retain(|batch| *batch != self.batch_of(&seen.key));
                }
                _ => {}
            }
        }
        let (mut sent, mut handed_over) = (0, 0);
        let Some(client) = &self.slots[slot].client else { return };
        let (store_open, excused) = (client.store_open, client.excused);
        let (exit, format) = (client.own.exit, client.own.format);
        for command in commands {
            let Command::Export(export) = command else {
                continue;
            };
            assert!(export.keepalive, "a page that goes away sends with keepalive only");
            sent += export.body.len();
            let body = super::body::read(export, format, false);
            if kept.contains(&body.batch_id) {
                assert_ne!(exit, ExitPolicy::Send, "`send` keeps no copy");
                continue;
            }
            let exposure = body.events.iter().any(|event| event.exposure);
            let must_keep = match exit {
                ExitPolicy::Keep => true,
                ExitPolicy::Send => false,
                ExitPolicy::Auto => exposure,
            };
            let batch = body.batch_id;
            assert!(!must_keep || !store_open || excused, "no copy was kept of {batch:032x}");
            handed_over += body.events.len() as u64;
            self.excuse(&body.serials(), HANDED_OVER);
        }
        assert!(sent <= 65_536, "{sent} bytes with keepalive");
        assert_eq!(after.handed_over - before.handed_over, handed_over);
    }

    pub fn excuse(&mut self, serials: &[u32], why: &'static str) {
        for serial in serials {
            self.events[*serial as usize].excuse_by(why);
        }
    }

    /// What was to be put under a key, done or not.
    fn excuse_commanded(&mut self, key: &str, why: &'static str) {
        let commanded = self.commanded.get(key);
        let serials = commanded.map_or_else(Vec::new, |(_, serials)| serials.clone());
        self.excuse(&serials, why);
    }

    pub fn excuse_stored(&mut self, key: &str, why: &'static str) {
        let serials = self.serials_of(key);
        self.excuse(&serials, why);
    }

    pub fn flushed(&mut self, slot: usize, id: u32, report: FlushReport) {
        let mono = self.mono;
        let late = self.options.clock.timer_late_millis;
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        let (asked_at, deadline) = client.flushes.remove(&id).expect("a flush is answered once");
        let frozen = client.thawed_at.is_some_and(|time| time >= asked_at);
        // Its timer, that of its grace, and one that a page about to go has set anew may ring late.
        assert!(frozen || mono <= deadline + 1_000 + 3 * late, "flush {id} took too long");
        if client.shut_down && client.flushes.is_empty() {
            client.stopped = true;
            // What was in flight could not be stored, and is not waited for.
            client.excused |= !client.store_open;
        }
        let ledger = client.pipeline.ledger();
        assert!(report.delivered <= ledger.delivered && report.dropped <= ledger.dropped.total());
        if client.stopped {
            self.abandon_requests(slot, false);
        }
    }

    pub fn is_left(&self) -> bool {
        self.left().next().is_some()
    }

    /// Batches in the store. What is remembered of an endpoint has the time 0 in its key.
    fn left(&self) -> impl Iterator<Item = &String> {
        self.store.records.keys().filter(|key| !key.starts_with("000000000000-"))
    }

    /// Everything that was accepted has arrived, or there is a reason that somebody counted.
    pub fn check_end(&self) {
        let mut drops = Drops::default();
        let (mut delivered, mut handed_over) = (0, 0);
        for past in &self.past {
            drops.merge(&past.dropped);
            delivered += past.delivered;
            handed_over += past.handed_over;
        }
        for slot in &self.slots {
            let Some(client) = &slot.client else { continue };
            let ledger = client.pipeline.ledger();
            // Who has stopped does not hear what others do with what it stored.
            let stored = if client.stopped { 0 } else { ledger.stored };
            let left = (ledger.queued, ledger.in_flight, stored);
            assert_eq!(left, (0, 0, 0), "client {} did not come to rest: {ledger:?}", client.id);
            assert!(client.flushes.is_empty(), "client {}: {:?}", client.id, client.flushes);
            drops.merge(&ledger.dropped);
            delivered += ledger.delivered;
            handed_over += ledger.handed_over;
        }
        let left: Vec<&String> = self.left().collect();
        assert!(left.is_empty(), "the store is not empty: {left:?}");
        for (serial, event) in self.events.iter().enumerate() {
            assert!(
                !event.accepted || !event.receipts.is_empty() || event.excuse.is_some(),
                "event {serial} of client {}, logged at {}, has vanished",
                event.client,
                event.mono
            );
        }
        let settled = self.requests.iter().all(|request| request.settled || !request.taken);
        let plain = settled && handed_over + drops.total() == 0;
        let exact = if plain { self.server.taken } else { 0 };
        assert!(
            (exact..=self.server.taken + self.server.unheard).contains(&delivered),
            "{delivered} are counted as delivered, {} were taken",
            self.server.taken
        );
    }

    /// Everybody logs once more, so that the last drops are told, and the server has heard of all.
    pub fn report_drops(&mut self) {
        for slot in 0..self.slots.len() {
            if self.slots[slot].client.as_ref().is_some_and(|client| !client.shut_down) {
                self.exposure(slot);
            }
        }
        let end = self.mono + 3_600_000;
        while self.step(end) {}
        let alive = self.slots.iter().filter_map(|slot| slot.client.as_ref());
        let mut drops = Drops::default();
        self.past.iter().for_each(|ledger| drops.merge(&ledger.dropped));
        alive.clone().for_each(|client| drops.merge(&client.pipeline.ledger().dropped));
        // Who can't know that a report arrived, tells it again.
        let certain =
            |request: &super::network::Request| request.settled || request.body.dropped.is_empty();
        if !self.requests.iter().all(certain) {
            return;
        }
        // These go with records that may hold reports of their own.
        let silent = [
            Reason::Expired,
            Reason::StoreFull,
            Reason::Corrupt,
            Reason::ConsentDenied,
            Reason::Killed,
            Reason::ShutDown,
        ];
        // What failed to be written, as far as its holder knows, may be there all the same, without
        // the report that a later state of the batch has. The server counts a batch once.
        let without_report = |request: &super::network::Request| {
            request.taken && request.body.dropped.is_empty() && {
                let (id, events) = (request.body.batch_id, request.body.events.len());
                let is_later = |other: &super::network::Request| {
                    other.body.batch_id == id && other.body.events.len() > events
                };
                self.requests.iter().any(is_later)
            }
        };
        let lost = self.options.store.loses + self.options.life.power_failure > 0
            || self.requests.iter().any(without_report)
            || silent.iter().any(|reason| drops.0[*reason as usize] > 0)
            || self.past.iter().any(|ledger| !ledger.dropped.is_empty() || ledger.handed_over > 0)
            || alive.into_iter().any(|client| {
                // Another holder may have delivered an earlier state of what was to tell them.
                client.shut_down || client.pipeline.ledger().handed_over > 0
            });
        for (index, name) in Drops::NAMES.iter().enumerate() {
            let told = self.server.dropped.get(*name).copied().unwrap_or(0);
            let counted = drops.0[index];
            let fits = if lost { told <= counted } else { told == counted };
            assert!(fits, "{told} drops were told, {counted} are counted: {name}");
        }
    }
}

/// What a client has in memory, and what it may have by its limits: bytes, and events.
fn memory(client: &Client) -> ((u64, u64), (u64, u64)) {
    let limits = &client.limits;
    let batch_bytes = limits.batch_bytes.min(limits.queue_bytes) + LARGEST_EVENT;
    let batch_events = limits.batch_events.min(limits.queue_events);
    let most_bytes = 2 * (limits.queue_bytes + batch_bytes) + LARGEST_EVENT;
    let most_events = 2 * (limits.queue_events + batch_events) + 1;
    let bytes = client.stat("queuedBytes").expect("a number");
    ((bytes, client.pipeline.ledger().queued), (most_bytes, most_events))
}

/// The batch's id and the events' numbers in a record that the pipeline wrote.
pub fn read_record(bytes: &[u8]) -> (u128, Vec<u32>) {
    let record = Record::checked(bytes).expect("what is put can be read");
    let mut items = record.items();
    let mut shapes: Vec<Vec<(FieldKind, &str)>> = Vec::new();
    let mut serials = Vec::new();
    while let Some(item) = items.read().expect("what is put can be read") {
        match item {
            Item::Shape(shape) => shapes.push(shape.keys),
            Item::Exposure { exposure, .. } => serials.push(exposure.variation_id),
            Item::Event(mut event) => {
                for (kind, key) in &shapes[event.shape] {
                    let value = event.value(*kind).expect("what is put can be read");
                    if let (&"n", Stored::Number(number)) = (key, value) {
                        serials.push(number as u32);
                    }
                }
            }
            _ => {}
        }
    }
    (u128::from_be_bytes(record.header.batch_id.to_bytes()), serials)
}
