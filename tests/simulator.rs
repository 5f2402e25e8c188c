//! Many worlds, each from a seed: faults, then peace, and no event unaccounted for.
//!
//! `SIM_SEED=7` runs that one, and tells every step if it fails; `SIM_SEEDS=1000` runs so many
//! fresh ones, `SIM_MINUTES=10` runs fresh ones for so long.
#![cfg(not(target_arch = "wasm32"))]

mod sim;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sim::{Tally, run};

/// Seeds that are run every time.
const FIXED: u64 = 200;
/// And so many that nobody has seen before.
const FRESH: u64 = 50;

#[test]
fn every_accepted_event_is_delivered_or_accounted_for() {
    if let Some(seed) = variable("SIM_SEED") {
        match run(seed, false) {
            Ok(tally) => println!("seed {seed}: {tally:?}"),
            Err(failure) => {
                // The same once more, told step by step.
                let _ = run(seed, true);
                panic!("{failure}");
            }
        }
        return;
    }
    let base = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_micros() as u64);
    let start = Instant::now();
    let seeds: Box<dyn Iterator<Item = u64>> =
        match (variable("SIM_SEEDS"), variable("SIM_MINUTES")) {
            (_, Some(minutes)) => {
                let end = start + Duration::from_secs(60 * minutes);
                Box::new((base..).take_while(move |_| Instant::now() < end))
            }
            (Some(count), _) => Box::new(base..base + count),
            _ => Box::new((0..FIXED).chain(base..base + FRESH)),
        };
    println!("fresh seeds begin at {base}");
    let mut total = Tally::default();
    let mut count = 0_u64;
    for seed in seeds {
        let tally = run(seed, false).unwrap_or_else(|failure| panic!("{failure}"));
        total.events += tally.events;
        total.taken += tally.taken;
        total.requests += tally.requests;
        total.clients += tally.clients;
        count += 1;
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    println!(
        "{count} seeds, {total:?}; {:.0} seeds and {:.0} events a minute",
        count as f64 / minutes,
        total.events as f64 / minutes
    );
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text:?}")))
}
