//! A store that the host gives: Node's files, or its own. Its methods may answer at once or with a
//! promise; what is answered at once is reported at once, for a process that exits waits for nothing.

use alloc::vec::Vec;

use core::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use super::callbacks::{Callbacks, Event};
use super::idb::{entry, meta};
use super::report::{Queue, Report};
use super::value::{self, Args, args, call, get, set_text};
use crate::core::io::OpId;
use crate::core::store::{Entry, StoreOp, StoreResult};

/// Longer listings are cut.
const ENTRIES: u32 = 1_000_000;

/// Carries operations out with the methods of one object, one after another.
pub struct HostStore {
    store: JsValue,
    waiting: RefCell<Vec<(OpId, StoreOp)>>,
    /// The operation that is carried out, and its method: they come one after another.
    running: Cell<Option<(OpId, usize)>>,
    callbacks: Callbacks,
    queue: Queue,
}

/// A store's methods, in the order of [`StoreOp`].
const METHODS: [&str; 7] = ["list", "put", "claim", "mark", "remove", "quarantine", "clear"];

impl HostStore {
    /// Whether the object has every method of a store.
    pub fn is_store(store: &JsValue) -> bool {
        METHODS.iter().all(|method| get(store, method).is_function())
    }

    /// Events go to [`HostStore::happened`].
    pub fn new(store: JsValue, callbacks: &Callbacks, queue: &Queue) -> Self {
        let (waiting, running) = Default::default();
        let (callbacks, queue) = (callbacks.clone(), queue.clone());
        Self { store, waiting, running, callbacks, queue }
    }

    /// Reports `Stored`, once, later or at once.
    pub fn apply(&self, id: OpId, op: StoreOp) {
        self.waiting.borrow_mut().push((id, op));
        self.go_on();
    }

    fn go_on(&self) {
        while self.running.get().is_none() && !self.waiting.borrow().is_empty() {
            let (id, op) = self.waiting.borrow_mut().remove(0);
            let (method, args) = request(&op);
            drop(op);
            self.running.set(Some((id, method)));
            match call(&get(&self.store, METHODS[method]), &self.store, args) {
                Ok(promise) if value::is_thenable(&promise) => {
                    let events = [Event::Done, Event::NotDone];
                    if !value::settle(&promise, &self.callbacks, events, id.0) {
                        self.answer(id, Err(JsValue::UNDEFINED));
                    }
                }
                given => self.answer(id, given),
            }
        }
    }

    /// Takes the events `Done` and `NotDone`.
    pub fn happened(&self, event: Event, id: u32, value: JsValue) {
        self.answer(OpId(id), if event == Event::Done { Ok(value) } else { Err(value) });
        self.go_on();
    }

    fn answer(&self, id: OpId, given: Result<JsValue, JsValue>) {
        let method = match self.running.get() {
            Some((running, method)) if running == id => method,
            _ => return,
        };
        self.running.set(None);
        let result = match (METHODS[method], given) {
            (_, Err(error)) if value::is_full(&error) => StoreResult::Full,
            (_, Err(_)) => StoreResult::Failed,
            ("list", Ok(list)) if list.is_object() => StoreResult::Listed(listed(&list)),
            ("list", Ok(_)) => StoreResult::Failed,
            ("claim", Ok(given)) if given.is_undefined() || given.is_null() => StoreResult::Lost,
            // Something that is no record is told as an empty one, which the pipeline sets aside.
            ("claim", Ok(given)) => StoreResult::Claimed(value::bytes(&given).unwrap_or_default()),
            ("mark", Ok(given)) if given.as_bool() != Some(true) => StoreResult::Lost,
            _ => StoreResult::Done,
        };
        self.queue.push(Report::Stored(id, result));
    }
}

/// The method, as an index into [`METHODS`], and its arguments.
fn request(op: &StoreOp) -> (usize, Args) {
    match op {
        StoreOp::List { .. } => (0, args()),
        StoreOp::Put { entry, bytes } => (1, shown(entry).js(&value::octets(bytes))),
        StoreOp::Claim { seen, lease, attempts } => (2, taken(seen, *lease, *attempts)),
        StoreOp::Mark { seen, lease, attempts } => (3, taken(seen, *lease, *attempts)),
        StoreOp::Remove { seen } => (4, shown(seen)),
        StoreOp::Quarantine { key } => (5, args().text(key)),
        StoreOp::Clear => (6, args()),
    }
}

fn shown(entry: &Entry) -> Args {
    let shown = meta(entry);
    set_text(&shown, "key", &entry.key);
    args().js(&shown)
}

fn taken(seen: &Entry, lease: u64, attempts: u32) -> Args {
    shown(seen).number(lease as f64).number(attempts.into())
}

/// What is no entry is passed over.
fn listed(list: &JsValue) -> Vec<Entry> {
    let mut entries = Vec::new();
    for item in value::items(list, ENTRIES) {
        entries.extend(entry(&get(&item, "key"), &item));
    }
    entries
}
