//! What must hold after every step, and the reasons for which an event may never arrive.

use wasm_telemetry::core::io::{Command, Consent, FlushReport};
use wasm_telemetry::core::ledger::{Drops, Ledger, Reason};
use wasm_telemetry::core::pipeline::ExitPolicy;
use wasm_telemetry::core::record::{Item, Record, Stored};
use wasm_telemetry::core::shapes::FieldKind;
use wasm_telemetry::core::store::StoreOp;

use super::world::World;

/// What a step was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Logged(u32),
    Exported(usize),
    LeavingPage,
    Other,
}

/// No event of a host here is larger in memory.
const LARGEST_EVENT: u64 = 16_384;

pub const HANDED_OVER: &str = "handed over by a page";

impl World {
    pub fn check_step(&mut self, slot: usize, before: &Ledger, commands: &[Command], cause: Cause) {
        let now = self.now();
        let Some(client) = &self.slots[slot].client else {
            return;
        };
        let (id, consent, may_send) = (client.id, client.consent, client.may_send(now));
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
                    self.contents.insert(entry.key.clone(), (batch, serials));
                }
                _ => {}
            }
        }
        self.steps += 1;
        if self.steps.is_multiple_of(16) {
            self.check_memory(slot);
        }
        self.excuse_drops(slot, before, &after, commands, cause);
        if cause == Cause::LeavingPage {
            self.check_parting(slot, &after, before, commands);
        }
    }

    /// The queue keeps to its bounds, and as much again may be on its way into the store.
    fn check_memory(&self, slot: usize) {
        let life = &self.options.life;
        if life.configure + life.hostile_configure > 0 {
            // A smaller bound leaves what is queued where it is.
            return;
        }
        if life.leave_page + life.leave_process + life.shutdown > 0 {
            // Who goes away gives all of it to the store at once, and may stay after all.
            return;
        }
        let Some(client) = &self.slots[slot].client else { return };
        let stats = super::life::stats_of(client);
        let batch = &stats["config"]["batch"];
        let number = |value: &serde_json::Value| value.as_u64().expect("a number");
        let bytes = number(&stats["sizes"]["queuedBytes"]);
        let most = number(&batch["maxQueueBytes"]);
        let batch_bytes = number(&batch["maxExportBatchBytes"]).min(most) + LARGEST_EVENT;
        assert!(bytes <= 2 * (most + batch_bytes) + LARGEST_EVENT, "{bytes} bytes of {most}");
        let events = client.pipeline.ledger().queued;
        let most = number(&batch["maxQueueSize"]);
        let batch_size = number(&batch["maxExportBatchSize"]).min(most);
        assert!(events <= 2 * (most + batch_size) + 1, "{events} events of {most}");
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
            let serials = self.requests[request].serials.clone();
            assert_eq!(serials.len() as u64, count, "a refused batch is dropped as a whole");
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
                StoreOp::Remove { key } if out_of_store > 0 => {
                    let sent = sent.filter(|_| delivered || count > 0);
                    let sent = sent.map(|request| &self.requests[request].body.batch_id);
                    if sent.is_none_or(|batch| batch != self.batch_of(key)) {
                        self.excuse_stored(&key.clone(), "dropped out of the store");
                    }
                }
                StoreOp::Quarantine { key } if corrupt > 0 => {
                    self.excuse_stored(&key.clone(), "corrupt");
                }
                _ => {}
            }
        }
        if dropped(Reason::ConsentDenied) > 0 && self.options.clients == 1 {
            let own = self.events.iter_mut().filter(|event| event.client == id);
            for event in own.filter(|event| event.receipts.is_empty() && event.excuse.is_none()) {
                event.denied = true;
            }
        }
        if dropped(Reason::ConsentDenied) + dropped(Reason::Killed) + dropped(Reason::ShutDown) > 0
        {
            for event in &mut self.events {
                if event.client == id && event.receipts.is_empty() {
                    event.excuse.get_or_insert("dropped from memory");
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
        let mut kept: Vec<String> = Vec::new();
        for command in commands {
            let Command::Store { op, .. } = command else { continue };
            match op {
                StoreOp::Put { entry, .. } => kept.push(self.batch_of(&entry.key).into()),
                StoreOp::Mark { seen, .. } => kept.push(self.batch_of(&seen.key).into()),
                StoreOp::Remove { key } => kept.retain(|batch| *batch != self.batch_of(key)),
                _ => {}
            }
        }
        let (mut sent, mut handed_over) = (0, 0);
        let store_open = self.slots[slot].client.as_ref().is_some_and(|client| client.store_open);
        for command in commands {
            let Command::Export(export) = command else {
                continue;
            };
            assert!(export.keepalive, "a page that goes away sends with keepalive only");
            sent += export.body.len();
            let body = super::wire::read(&export.body);
            if kept.contains(&body.batch_id) {
                assert_ne!(self.options.exit, ExitPolicy::Send, "`send` keeps no copy");
                continue;
            }
            let exposure = body.events.iter().any(|event| event.get("event_type").is_some());
            let must_keep = match self.options.exit {
                ExitPolicy::Keep => true,
                ExitPolicy::Send => false,
                ExitPolicy::Auto => exposure,
            };
            let excused = self.slots[slot].client.as_ref().is_some_and(|client| client.excused);
            assert!(
                !must_keep || !store_open || excused || self.options.store.is_faulty(),
                "no copy was kept of {}",
                body.batch_id
            );
            handed_over += body.events.len() as u64;
            let serials: Vec<u32> = body.events.iter().map(super::server::serial_of).collect();
            self.excuse(&serials, HANDED_OVER);
        }
        assert!(sent <= 65_536, "{sent} bytes with keepalive");
        if !self.options.store.is_faulty() {
            assert_eq!(after.handed_over - before.handed_over, handed_over);
        }
    }

    pub fn excuse(&mut self, serials: &[u32], why: &'static str) {
        for serial in serials {
            self.events[*serial as usize].excuse.get_or_insert(why);
        }
    }

    pub fn excuse_stored(&mut self, key: &str, why: &'static str) {
        if let Some((_, serials)) = self.contents.get(key).cloned() {
            self.excuse(&serials, why);
        }
    }

    pub fn flushed(&mut self, slot: usize, id: u32, report: FlushReport) {
        let mono = self.mono;
        let late = self.options.timer_late_millis;
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        let deadline = client.flushes.remove(&id).expect("a flush is answered once");
        assert!(mono <= deadline + 1_000 + 2 * late, "flush {id} took too long");
        if client.shut_down && client.flushes.is_empty() {
            client.stopped = true;
        }
        let ledger = client.pipeline.ledger();
        assert!(report.delivered <= ledger.delivered && report.dropped <= ledger.dropped.total());
        if client.stopped {
            // Nobody waits for the answers any more.
            self.doubt_requests(slot);
        }
    }

    /// Everything that was accepted has arrived, or there is a reason that somebody counted.
    pub fn check_end(&self) {
        let mut drops = Drops::default();
        let (mut delivered, mut handed_over) = (0, 0);
        for past in &self.past {
            drops.merge(&past.ledger.dropped);
            delivered += past.ledger.delivered;
            handed_over += past.ledger.handed_over;
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
        let left: Vec<&String> = self.store.records.keys().collect();
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
            (exact..=self.server.taken).contains(&delivered),
            "{delivered} are counted as delivered, {} were taken",
            self.server.taken
        );
        // Who can't know that a report arrived, tells it again.
        let certain =
            |request: &super::network::Request| request.settled || request.body.dropped.is_empty();
        if self.requests.iter().all(certain) {
            for (index, name) in Drops::NAMES.iter().enumerate() {
                let told = self.server.dropped.get(*name).copied().unwrap_or(0);
                assert!(
                    told <= drops.0[index],
                    "{told} drops were told, {} are: {name}",
                    drops.0[index]
                );
            }
        }
    }
}

/// The batch's id and the events' numbers in a record that the pipeline wrote.
pub fn read_record(bytes: &[u8]) -> (String, Vec<u32>) {
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
    (record.header.batch_id.hyphenated().to_string(), serials)
}
