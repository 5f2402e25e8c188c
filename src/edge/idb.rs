//! The store in IndexedDB: one database for each service, shared by the origin's tabs and workers.
//!
//! `meta` holds what a listing tells, `batch` the records, `aside` the last few records that could not
//! be read. Each operation is one transaction, so that it happens whole or not at all, and holders
//! exclude one another; operations are asked for at once, and IndexedDB keeps their order.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::callbacks::Callbacks;
use super::report::{Report, Sink};
use super::value::{self, get, global, invoke, object, set};
use crate::core::io::OpId;
use crate::core::store::{Entry, StoreOp, StoreResult};
use crate::core::time::Millis;

/// A database that does not open in that time is done without.
const OPEN_MILLIS: u64 = 5_000;
/// Records set aside beyond this are removed, the oldest first.
const ASIDE: u32 = 20;
/// So many times a lost connection is opened again in vain before it is given up.
const REOPENINGS: u32 = 3;

pub struct Idb {
    name: String,
    connection: RefCell<Connection>,
    /// Counts openings: events of an earlier connection are ignored.
    opening: Cell<u32>,
    failures: Cell<u32>,
    pending: RefCell<Vec<Pending>>,
    callbacks: Callbacks,
    sink: Sink,
}

enum Connection {
    /// For the first time: the driver waits until then.
    First { until: Millis },
    Opening,
    Open(JsValue),
    Closed,
    GivenUp,
}

/// An operation whose transaction runs.
struct Pending {
    id: OpId,
    op: StoreOp,
    transaction: JsValue,
    requests: Vec<JsValue>,
    lost: bool,
}

/// What IndexedDB calls back for; the id is an opening's or an operation's.
#[derive(Clone, Copy)]
enum Event {
    Upgrade,
    Opened,
    NotOpened,
    /// Another connection wants the database removed or changed.
    Unwanted,
    /// The browser closed the connection, for instance because the user cleared the site's data.
    Closed,
    /// A request that the operation waits for has its result.
    Read,
    Complete,
    Aborted,
}

impl Event {
    const ALL: [Self; 8] = [
        Self::Upgrade,
        Self::Opened,
        Self::NotOpened,
        Self::Unwanted,
        Self::Closed,
        Self::Read,
        Self::Complete,
        Self::Aborted,
    ];
}

impl Idb {
    /// Reports `StoreOpen` or `NoStore` later, or `NoStore` at once.
    pub fn open(service: &str, now: Millis, sink: Sink) -> Rc<Self> {
        let idb = Rc::new_cyclic(|idb: &std::rc::Weak<Self>| {
            let idb = idb.clone();
            let callbacks = Callbacks::new(move |kind, id, event| {
                if let (Some(idb), Some(kind)) = (idb.upgrade(), Event::ALL.get(kind as usize)) {
                    idb.happened(*kind, id, &event);
                }
            });
            Self {
                name: ["wasm-telemetry:", service].concat(),
                connection: RefCell::new(Connection::First { until: now.plus(OPEN_MILLIS) }),
                opening: Cell::new(0),
                failures: Cell::new(0),
                pending: RefCell::new(Vec::new()),
                callbacks,
                sink,
            }
        });
        idb.connect();
        idb
    }

    pub fn wake_at(&self) -> Option<Millis> {
        match *self.connection.borrow() {
            Connection::First { until } => Some(until),
            _ => None,
        }
    }

    pub fn wake(&self, now: Millis) {
        if self.wake_at().is_some_and(|until| until <= now) {
            self.fail("IndexedDB did not open within 5 seconds");
        }
    }

    /// Reports `Stored`, once, later or at once.
    pub fn apply(&self, id: OpId, op: StoreOp) {
        let database = match &*self.connection.borrow() {
            Connection::Open(database) => Some(database.clone()),
            _ => None,
        };
        let Some(database) = database else {
            let closed = matches!(*self.connection.borrow(), Connection::Closed);
            if closed {
                self.connection.replace(Connection::Opening);
                self.connect();
            }
            return self.answer(id, StoreResult::Failed);
        };
        let Ok(transaction) = transaction(&database, &op) else {
            self.connection.replace(Connection::Closed);
            return self.answer(id, StoreResult::Failed);
        };
        set(&transaction, "oncomplete", &self.callbacks.get(Event::Complete as u32, id.0));
        set(&transaction, "onabort", &self.callbacks.get(Event::Aborted as u32, id.0));
        let (requests, lost) = (Vec::new(), false);
        let mut pending = Pending { id, op, transaction, requests, lost };
        let begun = self.begin(&mut pending);
        self.go_on(pending, begun);
    }

    fn connect(&self) {
        let opening = self.opening.get().wrapping_add(1);
        self.opening.set(opening);
        let on = |event: Event| self.callbacks.get(event as u32, opening);
        let factory = get(&global(), "indexedDB");
        match invoke(&factory, "open", &[&self.name.as_str().into(), &1.into()]) {
            Ok(request) => {
                set(&request, "onupgradeneeded", &on(Event::Upgrade));
                set(&request, "onsuccess", &on(Event::Opened));
                set(&request, "onerror", &on(Event::NotOpened));
                set(&request, "onblocked", &on(Event::NotOpened));
            }
            Err(_) => self.fail("there is no IndexedDB, or a policy forbids it"),
        }
    }

    fn happened(&self, event: Event, id: u32, happening: &JsValue) {
        match event {
            Event::Read => self.read(OpId(id)),
            Event::Complete => self.complete(OpId(id)),
            Event::Aborted => self.aborted(OpId(id), happening),
            _ if id != self.opening.get() => {}
            Event::Upgrade => {
                let database = get(&get(happening, "target"), "result");
                for store in ["meta", "batch", "aside"] {
                    // What fails here fails the opening.
                    let _ = invoke(&database, "createObjectStore", &[&store.into()]);
                }
            }
            Event::Opened => self.opened(get(&get(happening, "target"), "result")),
            Event::NotOpened => {
                // Firefox would tell the page's error handler of it.
                let _ = invoke(happening, "preventDefault", &[]);
                self.fail("IndexedDB can't be opened");
            }
            Event::Unwanted | Event::Closed => {
                let connection = self.connection.replace(Connection::Closed);
                if let Connection::Open(database) = connection {
                    // Transactions that run come to their end.
                    close(&database);
                }
                if matches!(event, Event::Closed) {
                    let pending = self.pending.take();
                    pending.iter().for_each(|op| self.answer(op.id, StoreResult::Failed));
                }
            }
        }
    }

    fn opened(&self, database: JsValue) {
        if matches!(*self.connection.borrow(), Connection::GivenUp) {
            return close(&database);
        }
        // Somebody else's database of the same name has other stores.
        if transaction(&database, &StoreOp::Clear).is_err() {
            close(&database);
            return self.fail("the database in IndexedDB is not ours");
        }
        let opening = self.opening.get();
        set(&database, "onversionchange", &self.callbacks.get(Event::Unwanted as u32, opening));
        set(&database, "onclose", &self.callbacks.get(Event::Closed as u32, opening));
        self.failures.set(0);
        if let Connection::First { .. } = self.connection.replace(Connection::Open(database)) {
            (self.sink)(Report::StoreOpen);
        }
    }

    fn fail(&self, why: &'static str) {
        let failures = self.failures.get() + 1;
        self.failures.set(failures);
        let first = matches!(*self.connection.borrow(), Connection::First { .. });
        let given_up = first || failures >= REOPENINGS;
        self.connection.replace(if given_up { Connection::GivenUp } else { Connection::Closed });
        if first {
            (self.sink)(Report::NoStore(why));
        }
    }

    /// Asks for what the operation needs first.
    fn begin(&self, pending: &mut Pending) -> Result<(), JsValue> {
        let Pending { op, transaction, requests, .. } = pending;
        let on = |store: &str, method, arguments: &[&JsValue]| {
            invoke(&object_store(transaction, store)?, method, arguments)
        };
        match op {
            StoreOp::List => {
                requests.push(on("meta", "getAllKeys", &[])?);
                requests.push(on("meta", "getAll", &[])?);
                return Ok(());
            }
            StoreOp::Put { entry, bytes } => {
                on("meta", "put", &[&meta(entry), &entry.key.as_str().into()])?;
                on("batch", "put", &[&value::octets(bytes), &entry.key.as_str().into()])?;
                // The record is in the database's hands from here on.
                bytes.clear();
            }
            StoreOp::Remove { key } => {
                on("meta", "delete", &[&key.as_str().into()])?;
                on("batch", "delete", &[&key.as_str().into()])?;
            }
            StoreOp::Clear => {
                for store in ["meta", "batch", "aside"] {
                    on(store, "clear", &[])?;
                }
            }
            StoreOp::Claim { seen: Entry { key, .. }, .. }
            | StoreOp::Mark { seen: Entry { key, .. }, .. } => {
                let request = on("meta", "get", &[&key.as_str().into()])?;
                return self.wait(pending, request);
            }
            StoreOp::Quarantine { key } => {
                on("meta", "delete", &[&key.as_str().into()])?;
                let request = on("batch", "get", &[&key.as_str().into()])?;
                return self.wait(pending, request);
            }
        }
        commit(transaction);
        Ok(())
    }

    fn wait(&self, pending: &mut Pending, request: JsValue) -> Result<(), JsValue> {
        set(&request, "onsuccess", &self.callbacks.get(Event::Read as u32, pending.id.0));
        pending.requests.push(request);
        Ok(())
    }

    fn read(&self, id: OpId) {
        if let Some(mut pending) = self.take(id) {
            let read = self.next(&mut pending);
            self.go_on(pending, read);
        }
    }

    /// Asks for what follows from what was read.
    fn next(&self, pending: &mut Pending) -> Result<(), JsValue> {
        let Pending { op, transaction, requests, lost, .. } = pending;
        let on = |store: &str, method, arguments: &[&JsValue]| {
            invoke(&object_store(transaction, store)?, method, arguments)
        };
        let result = requests.last().map_or(JsValue::UNDEFINED, |request| get(request, "result"));
        match op {
            StoreOp::Claim { seen, lease, attempts } | StoreOp::Mark { seen, lease, attempts } => {
                let key = JsValue::from_str(&seen.key);
                match entry(&seen.key, &result) {
                    Some(found) if found.lease == seen.lease && found.attempts == seen.attempts => {
                        let taken = Entry { lease: *lease, attempts: *attempts, ..found };
                        on("meta", "put", &[&meta(&taken), &key])?;
                        if let StoreOp::Claim { .. } = op {
                            requests.push(on("batch", "get", &[&key])?);
                        }
                    }
                    _ => *lost = true,
                }
            }
            StoreOp::Quarantine { key } if requests.len() == 1 => {
                if !result.is_undefined() {
                    on("aside", "put", &[&result, &key.as_str().into()])?;
                }
                on("batch", "delete", &[&key.as_str().into()])?;
                let request = on("aside", "getAllKeys", &[])?;
                return self.wait(pending, request);
            }
            StoreOp::Quarantine { .. } => {
                let keys = value::items(&result, u32::MAX);
                let surplus = keys.len().saturating_sub(ASIDE as usize);
                for key in keys.iter().take(surplus) {
                    on("aside", "delete", &[key])?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn go_on(&self, pending: Pending, step: Result<(), JsValue>) {
        if step.is_err() {
            let _ = invoke(&pending.transaction, "abort", &[]);
        }
        self.pending.borrow_mut().push(pending);
    }

    fn complete(&self, id: OpId) {
        let Some(Pending { op, requests, lost, .. }) = self.take(id) else { return };
        let result = |index: usize| {
            requests.get(index).map_or(JsValue::UNDEFINED, |request| get(request, "result"))
        };
        let answer = match op {
            _ if lost => StoreResult::Lost,
            StoreOp::List => StoreResult::Listed(listed(&result(0), &result(1))),
            // Something that is no record is told as an empty one, which the pipeline sets aside.
            StoreOp::Claim { .. } => {
                StoreResult::Claimed(value::bytes(&result(1)).unwrap_or_default())
            }
            _ => StoreResult::Done,
        };
        self.answer(id, answer);
    }

    fn aborted(&self, id: OpId, event: &JsValue) {
        let Some(pending) = self.take(id) else { return };
        let _ = invoke(event, "preventDefault", &[]);
        let full = value::is_full(&get(&pending.transaction, "error"));
        self.answer(id, if full { StoreResult::Full } else { StoreResult::Failed });
    }

    fn take(&self, id: OpId) -> Option<Pending> {
        let mut pending = self.pending.borrow_mut();
        let index = pending.iter().position(|pending| pending.id == id)?;
        Some(pending.swap_remove(index))
    }

    fn answer(&self, id: OpId, result: StoreResult) {
        (self.sink)(Report::Stored(id, result));
    }
}

impl Drop for Idb {
    fn drop(&mut self) {
        if let Connection::Open(database) = self.connection.get_mut() {
            close(database);
        }
    }
}

fn close(database: &JsValue) {
    let _ = invoke(database, "close", &[]);
}

/// A transaction over what the operation touches.
fn transaction(database: &JsValue, op: &StoreOp) -> Result<JsValue, JsValue> {
    let (stores, mode): (&[&str], _) = match op {
        StoreOp::List => (&["meta"], "readonly"),
        StoreOp::Mark { .. } => (&["meta"], "readwrite"),
        StoreOp::Put { .. } | StoreOp::Claim { .. } | StoreOp::Remove { .. } => {
            (&["meta", "batch"], "readwrite")
        }
        StoreOp::Quarantine { .. } | StoreOp::Clear => (&["meta", "batch", "aside"], "readwrite"),
    };
    let names = Array::new();
    for store in stores {
        names.push(&(*store).into());
    }
    // A power failure may take the last moments; waiting for the disk each time costs more.
    let options = object(&[("durability", &"relaxed".into())]);
    invoke(database, "transaction", &[&names, &mode.into(), &options])
}

fn object_store(transaction: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    invoke(transaction, "objectStore", &[&name.into()])
}

/// Does not wait for the requests' events, so that it still happens when the page goes away.
fn commit(transaction: &JsValue) {
    // Where there is no such method the transaction commits by itself, a little later.
    let _ = invoke(transaction, "commit", &[]);
}

fn meta(entry: &Entry) -> JsValue {
    object(&[
        ("lease", &(entry.lease as f64).into()),
        ("attempts", &entry.attempts.into()),
        ("events", &entry.events.into()),
        ("bytes", &entry.bytes.into()),
    ])
}

/// `None` if that is not one of ours.
pub fn entry(key: &str, meta: &JsValue) -> Option<Entry> {
    let number = |name| value::whole(&get(meta, name), u64::from(u32::MAX)).map(|n| n as u32);
    Some(Entry {
        key: String::from(key),
        lease: value::whole(&get(meta, "lease"), 1 << 53)?,
        attempts: number("attempts")?,
        events: number("events")?,
        bytes: number("bytes")?,
    })
}

fn listed(keys: &JsValue, metas: &JsValue) -> Vec<Entry> {
    let keys = value::items(keys, u32::MAX);
    let metas = value::items(metas, u32::MAX);
    // What is not ours is passed over.
    keys.iter()
        .zip(&metas)
        .filter_map(|(key, meta)| entry(&value::text(key)?, meta))
        .collect()
}
