//! The pipeline: from a logged event to its delivery, or to a drop with a reason.
//!
//! Methods are of four kinds: getters; [`Pipeline::handle`] for whatever the outside brings; mutators
//! for what the host asks for between events ([`Pipeline::configure`], [`Pipeline::shape`]); and
//! [`Pipeline::wake_at`], which says when to come back. Every `handle` ends with `pump`, which does
//! all that is due; a wake-up that comes too often does nothing.
//!
//! An event is in exactly one place: the open batch, `ready`, a pending `Put`, `flight`, or the store.

mod accept;
mod consent;
mod deliver;
#[cfg(feature = "inspect")]
mod inspect;
mod keep;
mod leave;
mod operations;
mod salvage;
mod shelf;
mod split;
mod told;
mod trust;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use super::config::{Config, ConfigReport, Layer, Number, SampleRate, Setting};
use super::context::{Context, ContextPatch, Identity, Scalar};
use super::declared::Declared;
use super::format::Format;
use super::id::Id;
use super::io::{Command, Consent, ExportId, FlushId, Input, Leaving};
use super::json::{write_counts, write_text, write_u64};
use super::ledger::{Drops, Ledger, Reason};
use super::planted::{Bug, planted};
use super::random::{IdSeed, Rng};
use super::record::{Builder, Header};
use super::shapes::{FieldKind, Shape, ShapeId, Shapes};
use super::time::{Millis, Now, UnixMillis};
pub use consent::is_denial;
use operations::Operations;
pub use shelf::is_free;
use shelf::{Key, Known, Shelf};
use split::Split;
use told::Told;

/// What a page does with its events when it goes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExitPolicy {
    /// A copy of what is sent is kept, unless the endpoint's last answer was a success.
    #[default]
    Auto,
    /// What fits is sent, without a copy.
    Send,
    /// A copy is always kept.
    Keep,
}

/// What is fixed for a pipeline's life.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// From a cryptographic source; everything random in the pipeline follows from it.
    pub seed: [u8; 32],
    /// False: nothing is logged, stored or sent.
    pub enabled: bool,
    /// What the host says of it at the start. Nothing: granted, unless the store remembers a denial.
    pub consent: Option<Consent>,
    /// When it said so; 0: now.
    pub consent_at: UnixMillis,
    /// Store events shortly after they are logged, before any export.
    pub write_ahead: bool,
    /// For pages; elsewhere without effect.
    pub exit: ExitPolicy,
    /// Of requests. Stored records are the same in all formats.
    pub format: Format,
    /// Whether a page that goes away compresses what it sends; elsewhere that is the edge's to do.
    pub compress: bool,
    /// Attributes of the resource, `service.name` first.
    pub resource: Vec<(String, Scalar)>,
    /// The only events that are logged, if there is a list.
    pub declared: Declared,
}

/// A finished batch in memory.
#[derive(Debug)]
struct Batch {
    key: Key,
    events: u32,
    attempts: u32,
    exposure: bool,
    bytes: Vec<u8>,
}

impl Batch {
    fn new(key: Key, header: &Header, mut bytes: Vec<u8>) -> Box<Self> {
        // It grew by doubling, and may wait for long.
        bytes.shrink_to_fit();
        let Header { events, exposure, .. } = *header;
        Box::new(Self { key, events, attempts: 0, exposure, bytes })
    }
}

/// How much some batches are.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    events: u64,
    bytes: u64,
}

impl Load {
    fn count(&mut self, batch: &Batch, comes: bool) {
        let (events, bytes) = (u64::from(batch.events), batch.bytes.len() as u64);
        if comes {
            self.events += events;
            self.bytes += bytes;
        } else {
            self.events -= events;
            self.bytes -= bytes;
        }
    }
}

/// A batch on its way to the endpoint.
#[derive(Debug)]
struct Flight {
    id: ExportId,
    batch: Box<Batch>,
    deadline: Millis,
    attempt: Attempt,
    /// It is known to have succeeded, though not yet all of its answer.
    accepted: bool,
}

/// One attempt may take several requests.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    authorization: Authorization,
    /// When the last of them has had its time: no lease may run out before.
    over: Millis,
}

/// The order in which a refused Authorization is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Authorization {
    First,
    Renewed,
    Without,
}

/// A batch that was on its way when the page went away: its answer may come, or may not.
#[derive(Debug)]
struct Parting {
    id: ExportId,
    deadline: Millis,
    accepted: bool,
    fate: PartingFate,
}

#[derive(Debug)]
enum PartingFate {
    /// Counted as handed over; its bytes are kept in case that the page stays and the request fails.
    HandedOver(Box<Batch>),
    /// A copy is in the store, or on its way there.
    Kept { key: Key, unwritten: Option<Box<Batch>> },
}

impl Parting {
    /// Whether it has its copy under this key.
    fn keeps(&self, key: Key) -> bool {
        matches!(self.fate, PartingFate::Kept { key: kept, .. } if kept == key)
    }
}

#[derive(Debug)]
struct Flush {
    id: FlushId,
    deadline: Millis,
    delivered: u64,
    dropped: u64,
    shutdown: bool,
    timed_out: bool,
}

/// One isolated state machine: its queue, its configuration, its ledger.
#[derive(Debug)]
pub struct Pipeline {
    config: Config,
    enabled: bool,
    consent: Consent,
    /// When the word was given by which it goes; 0 if none was.
    consent_at: UnixMillis,
    write_ahead: bool,
    declared: Declared,
    exit: ExitPolicy,
    format: Format,
    compress: bool,
    resource: Vec<(String, Scalar)>,

    rng: Rng,
    event_ids: IdSeed,
    batch_ids: IdSeed,
    client_id: Id,
    next_event: u64,
    next_seq: u32,
    next_place: u64,
    next_id: u32,

    context: Context,
    context_epoch: u32,
    shapes: Shapes,
    /// Each shape's sampling, derived from the configuration.
    rates: Vec<Option<SampleRate>>,

    now: Now,
    /// When something is due next, also if the timer rings late.
    due: Millis,
    open: Option<Builder>,
    open_key: Key,
    /// When the open batch is finished at the latest.
    seal_at: Millis,
    /// When the open batch is copied to the store (`write-ahead`).
    save_at: Millis,
    /// An exposure was logged: finish the batch as soon as the host's task is over.
    soon: bool,
    ready: VecDeque<Box<Batch>>,
    ready_load: Load,

    flight: Option<Flight>,
    splits: Vec<Split>,
    parting: Vec<Parting>,
    online: bool,
    failures: u32,
    not_before: Millis,
    /// Whether the endpoint's last answer was a success; none if it has not been heard of.
    trust: Option<bool>,
    /// The key by which the store remembers that success, if it does.
    mark: Option<Key>,

    store_ready: bool,
    store_broken_until: Millis,
    /// Other holders were faster too often: leave what is stored to them for a moment.
    claim_not_before: Millis,
    /// Some batch in memory ought to have a copy, and has none.
    unsaved: bool,
    /// What is in the store alone.
    known: Shelf,
    /// Records of what is in memory, too: once a batch has its outcome, they must go.
    copies: Shelf,
    /// Batches with an earlier record to which the right was lost: it goes when the new one is written.
    former: Vec<(Key, Key)>,
    /// Some of what is due was left for another task of the host's.
    rest: bool,
    list_wanted: bool,
    clear_wanted: bool,
    /// Claims lost in a row.
    losses: u32,
    listed_at: Millis,
    /// When the store last had no denial that is not obeyed; none yet.
    looked_at: Millis,
    operations: Operations,

    /// Nothing is accepted any more.
    closed: bool,
    /// A shutdown came to its end.
    stopped: bool,
    flushes: Vec<Flush>,

    /// `queued`, `in_flight` and `stored` are derived.
    counts: Ledger,
    /// Drops that no delivered batch has reported yet.
    unreported: Drops,
    told: Told,
}

impl Pipeline {
    /// Nothing is asked of the store before [`Input::StoreReady`].
    pub fn new(now: Now, setup: Setup) -> Self {
        let half = |start: usize| {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&setup.seed[start..start + 16]);
            IdSeed(bytes)
        };
        let batch_ids = half(16);
        let [left, right] = batch_ids.halves();
        let mut context = Context::default();
        // Batches are numbered from 1 and up.
        let session = batch_ids.id(u64::MAX);
        context.identity[Identity::SessionId as usize] = Some(session.text());
        Self {
            config: Config::new(setup.format.path()),
            enabled: setup.enabled,
            consent: setup.consent.unwrap_or_default(),
            consent_at: match setup.consent {
                Some(_) if setup.consent_at == UnixMillis(0) => now.wall,
                Some(_) => setup.consent_at,
                None => UnixMillis(0),
            },
            write_ahead: setup.write_ahead,
            declared: setup.declared,
            exit: setup.exit,
            format: setup.format,
            compress: setup.compress,
            resource: setup.resource,
            rng: Rng::new(left ^ right.rotate_left(32)),
            event_ids: half(0),
            batch_ids,
            client_id: batch_ids.id(0),
            next_event: 0,
            next_seq: 1,
            next_place: u64::MAX,
            next_id: 0,
            context,
            context_epoch: 0,
            shapes: Shapes::default(),
            rates: Vec::new(),
            now,
            due: Millis::FAR,
            open: None,
            open_key: Key::default(),
            seal_at: Millis::FAR,
            save_at: Millis::FAR,
            soon: false,
            ready: VecDeque::new(),
            ready_load: Load::default(),
            flight: None,
            splits: Vec::new(),
            parting: Vec::new(),
            online: true,
            failures: 0,
            not_before: Millis(0),
            trust: None,
            mark: None,
            store_ready: false,
            store_broken_until: Millis(0),
            claim_not_before: Millis(0),
            unsaved: false,
            known: Shelf::default(),
            copies: Shelf::default(),
            former: Vec::new(),
            rest: false,
            list_wanted: false,
            clear_wanted: false,
            losses: 0,
            listed_at: Millis(0),
            looked_at: Millis(0),
            operations: Operations::default(),
            closed: false,
            stopped: false,
            flushes: Vec::new(),
            counts: Ledger::default(),
            unreported: Drops::default(),
            told: Told::default(),
        }
    }

    /// Takes in what the outside brings and appends what is to be done.
    pub fn handle(&mut self, now: Now, input: Input<'_>, commands: &mut Vec<Command>) {
        self.now = now;
        match input {
            Input::Shaped(event) => return self.shaped(&event, commands),
            Input::Event { at, name, fields } => return self.event(at, name, fields, commands),
            Input::Exposure { at, exposure } => return self.exposure(at, &exposure, commands),
            Input::Context(patches) => return self.patch_context(patches, commands),
            Input::Wake => {}
            Input::Consent(consent) => self.set_consent(consent, commands),
            Input::Denied(at) => self.denied_elsewhere(at, commands),
            Input::Online(online) => {
                self.online = online;
                if online {
                    self.not_before = Millis(0);
                    self.list_again();
                }
            }
            Input::Exported { id, outcome } => self.exported(id, outcome, commands),
            Input::StoreReady => {
                self.store_ready = true;
                self.list_wanted = true;
                if self.write_ahead && self.open.is_some() {
                    self.save_at = now.mono;
                }
                self.clear_wanted |= self.consent == Consent::Denied || self.erasing();
                if self.flushes.iter().any(|flush| flush.timed_out) {
                    self.leave_process(false, commands);
                }
            }
            Input::Stored { id, result } => self.stored(id, result, commands),
            Input::Leaving(leaving) => {
                self.settle_accepted(commands);
                if self.clear_wanted {
                    self.store_broken_until = leave::LAST_CHANCE;
                    self.clear_store(commands);
                }
                match leaving {
                    Leaving::Page { budget } => self.leave_page(budget, commands),
                    Leaving::Process => self.leave_process(true, commands),
                    Leaving::Signal => self.signalled(commands),
                }
                // If the host stays, it does a moment later what has become due by now.
                self.due = now.mono.plus(1);
                return;
            }
            Input::Flush { id, timeout_millis } => self.flush(id, timeout_millis, false),
            Input::Shutdown { id, timeout_millis } => self.flush(id, timeout_millis, true),
        }
        self.pump(commands);
    }

    /// When to call [`Pipeline::handle`] with [`Input::Wake`]; `None` if there is nothing to wait for.
    /// A time that is not in the future means: as soon as the host's present task is over.
    pub fn wake_at(&self) -> Option<Millis> {
        if self.soon && self.may_keep() {
            return Some(self.now.mono);
        }
        (self.due < Millis::FAR).then_some(self.due)
    }

    /// The next time at which something is due. What is due now was done, or can't be.
    fn next_due(&mut self) -> Millis {
        let now = self.now;
        let lease = self.known.first_lease(now.wall.0);
        let mut next = Next { now: now.mono, at: Millis::FAR };
        let by_wall = |time: u64| now.mono.plus(time.saturating_sub(now.wall.0).max(1));
        if let Some(flight) = &self.flight {
            next.at(flight.deadline);
        }
        self.parting.iter().for_each(|parting| next.at(parting.deadline));
        next.at(self.operations.deadline());
        self.flushes.iter().for_each(|flush| next.at(flush.deadline));
        let kill = self.config.killed();
        if kill.holds(self.now.wall) {
            let waiting = self.held() > 0 || !self.known.is_empty() || self.list_wanted;
            if kill.until != UnixMillis::MAX && waiting {
                next.at(by_wall(kill.until.0));
            }
        } else if self.may_keep() {
            if self.open.is_some() {
                next.at(self.seal_at);
            }
            next.at(self.save_at);
            if self.held() > 0 || !self.known.is_empty() || self.list_wanted {
                next.at(self.not_before);
                next.at(self.store_broken_until);
                next.at(self.claim_not_before);
            }
            if lease < u64::MAX {
                next.at(by_wall(lease));
            }
            if self.rest {
                next.at(now.mono.plus(1));
            }
        }
        if self.clear_wanted {
            next.at(self.store_broken_until);
        }
        next.at
    }

    /// Restricts where events may go; gives back the texts that are no origins.
    pub fn allow_origins<'a>(&mut self, origins: &[&'a str]) -> Vec<&'a str> {
        self.config.allow_origins(origins)
    }

    /// Takes each setting of a patch that is good. What was logged before keeps its place: queued stays
    /// queued, what is in flight finishes, what is stored goes to where the new configuration says.
    pub fn configure(
        &mut self,
        now: Now,
        layer: Layer,
        settings: &[Setting<'_>],
        commands: &mut Vec<Command>,
    ) -> ConfigReport {
        self.now = now;
        let url = self.config.url();
        let report = self.config.apply(layer, settings);
        for (path, reason) in &report.rejected {
            self.told.tell(commands, "config_rejected", path, &[path, ": ", reason]);
        }
        self.rates.clear();
        for index in 0.. {
            let Some(shape) = self.shapes.get(ShapeId(index)) else {
                break;
            };
            self.rates.push(self.config.sample_rate(&shape.name));
        }
        if self.config.url() != url {
            // Another endpoint owes nothing to the old one's failures.
            self.failures = 0;
            self.not_before = Millis(0);
            self.forget_endpoint();
        }
        if self.open.is_some() {
            self.seal_at = self.seal_at.min(self.scheduled());
        }
        if self.erasing() {
            self.wipe(Reason::Killed, commands);
        }
        self.pump(commands);
        report
    }

    /// Registers an event's name, keys and types for the quick way; `None` if they break a limit or if
    /// there is no room ([`Pipeline::shapes_full`]).
    pub fn shape(&mut self, name: &str, fields: &[(&str, FieldKind)]) -> Option<ShapeId> {
        let good = |(key, _): &(&str, FieldKind)| accept::is_key(key);
        if !accept::is_name(name) || fields.len() > accept::FIELDS || !fields.iter().all(good) {
            return None;
        }
        let declared = self.declared.event(name).ok()?;
        if fields.iter().any(|(key, kind)| declared.check_kind(key, *kind).is_err()) {
            return None;
        }
        let id = self.shapes.add(Shape::new(name, fields.iter().copied()))?;
        self.rates.push(self.config.sample_rate(name));
        Some(id)
    }

    /// The one in force: the last that the host gave, or a denial that another holder was given.
    pub fn consent(&self) -> Consent {
        self.consent
    }

    /// The program's declaration, as [`Setup`] gave it.
    pub fn declared(&self) -> &Declared {
        &self.declared
    }

    /// Whether [`Pipeline::shape`] has no room left: [`Pipeline::forget_shapes`] makes some.
    pub fn shapes_full(&self) -> bool {
        self.shapes.is_full()
    }

    /// Frees every [`ShapeId`] given so far.
    pub fn forget_shapes(&mut self) {
        if let Some(open) = &mut self.open {
            open.forget_shapes();
        }
        self.shapes.clear();
        self.rates.clear();
    }

    /// Where every accepted event is, at this moment.
    pub fn ledger(&self) -> Ledger {
        Ledger {
            queued: self.held(),
            in_flight: self.flight.as_ref().map_or(0, |flight| u64::from(flight.batch.events)),
            stored: self.known.sums().mine,
            ..self.counts
        }
    }

    /// Writes the members of a JSON object: `"ledger":{…},"config":{…},"store":{…},…`.
    pub fn write_stats(&self, out: &mut Vec<u8>) {
        let ledger = self.ledger();
        write(out, "\"ledger\":{\"dropped\":");
        write_counts(out, ledger.dropped.iter());
        write_count(out, ",\"accepted\":", ledger.accepted);
        write_count(out, ",\"delivered\":", ledger.delivered);
        write_count(out, ",\"handedOver\":", ledger.handed_over);
        write_count(out, ",\"queued\":", ledger.queued);
        write_count(out, ",\"inFlight\":", ledger.in_flight);
        write_count(out, ",\"stored\":", ledger.stored);
        write_count(out, ",\"sampledOut\":", ledger.sampled_out);
        write_count(out, ",\"suppressed\":", ledger.suppressed);
        write_count(out, ",\"fieldsLeftOut\":", ledger.fields_left_out);
        write(out, "},\"config\":{");
        self.config.write_json(out);
        write(out, ",\"consent\":\"");
        let consent = match self.consent {
            Consent::Granted => "granted",
            Consent::Pending => "pending",
            Consent::Denied => "denied",
        };
        write(out, consent);
        write(out, "\",\"format\":\"");
        write(out, self.format.name());
        write(out, "\",\"durability\":\"");
        write(out, if self.write_ahead { "write-ahead" } else { "on-failure" });
        write_count(out, "\"},\"store\":{\"batches\":", self.known.len() as u64);
        write_count(out, ",\"events\":", self.known.sums().events);
        write_count(out, ",\"bytes\":", self.known.sums().bytes);
        let copies = self.copies.iter().filter(|copy| copy.is_written());
        write_count(out, ",\"copies\":", copies.map(|copy| u64::from(copy.events)).sum());
        write(out, "},\"endpoint\":{\"url\":");
        write_text(out, &self.config.url().unwrap_or_default());
        write(out, ",\"online\":");
        write(out, if self.online { "true" } else { "false" });
        write_count(out, ",\"failures\":", u64::from(self.failures));
        if self.not_before > self.now.mono {
            let wait = self.not_before.0 - self.now.mono.0;
            write_count(out, ",\"retryAt\":", self.now.wall.0.saturating_add(wait));
        }
        write_count(out, "},\"sizes\":{\"queuedBytes\":", self.queued_bytes());
        out.push(b'}');
    }

    /// Does all that is due.
    fn pump(&mut self, commands: &mut Vec<Command>) {
        self.rest = false;
        self.clear_store(commands);
        self.watch_deadlines(commands);
        if self.may_keep() {
            if self.seal_due() {
                self.seal(commands);
            }
            if self.save_at <= self.now.mono {
                self.save_open(commands);
            }
            self.save_unsaved(commands);
            // A listing that is asked for first would tell again of what is dropped here.
            self.expire(commands);
            self.shrink(commands);
            self.list(commands);
            self.send(commands);
            self.shelve_ready(commands);
        }
        self.settle_flushes(commands);
        self.due = self.next_due();
    }

    fn seal_due(&mut self) -> bool {
        self.soon
            || (self.seal_at <= self.now.mono && self.seal_helps())
            || !self.flushes.is_empty()
            || self.open.as_ref().is_some_and(|open| self.is_full(open))
    }

    /// While the endpoint is out of reach a batch may go on filling, so that an outage ends with few
    /// requests; unless it is needed to find out, because the others have spent half their attempts.
    fn seal_helps(&mut self) -> bool {
        let most = self.config.get(Number::MaxAttempts);
        let weary = |known: Known| u64::from(known.attempts) * 2 >= most;
        self.healthy()
            || (self.may_send()
                && self.ready.is_empty()
                && self.operations.puts + self.operations.takes == 0
                && self.candidate().is_none_or(weary))
    }

    /// Whether events may be stored or sent at all.
    fn may_keep(&self) -> bool {
        self.enabled
            && !self.stopped
            && (self.consent == Consent::Granted
                || (self.consent == Consent::Pending && planted(Bug::PendingConsentSends)))
            && (!self.config.killed().holds(self.now.wall)
                || (self.held() == 0 && planted(Bug::KillSparesStored)))
    }

    /// Whether the kill switch holds and wants what is stored gone.
    fn erasing(&self) -> bool {
        let kill = self.config.killed();
        kill.erase && kill.holds(self.now.wall)
    }

    /// Events in memory that are not in flight.
    fn held(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, |open| u64::from(open.header().events));
        open + self.ready_load.events + self.operations.moving.events
    }

    fn queued_bytes(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, Builder::size);
        open as u64 + self.ready_load.bytes + self.operations.moving.bytes
    }

    // Many call it, and the compiler would give each a copy.
    #[inline(never)]
    fn drop_events(&mut self, reason: Reason, events: u64) {
        if !planted(Bug::DropNotCounted) {
            self.counts.dropped.add(reason, events);
        }
        if !planted(Bug::DropNotReported) {
            self.unreported.add(reason, events);
        }
    }

    /// A finished batch is dropped: what it would have reported is to be told by another one.
    fn drop_batch(&mut self, reason: Reason, batch: &Batch, commands: &mut Vec<Command>) {
        self.drop_events(reason, u64::from(batch.events));
        if let Ok(report) = super::record::Record::own(&batch.bytes).and_then(|r| r.report()) {
            self.unreported.merge(&report);
        }
        self.vacate(batch.key, commands);
    }

    /// A key in the store need not be the id of a batch.
    fn next_place(&mut self) -> Id {
        self.next_place -= 1;
        self.batch_ids.id(self.next_place)
    }

    fn next_id(&mut self) -> u32 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    fn push_ready(&mut self, batch: Box<Batch>, front: bool) {
        if self.stopped {
            return self.drop_events(Reason::ShutDown, u64::from(batch.events));
        }
        self.ready_load.count(&batch, true);
        if front { self.ready.push_front(batch) } else { self.ready.push_back(batch) }
    }

    fn pop_ready(&mut self, front: bool) -> Option<Box<Batch>> {
        let batch = if front { self.ready.pop_front() } else { self.ready.pop_back() }?;
        self.ready_load.count(&batch, false);
        Some(batch)
    }

    /// The scheduled delay from now, a tenth shorter or longer, so that a fleet does not beat in step.
    fn scheduled(&mut self) -> Millis {
        let delay = self.config.get(Number::ScheduledDelayMillis);
        self.now.mono.plus(delay - delay / 10 + self.rng.up_to(delay / 5))
    }

    fn patch_context(&mut self, patches: &[ContextPatch<'_>], commands: &mut Vec<Command>) {
        let mut changes = false;
        for patch in patches {
            match self.context.apply(patch) {
                Ok(changed) => changes |= changed,
                Err(reason) => {
                    use super::context::Slot;
                    let field = match patch.slot {
                        Slot::Identity(identity) => identity.option(),
                        Slot::Core(key) | Slot::User(key) => key,
                    };
                    self.told.tell(commands, "context_rejected", field, &[field, ": ", reason]);
                }
            }
        }
        self.context_epoch = self.context_epoch.wrapping_add(u32::from(changes));
    }

    /// The session's id as it is now.
    pub fn session(&self) -> &str {
        self.context.identity(Identity::SessionId).unwrap_or_default()
    }
}

/// The earliest of many times that are still to come.
struct Next {
    now: Millis,
    at: Millis,
}

impl Next {
    #[inline(never)]
    fn at(&mut self, time: Millis) {
        if time > self.now && time < self.at {
            self.at = time;
        }
    }
}

fn write(out: &mut Vec<u8>, json: &str) {
    out.extend_from_slice(json.as_bytes());
}

fn write_count(out: &mut Vec<u8>, before: &str, count: u64) {
    write(out, before);
    write_u64(out, count);
}
