//! A small fleet through an hour's outage: the same worlds that `make fleet` runs with many clients.
#![cfg(not(target_arch = "wasm32"))]

// `make fleet` shows more of it.
#[allow(dead_code)]
mod fleet;

use fleet::{Figures, Part, Plan, Scenario, all, parts, run};

#[test]
fn after_an_outage_the_load_stays_within_twice_the_steady_one_and_the_backlog_drains() {
    std::thread::scope(|scope| {
        for scenario in all() {
            scope.spawn(move || live_through(scenario));
        }
    });
}

fn live_through(scenario: Scenario) {
    let plan = Plan { clients: 300, warm_up: 300, outage: 3_600, after: 1_500 };
    let worlds = parts(&plan, &scenario).into_iter().map(|part| run(&plan, &scenario, part));
    let total = worlds.fold(Part::default(), |total, part| total.merge(&part));
    let seen = Figures::new(&plan, scenario, total);
    let total = &seen.total;
    let name = scenario.name;
    assert!(total.logged > 50_000, "{name}: {} events", total.logged);
    assert_eq!((total.lost(), total.doubled), (0, 0), "{name}");
    assert!(seen.peak_10 <= 2.0, "{name}: {} times the steady load", seen.peak_10);
    assert!(seen.outage_late < seen.steady.requests / 2.0, "{name}: {}", seen.outage_late);
    assert!(seen.backlog > 1_000, "{name}: {} events stored", seen.backlog);
    assert!(seen.drained.is_some(), "{name}: the backlog has not drained");
    // Only answers spend attempts, and even they cost few events their last one.
    let dropped: Vec<_> = total.dropped.iter().collect();
    match dropped[..] {
        [] => {}
        [("max_attempts", events)] => assert!(events * 100 < total.logged, "{name}: {events}"),
        _ => panic!("{name}: {dropped:?}"),
    }
}
