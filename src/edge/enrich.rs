//! The host's `enrich`: events wait for its answer, each with the time of its call.

use alloc::string::String;
use alloc::vec::Vec;

use core::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use super::callbacks::{Callbacks, Event};
use super::metadata::Fields;
use super::report::{Queue, Report};
use super::value::{self, args, call};
use crate::core::time::{Millis, UnixMillis};

/// An answer that takes longer is done without.
const ANSWER_MILLIS: u64 = 10_000;
/// When so many events wait, the next ones go on without an answer.
const WAITING: usize = 1_000;

pub struct Enricher {
    function: JsValue,
    waiting: RefCell<Vec<Waiting>>,
    next: Cell<u32>,
    callbacks: Callbacks,
    queue: Queue,
}

struct Waiting {
    id: u32,
    until: Millis,
    at: UnixMillis,
    name: String,
    fields: Fields,
}

impl Enricher {
    /// `None` if the host gave no function. Events go to [`Enricher::happened`].
    pub fn new(function: JsValue, callbacks: &Callbacks, queue: &Queue) -> Option<Self> {
        let (waiting, next) = Default::default();
        let (callbacks, queue) = (callbacks.clone(), queue.clone());
        let enricher = Self { function, waiting, next, callbacks, queue };
        enricher.function.is_function().then_some(enricher)
    }

    /// Reports `Enriched`, once, later or at once.
    pub fn enrich(
        &self,
        (now, at): (Millis, UnixMillis),
        name: String,
        fields: Fields,
        metadata: &JsValue,
    ) {
        if self.waiting.borrow().len() >= WAITING {
            self.failed("is behind: 1,000 events wait for it");
            return self.go_on(Waiting { id: 0, until: now, at, name, fields });
        }
        let given = call(&self.function, &JsValue::UNDEFINED, args().text(&name).js(metadata));
        let id = self.next.get().wrapping_add(1);
        self.next.set(id);
        let until = now.plus(ANSWER_MILLIS);
        self.waiting.borrow_mut().push(Waiting { id, until, at, name, fields });
        let event = if given.is_ok() { Event::Enriched } else { Event::NotEnriched };
        let given = given.unwrap_or_default();
        let events = [Event::Enriched, Event::NotEnriched];
        if !value::is_thenable(&given) || !value::settle(&given, &self.callbacks, events, id) {
            self.happened(event, id, &given);
        }
    }

    pub fn wake_at(&self) -> Millis {
        // All wait for the same time, so the first is the next.
        self.waiting.borrow().first().map_or(Millis::FAR, |waiting| waiting.until)
    }

    pub fn wake(&self, now: Millis) {
        while self.wake_at() <= now {
            self.failed("took longer than 10 seconds");
            self.let_go();
        }
    }

    /// Nothing waits any longer: the page goes away, or the host wants everything sent.
    pub fn hurry(&self) {
        while self.let_go() {}
    }

    /// The first that waits goes on; false if none does.
    fn let_go(&self) -> bool {
        let first = self.waiting.borrow().first().map(|waiting| waiting.id);
        let waiting = first.and_then(|id| self.take(id));
        let any = waiting.is_some();
        if let Some(waiting) = waiting {
            self.go_on(waiting);
        }
        any
    }

    pub fn happened(&self, event: Event, id: u32, given: &JsValue) {
        // Reading may call back; the event waits meanwhile.
        let more = Fields::read(given).ok().filter(|_| event == Event::Enriched);
        let Some(mut waiting) = self.take(id) else {
            return;
        };
        match more {
            Some(more) => waiting.fields.add(more),
            None => self.failed("threw, rejected or gave no object"),
        }
        self.go_on(waiting);
    }

    fn take(&self, id: u32) -> Option<Waiting> {
        let mut waiting = self.waiting.borrow_mut();
        let index = waiting.iter().position(|waiting| waiting.id == id)?;
        Some(waiting.remove(index))
    }

    fn go_on(&self, Waiting { at, name, fields, .. }: Waiting) {
        self.queue.push(Report::Enriched(at, name, fields));
    }

    fn failed(&self, why: &str) {
        let message = ["enrich ", why, "; events go on without"];
        self.queue.diagnose("enrich_failed", "enrich", &message);
    }
}
