//! The endpoint: it remembers whatever it took, and compares it with what was logged.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::wire::{self, Body};

/// What became of one logged event.
#[derive(Debug)]
pub struct Logged {
    pub client: u32,
    pub mono: u64,
    pub accepted: bool,
    pub exposure: bool,
    pub at: u64,
    /// The event on the wire, without its id and time.
    pub expected: Value,
    /// The requests that brought it.
    pub receipts: Vec<usize>,
    /// Two records hold it, for its holder died.
    pub stored_twice: bool,
    /// Its client dropped it for want of consent, and is the only one that may have it.
    pub denied: bool,
    /// Why it may never arrive.
    pub excuse: Option<&'static str>,
}

#[derive(Debug, Default)]
pub struct Server {
    event_ids: HashMap<String, u32>,
    ids_of: HashMap<u32, String>,
    pub batch_of: HashMap<u32, String>,
    numbers: HashMap<(String, u64), String>,
    reported: HashSet<String>,
    /// Drops that the batches told of, each batch once.
    pub dropped: HashMap<String, u64>,
    pub taken: u64,
}

impl Server {
    /// Takes a batch: every event must be one that was logged, as it was logged.
    pub fn take(&mut self, body: &Body, serials: &[u32], events: &[Logged], splits: bool) {
        let number = (body.client_id.clone(), body.seq);
        let batch = self.numbers.entry(number).or_insert_with(|| body.batch_id.clone());
        assert_eq!(*batch, body.batch_id, "two batches of one client have the number {}", body.seq);
        if self.reported.insert(body.batch_id.clone()) {
            for (reason, count) in &body.dropped {
                *self.dropped.entry(reason.clone()).or_default() += count.as_u64().unwrap_or(0);
            }
        }
        for (serial, event) in serials.iter().zip(&body.events) {
            self.taken += 1;
            compare(event, &events[*serial as usize], *serial);
            let id = event["event_id"].as_str().expect("checked before").to_string();
            let known = self.ids_of.entry(*serial).or_insert_with(|| id.clone());
            assert_eq!(*known, id, "event {serial} came with another id");
            let owner = *self.event_ids.entry(id).or_insert(*serial);
            assert_eq!(owner, *serial, "two events have one id");
            let batch = self.batch_of.entry(*serial).or_insert_with(|| body.batch_id.clone());
            assert!(splits || *batch == body.batch_id, "event {serial} changed its batch");
        }
    }
}

fn compare(event: &Value, logged: &Logged, serial: u32) {
    assert!(logged.accepted, "event {serial} was not accepted, but came: {event}");
    assert_eq!(wire::time(&event["timestamp"]), logged.at, "event {serial}: {event}");
    let mut event = event.clone();
    let members = event.as_object_mut().expect("checked before");
    members.remove("event_id");
    members.remove("timestamp");
    assert!(
        wire::same(&event, &logged.expected),
        "event {serial} was changed:\n{event}\nlogged as\n{}",
        logged.expected
    );
}

/// The number that the simulator gave an event, out of what is on the wire.
pub fn serial_of(event: &Value) -> u32 {
    let number = event.get("variation_id").or_else(|| event["event_metadata"].get("n"));
    number.and_then(Value::as_f64).expect("every event has its number") as u32
}
