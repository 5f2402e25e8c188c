//! What the clients of a store can know of a denial, and when.

use wasm_telemetry::core::io::{Consent, Input};
use wasm_telemetry::core::time::UnixMillis;

use super::checks::Cause;
use super::client::Operation;
use super::duplicates::PUNCTUAL_MILLIS;
use super::world::World;

/// A request starts on no older look at the store.
const LOOK_MILLIS: u64 = 2_000;
/// A store that did not answer, or failed, is left alone for so long.
const BROKEN_MILLIS: u64 = 61_000;

impl World {
    /// The denial that the store remembers, if it does: its time, by the wall.
    fn denial(&self) -> Option<u64> {
        self.store.marks.values().map(|mark| mark.lease).find(|time| *time > 0)
    }

    /// The store may have come to remember another denial.
    pub fn note_denial(&mut self) {
        let denial = self.denial();
        if self.denied.0 != denial {
            self.denied = (denial, self.mono);
        }
    }

    /// A page asks once more what other pages were told.
    pub fn hear_denial(&mut self, slot: usize) {
        if let Some(time) = self.denial() {
            self.give(slot, Input::Denied(UnixMillis(time)), Cause::Other);
        }
    }

    /// A client may have heard of a denial in this step.
    pub fn follow_denial(&mut self, slot: usize) {
        let Some(client) = &mut self.slots[slot].client else { return };
        if client.consent != client.pipeline.consent() {
            assert_eq!(client.pipeline.consent(), Consent::Denied, "nobody else grants");
            client.consent = Consent::Denied;
            client.excused = true;
        }
    }

    /// No request starts at a client that could know of a denial: it has stood in the store for longer
    /// than a look is good for.
    pub fn check_denial(&self, slot: usize, parts: bool) {
        let (Some(client), (Some(denied_at), since)) = (&self.slots[slot].client, self.denied)
        else {
            return;
        };
        let store = &self.options.store;
        let answer = store.op_millis + store.answer_millis;
        let spent = LOOK_MILLIS + answer + 2 * client.limits.timeout;
        let late = |op: &Operation| op.commanded_at + PUNCTUAL_MILLIS < self.mono;
        let hindered = !client.store_open
            || client.operations.front().is_some_and(late)
            || client.limits.store_bytes == 0
            || client.store_failed_at.is_some_and(|time| time + BROKEN_MILLIS >= self.mono);
        let knows = parts || (since + spent < self.mono && !hindered);
        assert!(
            !knows
                || denied_at <= client.said_at
                || self.jumped_at >= since
                || since == 0
                || denied_at > self.now().wall.0,
            "client {} sends although another was denied, {} ms ago",
            client.id,
            self.mono - since
        );
    }
}
