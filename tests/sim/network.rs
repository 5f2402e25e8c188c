//! Requests on their way, and the answers that come back or don't.

use wasm_telemetry::core::io::{Export, ExportId, Input, Outcome};

use super::checks::{Cause, HANDED_OVER};
use super::options::Authorization;
use super::server::serial_of;
use super::wire::{self, Body};
use super::world::{Answer, Happening, World};

#[derive(Debug)]
pub struct Request {
    pub client: u32,
    pub slot: usize,
    pub id: ExportId,
    pub body: Body,
    pub size: usize,
    pub serials: Vec<u32>,
    pub authorized: bool,
    /// Under way when the page or the process went away.
    pub parted: bool,
    pub cancelled: bool,
    /// The endpoint has its events.
    pub taken: bool,
    pub answered: bool,
    /// A success that its client heard of.
    pub succeeded: bool,
    /// And its record, if there was one, is gone from the store.
    pub settled: bool,
    /// Its client can't know whether it arrived: what it brought may come again.
    pub doubtful: bool,
    /// Percentage to lose the response.
    loses_response: bool,
}

impl World {
    pub fn launch(&mut self, slot: usize, export: Export) {
        let body = wire::read(&export.body);
        let serials: Vec<u32> = body.events.iter().map(serial_of).collect();
        let mono = self.mono;
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        assert!(export.url.starts_with("https://t.example.com"), "sent to {}", export.url);
        assert!(client.online, "nothing is tried while the machine is offline");
        let request = self.requests.len();
        client.exports.insert(export.id.0, request);
        self.requests_of.entry(body.batch_id.clone()).or_default().push(request);
        let client = client.id;
        for serial in &serials {
            let event = &self.events[*serial as usize];
            let recalled = event.denied && event.client == client;
            assert!(!recalled, "event {serial} is sent although consent was denied");
        }
        self.say(|| format!("   request {request}: batch {} {serials:?}", body.batch_id));
        let faulty = self.faults;
        let network = self.options.network.clone();
        let mut odds = |percent: u64| faulty && self.dice.percent(percent);
        let auth_fails = export.authorize && odds(network.auth_fails);
        let refused = odds(network.refused);
        let black_hole = odds(network.black_hole);
        let loses_response = odds(network.response_lost);
        self.requests.push(Request {
            client,
            slot,
            id: export.id,
            size: export.body.len(),
            body,
            serials,
            authorized: export.authorize,
            parted: export.keepalive,
            cancelled: false,
            taken: false,
            answered: false,
            succeeded: false,
            settled: false,
            doubtful: export.keepalive,
            loses_response,
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

    fn delay(&mut self) -> u64 {
        // The shortest time-out that can be set is ten milliseconds, both ways.
        let most = if self.faults { self.options.network.slow_millis } else { 3 };
        self.dice.within(1, most)
    }

    pub fn arrive(&mut self, request: usize) {
        let (status, retry_after, takes) = self.judge(request);
        self.say(|| format!("   server: {status} to {request}, takes {takes}"));
        if status == 413 {
            self.splits = true;
        }
        if takes {
            let told = (200..300).contains(&status);
            self.requests[request].doubtful |= !told;
            self.requests[request].taken = true;
            self.check_duplicates(request);
            let Request { body, serials, .. } = &self.requests[request];
            self.server.take(body, serials, &self.events, self.splits);
            for serial in serials.clone() {
                self.events[serial as usize].receipts.push(request);
            }
        }
        if self.requests[request].loses_response {
            self.requests[request].doubtful = true;
            if self.dice.percent(50) {
                let time = self.mono + self.delay();
                self.at(time, Happening::Answers { request, answer: Answer::NetworkError });
            }
            return;
        }
        let time = self.mono + self.delay();
        let answer = Answer::Response { status, retry_after };
        self.at(time, Happening::Answers { request, answer });
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
            let lies = ["0", "1", "30", "99999999", "-5", "soon", "Sun, 06 Nov 1994 08:49:37 GMT"];
            Some(String::from(self.dice.pick(&lies)))
        } else {
            None
        };
        let takes = (200..300).contains(&status) || self.dice.percent(answers.lies);
        (status, retry_after, takes)
    }

    pub fn answer(&mut self, index: usize, answer: Answer) {
        let request = &mut self.requests[index];
        let (slot, client, id, authorized) =
            (request.slot, request.client, request.id, request.authorized);
        if core::mem::replace(&mut request.answered, true) {
            return;
        }
        if self.client(slot, client).is_none() {
            self.requests[index].doubtful = true;
            return;
        }
        if self.requests[index].cancelled && self.dice.percent(70) {
            return;
        }
        let outcome = match &answer {
            Answer::NetworkError => Outcome::NetworkError,
            Answer::AuthFailed => Outcome::AuthFailed,
            Answer::Response { status, retry_after } => Outcome::Response {
                status: *status,
                retry_after: retry_after.as_deref(),
                authorized,
            },
        };
        if let Outcome::Response { status: 200..=299, .. } = outcome {
            self.requests[index].succeeded = !self.requests[index].cancelled;
        }
        if self.requests[index].parted && !self.requests[index].cancelled {
            // The page stayed: there is a witness after all.
            for serial in &self.requests[index].serials {
                let excuse = &mut self.events[*serial as usize].excuse;
                excuse.take_if(|why| *why == HANDED_OVER);
            }
        }
        self.give(slot, Input::Exported { id, outcome }, Cause::Exported(index));
        let removing = |client: &super::client::Client| {
            client.operations.iter().any(|(_, op)| match op {
                wasm_telemetry::core::store::StoreOp::Remove { key } => {
                    self.batch_of(key) == self.requests[index].body.batch_id
                }
                _ => false,
            })
        };
        let pending = self.slots[slot].client.as_ref().is_some_and(removing);
        let request = &mut self.requests[index];
        request.settled |= request.succeeded && !pending;
    }

    /// Something may come twice only if its sender could not know that it had arrived.
    fn check_duplicates(&self, index: usize) {
        if self.options.excuses_duplicates() || self.store_lags {
            return;
        }
        let request = &self.requests[index];
        for serial in &request.serials {
            let event = &self.events[*serial as usize];
            for earlier in event.receipts.iter().filter(|_| !event.stored_twice) {
                let known = &self.requests[*earlier];
                assert!(
                    known.doubtful || request.doubtful,
                    "event {serial} came twice without need: with request {earlier} of client {} \
                     and request {index} of client {}",
                    known.client,
                    request.client
                );
            }
        }
    }
}
