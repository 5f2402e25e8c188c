//! The store in memory passes the cases that every store must pass.
#![cfg(not(target_arch = "wasm32"))]

mod conformance;

use std::cell::RefCell;
use std::future::{Future, ready};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use conformance::{Holder, cases};
use wasm_telemetry::core::store::{MemoryStore, StoreOp, StoreResult};

struct Memory(Rc<RefCell<MemoryStore>>);

impl Holder for Memory {
    fn apply(&self, op: StoreOp) -> impl Future<Output = StoreResult> {
        ready(self.0.borrow_mut().apply(op))
    }

    async fn lay_foreign(&self) {}
}

#[test]
fn memory_store_conforms() {
    for case in cases() {
        let store = Rc::new(RefCell::new(MemoryStore::default()));
        let run = pin!(case.run(Memory(Rc::clone(&store)), Memory(store)));
        // Memory answers at once, so that nothing is waited for.
        assert_eq!(run.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    }
}
