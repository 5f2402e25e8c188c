//! Takes parts of the retry policy away, for this thread's pipelines: `benches/fleet` measures what
//! they are good for. Never part of the module that ships.

use std::cell::Cell;

std::thread_local! {
    static WITHOUT: Cell<(bool, bool)> = const { Cell::new((false, false)) };
}

pub fn set(without_jitter: bool, without_circuit: bool) {
    WITHOUT.set((without_jitter, without_circuit));
}

pub(super) fn without_jitter() -> bool {
    WITHOUT.get().0
}

pub(super) fn without_circuit() -> bool {
    WITHOUT.get().1
}
