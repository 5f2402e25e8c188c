//! Requests on their way, and the answers that come back or don't.

use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::io::{Command, Export, ExportId, Input, Outcome};
use wasm_telemetry::core::retry::{Verdict, classify};
use wasm_telemetry::core::store::{Entry, StoreOp};

use super::body::{self, Body};
use super::checks::{Cause, HANDED_OVER};
use super::options::Authorization;
use super::partial::Said;
use super::world::{Answer, Happening, World};

#[derive(Debug)]
pub struct Request {
    pub client: u32,
    pub slot: usize,
    pub id: ExportId,
    pub launched: u64,
    /// When its client is to give it up.
    pub deadline: u64,
    pub body: Body,
    size: usize,
    authorized: bool,
    pub format: Format,
    /// Its client knows of its success, though not of what the endpoint rejected.
    accepted: bool,
    /// So many of its events, the first ones, the endpoint rejected although it took the batch.
    pub rejected: usize,
    /// Under way when the page or the process went away.
    pub parted: bool,
    /// The endpoint has its events.
    pub taken: bool,
    answered: bool,
    /// What its client learned of it, and when.
    pub ending: Option<(u64, Ending)>,
    /// It succeeded, and its record, if there was one, is gone from the store.
    pub settled: bool,
    fate: Fate,
}

/// What a client knows of a request that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Success,
    /// An answer that asks for another try.
    Refused,
    /// No answer: the network, or `auth`, failed.
    Unreached,
    /// An answer after which something else follows.
    Other,
    Cancelled,
    /// The client is gone, or has stopped.
    Abandoned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    /// Reset or hung up after the server took it.
    Reset,
    Silent,
    /// The connection is gone before it arrives.
    Aborted,
}

impl Request {
    pub fn succeeded(&self) -> bool {
        self.ending.is_some_and(|(_, ending)| ending == Ending::Success)
    }

    fn cancelled(&self) -> bool {
        self.ending.is_some_and(|(_, ending)| ending == Ending::Cancelled)
    }
}

impl World {
    pub fn launch(&mut self, slot: usize, export: Export) {
        let mono = self.mono;
        let Some(client) = &mut self.slots[slot].client else { return };
        let format = client.own.format;
        let body = body::read(&export, format, self.options.thorough);
        assert!(export.url.starts_with("https://t.example.com"), "sent to {}", export.url);
        assert!(client.online, "nothing is tried while the machine is offline");
        let hold = client.health.hold_until;
        assert!(export.keepalive || mono >= hold, "a request before the pause is over, at {hold}");
        assert!(body.attempt <= self.most_attempts, "attempt {}", body.attempt);
        let request = self.requests.len();
        client.exports.insert(export.id.0, request);
        let deadline = mono + client.limits.timeout;
        let client = client.id;
        for event in &body.events {
            let serial = event.serial;
            let event = &self.events[serial as usize];
            let recalled = event.denied && event.client == client;
            assert!(!recalled, "event {serial} is sent although consent was denied");
        }
        self.check_attempt(client, &body);
        self.check_denial(slot, export.keepalive);
        self.requests_of.entry(body.batch_id).or_default().push(request);
        self.say(|| {
            let (batch, serials) = (body.batch_id, body.serials());
            format!(
                "   request {request}: batch {batch:032x}, attempt {}, {serials:?}",
                body.attempt
            )
        });
        let faulty = self.faults;
        let network = self.options.network.clone();
        let mut odds = |percent: u64| faulty && self.dice.percent(percent);
        let auth_fails = export.authorize && odds(network.auth_fails);
        let refused = odds(network.refused);
        let black_hole = odds(network.black_hole);
        let fate = match odds(network.response_lost) {
            true => self.dice.pick(&[Fate::Reset, Fate::Silent]),
            false => Fate::Answered,
        };
        self.requests.push(Request {
            client,
            slot,
            id: export.id,
            launched: mono,
            deadline,
            size: export.body.len(),
            body,
            authorized: export.authorize,
            format,
            accepted: false,
            rejected: 0,
            parted: export.keepalive,
            taken: false,
            answered: false,
            ending: None,
            settled: false,
            fate,
        });
        let there = mono + self.delay();
        if auth_fails {
            self.at(there, Happening::Answers { request, answer: Answer::AuthFailed });
        } else if refused {
            self.at(there, Happening::Answers { request, answer: Answer::NetworkError });
        } else if !black_hole {
            self.at(there, Happening::Arrives { request });
        }
    }

    /// The next try of a batch counts the one before, if that was answered.
    fn check_attempt(&self, client: u32, body: &Body) {
        let Some(last) = self.requests_of.get(&body.batch_id).and_then(|all| all.last()) else {
            return;
        };
        let last = &self.requests[*last];
        let trouble = |event: &body::Came| self.events[event.serial as usize].repeatable.is_some();
        if last.client != client || last.parted || body.events.iter().any(trouble) {
            return;
        }
        let before = last.body.attempt;
        match last.ending {
            Some((_, Ending::Refused)) => assert_eq!(body.attempt, before + 1, "it was answered"),
            Some((_, Ending::Unreached)) => assert_eq!(body.attempt, before, "it was not answered"),
            _ => {}
        }
    }

    fn delay(&mut self) -> u64 {
        // The shortest time-out that can be set is ten milliseconds, both ways.
        let most = if self.faults { self.options.network.slow_millis } else { 3 };
        self.dice.within(1, most)
    }

    pub fn arrive(&mut self, index: usize) {
        if self.requests[index].fate == Fate::Aborted {
            return;
        }
        let (status, retry_after, takes) = self.judge(index);
        self.say(|| format!("   server: {status} to {index}, takes {takes}"));
        self.splits |= status == 413;
        let Request { format, .. } = self.requests[index];
        let otlp = format.is_otlp() && (200..300).contains(&status);
        let mut said = Said::default();
        if takes {
            self.requests[index].taken = true;
            self.check_duplicates(index);
            if otlp && self.faults && self.dice.percent(self.options.server.partial) {
                let events = self.requests[index].body.events.len();
                said = Said::draw(&mut self.dice, format, events);
            }
            self.requests[index].rejected = said.rejected;
            let body = &self.requests[index].body;
            self.server.take(body, said.rejected, &mut self.events, self.splits);
            for event in &body.events[said.rejected..] {
                self.events[event.serial as usize].receipts.push(index);
            }
        }
        let answer = match self.requests[index].fate {
            Fate::Silent | Fate::Aborted => return,
            Fate::Reset => Answer::NetworkError,
            Fate::Answered => Answer::Response { status, retry_after, said },
        };
        let mut time = self.mono + self.delay();
        if otlp && self.faults && self.dice.percent(self.options.server.dawdles) {
            self.at(time, Happening::Answers { request: index, answer: Answer::Accepted });
            if self.dice.percent(30) {
                return;
            }
            time += self.delay();
        }
        self.at(time, Happening::Answers { request: index, answer });
    }

    /// The status, the `Retry-After`, and whether the events are taken.
    fn judge(&mut self, request: usize) -> (u16, Option<String>, bool) {
        if !self.faults {
            return (200, None, true);
        }
        let Request { size, authorized, .. } = self.requests[request];
        let answers = self.options.server.clone();
        match answers.authorization {
            Authorization::Required if !authorized => return (401, None, false),
            Authorization::Refused if authorized => return (403, None, false),
            Authorization::Expires if authorized && self.dice.percent(40) => {
                return (401, None, false);
            }
            _ => {}
        }
        if size > answers.max_body {
            return (413, None, false);
        }
        if !self.dice.percent(answers.trouble) {
            return (200, None, true);
        }
        let status = self.dice.pick(&answers.statuses);
        let retry_after = if answers.retry_after && self.dice.percent(60) {
            let lies = [
                "0",
                "1",
                "30",
                "99999999",
                "99999999999999999999999999",
                "-5",
                "1.5",
                "soon",
                "",
                "Sun, 06 Nov 1994 08:49:37 GMT",
                "Fri, 02 Jan 2026 03:10:00 GMT",
                "Fri, 31 Dec 9999 23:59:59 GMT",
            ];
            Some(String::from(self.dice.pick(&lies)))
        } else {
            None
        };
        let takes = (200..300).contains(&status) || self.dice.percent(answers.lies);
        (status, retry_after, takes)
    }

    pub fn answer(&mut self, index: usize, answer: Answer) {
        let mono = self.mono;
        let request = &mut self.requests[index];
        let (slot, client, id, format) = (request.slot, request.client, request.id, request.format);
        let (authorized, parted, cancelled) =
            (request.authorized, request.parted, request.cancelled());
        if matches!(answer, Answer::Accepted) {
            return self.accept(index);
        }
        if core::mem::replace(&mut request.answered, true) || self.client(slot, client).is_none() {
            return;
        }
        if cancelled && self.dice.percent(70) {
            return;
        }
        let outcome = match &answer {
            Answer::NetworkError => Outcome::NetworkError,
            Answer::AuthFailed => Outcome::AuthFailed,
            Answer::Accepted => Outcome::Accepted,
            Answer::Response { status, retry_after, said } => Outcome::Response {
                status: *status,
                retry_after: retry_after.as_deref(),
                authorized,
                content: said.content(),
            },
        };
        let heard = self.requests[index].ending.is_none();
        if heard {
            let ending = match outcome {
                Outcome::Response { status, .. } => match classify(status, format) {
                    Verdict::Delivered => Ending::Success,
                    Verdict::Retry => Ending::Refused,
                    _ => Ending::Other,
                },
                _ => Ending::Unreached,
            };
            self.requests[index].ending = Some((mono, ending));
            self.client(slot, client).map(|client| client.exports.remove(&id.0));
        }
        if parted && !cancelled {
            // The page stayed: there is a witness after all.
            for serial in self.requests[index].body.serials() {
                let excuse = &mut self.events[serial as usize].excuse;
                excuse.take_if(|why| *why == HANDED_OVER);
            }
            self.forget_health(slot);
        }
        self.give(slot, Input::Exported { id, outcome }, Cause::Exported(index));
        if heard && !parted && self.client(slot, client).is_some_and(|client| !client.shut_down) {
            self.check_health(slot, outcome);
        }
        if heard && !self.requests[index].succeeded() {
            // Its events are its client's again, whatever the queue holds meanwhile.
            self.allow_surplus(slot);
        }
        let batch = self.requests[index].body.batch_id;
        let pending = self.client(slot, client).is_some_and(|client| !client.operations.is_empty())
            && self.removal_pending(slot, batch);
        let request = &mut self.requests[index];
        request.settled |= request.succeeded() && !pending;
    }

    /// A client hears of a success before it hears of what was rejected, which it may never do.
    fn accept(&mut self, index: usize) {
        let Request { slot, client, id, rejected, ending, .. } = self.requests[index];
        if self.client(slot, client).is_none() {
            return;
        }
        if ending.is_none() {
            self.requests[index].accepted = true;
            let serials = self.requests[index].body.serials();
            self.excuse(&serials[..rejected], "rejected, and its client may not have heard of it");
            self.server.unheard += rejected as u64;
        }
        self.give(slot, Input::Exported { id, outcome: Outcome::Accepted }, Cause::Other);
    }

    fn removal_pending(&self, slot: usize, batch: u128) -> bool {
        self.slots[slot].client.as_ref().is_some_and(|client| {
            client.operations.iter().any(|operation| match &operation.op {
                StoreOp::Remove { seen } => self.batch_of(&seen.key) == batch,
                // What was denied or killed is removed with all the rest.
                StoreOp::Clear => true,
                _ => false,
            })
        })
    }

    pub fn cancel(&mut self, slot: usize, id: ExportId) {
        let mono = self.mono;
        let Some(client) = &mut self.slots[slot].client else { return };
        // A time-out is a failure, a withdrawn consent is none.
        client.health = super::health::Health::default();
        client.exports.remove(&id.0);
        let client = client.id;
        let mut requests = self.requests.iter_mut().rev();
        if let Some(request) = requests.find(|request| request.client == client && request.id == id)
        {
            let ending = if request.accepted { Ending::Success } else { Ending::Cancelled };
            // Who has stopped waits for its page's last requests no longer than others do.
            request.ending.take_if(|(_, ending)| *ending == Ending::Abandoned);
            request.ending.get_or_insert((mono, ending));
        }
        self.allow_surplus(slot);
    }

    /// A command that a client did not live to carry out.
    pub fn never_obeyed(&mut self, slot: usize, command: &Command) {
        if let Command::Store { op, .. } = command {
            self.never_done(slot, op);
        }
    }

    /// An operation that died with its client.
    pub fn never_done(&mut self, slot: usize, op: &StoreOp) {
        match op {
            StoreOp::Remove { seen: Entry { key, .. } } => {
                self.distrust(slot, op, "its holder died before it removed it");
                let written = self.commanded.get(key).map(|(_, serials)| serials.clone());
                self.may_come_twice(&written.unwrap_or_default(), "its holder died over it");
            }
            StoreOp::Clear => {
                let keys: Vec<String> = self.store.records.keys().cloned().collect();
                for key in keys {
                    let serials = self.serials_of(&key);
                    self.may_come_twice(&serials, "who wiped it died over it");
                }
            }
            _ => {}
        }
    }

    /// From now on, nobody may be there to see the answers.
    pub fn part_requests(&mut self, slot: usize) {
        let Some(client) = &self.slots[slot].client else { return };
        for request in client.exports.values() {
            let request = &mut self.requests[*request];
            request.parted |= request.ending.is_none();
        }
    }

    /// Nobody waits for the answers any more; a killed program's requests may not even arrive.
    pub fn abandon_requests(&mut self, slot: usize, aborted: bool) {
        let mono = self.mono;
        let Some(client) = &mut self.slots[slot].client else { return };
        for request in core::mem::take(&mut client.exports).into_values() {
            let request = &mut self.requests[request];
            request.ending.get_or_insert((mono, Ending::Abandoned));
            if aborted && !request.taken && !request.parted {
                request.fate = Fate::Aborted;
            }
        }
    }

    /// The machine slept or the page was put aside: what was on its way has no connection any more.
    pub fn reset_requests(&mut self, slot: usize) {
        let Some(client) = &self.slots[slot].client else { return };
        let open: Vec<usize> = client.exports.values().copied().collect();
        for index in open {
            let request = &mut self.requests[index];
            if request.answered || request.ending.is_some() {
                continue;
            }
            if !request.taken {
                request.fate = Fate::Aborted;
            }
            let answer = if request.accepted {
                Answer::Response { status: 200, retry_after: None, said: Said::default() }
            } else {
                Answer::NetworkError
            };
            self.at(self.mono + 1, Happening::Answers { request: index, answer });
        }
    }
}
