//! The store in memory and the simulator's store pass the cases that every store must pass.
#![cfg(not(target_arch = "wasm32"))]

mod conformance;
// The simulator lays faults over it that are not looked at here.
#[allow(dead_code)]
#[path = "support/store.rs"]
mod store;

use std::cell::RefCell;
use std::future::{Future, ready};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use conformance::{Holder, cases};
use store::SharedStore;
use wasm_telemetry::core::store::{MemoryStore, StoreOp, StoreResult};

type Apply<S> = fn(&mut S, StoreOp) -> StoreResult;

struct Shared<S>(Rc<RefCell<S>>, Apply<S>);

impl<S> Holder for Shared<S> {
    fn apply(&self, op: StoreOp) -> impl Future<Output = StoreResult> {
        ready(self.1(&mut self.0.borrow_mut(), op))
    }

    async fn lay_foreign(&self) {}
}

fn conforms<S: Default>(apply: Apply<S>) {
    for case in cases() {
        let store = Rc::new(RefCell::new(S::default()));
        let run = pin!(case.run(Shared(Rc::clone(&store), apply), Shared(store, apply)));
        // Memory answers at once, so that nothing is waited for.
        assert_eq!(run.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    }
}

#[test]
fn the_store_in_memory_conforms() {
    conforms(MemoryStore::apply);
}

#[test]
fn the_simulators_store_conforms() {
    conforms(SharedStore::apply);
}
