//! The store in IndexedDB: one database for each service, shared by the origin's tabs and workers.
//!
//! `meta` holds what a listing tells, `batch` the records, `aside` the last few records that could not
//! be read. Each operation is one transaction, so that it happens whole or not at all, and holders
//! exclude one another; operations are asked for at once, and IndexedDB keeps their order. What a page
//! writes as it goes away is in the spool, too, until its transaction is complete.

use alloc::string::String;
use alloc::vec::Vec;

use core::cell::{Cell, RefCell};

use wasm_bindgen::prelude::*;

use super::callbacks::{Callbacks, Event};
use super::report::{Queue, Report};
use super::timer;
use super::value::{
    self, Args, args, call, get, global_get, invoke, object, set, set_number, set_text,
};
use crate::core::io::{Command, OpId};
use crate::core::store::{Entry, StoreOp, StoreResult};
use crate::core::time::Millis;

/// A database that does not open in that time is done without.
const OPEN_MILLIS: u64 = 5_000;
/// Records set aside beyond this are removed, the oldest first.
const ASIDE: u32 = 20;
const STORES: [&str; 3] = ["meta", "batch", "aside"];
/// So many entries are listed at a time.
const PAGE: u32 = 256;
/// Where the last of them is. What is no text sorts after all that is ours.
const LAST: &str = "255";
/// So many times a lost connection is opened again in vain before it is given up.
const REOPENINGS: u32 = 3;
/// Operations that bring records in from the spool are numbered from here on.
const IMPORTS: u32 = 0xffff_0000;

/// A connection to one database, which is opened anew when it is lost.
pub struct Idb {
    name: String,
    connection: RefCell<Connection>,
    /// Counts openings: events of an earlier connection are ignored.
    opening: Cell<u32>,
    failures: Cell<u32>,
    pending: RefCell<Vec<Pending>>,
    /// What was asked before it opened for the first time.
    waiting: RefCell<Vec<Command>>,
    /// The package's; `undefined` if there is none.
    spool: JsValue,
    /// The last record's that was brought in from there.
    import: Cell<u32>,
    leaving: Cell<bool>,
    callbacks: Callbacks,
    queue: Queue,
}

enum Connection {
    /// For the first time: the driver waits until then.
    First {
        until: Millis,
    },
    Opening,
    Open(JsValue),
    Closed,
    GivenUp,
}

/// An operation whose transaction runs.
struct Pending {
    id: OpId,
    op: StoreOp,
    asked: Asked,
    lost: bool,
}

/// What is asked of a transaction.
struct Asked {
    transaction: JsValue,
    /// Those whose results are wanted.
    requests: Vec<JsValue>,
    failed: bool,
}

impl Idb {
    /// Reports `StoreOpen` or `NoStore`, later or at once. Events go to [`Idb::happened`].
    pub fn open(
        service: &str,
        spool: JsValue,
        now: Millis,
        callbacks: &Callbacks,
        queue: &Queue,
    ) -> Self {
        let idb = Self {
            name: ["wasm-telemetry:", service].concat(),
            connection: RefCell::new(Connection::First { until: now.plus(OPEN_MILLIS) }),
            opening: Cell::new(0),
            failures: Cell::new(0),
            pending: RefCell::default(),
            waiting: RefCell::default(),
            spool,
            import: Cell::new(IMPORTS),
            leaving: Cell::new(false),
            callbacks: callbacks.clone(),
            queue: queue.clone(),
        };
        idb.connect();
        idb
    }

    /// Whether it has yet to open for the first time.
    pub fn is_first(&self) -> bool {
        matches!(*self.connection.borrow(), Connection::First { .. })
    }

    pub(super) fn wake_at(&self) -> Millis {
        match *self.connection.borrow() {
            Connection::First { until } => until,
            _ => Millis::FAR,
        }
    }

    /// Gives IndexedDB up if it has not opened by its time.
    pub fn wake(&self, now: Millis) {
        if self.wake_at() <= now {
            self.fail("IndexedDB did not open within 5 seconds");
        }
    }

    /// Whether the page may be gone after this task.
    pub fn set_leaving(&self, leaving: bool) {
        self.leaving.set(leaving);
    }

    /// What waited is commanded again, of whatever store there is now.
    fn release(&self) {
        self.queue.extend(self.waiting.take());
    }

    /// What earlier pages left goes too, though no database was to be had.
    pub fn clear_spool(&self) {
        invoke(&self.spool, "clear", args());
    }

    /// Lets others change or remove the database. Transactions that run come to their end.
    pub fn close(&self) {
        if let Connection::Open(database) = self.connection.replace(Connection::GivenUp) {
            close(&database);
        }
    }

    /// When another window was told of a denial; nothing where windows share nothing.
    pub fn denied_at(&self) -> Option<u64> {
        value::whole(&invoke(&self.spool, "deniedAt", args()), u64::MAX)
    }

    /// Reports `Stored`, once, later or at once.
    pub fn apply(&self, id: OpId, op: StoreOp) {
        let given_up = matches!(*self.connection.borrow(), Connection::GivenUp);
        let spooled = match &op {
            // A note without events may be lost, but must not come back when it was removed.
            StoreOp::Put { entry, bytes } if self.leaving.get() && !given_up => {
                entry.events > 0 && self.spool(entry, bytes)
            }
            _ => false,
        };
        let database = match &*self.connection.borrow() {
            Connection::Open(database) => Some(database.clone()),
            _ => None,
        };
        let Some(database) = database else {
            return self.do_without(id, op, spooled);
        };
        match op {
            StoreOp::List { .. } => self.import(&database),
            StoreOp::Clear => self.clear_spool(),
            _ => {}
        }
        if !self.transact(&database, id, op) {
            self.connection.replace(Connection::Closed);
            self.answer(id, StoreResult::Failed);
        }
    }

    /// No database is open now.
    fn do_without(&self, id: OpId, op: StoreOp, spooled: bool) {
        if matches!(*self.connection.borrow(), Connection::Closed) {
            self.connection.replace(Connection::Opening);
            self.connect();
        }
        if spooled {
            // It comes in with the next listing.
            self.answer(id, StoreResult::Done);
        } else if self.is_first() {
            self.waiting.borrow_mut().push(Command::Store { id, op });
        } else {
            self.answer(id, StoreResult::Failed);
        }
    }

    fn spool(&self, entry: &Entry, bytes: &[u8]) -> bool {
        let record = args().text(&entry.key).js(&meta(entry)).js(&value::octets(bytes));
        call(&get(&self.spool, "put"), &self.spool, record).is_ok()
    }

    /// Brings in what pages left in the spool.
    fn import(&self, database: &JsValue) {
        let records = invoke(&self.spool, "records", args());
        for record in value::items(&records, value::KEYS) {
            let (key, meta, bytes) = (get(&record, "0"), get(&record, "1"), get(&record, "2"));
            let text = value::string(&key);
            match (entry(&key, &meta), value::bytes(&bytes)) {
                _ if self.imports(&text) => {}
                (Some(entry), Some(bytes)) => {
                    let id = self.import.get().wrapping_add(1).max(IMPORTS);
                    self.import.set(id);
                    self.transact(database, OpId(id), StoreOp::Put { entry, bytes });
                }
                _ => self.forget(&text),
            }
        }
    }

    /// Whether the record is being brought in.
    fn imports(&self, key: &str) -> bool {
        self.pending.borrow().iter().any(|pending| match &pending.op {
            StoreOp::Put { entry, .. } => pending.id.0 >= IMPORTS && entry.key == key,
            _ => false,
        })
    }

    fn forget(&self, key: &str) {
        invoke(&self.spool, "forget", args().text(key));
    }

    /// False if the connection is closed.
    fn transact(&self, database: &JsValue, id: OpId, op: StoreOp) -> bool {
        let transaction = transaction(database, &op);
        if !transaction.is_object() {
            return false;
        }
        self.listen(&transaction, "oncomplete", Event::Complete, id.0);
        self.listen(&transaction, "onabort", Event::Aborted, id.0);
        let asked = Asked { transaction, requests: Vec::new(), failed: false };
        let mut pending = Pending { id, op, asked, lost: false };
        self.begin(&mut pending);
        self.go_on(pending);
        true
    }

    fn connect(&self) {
        let opening = self.opening.get().wrapping_add(1);
        self.opening.set(opening);
        let factory = global_get("indexedDB");
        let request = invoke(&factory, "open", args().text(&self.name).number(1.0));
        if !request.is_object() {
            return self.fail("there is no IndexedDB, or a policy forbids it");
        }
        self.listen(&request, "onupgradeneeded", Event::Upgrade, opening);
        self.listen(&request, "onsuccess", Event::Opened, opening);
        self.listen(&request, "onerror", Event::NotOpened, opening);
        self.listen(&request, "onblocked", Event::NotOpened, opening);
    }

    fn listen(&self, target: &JsValue, name: &str, event: Event, id: u32) {
        set(target, name, &self.callbacks.get(event, id));
    }

    /// Takes the events of openings and operations.
    pub fn happened(&self, event: Event, id: u32, happening: &JsValue) {
        match event {
            Event::Read => self.read(OpId(id)),
            Event::Complete => self.complete(OpId(id)),
            Event::Aborted => self.aborted(OpId(id), happening),
            _ if id != self.opening.get() => {}
            Event::Upgrade => {
                let database = get(&get(happening, "target"), "result");
                for store in STORES {
                    invoke(&database, "createObjectStore", args().text(store));
                }
            }
            Event::Opened => self.opened(get(&get(happening, "target"), "result")),
            Event::NotOpened => {
                // Firefox would tell the page's error handler of it.
                invoke(happening, "preventDefault", args());
                self.fail("IndexedDB can't be opened");
            }
            Event::Unwanted | Event::Closed => {
                let connection = self.connection.replace(Connection::Closed);
                if let Connection::Open(database) = connection {
                    // Transactions that run come to their end.
                    close(&database);
                }
                if event == Event::Closed {
                    let pending = self.pending.take();
                    pending.iter().for_each(|op| self.answer(op.id, StoreResult::Failed));
                }
            }
            _ => {}
        }
    }

    fn opened(&self, database: JsValue) {
        if matches!(*self.connection.borrow(), Connection::GivenUp) {
            return close(&database);
        }
        // Somebody else's database of the same name has other stores.
        if !transaction(&database, &StoreOp::Clear).is_object() {
            close(&database);
            return self.fail("the database in IndexedDB is not ours");
        }
        let opening = self.opening.get();
        self.listen(&database, "onversionchange", Event::Unwanted, opening);
        self.listen(&database, "onclose", Event::Closed, opening);
        self.failures.set(0);
        if let Connection::First { .. } = self.connection.replace(Connection::Open(database)) {
            self.queue.push(Report::StoreOpen);
            self.release();
        }
    }

    fn fail(&self, why: &'static str) {
        let failures = self.failures.get() + 1;
        self.failures.set(failures);
        let first = matches!(*self.connection.borrow(), Connection::First { .. });
        let given_up = first || failures >= REOPENINGS;
        self.connection.replace(if given_up { Connection::GivenUp } else { Connection::Closed });
        if first {
            self.queue.push(Report::NoStore(why));
            self.release();
        }
    }

    /// Asks for what the operation needs first.
    fn begin(&self, Pending { id, op, asked, .. }: &mut Pending) {
        match op {
            StoreOp::List { after } => {
                let keys = invoke(
                    &global_get("IDBKeyRange"),
                    "lowerBound",
                    args().text(after).js(&JsValue::TRUE),
                );
                asked.want("meta", "getAllKeys", args().js(&keys).number(PAGE.into()));
                asked.want("meta", "getAll", args().js(&keys).number(PAGE.into()));
                return;
            }
            StoreOp::Put { entry: Entry { key, .. }, .. } if id.0 >= IMPORTS => {
                return self.wait(*id, asked, "meta", "get", args().text(key));
            }
            StoreOp::Put { entry, bytes } => asked.put(entry, bytes),
            // Nobody else may change what is under our lease, and there is no time to read it first.
            StoreOp::Mark { seen, lease, attempts }
                if self.leaving.get() && seen.lease > timer::now().wall.0 =>
            {
                asked.mark(seen, *lease, *attempts);
            }
            StoreOp::Remove { seen } if self.leaving.get() => asked.delete(&seen.key),
            StoreOp::Clear => {
                for store in STORES {
                    asked.ask(store, "clear", args());
                }
            }
            StoreOp::Claim { seen: Entry { key, .. }, .. }
            | StoreOp::Mark { seen: Entry { key, .. }, .. }
            | StoreOp::Remove { seen: Entry { key, .. } } => {
                return self.wait(*id, asked, "meta", "get", args().text(key));
            }
            StoreOp::Quarantine { key } => {
                asked.ask("meta", "delete", args().text(key));
                return self.wait(*id, asked, "batch", "get", args().text(key));
            }
        }
        // Does not wait for the requests' events, so that it still happens when the page goes away.
        // Where there is no such method the transaction commits by itself, a little later.
        invoke(&asked.transaction, "commit", args());
    }

    /// What follows is asked for when this is read.
    fn wait(&self, id: OpId, asked: &mut Asked, store: &str, method: &str, args: Args) {
        asked.want(store, method, args);
        if let Some(request) = asked.requests.last() {
            self.listen(request, "onsuccess", Event::Read, id.0);
        }
    }

    fn read(&self, id: OpId) {
        if let Some(mut pending) = self.take(id) {
            self.next(&mut pending);
            self.go_on(pending);
        }
    }

    /// Asks for what follows from what was read.
    fn next(&self, Pending { id, op, asked, lost }: &mut Pending) {
        let last = asked.requests.len().saturating_sub(1);
        let result = asked.result(last);
        let claims = matches!(op, StoreOp::Claim { .. });
        match op {
            // It may have come here before its page was gone.
            StoreOp::Put { entry, bytes } if result.is_undefined() => asked.put(entry, bytes),
            StoreOp::Claim { seen, lease, attempts } | StoreOp::Mark { seen, lease, attempts } => {
                match entry(&seen.key.as_str().into(), &result) {
                    Some(found) if found.lease == seen.lease && found.attempts == seen.attempts => {
                        asked.mark(&found, *lease, *attempts);
                        if claims {
                            asked.want("batch", "get", args().text(&seen.key));
                        }
                    }
                    _ => *lost = true,
                }
            }
            // Without a meta nobody will ever ask for the record.
            StoreOp::Remove { seen } => match entry(&seen.key.as_str().into(), &result) {
                Some(found) if found.events > seen.events => {}
                _ => asked.delete(&seen.key),
            },
            StoreOp::Quarantine { key } if last == 0 => {
                if !result.is_undefined() {
                    asked.ask("aside", "put", args().js(&result).text(key));
                }
                asked.ask("batch", "delete", args().text(key));
                self.wait(*id, asked, "aside", "getAllKeys", args());
            }
            StoreOp::Quarantine { .. } => {
                let surplus = value::length(&result).saturating_sub(ASIDE);
                for key in value::items(&result, surplus) {
                    asked.ask("aside", "delete", args().js(&key));
                }
            }
            _ => {}
        }
    }

    fn go_on(&self, pending: Pending) {
        if pending.asked.failed {
            invoke(&pending.asked.transaction, "abort", args());
        }
        self.pending.borrow_mut().push(pending);
    }

    fn complete(&self, id: OpId) {
        let Some(Pending { op, asked, lost, .. }) = self.take(id) else {
            return;
        };
        if let StoreOp::Put { entry, .. } = &op {
            self.forget(&entry.key);
        }
        let answer = match op {
            _ if lost => StoreResult::Lost,
            StoreOp::List { .. } => {
                let keys = asked.result(0);
                let (entries, foreign) = listed(&keys, &asked.result(1));
                if foreign {
                    let message =
                        ["IndexedDB holds entries that are not ours; they are passed over"];
                    self.queue.diagnose("store_foreign", "store", &message);
                }
                match value::text(&get(&keys, LAST)) {
                    Some(last) => StoreResult::Page { entries, last },
                    None => StoreResult::Listed(entries),
                }
            }
            // Something that is no record is told as an empty one, which the pipeline sets aside.
            StoreOp::Claim { .. } => {
                StoreResult::Claimed(value::bytes(&asked.result(1)).unwrap_or_default())
            }
            _ => StoreResult::Done,
        };
        self.answer(id, answer);
    }

    fn aborted(&self, id: OpId, event: &JsValue) {
        let Some(pending) = self.take(id) else { return };
        invoke(event, "preventDefault", args());
        if let StoreOp::Put { entry, .. } = &pending.op
            && id.0 < IMPORTS
        {
            // It is in memory again.
            self.forget(&entry.key);
        }
        let full = value::is_full(&get(&pending.asked.transaction, "error"));
        self.answer(id, if full { StoreResult::Full } else { StoreResult::Failed });
    }

    fn take(&self, id: OpId) -> Option<Pending> {
        let mut pending = self.pending.borrow_mut();
        let index = pending.iter().position(|pending| pending.id == id)?;
        Some(pending.swap_remove(index))
    }

    fn answer(&self, id: OpId, result: StoreResult) {
        self.queue.push(Report::Stored(id, result));
    }
}

impl Drop for Idb {
    fn drop(&mut self) {
        if let Connection::Open(database) = self.connection.get_mut() {
            close(database);
        }
    }
}

impl Asked {
    fn ask(&mut self, store: &str, method: &str, arguments: Args) -> JsValue {
        let store = invoke(&self.transaction, "objectStore", args().text(store));
        let request = invoke(&store, method, arguments);
        self.failed |= !request.is_object();
        request
    }

    fn want(&mut self, store: &str, method: &str, arguments: Args) {
        let request = self.ask(store, method, arguments);
        self.requests.push(request);
    }

    fn put(&mut self, entry: &Entry, bytes: &mut Vec<u8>) {
        self.ask("meta", "put", args().js(&meta(entry)).text(&entry.key));
        self.ask("batch", "put", args().js(&value::octets(bytes)).text(&entry.key));
        // The record is in the database's hands from here on.
        *bytes = Vec::new();
    }

    fn mark(&mut self, seen: &Entry, lease: u64, attempts: u32) {
        let marked = meta(&Entry { lease, attempts, key: String::new(), ..*seen });
        self.ask("meta", "put", args().js(&marked).text(&seen.key));
    }

    fn delete(&mut self, key: &str) {
        self.ask("meta", "delete", args().text(key));
        self.ask("batch", "delete", args().text(key));
    }

    fn result(&self, index: usize) -> JsValue {
        self.requests.get(index).map_or(JsValue::UNDEFINED, |request| get(request, "result"))
    }
}

fn close(database: &JsValue) {
    invoke(database, "close", args());
}

/// A transaction over what the operation touches, or `undefined`.
fn transaction(database: &JsValue, op: &StoreOp) -> JsValue {
    let (stores, mode) = match op {
        StoreOp::List { .. } => (args().text("meta"), "readonly"),
        StoreOp::Quarantine { .. } | StoreOp::Clear => {
            (args().text("meta").text("batch").text("aside"), "readwrite")
        }
        _ => (args().text("meta").text("batch"), "readwrite"),
    };
    // A power failure may take the last moments; waiting for the disk each time costs more.
    let options = object();
    set_text(&options, "durability", "relaxed");
    invoke(database, "transaction", args().js(&stores).text(mode).js(&options))
}

pub(super) fn meta(entry: &Entry) -> JsValue {
    let meta = object();
    set_number(&meta, "lease", entry.lease as f64);
    set_number(&meta, "attempts", entry.attempts.into());
    set_number(&meta, "events", entry.events.into());
    set_number(&meta, "bytes", entry.bytes.into());
    meta
}

/// `None` if that is not one of ours.
pub(super) fn entry(key: &JsValue, meta: &JsValue) -> Option<Entry> {
    let number = |name| value::whole(&get(meta, name), u64::from(u32::MAX)).map(|n| n as u32);
    Some(Entry {
        key: value::text(key)?,
        lease: value::whole(&get(meta, "lease"), 1 << 53)?,
        attempts: number("attempts")?,
        events: number("events")?,
        bytes: number("bytes")?,
    })
}

/// The entries, and whether something else was among them, which is passed over.
fn listed(keys: &JsValue, metas: &JsValue) -> (Vec<Entry>, bool) {
    let mut entries = Vec::new();
    let mut foreign = false;
    let mut metas = value::items(metas, u32::MAX);
    for key in value::items(keys, u32::MAX) {
        let entry = entry(&key, &metas.next().unwrap_or_default());
        foreign |= entry.is_none();
        entries.extend(entry);
    }
    (entries, foreign)
}
