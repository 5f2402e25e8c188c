//! Plants each bug, and counts the seeds until it is found.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use wasm_telemetry::core::planted::{Bug, plant};

use super::runner::run;

/// A bug that hides from so many is not found.
const MOST: u64 = 1_000;

/// How one bug fared.
pub struct Catch {
    pub bug: Bug,
    /// Seeds until it was found, and what it was found by.
    pub found: Option<(u64, String)>,
}

/// One for each bug, in their order.
pub fn hunt() -> Vec<Catch> {
    let next = AtomicUsize::new(0);
    let catches = Mutex::new(Vec::new());
    let work = || {
        while let Some(bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let catch = Catch { bug: *bug, found: seek(*bug) };
            catches.lock().expect("no one panics with the lock").push(catch);
        }
    };
    let workers = thread::available_parallelism().map_or(1, |count| count.get());
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let mut catches = catches.into_inner().expect("no one panics with the lock");
    catches.sort_by_key(|catch| catch.bug as usize);
    catches
}

fn seek(bug: Bug) -> Option<(u64, String)> {
    (0..MOST).find_map(|seed| {
        plant(Some(bug));
        let planted = run(seed, u64::MAX, false);
        plant(None);
        let failure = planted.err()?;
        // What fails by itself proves nothing.
        run(seed, u64::MAX, false).ok()?;
        Some((seed + 1, failure.what()))
    })
}
