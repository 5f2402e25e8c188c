//! Exports and what follows from their outcomes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::super::config::Number;
use super::super::io::{Command, Consent, Content, Export, ExportId, Outcome};
use super::super::json::write_u64;
use super::super::ledger::Reason;
use super::super::otlp::response;
use super::super::planted::{Bug, planted};
use super::super::record::Record;
use super::super::retry::{Verdict, classify, retry_after_millis, wait_millis};
use super::super::store::StoreOp;
use super::super::time::{Millis, UnixMillis};
use super::super::wire::NoBody;
use super::operations::Pending;
use super::{Attempt, Authorization, Batch, Flight, Parting, PartingFate, Pipeline};

/// How a request ended of whose answer only the success is known.
const ACCEPTED: Outcome<'_> = Outcome::Response {
    status: 200,
    retry_after: None,
    authorized: false,
    content: Content { kind: "", bytes: &[] },
};

impl Pipeline {
    /// Whether a request may start now.
    pub(super) fn may_send(&self) -> bool {
        self.may_keep()
            && self.online
            && self.flight.is_none()
            && self.not_before <= self.now.mono
            && self.config.base().is_some()
            && !self.flushes.iter().any(|flush| flush.timed_out)
    }

    pub(super) fn may_claim(&self) -> bool {
        !self.rest
            && self.store_usable()
            && self.claim_not_before <= self.now.mono
            && !self.is_wiping()
    }

    /// With `write-ahead` nothing is sent before it could be stored; and where the host said nothing of consent,
    /// the store may remember a denial.
    fn waits_for_store(&self) -> bool {
        (self.write_ahead || self.consent_at == UnixMillis(0))
            && !self.store_ready
            && self.may_store()
    }

    /// Whether there is reason to hope that a request would succeed.
    pub(super) fn healthy(&self) -> bool {
        self.online && self.failures == 0 && self.config.base().is_some()
    }

    /// Starts the next request, from memory first: what is stored is safe.
    pub(super) fn send(&mut self, commands: &mut Vec<Command>) {
        if self.config.base().is_none() && self.held() > 0 {
            let message = ["no endpoint: set `batch.baseUrl`; events are kept until then"];
            self.told.tell(commands, "no_endpoint", "batch.baseUrl", &message);
        }
        // Again if a batch turned out to be corrupt, or too large for one request.
        while self.may_send() && !self.waits_for_store() && self.operations.takes == 0 {
            if (self.ready.is_empty() && self.known.is_empty()) || !self.has_looked(commands) {
                return;
            }
            let Some(batch) = self.pop_ready(true) else {
                if self.may_claim() {
                    self.claim(commands);
                }
                return;
            };
            let patience = self.config.get(Number::ExportTimeoutMillis);
            let enough = self.now.wall.plus(2 * patience).0;
            match self.copies.get(batch.key) {
                Some(copy)
                    if copy.is_written()
                        && copy.lease < enough
                        && !planted(Bug::LeaseNotRenewed) =>
                {
                    // The lease may have run out while the batch waited: make sure that nobody took
                    // it over.
                    let (lease, attempts) = (self.lease(), copy.attempts);
                    let op = StoreOp::Mark { seen: copy.entry(), lease, attempts };
                    self.start(Pending::Renew { batch, lease }, op, commands);
                }
                _ => {
                    let attempt = self.attempt();
                    self.request(batch, attempt, commands);
                }
            }
        }
    }

    /// A first attempt from now on.
    fn attempt(&self) -> Attempt {
        let patience = self.config.get(Number::ExportTimeoutMillis);
        Attempt { authorization: Authorization::First, over: self.now.mono.plus(2 * patience) }
    }

    fn request(&mut self, batch: Box<Batch>, attempt: Attempt, commands: &mut Vec<Command>) {
        let Some(url) = self.config.url() else {
            return self.push_ready(batch, true);
        };
        let body = match self.body(&batch) {
            Ok(body) => body,
            Err(NoBody::Corrupt) => return self.quarantine(&batch, commands),
            Err(NoBody::TooLarge) => return self.split(batch, commands),
        };
        let id = ExportId(self.next_id());
        let patience = self.config.get(Number::ExportTimeoutMillis);
        let deadline = self.now.mono.plus(patience).min(attempt.over);
        let authorize = attempt.authorization != Authorization::Without && !self.config.skip_auth();
        commands.push(Command::Export(Export {
            id,
            url,
            body,
            authorize,
            compressed: false,
            keepalive: false,
        }));
        if planted(Bug::RemovedBeforeItsAnswer)
            && let Some(copy) = self.copies.get(batch.key).copied()
        {
            self.remove(&copy, commands);
        }
        self.flight = Some(Flight { id, batch, deadline, attempt, accepted: false });
    }

    pub(super) fn body(&self, batch: &Batch) -> Result<Vec<u8>, NoBody> {
        let record = Record::own(&batch.bytes)?;
        // Texts are there as they are, numbers twice as long; ids, times and keys are there for each event.
        let size = 2 * batch.bytes.len() + 320 * batch.events as usize;
        let mut body = Vec::with_capacity(size);
        let attempt = batch.attempts.saturating_add(1);
        self.format.encode(&record, attempt, self.now.wall, &mut body)?;
        Ok(body)
    }

    pub(super) fn exported(
        &mut self,
        id: ExportId,
        outcome: Outcome<'_>,
        commands: &mut Vec<Command>,
    ) {
        if let Some(index) = self.parting.iter().position(|parting| parting.id == id) {
            if matches!(outcome, Outcome::Accepted) {
                self.parting[index].accepted = true;
                return;
            }
            let parting = self.parting.swap_remove(index);
            return self.witnessed(parting.fate, outcome, commands);
        }
        let Some(mut flight) = self.flight.take_if(|flight| flight.id == id) else {
            return;
        };
        if matches!(outcome, Outcome::Accepted) {
            flight.accepted = true;
            self.flight = Some(flight);
            return;
        }
        self.outcome(flight.batch, flight.attempt, outcome, commands);
    }

    fn outcome(
        &mut self,
        mut batch: Box<Batch>,
        attempt: Attempt,
        outcome: Outcome<'_>,
        commands: &mut Vec<Command>,
    ) {
        let Outcome::Response { status, retry_after, authorized, content } = outcome else {
            // The network was not reached, so that no attempt was made.
            batch.attempts += u32::from(planted(Bug::OutageCostsAttempts));
            if matches!(outcome, Outcome::AuthFailed) {
                let message = ["`auth` failed; the batch is kept and tried again"];
                self.told.tell(commands, "auth_failed", "auth", &message);
            }
            return self.failed(batch, None, commands);
        };
        let verdict = classify(status, self.format);
        if verdict != Verdict::Retry {
            self.recovered();
        }
        self.heard(verdict == Verdict::Delivered, commands);
        match verdict {
            Verdict::Delivered => {
                self.count_taken(u64::from(batch.events), content, commands);
                if !planted(Bug::CopyOutlivesDelivery) {
                    self.vacate(batch.key, commands);
                }
                self.list_again();
            }
            Verdict::Retry => {
                let counted = u32::from(!planted(Bug::AttemptNotCounted));
                batch.attempts = batch.attempts.saturating_add(counted);
                let retry_after = retry_after.filter(|_| !planted(Bug::RetryAfterIgnored));
                let wait = retry_after.and_then(|text| retry_after_millis(text, self.now.wall));
                let most = self.config.get(Number::MaxAttempts);
                if u64::from(batch.attempts) < most || planted(Bug::AttemptsUnbounded) {
                    return self.failed(batch, wait, commands);
                }
                self.tell_refusal(status, "too often; dropped", commands);
                self.drop_batch(Reason::MaxAttempts, &batch, commands);
                self.back_off(wait);
            }
            // Nothing new is stored without a grant: it is split at its next try.
            Verdict::TooLarge if !self.may_keep() => self.retain(batch, commands),
            // Halves wait in memory for the store: not for more of them than it can write.
            Verdict::TooLarge if self.store_is_slow() => self.failed(batch, None, commands),
            Verdict::TooLarge => self.split(batch, commands),
            Verdict::Unauthorized => {
                let next = match attempt.authorization {
                    Authorization::First => Some(Authorization::Renewed),
                    Authorization::Renewed if self.config.auth_fallback() => {
                        Some(Authorization::Without)
                    }
                    _ => None,
                };
                match next {
                    // A page's parting request was answered while another one is under way, or
                    // nothing may be sent any more.
                    Some(_) if authorized && !self.may_send() => self.retain(batch, commands),
                    Some(authorization) if authorized => {
                        self.request(batch, Attempt { authorization, ..attempt }, commands);
                    }
                    _ => {
                        self.tell_refusal(status, "; dropped", commands);
                        self.drop_batch(Reason::Unauthorized, &batch, commands);
                    }
                }
            }
            Verdict::Rejected => {
                self.tell_refusal(status, "; dropped", commands);
                self.drop_batch(Reason::Rejected, &batch, commands);
            }
        }
    }

    /// Counts what the endpoint took, and what it says that it did not.
    fn count_taken(&mut self, events: u64, content: Content<'_>, commands: &mut Vec<Command>) {
        let read = if self.format.is_otlp() { response::read(content) } else { Ok(None) };
        let rejected = match &read {
            Ok(Some(partial)) if !planted(Bug::PartialSuccessIgnored) => {
                partial.rejected.min(events)
            }
            _ => 0,
        };
        let (code, message) = match &read {
            Ok(None) => ("", [""; 2]),
            Ok(Some(partial)) if rejected > 0 => {
                ("events_rejected", ["the endpoint rejected events: ", &partial.message])
            }
            Ok(Some(partial)) => ("endpoint_warning", ["the endpoint says: ", &partial.message]),
            Err(_) => {
                ("answer_unknown", ["the endpoint took a batch, but its answer is no OTLP", ""])
            }
        };
        if !code.is_empty() {
            self.told.tell(commands, code, "", &message);
        }
        self.counts.delivered += events - rejected;
        self.drop_events(Reason::Rejected, rejected);
    }

    /// Whoever goes away does not wait for the rest of an answer.
    pub(super) fn settle_accepted(&mut self, commands: &mut Vec<Command>) {
        if let Some(flight) = self.flight.take_if(|flight| flight.accepted) {
            commands.push(Command::Cancel(flight.id));
            self.outcome(flight.batch, flight.attempt, ACCEPTED, commands);
        }
    }

    fn recovered(&mut self) {
        if !planted(Bug::FailuresNeverReset) {
            self.failures = 0;
        }
        self.not_before = Millis(0);
    }

    fn tell_refusal(&mut self, status: u16, end: &str, commands: &mut Vec<Command>) {
        let mut text = Vec::new();
        write_u64(&mut text, u64::from(status));
        let status = core::str::from_utf8(&text).unwrap_or_default();
        let message = ["the endpoint answered ", status, " ", end];
        self.told.tell(commands, "export_refused", status, &message);
    }

    /// The batch is kept for another try, and the first failure stops a drain.
    pub(super) fn failed(
        &mut self,
        batch: Box<Batch>,
        wait: Option<u64>,
        commands: &mut Vec<Command>,
    ) {
        self.heard(false, commands);
        self.back_off(wait);
        self.retain(batch, commands);
    }

    /// Puts a batch that is not on its way any more where it may wait.
    pub(super) fn retain(&mut self, batch: Box<Batch>, commands: &mut Vec<Command>) {
        if self.erasing() {
            self.drop_batch(Reason::Killed, &batch, commands);
        } else if self.consent == Consent::Denied {
            self.drop_batch(Reason::ConsentDenied, &batch, commands);
        } else if self.consent == Consent::Pending {
            // Nothing new is stored without a grant.
            self.push_ready(batch, true);
        } else if self.store_is_slow() {
            self.push_ready(batch, true);
        } else {
            self.shelve(batch, commands);
        }
    }

    fn back_off(&mut self, asked: Option<u64>) {
        self.failures = self.failures.saturating_add(1);
        let base = self.config.get(Number::BaseBackoffMillis);
        let most = self.config.get(Number::MaxBackoffMillis);
        let wait = wait_millis(&mut self.rng, self.failures, asked, base, most);
        let wait = if planted(Bug::BackoffSkipped) { 1 } else { wait.max(1) };
        self.not_before = self.now.mono.plus(wait);
    }

    /// Gives up requests and store operations whose time is over.
    pub(super) fn watch_deadlines(&mut self, commands: &mut Vec<Command>) {
        let now = self.now.mono;
        if self.flight.as_ref().is_some_and(|flight| flight.deadline <= now) {
            self.settle_accepted(commands);
        }
        if let Some(flight) =
            self.flight.take_if(|flight| flight.deadline <= now && !planted(Bug::TimeoutNeverFires))
        {
            commands.push(Command::Cancel(flight.id));
            self.failed(flight.batch, None, commands);
        }
        while let Some(index) = self.parting.iter().position(|parting| parting.deadline <= now) {
            let Parting { id, fate, accepted, .. } = self.parting.swap_remove(index);
            commands.push(Command::Cancel(id));
            match fate {
                _ if accepted => self.witnessed(fate, ACCEPTED, commands),
                // No more of its copy is known than of its request.
                PartingFate::Kept { unwritten: Some(_), .. } => {
                    self.witnessed(fate, Outcome::NetworkError, commands);
                }
                PartingFate::HandedOver(batch) => drop(self.copies.remove(batch.key)),
                PartingFate::Kept { .. } => {}
            }
        }
        self.watch_operations(commands);
    }

    /// The page stayed, and so there is a witness after all.
    fn witnessed(&mut self, fate: PartingFate, outcome: Outcome<'_>, commands: &mut Vec<Command>) {
        let taken = match outcome {
            Outcome::Response { status, content, .. } => {
                (classify(status, self.format) == Verdict::Delivered).then_some(content)
            }
            _ => None,
        };
        match (fate, taken) {
            (PartingFate::HandedOver(_), None) if planted(Bug::HandedOverForGood) => {}
            (PartingFate::HandedOver(batch), _) => {
                self.counts.handed_over -= u64::from(batch.events);
                let attempt = self.attempt();
                self.outcome(batch, attempt, outcome, commands);
            }
            (PartingFate::Kept { key, unwritten }, Some(content)) => {
                self.heard(true, commands);
                self.recovered();
                self.list_again();
                if self.known.get(key).is_some_and(|known| known.mine)
                    && let Some(known) = self.known.remove(key)
                {
                    self.count_taken(u64::from(known.events), content, commands);
                    self.remove(&known, commands);
                }
                if unwritten.is_some() {
                    self.vacate_former(key, commands);
                }
            }
            // Its copy may fail yet.
            (PartingFate::Kept { key, unwritten: Some(batch) }, None) => {
                // If it is not known any more, its drop was counted.
                if let Some(known) = self.known.remove(key) {
                    self.copies.insert(known);
                    let attempt = self.attempt();
                    self.outcome(batch, attempt, outcome, commands);
                }
            }
            // The copy goes out when its lease has run out.
            (PartingFate::Kept { .. }, None) => {}
        }
    }
}
