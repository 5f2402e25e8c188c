//! The endpoint: it remembers whatever it took, and compares it with what was logged.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::body::{Body, Came};
use super::checks::HANDED_OVER;
use super::wire;

/// What became of one logged event.
#[derive(Debug)]
pub struct Logged {
    pub client: u32,
    pub mono: u64,
    pub accepted: bool,
    pub exposure: bool,
    pub at: u64,
    /// The event on the wire, without its id and time, where the run is thorough.
    pub expected: Option<Value>,
    /// As it came first.
    pub id: Option<u128>,
    pub batch: Option<u128>,
    /// The requests that brought it.
    pub receipts: Vec<usize>,
    /// Why it may have come twice although its sender heard of a success.
    pub repeatable: Option<&'static str>,
    /// Its client dropped it for want of consent, and is the only one that may have it.
    pub denied: bool,
    /// Why it may never arrive.
    pub excuse: Option<&'static str>,
}

impl Logged {
    /// It may never arrive. That a page handed it over may yet turn out wrong, all else stays.
    pub fn excuse_by(&mut self, why: &'static str) {
        self.excuse = self.excuse.filter(|known| *known != HANDED_OVER).or(Some(why));
    }
}

#[derive(Debug, Default)]
pub struct Server {
    event_ids: HashMap<u128, u32>,
    numbers: HashMap<(u128, u64), u128>,
    reported: HashSet<u128>,
    /// Drops that the batches told of, each batch once.
    pub dropped: HashMap<String, u64>,
    pub taken: u64,
    /// Rejected events whose clients may not have heard of that.
    pub unheard: u64,
}

impl Server {
    /// Takes a batch but for its first `rejected` events: every event must be one that was logged, as it was logged.
    pub fn take(&mut self, body: &Body, rejected: usize, events: &mut [Logged], splits: bool) {
        let number = (body.client_id, body.seq);
        let batch = *self.numbers.entry(number).or_insert(body.batch_id);
        assert_eq!(batch, body.batch_id, "two batches of one client have the number {}", body.seq);
        if self.reported.insert(body.batch_id) {
            for (reason, count) in &body.dropped {
                *self.dropped.entry(reason.clone()).or_default() += count;
            }
        }
        for event in &body.events[rejected..] {
            let serial = event.serial;
            self.taken += 1;
            let logged = &mut events[serial as usize];
            compare(event, logged);
            let known = *logged.id.get_or_insert(event.id);
            assert_eq!(known, event.id, "event {serial} came with another id");
            let owner = *self.event_ids.entry(event.id).or_insert(serial);
            assert_eq!(owner, serial, "two events have one id");
            let batch = *logged.batch.get_or_insert(body.batch_id);
            assert!(splits || batch == body.batch_id, "event {serial} changed its batch");
        }
    }
}

fn compare(event: &Came, logged: &Logged) {
    let serial = event.serial;
    assert!(logged.accepted, "event {serial} was not accepted, but came");
    assert_eq!(event.exposure, logged.exposure, "event {serial}");
    let (Some(mut event), Some(expected)) = (event.whole.clone(), &logged.expected) else { return };
    let at = wire::time(&event["timestamp"]);
    // OTLP has no later time.
    let latest = u64::MAX / 1_000_000;
    assert!(at == logged.at || at == logged.at.min(latest), "event {serial}: {event}");
    let members = event.as_object_mut().expect("checked before");
    members.remove("event_id");
    members.remove("timestamp");
    assert!(
        wire::same(&event, expected),
        "event {serial} was changed:\n{event}\nlogged as\n{expected}"
    );
}
