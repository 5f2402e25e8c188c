//! Virtual time: the next thing that happens, whatever client it happens to.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use wasm_telemetry::core::io::{Content, Input, Outcome};
use wasm_telemetry::core::random::Rng;
use wasm_telemetry::core::time::{Millis, Now, UnixMillis};

use super::client::{Client, Request};
use super::endpoint::{Endpoint, Reply};
use super::figures::{Load, Part, Second};
use super::scenario::{Plan, Scenario};

/// 2026-01-02T00:00:00Z
const MIDNIGHT: u64 = 1_767_312_000_000;
/// Clients begin within so many milliseconds.
const ARRIVALS: f64 = 60_000.0;
/// Milliseconds until an answer.
const LATENCY: (f64, f64) = (40.0, 60.0);

/// When, to which client, and what. As one number it is ordered and small.
struct Happening {
    time: u64,
    client: usize,
    what: u64,
}

const LOG: u64 = 0;
const WAKE: u64 = 1;
const ANSWER: u64 = 2;

impl Happening {
    fn pack(self) -> Reverse<u64> {
        Reverse(self.time << 24 | (self.client as u64) << 2 | self.what)
    }

    fn unpack(Reverse(word): Reverse<u64>) -> Self {
        let client = (word >> 2 & ((1 << 22) - 1)) as usize;
        Self { time: word >> 24, client, what: word & 3 }
    }
}

pub struct World {
    plan: Plan,
    /// How many times the steady load the endpoint can take once it is back.
    capacity: Option<f64>,
    rng: Rng,
    time: u64,
    agenda: BinaryHeap<Reverse<u64>>,
    clients: Vec<Client>,
    endpoint: Endpoint,
    requests: Vec<Request>,
    part: Part,
}

impl World {
    pub fn new(plan: &Plan, scenario: &Scenario, clients: Range<usize>) -> Self {
        assert!(clients.len() < 1 << 22, "too many clients");
        let mut rng = Rng::new(clients.start as u64);
        let mut clients: Vec<_> = clients.map(|_| Client::new(at(0), &mut rng)).collect();
        let mut agenda = BinaryHeap::new();
        for (client, it) in clients.iter_mut().enumerate() {
            it.give(at(0), Input::StoreReady, &mut Vec::new());
            let time = (rng.unit() * ARRIVALS) as u64;
            agenda.push(Happening { time, client, what: LOG }.pack());
        }
        let seconds = vec![Second::default(); plan.end() as usize];
        Self {
            plan: plan.clone(),
            capacity: scenario.capacity,
            rng,
            time: 0,
            agenda,
            endpoint: Endpoint::new(scenario, clients.len(), plan.recovery()),
            clients,
            requests: Vec::new(),
            part: Part { seconds, ..Part::default() },
        }
    }

    pub fn run_until(&mut self, end: u64) {
        while let Some(next) = self.agenda.peek() {
            if next.0 >> 24 >= end {
                break;
            }
            if let Some(next) = self.agenda.pop() {
                self.happen(Happening::unpack(next));
            }
        }
        self.time = end;
    }

    fn happen(&mut self, Happening { time, client: index, what }: Happening) {
        self.time = time;
        let now = at(time);
        let client = &mut self.clients[index];
        match what {
            LOG => {
                let next = time + client.gap(&mut self.rng);
                client.log(now, &mut self.requests);
                self.agenda.push(Happening { time: next, client: index, what: LOG }.pack());
            }
            WAKE if client.timer == Some(time) => {
                client.timer = None;
                client.give(now, Input::Wake, &mut self.requests);
            }
            ANSWER if client.flight.as_ref().is_some_and(|(_, _, due)| *due == time) => {
                if let Some((id, reply, _)) = client.flight.take() {
                    let outcome = match &reply {
                        Reply::Status { status, retry_after } => Outcome::Response {
                            status: *status,
                            retry_after: retry_after.as_deref(),
                            authorized: false,
                            content: Content::default(),
                        },
                        Reply::Refused | Reply::Silence => Outcome::NetworkError,
                    };
                    client.give(now, Input::Exported { id, outcome }, &mut self.requests);
                }
            }
            // The timer was set anew, or the request was given up.
            _ => return,
        }
        self.carry_out(index);
        self.arm(index);
        if what != LOG {
            self.count(index);
        }
    }

    fn carry_out(&mut self, index: usize) {
        let client = &mut self.clients[index];
        for request in self.requests.drain(..) {
            match request {
                Request::Start(export) => {
                    let second = &mut self.part.seconds[(self.time / 1_000) as usize];
                    let reply = self.endpoint.receive(self.time, index, &export.body, second);
                    let latency = LATENCY.0 + self.rng.unit() * (LATENCY.1 - LATENCY.0);
                    let due = self.time + latency as u64;
                    if !matches!(reply, Reply::Silence) {
                        let answer = Happening { time: due, client: index, what: ANSWER };
                        self.agenda.push(answer.pack());
                    }
                    assert!(client.flight.is_none(), "two requests at a time");
                    client.flight = Some((export.id, reply, due));
                }
                Request::GiveUp(id) => {
                    client.flight.take_if(|(under_way, ..)| *under_way == id);
                }
            }
        }
    }

    fn arm(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let wake = client.pipeline.wake_at().map(|time| time.0.max(self.time));
        if wake != client.timer {
            client.timer = wake;
            if let Some(time) = wake {
                self.agenda.push(Happening { time, client: index, what: WAKE }.pack());
            }
        }
    }

    fn count(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let stored = client.pipeline.ledger().stored;
        let second = &mut self.part.seconds[(self.time / 1_000) as usize];
        second.stored += stored as i64 - client.stored as i64;
        client.stored = stored;
    }

    pub fn fail(&mut self) {
        self.endpoint.down = true;
    }

    pub fn recover(&mut self) {
        self.endpoint.down = false;
        if let Some(times) = self.capacity {
            let steady = Load::steady(&self.plan, &self.part.seconds);
            self.endpoint.limit(self.time, times * steady.requests);
        }
        self.part.batches = self.clients.iter_mut().map(Client::stored_batches).sum();
    }

    pub fn end(mut self) -> Part {
        self.part.delivered = self.endpoint.taken_events;
        self.part.doubled = self.endpoint.doubled;
        for client in &self.clients {
            let ledger = client.pipeline.ledger();
            assert!(ledger.balances(), "{ledger:?}");
            assert_eq!(ledger.accepted, client.logged, "{ledger:?}");
            self.part.logged += client.logged;
            self.part.held += ledger.queued + ledger.in_flight + ledger.stored;
            // Taken by the endpoint, while the answer is still on its way.
            if let Some((_, Reply::Status { status: 200, .. }, _)) = client.flight {
                self.part.held -= ledger.in_flight;
            }
            self.part.dropped.merge(&ledger.dropped);
        }
        self.part
    }
}

fn at(time: u64) -> Now {
    Now { mono: Millis(time), wall: UnixMillis(MIDNIGHT + time) }
}
