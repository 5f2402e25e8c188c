//! When an event may come twice: a response was lost, a holder died or was held up beyond its
//! lease, or the store did not do what it said.

use super::network::{Ending, Request};
use super::world::World;

impl World {
    /// Checks a request that brings what others have brought already.
    pub fn check_duplicates(&self, index: usize) {
        for serial in self.requests[index].body.events.iter().map(|event| event.serial) {
            let event = &self.events[serial as usize];
            if event.repeatable.is_some() {
                continue;
            }
            for other in &event.receipts {
                let (first, second) = (index.min(*other), index.max(*other));
                assert!(
                    may_repeat(&self.requests[first], &self.requests[second]),
                    "event {serial} came twice without need: with request {first} of client {} \
                     ({:?}) and request {second} of client {}",
                    self.requests[first].client,
                    self.requests[first].ending,
                    self.requests[second].client
                );
            }
        }
    }
}

/// Whether the sender of the second could not know what became of the first.
fn may_repeat(first: &Request, second: &Request) -> bool {
    match first.ending {
        Some((time, ending)) if time <= second.launched => ending != Ending::Success,
        // Under way as its page went away: the copy's lease is not for ever.
        _ => first.parted && first.client != second.client,
    }
}

impl World {
    /// From now on these may come twice.
    pub fn may_come_twice(&mut self, serials: &[u32], why: &'static str) {
        for serial in serials {
            self.events[*serial as usize].repeatable.get_or_insert(why);
        }
    }

    /// A client takes a record: whoever held it before is dead, or its lease ran out under it.
    pub fn taken_over(&mut self, client: u32, key: &str) {
        let serials = self.serials_of(key);
        let in_doubt = |request: &Request| {
            request.parted
                && !request.settled
                && request.client != client
                && request.body.events.iter().any(|event| serials.contains(&event.serial))
        };
        if self.requests.iter().any(in_doubt) {
            self.may_come_twice(&serials, "taken over before its record was removed");
        }
        let Some(holder) = self.holders.get(key).copied() else { return };
        if holder.client == client {
            return;
        }
        let mono = self.mono;
        let now = self.now();
        let jumped = self.options.clock.drift != 0 || self.jumped_at >= holder.since;
        let Some(held_up) = self.client(holder.slot, holder.client).map(|other| {
            let late = other.timer.is_some_and(|time| time + PUNCTUAL_MILLIS < mono);
            let waiting =
                other.operations.front().is_some_and(|op| op.commanded_at + PUNCTUAL_MILLIS < mono);
            let hindered = other.hindered_at.is_some_and(|time| time >= holder.since);
            // Who may neither store nor send lets its leases run out.
            other.frozen || late || waiting || hindered || !other.may_send(now)
        }) else {
            return;
        };
        if jumped || held_up {
            self.may_come_twice(&serials, "its lease ran out under its holder");
        } else {
            self.lapsed.extend(serials);
        }
    }
}

/// Who is later than this is held up.
pub const PUNCTUAL_MILLIS: u64 = 1_000;

/// Who holds a record, and since when.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    pub slot: usize,
    pub client: u32,
    pub since: u64,
}
