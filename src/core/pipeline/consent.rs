//! Consent, and how the holders of a store tell each other that it was denied.
//!
//! Whoever denies leaves a record without events, whose lease is the time of the denial. Who finds one that is
//! later than the last word of its own host obeys it; who finds an earlier one removes it.

use alloc::vec::Vec;

use super::super::io::{Command, Consent};
use super::super::ledger::Reason;
use super::super::planted::{Bug, planted};
use super::super::random::id_of;
use super::super::store::StoreOp;
use super::super::time::UnixMillis;
use super::Pipeline;
use super::operations::Pending;
use super::shelf::{Key, Known};

/// How old the last look at the store may be when a request starts.
const LOOK_MILLIS: u64 = 2_000;

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

    /// A listing has a denial of that time. True if it is obeyed, and so there is nothing more to list.
    pub(super) fn recall_denial(&mut self, at: UnixMillis, commands: &mut Vec<Command>) -> bool {
        if at <= self.consent_at {
            // It is over.
            self.remove(&Known { key: denial(), ..Known::default() }, commands);
        } else if self.looked_lately() {
            self.denied_elsewhere(at, commands);
            return true;
        } else {
            // The listing is from before a freeze, and there may have been a grant since.
            self.list_wanted = true;
        }
        false
    }

    /// Whether nobody can have denied it for long. If that is not known, the store is asked.
    pub(super) fn has_looked(&mut self, commands: &mut Vec<Command>) -> bool {
        if !self.store_usable() || self.is_wiping() {
            return true;
        }
        if !self.looked_lately() {
            self.list_wanted = true;
            self.list(commands);
        }
        self.looked_lately() && self.operations.lists == 0
    }

    fn looked_lately(&self) -> bool {
        self.listed_at.plus(LOOK_MILLIS) > self.now.mono
    }
}

/// The key of a remembered denial: with the time 0 it is no batch.
pub(super) fn denial() -> Key {
    Key::new(0, id_of("denied"))
}
