//! IndexedDB, and stores that the host gives, pass the cases that every store must pass.
#![cfg(target_arch = "wasm32")]

mod conformance;

use std::cell::{Cell, RefCell, RefMut};
use std::future::{Future, poll_fn};
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use conformance::{Holder, cases};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use wasm_telemetry::core::io::OpId;
use wasm_telemetry::core::store::{Entry, StoreOp, StoreResult};
use wasm_telemetry::core::time::Millis;
use wasm_telemetry::edge::callbacks::{Callbacks, Event};
use wasm_telemetry::edge::host_store::HostStore;
use wasm_telemetry::edge::idb::Idb;
use wasm_telemetry::edge::report::{Queue, Report};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/web_store.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = eraseDatabase)]
    async fn erase_database(name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = layForeign)]
    async fn lay_foreign(name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = count)]
    async fn count(name: &str, store: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_name = makeForeignDatabase)]
    async fn make_foreign_database(name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_name = memoryStore)]
    fn memory_store() -> JsValue;
    #[wasm_bindgen(js_name = promising)]
    fn promising(store: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = failing)]
    fn failing(error: &str) -> JsValue;
}

/// A store under test, as the driver holds it.
trait Store: Sized + 'static {
    fn happened(&self, event: Event, id: u32, value: JsValue);
    fn apply(&self, id: OpId, op: StoreOp);
}

impl Store for Idb {
    fn happened(&self, event: Event, id: u32, value: JsValue) {
        Idb::happened(self, event, id, &value);
    }

    fn apply(&self, id: OpId, op: StoreOp) {
        Idb::apply(self, id, op);
    }
}

impl Store for HostStore {
    fn happened(&self, event: Event, id: u32, value: JsValue) {
        HostStore::happened(self, event, id, value);
    }

    fn apply(&self, id: OpId, op: StoreOp) {
        HostStore::apply(self, id, op);
    }
}

struct Connection<S> {
    store: Rc<S>,
    queue: Queue,
    /// Reports that came and were not asked for yet.
    reports: Rc<RefCell<Vec<Report>>>,
    waker: Rc<RefCell<Option<Waker>>>,
    next: Cell<u32>,
    name: String,
}

impl<S: Store> Connection<S> {
    fn new(name: &str, open: impl FnOnce(&Callbacks, &Queue) -> S) -> Self {
        let queue = Queue::default();
        let waker = Rc::<RefCell<Option<Waker>>>::default();
        let store = Rc::new_cyclic(|store: &Weak<S>| {
            let (store, waker) = (store.clone(), Rc::clone(&waker));
            let callbacks = Callbacks::new(move |event, id, value| {
                if let Some(store) = store.upgrade() {
                    store.happened(event, id, value);
                }
                if let Some(waker) = waker.take() {
                    waker.wake();
                }
            });
            open(&callbacks, &queue)
        });
        let (reports, next) = Default::default();
        Self { store, queue, reports, waker, next, name: String::from(name) }
    }

    fn reports(&self) -> RefMut<'_, Vec<Report>> {
        let mut reports = self.reports.borrow_mut();
        reports.extend(std::iter::from_fn(|| self.queue.pop()));
        reports
    }

    async fn find<T>(&self, pick: impl Fn(&Report) -> Option<T>) -> T {
        poll_fn(|context| {
            let mut reports = self.reports();
            let found = reports.iter().enumerate().find_map(|(at, r)| Some((at, pick(r)?)));
            let Some((at, given)) = found else {
                self.waker.replace(Some(context.waker().clone()));
                return Poll::Pending;
            };
            reports.remove(at);
            Poll::Ready(given)
        })
        .await
    }

    async fn result(&self, wanted: OpId) -> StoreResult {
        self.find(|report| match report {
            Report::Stored(id, result) if *id == wanted => Some(result.clone()),
            _ => None,
        })
        .await
    }
}

fn host_store(store: &JsValue) -> Connection<HostStore> {
    Connection::new("", |callbacks, queue| HostStore::new(store.clone(), callbacks, queue))
}

fn opening(service: &str) -> Connection<Idb> {
    let name = ["wasm-telemetry:", service].concat();
    Connection::new(&name, |callbacks, queue| {
        Idb::open(service, JsValue::UNDEFINED, Millis(0), callbacks, queue)
    })
}

async fn open(service: &str) -> Connection<Idb> {
    let connection = opening(service);
    connection.find(|report| matches!(report, Report::StoreOpen).then_some(())).await;
    connection
}

impl<S: Store> Holder for Connection<S> {
    fn apply(&self, op: StoreOp) -> impl Future<Output = StoreResult> {
        let id = OpId(self.next.replace(self.next.get() + 1));
        self.store.apply(id, op);
        self.result(id)
    }

    async fn lay_foreign(&self) {
        if !self.name.is_empty() {
            lay_foreign(&self.name).await.unwrap();
        }
    }
}

fn entry(key: &str) -> Entry {
    Entry { key: String::from(key), bytes: 3, events: 1, ..Entry::default() }
}

fn put(key: &str) -> StoreOp {
    StoreOp::Put { entry: entry(key), bytes: vec![1, 2, 3] }
}

#[wasm_bindgen_test]
async fn indexeddb_conforms() {
    for (index, case) in cases().into_iter().enumerate() {
        let service = format!("conformance {index}");
        erase_database(&["wasm-telemetry:", &service].concat()).await.unwrap();
        case.run(open(&service).await, open(&service).await).await;
    }
}

#[wasm_bindgen_test]
async fn host_stores_conform() {
    for case in cases() {
        let store = memory_store();
        case.run(host_store(&store), host_store(&store)).await;
        let store = promising(&memory_store());
        case.run(host_store(&store), host_store(&store)).await;
    }
}

#[wasm_bindgen_test]
async fn host_store_answers_at_once_and_in_order() {
    let holder = host_store(&memory_store());
    for id in 0..3 {
        holder.store.apply(OpId(id), put("a"));
    }
    assert_eq!(holder.reports().len(), 3);

    let holder = host_store(&promising(&memory_store()));
    holder.store.apply(OpId(1), put("a"));
    holder.store.apply(OpId(2), StoreOp::Clear);
    holder.store.apply(OpId(3), StoreOp::List { after: String::new() });
    assert_eq!(holder.result(OpId(3)).await, StoreResult::Listed(vec![]));
    let reports = std::mem::take(&mut *holder.reports());
    let ids = reports.iter().map(|report| match report {
        Report::Stored(id, StoreResult::Done) => *id,
        report => panic!("{report:?}"),
    });
    assert_eq!(ids.collect::<Vec<_>>(), [OpId(1), OpId(2)]);
}

#[wasm_bindgen_test]
async fn a_failing_host_store_is_told_apart_from_a_full_one() {
    for (error, expected) in [
        ("QuotaExceededError", StoreResult::Full),
        ("ENOSPC", StoreResult::Full),
        ("EIO", StoreResult::Failed),
        ("nonsense", StoreResult::Failed),
    ] {
        let holder = host_store(&failing(error));
        assert_eq!(holder.apply(put("a")).await, expected, "{error}");
        assert_eq!(holder.apply(StoreOp::List { after: String::new() }).await, expected, "{error}");
    }
}

#[wasm_bindgen_test]
async fn indexeddb_keeps_twenty_records_aside_and_clear_removes_them() {
    erase_database("wasm-telemetry:aside").await.unwrap();
    let holder = open("aside").await;
    for index in 0..25 {
        let key = format!("{index:012x}");
        assert_eq!(holder.apply(put(&key)).await, StoreResult::Done);
        assert_eq!(holder.apply(StoreOp::Quarantine { key }).await, StoreResult::Done);
    }
    let counted = async |store| count("wasm-telemetry:aside", store).await.unwrap().as_f64();
    assert_eq!(counted("aside").await, Some(20.0));
    assert_eq!(counted("batch").await, Some(0.0));
    assert_eq!(holder.apply(StoreOp::Clear).await, StoreResult::Done);
    assert_eq!(counted("aside").await, Some(0.0));
}

#[wasm_bindgen_test]
async fn indexeddb_is_opened_again_after_the_site_data_was_cleared() {
    let holder = open("erased").await;
    assert_eq!(holder.apply(put("a")).await, StoreResult::Done);
    // The connection steps aside, or this would be blocked.
    erase_database("wasm-telemetry:erased").await.unwrap();
    assert_eq!(holder.apply(put("b")).await, StoreResult::Failed);
    while holder.apply(put("c")).await == StoreResult::Failed {
        count("wasm-telemetry:erased", "batch").await.unwrap();
    }
    let StoreResult::Listed(entries) = holder.apply(StoreOp::List { after: String::new() }).await
    else {
        panic!()
    };
    assert_eq!(entries, [entry("c")]);
}

#[wasm_bindgen_test]
async fn somebody_elses_database_is_left_alone() {
    make_foreign_database("wasm-telemetry:foreign").await.unwrap();
    let holder = opening("foreign");
    holder.find(|report| matches!(report, Report::NoStore(_)).then_some(())).await;
    assert_eq!(holder.apply(put("a")).await, StoreResult::Failed);
    assert_eq!(count("wasm-telemetry:foreign", "theirs").await.unwrap().as_f64(), Some(1.0));
}

#[wasm_bindgen_test]
async fn a_database_that_does_not_open_in_time_is_done_without() {
    let holder = opening("late");
    holder.store.wake(Millis(4_999));
    assert!(holder.reports().is_empty());
    holder.store.wake(Millis(5_000));
    assert!(matches!(std::mem::take(&mut *holder.reports())[..], [Report::NoStore(_)]));
    // When it opens after all, nothing is told of it.
    drop(open("late").await);
    assert!(std::mem::take(&mut *holder.reports()).is_empty());
    assert_eq!(holder.apply(put("a")).await, StoreResult::Failed);
}

#[wasm_bindgen_test]
async fn entries_that_are_not_ours_are_told() {
    erase_database("wasm-telemetry:told").await.unwrap();
    let holder = open("told").await;
    holder.apply(StoreOp::List { after: String::new() }).await;
    assert!(holder.reports().is_empty());
    holder.lay_foreign().await;
    assert_eq!(
        holder.apply(StoreOp::List { after: String::new() }).await,
        StoreResult::Listed(vec![])
    );
    assert!(
        matches!(&holder.reports()[..], [Report::Diagnose(told)] if told.code == "store_foreign")
    );
}
