//! Section 3 of the specification, "Queue": bounds, spilling, and when an export starts.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use support::{Host, StoreMode, number, setup};
use wasm_telemetry::core::io::{Consent, Field, Input};
use wasm_telemetry::core::ledger::Reason;
use wasm_telemetry::core::pipeline::Setup;
use wasm_telemetry::core::store::StoreOp;

#[test]
fn a_full_batch_is_exported_at_once() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 5.0)]);
    (0..4).for_each(|n| host.log(n));
    assert!(host.sent().is_empty());
    host.log(4);
    assert_eq!(host.sent_one().numbers(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_batch_is_full_by_its_bytes_too() {
    let mut host = Host::configured(&[number("maxExportBatchBytes", 1_024.0)]);
    let text = "x".repeat(500);
    host.event("event", &[("text", Field::Text(&text))]);
    assert!(host.sent().is_empty());
    host.event("event", &[("text", Field::Text(&text))]);
    assert_eq!(host.sent_one().body.events.len(), 2);
}

#[test]
fn otherwise_an_export_starts_after_the_scheduled_delay_with_jitter() {
    let mut starts = Vec::new();
    for seed in 0..40 {
        let mut host = Host::with(setup(seed), &[number("scheduledDelayMillis", 1_000.0)]);
        host.log(1);
        let start = host.pipeline.wake_at().expect("an event waits").0 - host.mono;
        assert!((900..=1_100).contains(&start), "{start}");
        host.wait(start - 1);
        assert!(host.sent().is_empty());
        host.wait(1);
        assert_eq!(host.sent_one().numbers(), [1]);
        starts.push(start);
    }
    starts.sort_unstable();
    starts.dedup();
    assert!(starts.len() > 10, "a fleet does not beat in step: {starts:?}");
}

#[test]
fn the_delay_counts_from_the_first_event_however_late_the_timer_and_busy_the_host() {
    let mut host = Host::configured(&[number("scheduledDelayMillis", 1_000.0)]);
    host.log(0);
    // No timer rings, as in a task that does not end.
    for n in 1..30 {
        host.mono += 100;
        host.log(n);
    }
    host.turn();
    assert_eq!(host.sent().len(), 1, "what was due goes out as soon as anything happens");
}

#[test]
fn what_is_logged_during_an_outage_goes_out_in_full_batches() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 50.0)]);
    let mut logged = 0;
    let mut attempts = 0;
    for _ in 0..3_600 {
        host.log(logged);
        logged += 1;
        host.wait(1_000);
        for sent in host.sent() {
            attempts += 1;
            host.fail(&sent);
        }
    }
    assert!(attempts < 40, "{attempts} attempts in an hour");
    let mut requests = 0;
    for _ in 0..1_000 {
        for sent in host.sent() {
            requests += 1;
            host.answer(&sent, 200);
        }
        host.wait(1_000);
    }
    assert_eq!(host.ledger().delivered, logged);
    assert!(requests <= logged / 50 + 5, "{requests} requests");
}

#[test]
fn an_idle_pipeline_wants_no_timer() {
    let mut host = Host::new();
    assert_eq!(host.pipeline.wake_at(), None);
    host.log(1);
    host.wait(11_000);
    let sent = host.sent_one();
    host.answer(&sent, 200);
    host.wait(1_000_000);
    assert_eq!(host.pipeline.wake_at(), None);
}

#[test]
fn an_exposure_is_exported_as_soon_as_the_task_is_over() {
    let mut host = Host::new();
    host.log(1);
    host.expose("new-nav");
    host.expose("new-footer");
    assert!(host.sent().is_empty(), "not within the call");
    host.turn();
    assert_eq!(host.sent_one().body.events.len(), 3);
}

#[test]
fn events_leave_in_the_order_in_which_they_were_logged() {
    let settings = [number("maxExportBatchSize", 3.0)];
    let mut host = Host::configured(&settings);
    (0..12).for_each(|n| host.log(n));
    let mut order = Vec::new();
    loop {
        let sent = host.sent();
        let Some(sent) = sent.first() else { break };
        order.extend(sent.numbers());
        host.answer(sent, 200);
    }
    assert_eq!(order, (0..12).collect::<Vec<u64>>());
}

#[test]
fn past_the_count_the_newest_go_to_the_store() {
    let mut host = Host::configured(&[number("maxQueueSize", 10.0)]);
    (0..25).for_each(|n| host.log(n));
    let ledger = host.ledger();
    assert!(ledger.queued <= 10, "{ledger:?}");
    assert_eq!(ledger.queued + ledger.in_flight + ledger.stored, 25);
    assert!(ledger.dropped.total() == 0 && ledger.stored > 0);
    assert!(host.stored_events() >= ledger.stored);
}

#[test]
fn past_the_bytes_the_newest_go_to_the_store() {
    let mut host = Host::configured(&[number("maxQueueBytes", 5_000.0)]);
    let text = "x".repeat(900);
    (0..30).for_each(|_| host.event("event", &[("text", Field::Text(&text))]));
    assert!(host.stats()["sizes"]["queuedBytes"].as_u64().is_some_and(|bytes| bytes < 6_500));
    assert_eq!(host.ledger().dropped.total(), 0);
    assert!(host.stored_events() > 0);
}

#[test]
fn without_a_store_the_newest_is_dropped_and_counted() {
    let mut host = Host::configured(&[number("maxQueueSize", 10.0), number("maxStoreBytes", 0.0)]);
    (0..25).for_each(|n| host.log(n));
    assert_eq!((host.ledger().queued, host.dropped(Reason::QueueFull)), (10, 15));
    assert!(host.diagnostics.iter().any(|told| told.code == "queue_full"));
    host.flush(1_000);
    assert_eq!(host.sent_one().numbers(), (0..10).collect::<Vec<u64>>(), "the oldest stay");
}

#[test]
fn a_store_that_fails_is_no_store() {
    let mut host = Host::configured(&[number("maxQueueSize", 4.0)]);
    host.store_mode = StoreMode::Full;
    (0..20).for_each(|n| host.log(n));
    let ledger = host.ledger();
    assert_eq!(ledger.queued + ledger.in_flight + host.dropped(Reason::QueueFull), 20);
    assert!(ledger.queued + ledger.in_flight >= 4);
}

#[test]
fn a_store_that_is_slow_does_not_fill_the_memory() {
    let mut host = Host::configured(&[
        number("maxQueueSize", 1_000.0),
        number("maxQueueBytes", 20_000.0),
        number("maxExportBatchSize", 1.0),
    ]);
    host.give(Input::Online(false));
    host.store_mode = StoreMode::Waits;
    let text = "x".repeat(1_000);
    for _ in 0..500 {
        host.event("event", &[("text", Field::Text(&text))]);
        let bytes = host.stats()["sizes"]["queuedBytes"].as_u64().expect("a size");
        assert!(bytes <= 50_000, "{bytes} bytes");
    }
    assert!(host.dropped(Reason::QueueFull) > 0);
}

#[test]
fn without_consent_nothing_spills() {
    let setup = Setup { consent: Some(Consent::Pending), write_ahead: true, ..setup(1) };
    let settings = [number("maxQueueSize", 10.0), number("maxExportBatchSize", 2.0)];
    let mut host = Host::with(setup, &settings);
    host.commanded.clear();
    host.expose("new-nav");
    (0..25).for_each(|n| host.log(n));
    host.wait(100_000);
    assert_eq!((host.ledger().queued, host.dropped(Reason::QueueFull)), (10, 16));
    assert!(host.commanded.is_empty() && host.sent().is_empty(), "{:?}", host.commanded);
    host.give(Input::Consent(Consent::Granted));
    host.turn();
    assert!(!host.sent().is_empty());
}

#[test]
fn one_event_larger_than_every_limit_still_goes_through() {
    let settings = [number("maxQueueBytes", 1_024.0), number("maxExportBatchBytes", 1_024.0)];
    let mut host = Host::configured(&settings);
    let text = "x".repeat(1_000);
    let keys: Vec<String> = (0..100).map(|index| format!("key {index}")).collect();
    let fields: Vec<(&str, Field<'_>)> =
        keys.iter().map(|key| (key.as_str(), Field::Text(&text))).collect();
    host.event("event", &fields);
    let sent = host.sent_one();
    assert_eq!(sent.body.events[0]["event_metadata"].as_object().map(|all| all.len()), Some(100));
    host.answer(&sent, 200);
    assert_eq!(host.ledger().delivered, 1);
}

#[test]
fn what_was_spilled_is_sent_when_the_queue_is_empty() {
    let mut host = Host::configured(&[number("maxQueueSize", 5.0)]);
    (0..20).for_each(|n| host.log(n));
    host.flush(60_000);
    let mut seen = Vec::new();
    loop {
        let sent = host.sent();
        let Some(sent) = sent.first() else { break };
        seen.extend(sent.numbers());
        host.answer(sent, 200);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<u64>>());
    assert_eq!((host.ledger().delivered, host.stored_events()), (20, 0));
    let removed = host.commanded.iter().filter(|op| matches!(op, StoreOp::Remove { .. })).count();
    assert!(removed > 0);
}

/// The most commands that one input was answered with, while a store and its host's timer go on.
fn most_commands(host: &mut Host, until: impl Fn(&Host) -> bool) -> usize {
    let mut most = 0;
    while !until(host) {
        let before = host.commanded.len();
        match host.operations.first() {
            Some(_) => {
                let (id, op) = host.operations.remove(0);
                let result = host.store.borrow_mut().apply(op);
                host.answer_store(id, result);
            }
            None => {
                host.mono = host.pipeline.wake_at().expect("something is left to do").0;
                host.give(Input::Wake);
            }
        }
        most = most.max(host.commanded.len() - before);
    }
    most
}

#[test]
fn what_fails_moves_to_the_store_in_slices() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 1.0)]);
    (0..2_000).for_each(|n| host.log(n));
    host.store_mode = StoreMode::Waits;
    let sent = host.sent_one();
    host.fail(&sent);
    let most = most_commands(&mut host, |host| host.ledger().stored == 2_000);
    assert!((2..50).contains(&most), "{most}");
    assert_eq!(host.stored_events(), 2_000);
}

#[test]
fn copies_that_had_to_wait_for_the_store_are_made_in_slices() {
    let settings = [number("maxExportBatchSize", 1.0)];
    let mut host = Host::closed(setup(1), &settings, Default::default());
    (0..2_000).for_each(|_| host.expose("nav"));
    host.store_mode = StoreMode::Waits;
    host.give(Input::StoreReady);
    let most = most_commands(&mut host, |host| host.stats()["store"]["copies"] == 2_000);
    assert!((2..50).contains(&most), "{most}");
}

#[test]
fn what_was_stored_for_too_long_is_dropped_in_slices() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 1.0)]);
    host.store_mode = StoreMode::Fails;
    (0..2_000).for_each(|n| host.log(n));
    host.store_mode = StoreMode::Works;
    host.shutdown(0);
    assert_eq!(host.stored_events(), 2_000);
    let mut next = Host::beside(&host, 2, &[]);
    next.store_mode = StoreMode::Waits;
    assert_eq!(next.sent().len(), 1);
    next.mono += 30 * 86_400_000;
    next.give(Input::Online(true));
    let most = most_commands(&mut next, |next| next.dropped(Reason::Expired) == 2_000);
    assert!((2..50).contains(&most), "{most}");
    next.turn();
    assert!(!next.has_sent(), "what has expired is not sent");
}
