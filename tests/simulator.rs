//! Many worlds, each from a seed: faults, then peace, and no event unaccounted for.
//!
//! `SIM_SEED=7` runs that one, and tells every step if it fails (`SIM_DOINGS=30` ends its faults
//! early); `SIM_SEEDS=1000` runs so many fresh ones (`SIM_FIRST=0`: from that one on),
//! `SIM_MINUTES=10` fresh ones for so long. Without any of them, the same seeds as ever are run.
#![cfg(not(target_arch = "wasm32"))]

mod sim;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sim::runner::{Until, run, run_many};

/// Seeds that are run every time.
const FIXED: u64 = 200;

#[test]
fn every_accepted_event_is_delivered_or_accounted_for() {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_micros());
    let fresh = micros as u64;
    if let Some(seed) = variable("SIM_SEED") {
        one(seed, variable("SIM_DOINGS").unwrap_or(u64::MAX));
    } else if let Some(minutes) = variable("SIM_MINUTES") {
        many(fresh, Until::Time(Duration::from_secs(60 * minutes)));
    } else if let Some(count) = variable("SIM_SEEDS") {
        many(variable("SIM_FIRST").unwrap_or(fresh), Until::Seeds(count));
    } else {
        many(0, Until::Seeds(FIXED));
    }
}

fn one(seed: u64, doings: u64) {
    match run(seed, doings, false) {
        Ok(tally) => println!("seed {seed}: {tally:?}"),
        Err(failure) => {
            // The same once more, told step by step.
            let _ = run(seed, doings, true);
            panic!("{}", failure.tell());
        }
    }
}

fn many(first: u64, until: Until) {
    println!("seeds from {first} on");
    if let Err(failure) = run_many(first, until) {
        println!("{}\nlooking for a shorter run", failure.tell());
        panic!("{}", failure.shrink().tell());
    }
}

/// With `--features planted`: each bug that is planted is found, and soon.
#[cfg(feature = "planted")]
#[test]
fn every_planted_bug_is_found() {
    let catches = sim::hunt::hunt();
    println!("{:<24} {:>6}  found by", "planted", "seeds");
    for catch in &catches {
        let name = format!("{:?}", catch.bug);
        match &catch.found {
            Some((seeds, by)) => println!("{name:<24} {seeds:>6}  {by}"),
            None => println!("{name:<24}      -  nothing"),
        }
    }
    assert!(catches.iter().all(|catch| catch.found.is_some()), "a planted bug was not found");
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text:?}")))
}
