//! From a call of the host to an event in the open batch: gates, sampling, validation, queue.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::super::config::{Number, SampleRate};
use super::super::io::{Command, Consent, Exposure, Field};
use super::super::ledger::{Drops, Reason};
use super::super::planted::{Bug, planted};
use super::super::random::unit_of;
use super::super::record::{Builder, Header};
use super::super::shapes::{Shape, ShapeId, Staged, definition};
use super::super::text::{self, utf16_units};
use super::super::time::{Millis, Now, UnixMillis};
use super::keep::SLICE;
use super::operations::Pending;
use super::shelf::{Key, Known};
use super::{Batch, Flight, Pipeline};

/// Characters of an event's name.
const NAME: usize = 256;
/// Characters of a field's key.
const KEY: usize = 128;
/// UTF-16 code units of a checked text.
const TEXT: usize = 1_024;
/// Fields of an event.
pub const FIELDS: usize = 128;
/// UTF-16 code units of an exposure's JSON texts.
const JSON: usize = 65_536;
/// With `write-ahead`, how long events wait for company before they are stored.
const SAVE_MILLIS: u64 = 100;

pub fn is_name(text: &str) -> bool {
    is_within(text, NAME)
}

pub fn is_key(text: &str) -> bool {
    is_within(text, KEY)
}

fn is_within(text: &str, characters: usize) -> bool {
    // No text has more characters than bytes, so that most need no count.
    !text.is_empty() && (text.len() <= characters || text::characters(text) <= characters)
}

impl Pipeline {
    /// Takes events that were staged, up to one that gave a command: what it asks for comes before the
    /// rest, which is given back. `None` if the words make no sense.
    pub fn staged<'w>(
        &mut self,
        now: Now,
        mut words: &'w [f64],
        commands: &mut Vec<Command>,
    ) -> Option<&'w [f64]> {
        self.now = now;
        while !words.is_empty() && commands.is_empty() {
            let (event, rest) = self.shapes.split(words)?;
            self.shaped(&event, commands);
            words = if commands.is_empty() { self.run(rest) } else { rest };
        }
        Some(words)
    }

    /// Takes the events that need nothing but to be written: one after another of one that was taken
    /// the usual way, so that the gates, the context and the clock are what they were, and without
    /// reaching a limit.
    fn run<'w>(&mut self, words: &'w [f64]) -> &'w [f64] {
        let Some(open) = self.open.as_mut().filter(|_| self.due > self.now.mono) else {
            return words;
        };
        let events = open.header().events;
        let queued = self.ready_load.events + u64::from(events);
        let room = (self.config.get(Number::MaxQueueSize).saturating_sub(queued))
            .min(self.config.get(Number::MaxExportBatchSize).saturating_sub(1 + u64::from(events)));
        let bytes = (self.config.get(Number::MaxQueueBytes))
            .saturating_sub(self.ready_load.bytes)
            .min(self.config.get(Number::MaxExportBatchBytes));
        let rates = &self.rates;
        let unsampled = |id: ShapeId| matches!(rates.get(id.0 as usize), Some(None));
        let rest = open.run(words, &self.shapes, unsampled, room as u32, bytes as usize);
        let taken = u64::from(open.header().events - events);
        self.counts.accepted += taken;
        self.next_event = self.next_event.wrapping_add(taken);
        rest
    }

    /// An event whose name, keys and types were checked when its shape was registered.
    pub(super) fn shaped(&mut self, event: &Staged<'_>, commands: &mut Vec<Command>) {
        if self.suppresses() {
            return;
        }
        let shapes = core::mem::take(&mut self.shapes);
        if let Some(shape) = shapes.get(event.shape) {
            self.shaped_as(shape, event, commands);
        }
        self.shapes = shapes;
    }

    fn shaped_as(&mut self, shape: &Shape, event: &Staged<'_>, commands: &mut Vec<Command>) {
        let sampling = self.rates.get(event.shape.0 as usize).copied().flatten();
        let Some(rate) = self.sample(sampling, &shape.name) else {
            return;
        };
        if !self.make_room(commands) {
            return;
        }
        self.open_batch();
        if let Some(open) = &mut self.open {
            open.context(self.context_epoch, &self.context);
            if !open.shaped(event, shape, rate) {
                self.shaped_apart(shape, event, rate, commands);
            }
        }
        self.accepted(commands);
    }

    /// The general way says what is to be said about it.
    fn shaped_apart(
        &mut self,
        shape: &Shape,
        event: &Staged<'_>,
        rate: Option<f64>,
        commands: &mut Vec<Command>,
    ) {
        let bytes: Vec<u8> =
            event.values.iter().flat_map(|value| value.to_bits().to_le_bytes()).collect();
        let given = shape.read(event.values, &bytes);
        let fields = self.validate(&shape.name, &given, commands);
        self.write(event.at, &shape.name, rate, given.len(), &fields);
    }

    pub(super) fn event(
        &mut self,
        at: UnixMillis,
        name: &str,
        fields: &[(&str, Field<'_>)],
        commands: &mut Vec<Command>,
    ) {
        if self.suppresses() {
            return;
        }
        let Some(rate) = self.sample(self.config.sample_rate(name), name) else {
            return;
        };
        let problem = match self.declared.event(name) {
            _ if !is_name(name) => "must have 1 to 256 characters",
            Err(undeclared) => undeclared,
            Ok(_) => "",
        };
        if !problem.is_empty() {
            self.counts.accepted += 1;
            self.drop_events(Reason::InvalidName, 1);
            let message = ["an event's name ", problem, "; dropped: ", name];
            self.told.tell(commands, "invalid_name", name, &message);
            return;
        }
        let good = self.validate(name, fields, commands);
        if !self.make_room(commands) {
            return;
        }
        self.open_batch();
        self.write(at, name, rate, fields.len(), &good);
        self.accepted(commands);
    }

    /// Writes the fields that are left of so many.
    fn write(
        &mut self,
        at: UnixMillis,
        name: &str,
        rate: Option<f64>,
        given: usize,
        fields: &[(&str, Field<'_>)],
    ) {
        let kinds = fields.iter().filter_map(|(key, field)| Some((*key, field.kind().ok()?)));
        let definition = definition(name, given - fields.len(), kinds);
        if let Some(open) = &mut self.open {
            open.context(self.context_epoch, &self.context);
            open.event(at, &definition, rate, fields);
        }
    }

    pub(super) fn exposure(
        &mut self,
        at: UnixMillis,
        exposure: &Exposure<'_>,
        commands: &mut Vec<Command>,
    ) {
        if self.suppresses() {
            return;
        }
        if !is_name(exposure.experiment_id) {
            self.counts.accepted += 1;
            self.drop_events(Reason::InvalidName, 1);
            let message = ["experimentId must have 1 to 256 characters; dropped"];
            self.told.tell(commands, "invalid_name", "experimentId", &message);
            return;
        }
        if !self.make_room(commands) {
            return;
        }
        let mut exposure = *exposure;
        let mut left_out = 0;
        for (name, limit, text) in [
            ("sessionId", TEXT, &mut exposure.session_id),
            ("userAttributes", JSON, &mut exposure.user_attributes),
            ("experimentMetadata", JSON, &mut exposure.experiment_metadata),
        ] {
            if text.is_some_and(|text| utf16_units(text) > limit) {
                *text = None;
                left_out += 1;
                self.counts.fields_left_out += 1;
                let message = ["an exposure's ", name, " is too long; left out"];
                self.told.tell(commands, "field_left_out", name, &message);
            }
        }
        self.open_batch();
        if let Some(open) = &mut self.open {
            open.context(self.context_epoch, &self.context);
            open.exposure(at, &exposure, left_out);
        }
        // Exposures decide whether an experiment is valid: store and send them without delay.
        self.soon = true;
        self.accepted(commands);
    }

    /// Whether the gates before sampling keep an event out.
    fn suppresses(&mut self) -> bool {
        let out = !self.enabled
            || self.closed
            || self.consent == Consent::Denied
            || self.config.killed().holds(self.now.wall);
        self.counts.suppressed += u64::from(out);
        out
    }

    /// `None` if the event is sampled out, else the rate that is to be told along with it.
    fn sample(&mut self, sampling: Option<SampleRate>, name: &str) -> Option<Option<f64>> {
        let Some(SampleRate { rate, by_session }) = sampling else {
            return Some(None);
        };
        if rate == 1.0 {
            return Some(None);
        }
        let draw = if by_session { unit_of(self.session(), name) } else { self.rng.unit() };
        if draw < rate {
            Some(Some(rate))
        } else {
            self.counts.sampled_out += 1;
            None
        }
    }

    /// The fields that may go on; the others are counted and told.
    fn validate<'a>(
        &mut self,
        name: &str,
        fields: &[(&'a str, Field<'a>)],
        commands: &mut Vec<Command>,
    ) -> Vec<(&'a str, Field<'a>)> {
        let mut good = Vec::with_capacity(fields.len());
        let Self { declared, counts, told, .. } = self;
        let Ok(declared) = declared.event(name) else { return good };
        for (key, field) in fields {
            let problem = match field {
                _ if !is_key(key) => "has a key that is not of 1 to 128 characters",
                _ if good.len() >= FIELDS => "comes after 128 others",
                Field::Number(number) if !number.is_finite() => "is a number that is not finite",
                Field::Text(text) if text.len() > TEXT && utf16_units(text) > TEXT => {
                    "is a text of more than 1,024 characters"
                }
                _ => match declared.check(key, field) {
                    Err(problem) => problem,
                    Ok(()) => {
                        good.push((*key, *field));
                        continue;
                    }
                },
            };
            counts.fields_left_out += 1;
            let message = ["event \"", name, "\": field \"", key, "\" ", problem, "; left out"];
            told.tell(commands, "field_left_out", key, &message);
        }
        good
    }

    /// Makes room for one more event: the newest batch goes to the store where there is one. False if
    /// the event was dropped.
    fn make_room(&mut self, commands: &mut Vec<Command>) -> bool {
        self.counts.accepted += 1;
        let most = self.config.get(Number::MaxQueueSize);
        let most_bytes = self.config.get(Number::MaxQueueBytes);
        let mut may_spill = true;
        loop {
            let open = self.open.as_ref().map_or((0, 0), |o| (o.header().events, o.size()));
            let events = self.ready_load.events + u64::from(open.0);
            let room = events < most && self.ready_load.bytes + (open.1 as u64) < most_bytes;
            if room || planted(Bug::QueueUnbounded) {
                return true;
            }
            if may_spill && !self.store_is_slow() && self.may_keep() && self.store_usable() {
                self.seal(commands);
                if let Some(batch) = self.pop_ready(false) {
                    may_spill = self.shelve(batch, commands);
                    continue;
                }
            }
            self.drop_events(Reason::QueueFull, 1);
            let message = ["the queue is full; the newest events are dropped and counted"];
            self.told.tell(commands, "queue_full", "", &message);
            return false;
        }
    }

    fn open_batch(&mut self) {
        if self.open.is_some() {
            return;
        }
        let header = Header {
            batch_id: self.batch_ids.id(u64::from(self.next_seq)),
            client_id: self.client_id,
            id_seed: self.event_ids,
            first: self.next_event,
            // The key tells the batch's age by it, and 0 is no age.
            base: self.now.wall.0.max(1),
            seq: self.next_seq,
            events: 0,
            report_at: 0,
            exposure: false,
        };
        self.next_seq = self.next_seq.wrapping_add(1);
        self.open_key = Key::new(header.base, header.batch_id);
        self.open = Some(Builder::new(header, &self.resource));
        self.seal_at = self.scheduled();
        self.due = self.due.min(self.seal_at);
    }

    fn accepted(&mut self, commands: &mut Vec<Command>) {
        self.next_event = self.next_event.wrapping_add(1);
        let full = self.open.as_ref().is_some_and(|open| self.is_full(open));
        if self.write_ahead && !planted(Bug::WriteAheadSkipped) {
            let soon = self.now.mono.plus(SAVE_MILLIS);
            self.save_at = self.save_at.min(soon);
            self.due = self.due.min(soon);
        }
        if full {
            self.seal(commands);
            self.pump(commands);
        } else if self.due <= self.now.mono {
            self.pump(commands);
        }
    }

    pub(super) fn is_full(&self, open: &Builder) -> bool {
        u64::from(open.header().events) >= self.config.get(Number::MaxExportBatchSize)
            || open.size() as u64 >= self.config.get(Number::MaxExportBatchBytes)
    }

    /// Finishes the open batch, if there is one.
    pub(super) fn seal(&mut self, commands: &mut Vec<Command>) {
        let Some(open) = self.open.take() else { return };
        self.soon = false;
        self.save_at = Millis::FAR;
        let lost = self.lost_open();
        // Nobody else knows of the report: it is not to go with what may be somebody else's.
        let report = if lost { Drops::default() } else { core::mem::take(&mut self.unreported) };
        let (header, bytes) = open.finish(&report);
        let batch = Batch::new(self.open_key, &header, bytes);
        let (batch, rest) = if lost {
            self.part_from_lost(batch)
        } else {
            self.outgrow(batch.key);
            (batch, None)
        };
        self.sealed(batch, commands);
        if let Some(rest) = rest {
            self.sealed(rest, commands);
        }
    }

    fn sealed(&mut self, mut batch: Box<Batch>, commands: &mut Vec<Command>) {
        if self.may_keep() {
            self.save_early(&mut batch, commands);
        }
        self.push_ready(batch, false);
    }

    /// Whether another holder may have the open batch's copy: its lease ran out, or will, for it must not
    /// be renewed now.
    fn lost_open(&self) -> bool {
        let free = |copy: &Known| copy.is_free(self.now.wall.0) || !self.may_keep();
        self.copies.get(self.open_key).is_some_and(|copy| copy.lease > 0 && free(copy))
    }

    /// What was copied of a batch that went on taking events is not the whole.
    fn outgrow(&mut self, key: Key) {
        self.copies.change(key, |copy| (copy.whole, copy.bytes) = (false, 0));
    }

    /// Copies the open batch to the store as it stands.
    pub(super) fn save_open(&mut self, commands: &mut Vec<Command>) {
        if self.lost_open() {
            return self.seal(commands);
        }
        // Once more in time if nothing is logged meanwhile: the copy's lease must not run out.
        let half_a_lease = (self.lease() - self.now.wall.0) / 2;
        self.save_at = if self.store_usable() {
            self.now.mono.plus(half_a_lease.max(1))
        } else if self.may_store() {
            self.store_broken_until.max(self.now.mono.plus(SAVE_MILLIS))
        } else {
            Millis::FAR
        };
        let Some(open) = &self.open else { return };
        let mut batch = Batch::new(self.open_key, open.header(), open.snapshot());
        self.save(&mut batch, self.lease(), commands);
        self.open_key = batch.key;
    }

    /// What must not wait for a failure is copied to the store before it is sent.
    pub(super) fn save_early(&mut self, batch: &mut Batch, commands: &mut Vec<Command>) {
        if self.wants_copy(batch) {
            self.save(batch, self.lease(), commands);
        }
    }

    fn wants_copy(&self, batch: &Batch) -> bool {
        !self.is_copied(batch)
            && (self.write_ahead || (batch.exposure && !planted(Bug::ExposureNotStored)))
    }

    /// Copies what should have been when the store was not to be had.
    pub(super) fn save_unsaved(&mut self, commands: &mut Vec<Command>) {
        if !self.unsaved || !self.store_usable() {
            return;
        }
        self.unsaved = false;
        let most = commands.len() + SLICE;
        for mut batch in core::mem::take(&mut self.ready) {
            if commands.len() < most {
                self.save_early(&mut batch, commands);
            } else {
                (self.unsaved, self.rest) = (true, true);
            }
            self.ready.push_back(batch);
        }
        if let Some(mut flight) = self.flight.take() {
            if self.wants_copy(&flight.batch) {
                self.save_flight(&mut flight, commands);
            }
            self.flight = Some(flight);
        }
    }

    /// Nobody else may send it before its own attempt is over.
    pub(super) fn save_flight(&mut self, flight: &mut Flight, commands: &mut Vec<Command>) {
        let left = flight.attempt.over.0.saturating_sub(self.now.mono.0);
        let lease = self.lease().max(self.now.wall.plus(left).0);
        self.save(&mut flight.batch, lease, commands);
    }

    /// Writes a copy under a lease, while the batch itself stays in memory.
    fn save(&mut self, batch: &mut Batch, lease: u64, commands: &mut Vec<Command>) {
        // What is there already lacks events, and is no copy of this batch.
        self.outgrow(batch.key);
        if !self.store_usable() && self.may_store() {
            self.unsaved = true;
            return;
        }
        self.leave_lost(batch);
        if !self.fit(batch.key, batch.bytes.len(), commands) {
            // A lease that is not renewed runs out: nobody else must send it then.
            if let Some(copy) = self.copies.remove(batch.key) {
                self.remove(&copy, commands);
            }
            return;
        }
        let copy = self.record(batch, lease);
        let copy = self.put(copy, batch.bytes.clone(), Pending::Copy(batch.key), commands);
        self.copies.insert(copy);
    }
}
