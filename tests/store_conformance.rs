//! The simulator's store passes the cases that every store must pass.
#![cfg(not(target_arch = "wasm32"))]

mod conformance;
#[path = "support/store.rs"]
mod store;

use std::cell::RefCell;
use std::future::{Future, ready};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use conformance::{Holder, cases};
use store::SharedStore;
use wasm_telemetry::core::store::{StoreOp, StoreResult};

struct Shared(Rc<RefCell<SharedStore>>);

impl Holder for Shared {
    fn apply(&self, op: StoreOp) -> impl Future<Output = StoreResult> {
        ready(self.0.borrow_mut().apply(op))
    }

    async fn lay_foreign(&self) {}
}

#[test]
fn the_simulators_store_conforms() {
    for case in cases() {
        let store: Rc<RefCell<SharedStore>> = Rc::default();
        let run = pin!(case.run(Shared(Rc::clone(&store)), Shared(store)));
        assert_eq!(run.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    }
}
