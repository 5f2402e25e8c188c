//! Consent, and how the holders of a store tell each other that it was denied.
//!
//! Whoever denies leaves a record without events, whose lease is the time of the denial. Who finds one that is
//! later than the last word of its own host obeys it; who finds an earlier one removes it.

use alloc::vec::Vec;

use super::super::io::{Command, Consent};
use super::super::ledger::Reason;
use super::super::planted::{Bug, planted};
use super::super::random::id_of;
use super::super::store::{Entry, StoreOp};
use super::super::time::{Millis, UnixMillis};
use super::Pipeline;
use super::operations::Pending;
use super::shelf::{Key, Known};

/// How old the last look at the store may be when a request starts.
const LOOK_MILLIS: u64 = 2_000;
/// An answer that took longer tells nothing.
const STALE_MILLIS: u64 = 30_000;

impl Pipeline {
    /// The host's own word.
    pub(super) fn set_consent(&mut self, consent: Consent, commands: &mut Vec<Command>) {
        let before = core::mem::replace(&mut self.consent, consent);
        // Later than all that it knows of, whatever the clock says.
        let least = self.consent_at.plus(u64::from(consent == Consent::Denied));
        self.consent_at = self.now.wall.max(least);
        if consent == Consent::Denied {
            self.withdraw(commands);
        }
        if consent == Consent::Granted && before != Consent::Granted {
            self.list_wanted = true;
            // What waited for this grant may be kept from now on.
            self.unsaved = true;
        }
    }

    /// Another holder's host has denied it.
    pub(super) fn denied_elsewhere(&mut self, at: UnixMillis, commands: &mut Vec<Command>) {
        if at > self.consent_at && !planted(Bug::DenialNotHeard) {
            self.consent = Consent::Denied;
            self.consent_at = at;
            self.withdraw(commands);
        }
    }

    fn withdraw(&mut self, commands: &mut Vec<Command>) {
        self.settle_accepted(commands);
        if let Some(flight) = self.flight.take() {
            commands.push(Command::Cancel(flight.id));
            self.drop_events(Reason::ConsentDenied, u64::from(flight.batch.events));
        }
        self.wipe(Reason::ConsentDenied, commands);
    }

    /// Other holders will find it, and later visits. Comes after the store was cleared.
    pub(super) fn remember_denial(&mut self, commands: &mut Vec<Command>) {
        if self.consent == Consent::Denied && self.may_store() {
            let bytes = Vec::from(*b"denied");
            let (key, lease) = (denial(), self.consent_at.0);
            let record = Known { key, lease, bytes: bytes.len() as u32, ..Known::default() };
            self.start(Pending::Denial, StoreOp::Put { entry: record.entry(), bytes }, commands);
        }
    }

    /// The beginning of a listing: there a denial would be.
    pub(super) fn looked(&mut self, at: Millis, entries: &[Entry], commands: &mut Vec<Command>) {
        if at.plus(STALE_MILLIS) <= self.now.mono {
            // It waited for a thaw, and much may have been said since.
            return;
        }
        self.looked_at = self.now.mono;
        let name = denial().text();
        let Some(entry) = entries.iter().find(|entry| entry.key == name) else { return };
        if entry.lease > self.consent_at.0 {
            self.denied_elsewhere(UnixMillis(entry.lease), commands);
        } else {
            // It is over.
            self.remove(&Known { key: denial(), ..Known::default() }, commands);
        }
    }

    /// Whether nobody can have denied it for long. If that is not known, the store is asked.
    pub(super) fn has_looked(&mut self, commands: &mut Vec<Command>) -> bool {
        if !self.store_usable() || self.is_wiping() {
            return true;
        }
        let lately = self.looked_at.plus(LOOK_MILLIS) > self.now.mono;
        if !lately {
            self.look(commands);
        }
        lately && self.operations.looks == 0
    }

    pub(super) fn look(&mut self, commands: &mut Vec<Command>) {
        if self.operations.looks == 0 {
            // From just before it on: what else the store holds under the time 0 may fill a page.
            let mut after = denial().text();
            after.pop();
            self.start(Pending::Look(self.now.mono), StoreOp::List { after }, commands);
        }
    }
}

/// The key of a remembered denial: with the time 0 it is no batch.
pub(super) fn denial() -> Key {
    Key::new(0, id_of("denied"))
}

/// Whether a store's key remembers a denial, and is no batch's.
pub fn is_denial(key: &str) -> bool {
    denial().text() == key
}
