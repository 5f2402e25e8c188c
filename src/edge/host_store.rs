//! A store that the host gives: Node's files, or its own. Its methods may answer at once or with a
//! promise; what is answered at once is reported at once, for a process that exits waits for nothing.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use wasm_bindgen::prelude::*;

use super::callbacks::Callbacks;
use super::idb::entry;
use super::report::{Report, Sink};
use super::value::{self, get, invoke, object};
use crate::core::io::OpId;
use crate::core::store::{Entry, StoreOp, StoreResult};

/// Longer listings are cut.
const ENTRIES: u32 = 1_000_000;

pub struct HostStore {
    store: JsValue,
    waiting: RefCell<VecDeque<(OpId, StoreOp)>>,
    /// The operation whose promise is awaited: they are carried out one after another.
    running: RefCell<Option<(OpId, StoreOp)>>,
    calling: Cell<bool>,
    callbacks: Callbacks,
    sink: Sink,
}

const FULFILLED: u32 = 0;
const REJECTED: u32 = 1;

impl HostStore {
    /// Whether the object has every method of a store.
    pub fn is_store(store: &JsValue) -> bool {
        ["list", "put", "claim", "mark", "remove", "quarantine", "clear"]
            .iter()
            .all(|method| get(store, method).is_function())
    }

    pub fn new(store: JsValue, sink: Sink) -> Rc<Self> {
        Rc::new_cyclic(|host: &Weak<Self>| {
            let host = host.clone();
            let callbacks = Callbacks::new(move |kind, id, value| {
                if let Some(host) = host.upgrade() {
                    host.settled(OpId(id), if kind == FULFILLED { Ok(value) } else { Err(value) });
                }
            });
            let (waiting, running, calling) = Default::default();
            Self { store, waiting, running, calling, callbacks, sink }
        })
    }

    /// Reports `Stored`, once, later or at once.
    pub fn apply(&self, id: OpId, op: StoreOp) {
        self.waiting.borrow_mut().push_back((id, op));
        self.go_on();
    }

    fn go_on(&self) {
        loop {
            if self.calling.get() || self.running.borrow().is_some() {
                return;
            }
            let Some((id, op)) = self.waiting.borrow_mut().pop_front() else { return };
            self.calling.set(true);
            let given = self.call(&op);
            self.calling.set(false);
            match given {
                Ok(promise) if value::is_thenable(&promise) => {
                    self.running.replace(Some((id, op)));
                    let on = |kind| self.callbacks.get(kind, id.0);
                    if let Err(error) = value::settle(&promise, &on(FULFILLED), &on(REJECTED)) {
                        self.settled(id, Err(error));
                    }
                }
                given => self.answer(id, &op, given),
            }
        }
    }

    fn settled(&self, id: OpId, given: Result<JsValue, JsValue>) {
        let running = self.running.take_if(|(running, _)| *running == id);
        if let Some((id, op)) = running {
            self.answer(id, &op, given);
            self.go_on();
        }
    }

    fn call(&self, op: &StoreOp) -> Result<JsValue, JsValue> {
        let on = |method, arguments: &[&JsValue]| invoke(&self.store, method, arguments);
        match op {
            StoreOp::List => on("list", &[]),
            StoreOp::Put { entry, bytes } => on("put", &[&shown(entry), &value::octets(bytes)]),
            StoreOp::Claim { seen, lease, attempts } => {
                on("claim", &[&shown(seen), &(*lease as f64).into(), &(*attempts).into()])
            }
            StoreOp::Mark { seen, lease, attempts } => {
                on("mark", &[&shown(seen), &(*lease as f64).into(), &(*attempts).into()])
            }
            StoreOp::Remove { key } => on("remove", &[&key.as_str().into()]),
            StoreOp::Quarantine { key } => on("quarantine", &[&key.as_str().into()]),
            StoreOp::Clear => on("clear", &[]),
        }
    }

    fn answer(&self, id: OpId, op: &StoreOp, given: Result<JsValue, JsValue>) {
        let result = match (op, given) {
            (_, Err(error)) if value::is_full(&error) => StoreResult::Full,
            (_, Err(_)) => StoreResult::Failed,
            (StoreOp::List, Ok(list)) if list.is_object() => StoreResult::Listed(listed(&list)),
            (StoreOp::List, Ok(_)) => StoreResult::Failed,
            (StoreOp::Claim { .. }, Ok(given)) if given.is_undefined() || given.is_null() => {
                StoreResult::Lost
            }
            // Something that is no record is told as an empty one, which the pipeline sets aside.
            (StoreOp::Claim { .. }, Ok(given)) => {
                StoreResult::Claimed(value::bytes(&given).unwrap_or_default())
            }
            (StoreOp::Mark { .. }, Ok(given)) if given.as_bool() != Some(true) => StoreResult::Lost,
            _ => StoreResult::Done,
        };
        (self.sink)(Report::Stored(id, result));
    }
}

fn shown(entry: &Entry) -> JsValue {
    object(&[
        ("key", &entry.key.as_str().into()),
        ("lease", &(entry.lease as f64).into()),
        ("attempts", &entry.attempts.into()),
        ("events", &entry.events.into()),
        ("bytes", &entry.bytes.into()),
    ])
}

/// What is no entry is passed over.
fn listed(list: &JsValue) -> Vec<Entry> {
    let listed = |item: &JsValue| entry(&value::text(&get(item, "key"))?, item);
    value::items(list, ENTRIES).iter().filter_map(listed).collect()
}
