//! The store: what is put there and when, leases, takeovers, bounds, and records that are broken.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::collections::BTreeSet;

use support::{Host, START, StoreMode, number, setup};
use wasm_telemetry::core::config::{Setting, Value};
use wasm_telemetry::core::io::{Consent, Field, Input};
use wasm_telemetry::core::ledger::Reason;
use wasm_telemetry::core::pipeline::Setup;
use wasm_telemetry::core::store::{Entry, StoreOp, StoreResult};

fn ahead(seed: u8) -> Setup {
    Setup { write_ahead: true, ..setup(seed) }
}

/// A store with so many batches of one event that failed.
fn with_stored(batches: u64) -> Host {
    let mut host = Host::configured(&[number("maxExportBatchSize", 1.0)]);
    host.give(Input::Online(false));
    for n in 0..batches {
        host.log(n);
        host.mono += 1;
    }
    assert_eq!(host.stored_events(), batches);
    host
}

/// Answers every request with a success, for so long.
fn deliver(host: &mut Host, millis: u64) -> Vec<u64> {
    let mut numbers = Vec::new();
    let end = host.mono + millis;
    while host.mono < end || host.has_sent() {
        for sent in host.sent() {
            numbers.extend(sent.numbers());
            host.answer(&sent, 200);
        }
        if !host.has_sent() {
            host.wait(100.min(end - host.mono));
        }
    }
    numbers
}

fn entries(host: &Host) -> Vec<Entry> {
    host.store.borrow().records.values().map(|kept| kept.entry.clone()).collect()
}

#[test]
fn nothing_is_asked_of_the_store_before_it_is_open() {
    let mut host = Host::closed(ahead(1), &[number("maxQueueSize", 2.0)], Default::default());
    host.give(Input::Online(false));
    (0..10).for_each(|n| host.log(n));
    host.expose("new-nav");
    host.wait(100_000);
    assert!(host.commanded.is_empty());
    host.give(Input::StoreReady);
    host.wait(200);
    assert!(host.stored_events() >= 2);
}

#[test]
fn a_key_sorts_by_age_and_names_the_batch() {
    let mut host = with_stored(1);
    let entry = entries(&host).remove(0);
    assert_eq!(u64::from_str_radix(&entry.key[..12], 16), Ok(START));
    assert_eq!((entry.lease, entry.attempts, entry.events), (0, 0, 1));
    host.give(Input::Online(true));
    assert_eq!(entry.key[13..], host.sent_one().body.batch_id);
}

#[test]
fn a_stored_batch_is_sent_by_one_holder_at_a_time() {
    let first = with_stored(1);
    let mut tabs = [2, 3, 4].map(|seed| Host::beside(&first, seed, &[]));
    let sent: Vec<usize> = tabs.iter_mut().map(|tab| tab.sent().len()).collect();
    assert_eq!(sent.iter().sum::<usize>(), 1, "{sent:?}");
}

#[test]
fn of_two_that_claim_at_once_one_wins() {
    let first = with_stored(1);
    let mut tabs = [2, 3].map(|seed| {
        let mut tab = Host::closed(setup(seed), &[], first.store.clone());
        tab.store_mode = StoreMode::Waits;
        tab.give(Input::StoreReady);
        tab.store_mode = StoreMode::Works;
        tab
    });
    for tab in &mut tabs {
        let (id, op) = tab.operations.remove(0);
        assert!(matches!(op, StoreOp::List { .. }));
        let result = tab.store.borrow_mut().apply(op);
        tab.answer_store(id, result);
    }
    tabs.iter_mut().for_each(Host::work);
    assert_eq!(tabs.iter_mut().map(|tab| tab.sent().len()).sum::<usize>(), 1);
}

#[test]
fn a_lease_outlasts_the_requests_of_its_batch_and_then_another_takes_over() {
    let first = with_stored(1);
    let settings = [number("exportTimeoutMillis", 3_000.0)];
    let mut dying = Host::beside(&first, 2, &settings);
    let sent = dying.sent_one();
    let lease = entries(&dying)[0].lease;
    assert!(lease >= START + 2 * 3_000, "{}", lease - START);
    let mut other = Host::beside(&dying, 3, &settings);
    drop(dying);
    other.wait(lease - other.now().wall.0 - 1);
    assert!(!other.has_sent(), "while the lease holds");
    other.wait(1);
    let again = other.sent_one();
    assert_eq!(again.body.batch_id, sent.body.batch_id);
    assert_eq!(again.event_ids(), sent.event_ids());
    other.answer(&again, 200);
    assert_eq!((other.ledger().accepted, other.ledger().delivered), (1, 1));
}

#[test]
fn what_its_holder_wrote_anew_is_not_removed_by_who_took_it_over() {
    let mut holder = Host::with(ahead(1), &[]);
    holder.log(1);
    holder.wait(1_000);
    let lease = entries(&holder)[0].lease;
    // A clock that is ahead by a minute.
    let mut other = Host::beside(&holder, 2, &[]);
    other.wait(lease - other.now().wall.0 + 1);
    let taken = other.sent_one();
    assert_eq!(taken.numbers(), [1]);
    holder.log(2);
    holder.wait(1_000);
    assert_eq!(entries(&holder)[0].events, 2);
    other.answer(&taken, 200);
    drop(holder);
    let left: Vec<u32> = entries(&other).iter().map(|entry| entry.events).collect();
    assert_eq!(left, [2]);
}

#[test]
fn a_lease_far_in_the_future_was_set_by_a_clock_that_jumped() {
    let first = with_stored(1);
    for kept in first.store.borrow_mut().records.values_mut() {
        kept.entry.lease = START + 365 * 86_400_000;
    }
    let mut next = Host::beside(&first, 2, &[]);
    assert_eq!(deliver(&mut next, 1_000), [0]);
}

#[test]
fn what_another_delivered_counts_as_handed_over() {
    let mut first = with_stored(1);
    let mut other = Host::beside(&first, 2, &[]);
    let sent = other.sent_one();
    other.answer(&sent, 200);
    first.give(Input::Online(true));
    first.wait(60_000);
    let ledger = first.ledger();
    assert_eq!((ledger.handed_over, ledger.stored, ledger.delivered), (1, 0, 0));
    assert!(!first.has_sent());
}

#[test]
fn all_that_is_stored_is_delivered_by_the_next_visit() {
    let first = with_stored(20);
    let mut next = Host::beside(&first, 2, &[]);
    let mut numbers = deliver(&mut next, 1_000);
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<u64>>());
    assert!(next.store.borrow().records.is_empty());
    assert_eq!((next.ledger().accepted, next.ledger().delivered), (20, 20));
}

#[test]
fn one_bad_batch_does_not_hold_up_the_others() {
    let first = with_stored(5);
    let mut next = Host::beside(&first, 2, &[number("baseBackoffMillis", 1.0)]);
    let mut delivered = Vec::new();
    for _ in 0..40 {
        for sent in next.sent() {
            let status = if sent.numbers() == [0] { 503 } else { 200 };
            next.answer(&sent, status);
            if status == 200 {
                delivered.extend(sent.numbers());
            }
        }
        next.wait(1_000);
    }
    delivered.sort_unstable();
    assert_eq!(delivered, [1, 2, 3, 4]);
    assert_eq!(next.dropped(Reason::MaxAttempts), 1);
}

#[test]
fn past_its_bytes_the_oldest_batches_go_out_and_are_counted() {
    let size = {
        let host = with_stored(1);
        entries(&host)[0].bytes
    };
    let most = f64::from(size * 5 + size / 2).max(1_024.0);
    let settings = [number("maxExportBatchSize", 1.0), number("maxStoreBytes", most)];
    let mut host = Host::configured(&settings);
    host.give(Input::Online(false));
    for n in 0..20 {
        host.log(n);
        host.mono += 1;
    }
    let held = host.stored_events();
    assert!(host.store.borrow().bytes() as f64 <= most);
    assert_eq!((host.ledger().stored, host.dropped(Reason::StoreFull)), (held, 20 - held));
    host.give(Input::Online(true));
    let mut numbers = deliver(&mut host, 1_000);
    numbers.sort_unstable();
    assert_eq!(numbers, ((20 - held)..20).collect::<Vec<u64>>(), "the newest are left");
}

#[test]
fn what_an_earlier_visit_left_beyond_the_bytes_goes_out_too_while_the_endpoint_does_not_answer() {
    let first = with_stored(20);
    let size = entries(&first)[0].bytes;
    let most = f64::from(size * 5 + size / 2).max(1_024.0);
    let settings = [number("maxStoreBytes", most)];
    let mut next = Host::closed(setup(2), &settings, first.store.clone());
    next.give(Input::Online(false));
    next.give(Input::StoreReady);
    next.wait(1_000);
    let held = next.stored_events();
    assert!(held > 0 && next.store.borrow().bytes() as f64 <= most);
    assert_eq!(next.dropped(Reason::StoreFull), 20 - held);
    next.give(Input::Online(true));
    let mut numbers = deliver(&mut next, 1_000);
    numbers.sort_unstable();
    assert_eq!(numbers, ((20 - held)..20).collect::<Vec<u64>>(), "the newest are left");

    let first = with_stored(20);
    let mut next = Host::beside(&first, 2, &settings);
    assert_eq!(deliver(&mut next, 1_000).len(), 20, "sending makes room");
}

#[test]
fn past_its_age_a_batch_goes_out_and_is_counted() {
    let first = with_stored(3);
    let mut next = Host::closed(setup(2), &[], first.store.clone());
    next.wall_offset = 7 * 86_400_000 + 10;
    next.give(Input::StoreReady);
    next.turn();
    assert_eq!((next.dropped(Reason::Expired), next.ledger().accepted), (3, 3));
    assert!(next.store.borrow().records.is_empty() && !next.has_sent());
    assert!(!next.diagnostics.is_empty() || next.ledger().dropped.total() == 3);
}

#[test]
fn with_max_store_bytes_0_nothing_is_stored() {
    let setup = ahead(1);
    let mut host = Host::with(setup, &[number("maxStoreBytes", 0.0)]);
    host.log(1);
    host.expose("new-nav");
    host.give(Input::Online(false));
    host.wait(100_000);
    assert!(host.store.borrow().records.is_empty());
    assert_eq!(host.ledger().queued + host.ledger().in_flight, 2);
}

#[test]
fn a_broken_record_is_set_aside_and_counted_and_does_not_stop_the_others() {
    type Break = fn(&mut Vec<u8>);
    let breaks: [Break; 5] = [
        |bytes| bytes.truncate(20),
        Vec::clear,
        |bytes| {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        },
        |bytes| bytes[0] ^= 0xff,
        |bytes| bytes.extend_from_slice(b"more"),
    ];
    for (index, damage) in breaks.into_iter().enumerate() {
        let first = with_stored(3);
        if let Some(kept) = first.store.borrow_mut().records.values_mut().next() {
            damage(&mut kept.bytes);
        }
        let mut next = Host::beside(&first, 2, &[]);
        let mut numbers = deliver(&mut next, 1_000);
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2], "damage {index}");
        assert_eq!(next.dropped(Reason::Corrupt), 1, "damage {index}");
        assert!(next.commanded.iter().any(|op| matches!(op, StoreOp::Quarantine { .. })));
        assert!(next.diagnostics.iter().any(|told| told.code == "store_corrupt"));
    }
}

#[test]
fn a_record_with_a_foreign_key_is_set_aside() {
    let first = with_stored(1);
    for key in ["", "foreign", "zzzzzzzzzzzz-00000000-0000-4000-8000-000000000000"] {
        let entry = Entry { key: key.into(), events: 1, bytes: 3, ..Entry::default() };
        first.store.borrow_mut().apply(StoreOp::Put { entry, bytes: vec![1, 2, 3] });
    }
    let mut next = Host::beside(&first, 2, &[]);
    assert_eq!(deliver(&mut next, 1_000), [0]);
    assert!(next.store.borrow().records.is_empty());
}

#[test]
fn a_listing_that_lies_does_not_unbalance_the_ledger() {
    let mut host = with_stored(2);
    for kept in host.store.borrow_mut().records.values_mut() {
        kept.entry.events = 1_000;
    }
    host.wait(100_000);
    host.give(Input::Online(true));
    host.log(5);
    host.flush(100);
    deliver(&mut host, 200_000);
    let mut twice = Host::closed(setup(3), &[], Default::default());
    twice.store_mode = StoreMode::Waits;
    twice.give(Input::StoreReady);
    let (id, _) = twice.operations.remove(0);
    let key = String::from("019b7ca99316-e4045302-0082-4553-a9fa-72a67491bd0c");
    let entry = Entry { key, events: u32::MAX, bytes: u32::MAX, ..Entry::default() };
    twice.answer_store(id, StoreResult::Listed(vec![entry.clone(), entry]));
    twice.store_mode = StoreMode::Works;
    twice.work();
    assert!(twice.ledger().balances());
}

#[test]
fn write_ahead_stores_shortly_after_the_call_and_before_any_export() {
    let mut host = Host::with(ahead(1), &[]);
    host.log(0);
    host.wait(200);
    assert_eq!(host.stored_events(), 1);
    host.log(1);
    host.wait(200);
    assert_eq!((host.stored_events(), host.store.borrow().records.len()), (2, 1));
    assert!(!host.has_sent());
    assert_eq!((host.ledger().queued, host.ledger().stored), (2, 0), "in one place only");
    assert_eq!(host.stats()["store"]["copies"], 2);
    host.log(2);
    assert_eq!(host.stats()["store"]["copies"], 2, "the third is not there yet");
}

#[test]
fn write_ahead_survives_a_killed_process() {
    let mut host = Host::with(ahead(1), &[number("maxExportBatchSize", 3.0)]);
    for n in 0..8 {
        host.log(n);
        host.wait(150);
    }
    let mut next = Host::beside(&host, 2, &[]);
    drop(host);
    let mut numbers = deliver(&mut next, 120_000);
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (0..8).collect::<Vec<u64>>());
}

#[test]
fn a_written_ahead_batch_is_removed_when_it_is_delivered() {
    let mut host = Host::with(ahead(1), &[]);
    (0..3).for_each(|n| host.log(n));
    host.wait(200);
    assert_eq!(deliver(&mut host, 20_000), [0, 1, 2]);
    assert!(host.store.borrow().records.is_empty());
    assert_eq!((host.ledger().accepted, host.ledger().delivered), (3, 3));
}

#[test]
fn nobody_else_sends_what_a_living_holder_has_written_ahead() {
    let settings = [number("scheduledDelayMillis", 3_600_000.0)];
    let mut host = Host::with(ahead(1), &settings);
    host.log(0);
    host.wait(200);
    let mut other = Host::beside(&host, 2, &[]);
    for _ in 0..300 {
        host.wait(1_000);
        other.wait(1_000);
        assert!(!other.has_sent() && !host.has_sent());
    }
}

#[test]
fn a_stale_copy_is_not_taken_for_the_batch() {
    let mut host = Host::with(ahead(1), &[]);
    host.log(0);
    host.wait(200);
    host.log(1);
    host.store_mode = StoreMode::Full;
    host.give(Input::Online(false));
    host.flush(0);
    host.wait(40_000);
    host.store_mode = StoreMode::Works;
    host.give(Input::Online(true));
    let mut numbers = deliver(&mut host, 120_000);
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1]);
}

#[test]
fn a_holder_that_overslept_its_lease_gives_up_what_another_took_and_nothing_else() {
    for lives in [true, false] {
        let mut host = Host::with(ahead(1), &[number("scheduledDelayMillis", 3_600_000.0)]);
        host.log(0);
        host.wait(200);
        // The machine sleeps, and another tab is the first to wake.
        host.mono += 3_600_000;
        let mut other = Host::beside(&host, 2, &[]);
        let taken = other.sent_one();
        host.log(1);
        host.wait(200);
        other.answer(&taken, 200);
        if lives {
            host.flush(0);
            let sent = host.sent_one();
            assert_ne!(sent.body.batch_id, taken.body.batch_id);
            assert_eq!((taken.numbers(), sent.numbers()), (vec![0], vec![1]));
            assert_eq!(host.ledger().handed_over, 1);
            host.answer(&sent, 200);
        } else {
            drop(host);
            let mut next = Host::beside(&other, 3, &[]);
            assert_eq!(deliver(&mut next, 120_000), [1], "stored apart");
        }
        assert!(other.store.borrow().records.is_empty());
    }
}

#[test]
fn a_holder_that_overslept_its_lease_alone_sends_everything() {
    let mut host = Host::with(ahead(1), &[number("scheduledDelayMillis", 3_600_000.0)]);
    host.log(0);
    host.wait(200);
    host.mono += 3_600_000;
    host.log(1);
    host.flush(0);
    assert_eq!(deliver(&mut host, 60_000), [0, 1]);
    assert!(host.store.borrow().records.is_empty());
    assert_eq!(host.ledger().delivered, 2);
}

#[test]
fn a_store_that_never_answers_has_failed_after_a_while() {
    for first in 0..2 {
        let mut host = with_stored(3);
        host.store_mode = StoreMode::Waits;
        if first == 0 {
            // A batch waits to be stored; else, one to be claimed.
            host.log(100);
            host.flush(0);
            host.wait(20_000);
        }
        host.give(Input::Online(true));
        host.wait(60_000);
        host.log(101);
        host.flush(0);
        let mut numbers = Vec::new();
        for _ in 0..100 {
            for sent in host.sent() {
                numbers.extend(sent.numbers());
                host.answer(&sent, 200);
            }
            host.wait(1_000);
        }
        numbers.sort_unstable();
        // Nobody answered at first.
        numbers.dedup();
        let wanted: &[u64] = if first == 0 { &[100, 101] } else { &[101] };
        assert_eq!(numbers, wanted, "what is in memory goes out");
        host.operations.clear();
        host.store_mode = StoreMode::Works;
        host.wait(120_000);
        host.log(102);
        let all: BTreeSet<u64> = deliver(&mut host, 300_000).into_iter().collect();
        assert_eq!(all, BTreeSet::from([0, 1, 2, 102]), "and the store is used again");
        assert!(host.ledger().queued + host.ledger().stored == 0, "{:?}", host.ledger());
    }
}

#[test]
fn an_exposure_is_stored_in_the_task_that_follows_its_call() {
    let mut host = Host::new();
    host.expose("new-nav");
    host.turn();
    assert_eq!(host.stored_events(), 1);
    let lost = host.sent_one();
    let mut next = Host::beside(&host, 2, &[]);
    drop(host);
    next.wait(60_000);
    assert_eq!(next.sent().remove(0).event_ids(), lost.event_ids());
}

#[test]
fn an_exposure_whose_copy_is_refused_stays_in_memory() {
    let mut host = Host::new();
    host.store_mode = StoreMode::Full;
    host.give(Input::Online(false));
    host.expose("new-nav");
    host.wait(10_000);
    assert_eq!((host.ledger().queued, host.ledger().handed_over), (1, 0));
    host.give(Input::Online(true));
    let sent = host.sent_one();
    host.answer(&sent, 200);
    assert_eq!(host.ledger().delivered, 1);
}

#[test]
fn a_store_that_failed_is_left_alone_for_a_while_and_tried_again() {
    let mut host = Host::new();
    host.store_mode = StoreMode::Fails;
    host.log(1);
    host.flush(0);
    let sent = host.sent_one();
    host.give(Input::Online(false));
    host.fail(&sent);
    let tried = host.commanded.len();
    host.wait(20_000);
    assert_eq!(host.commanded.len(), tried, "no storm on a broken store");
    assert_eq!(host.ledger().queued, 1);
    host.store_mode = StoreMode::Works;
    host.wait(60_000);
    assert_eq!((host.ledger().queued, host.ledger().stored), (0, 1));
    assert!(host.diagnostics.iter().any(|told| told.code == "store_failed"));
}

#[test]
fn denied_wipes_the_queue_and_the_store_and_goes_on_trying() {
    let mut host = with_stored(2);
    host.log(7);
    host.store_mode = StoreMode::Fails;
    host.give(Input::Consent(Consent::Denied));
    assert_eq!(host.dropped(Reason::ConsentDenied), 3);
    host.log(8);
    assert_eq!(host.ledger().suppressed, 1);
    host.store_mode = StoreMode::Works;
    host.wait(120_000);
    assert!(host.store.borrow().records.is_empty(), "the wipe is tried again");
    host.give(Input::Online(true));
    host.give(Input::Consent(Consent::Granted));
    assert!(deliver(&mut host, 100_000).is_empty());
}

#[test]
fn what_is_under_way_at_a_denial_is_given_up_and_not_stored() {
    let mut host = Host::new();
    host.log(1);
    host.flush(0);
    let sent = host.sent_one();
    host.give(Input::Consent(Consent::Denied));
    assert_eq!(host.cancelled, [sent.id]);
    host.fail(&sent);
    host.wait(100_000);
    assert!(host.store.borrow().records.is_empty());
    assert_eq!(host.dropped(Reason::ConsentDenied), 1);
}

#[test]
fn a_kill_that_erases_drops_and_one_that_keeps_waits() {
    let kill = |stored| Setting::Killed {
        switch: Value::Absent,
        until: Value::Number((START + 50_000) as f64),
        stored,
    };
    let mut host = with_stored(2);
    host.remote(&[kill(Value::Text("erase"))]);
    assert_eq!(host.dropped(Reason::Killed), 2);
    assert!(host.store.borrow().records.is_empty());

    let mut host = with_stored(2);
    host.remote(&[kill(Value::Absent)]);
    host.log(9);
    host.give(Input::Online(true));
    host.wait(40_000);
    assert!(!host.has_sent(), "nothing is sent while it holds");
    assert_eq!(host.ledger().suppressed, 1);
    let mut numbers = deliver(&mut host, 20_000);
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1], "and then it goes on by itself");
}

#[test]
fn what_was_stored_goes_out_when_a_kill_ends_although_nobody_logs() {
    let first = with_stored(2);
    let mut next = Host::closed(setup(2), &[], first.store.clone());
    next.remote(&[Setting::Killed {
        switch: Value::Absent,
        until: Value::Number((START + 5_000) as f64),
        stored: Value::Absent,
    }]);
    next.give(Input::StoreReady);
    assert_eq!(deliver(&mut next, 20_000).len(), 2);
}

#[test]
fn a_spilled_event_with_a_broken_clock_is_not_lost() {
    use wasm_telemetry::core::time::UnixMillis;
    let mut host = Host::new();
    for at in [0, 0, u64::MAX, 5, 0] {
        host.give(Input::Event {
            at: UnixMillis(at),
            name: "event",
            fields: &[("n", Field::Bool(true))],
        });
    }
    host.flush(0);
    let sent = host.sent_one();
    host.answer(&sent, 413);
    let sent = host.sent_one();
    host.fail(&sent);
    let mut next = Host::beside(&host, 2, &[]);
    drop(host);
    next.wait(60_000);
    for _ in 0..5 {
        for sent in next.sent() {
            next.answer(&sent, 200);
        }
        next.wait(60_000);
    }
    assert_eq!(next.ledger().delivered, 5, "{:?}", next.ledger());
}

#[test]
fn what_was_sealed_before_the_store_was_open_gets_its_copy_when_it_opens() {
    for write_ahead in [false, true] {
        let setup = Setup { write_ahead, ..setup(1) };
        let settings = [number("maxExportBatchSize", 2.0)];
        let mut host = Host::closed(setup, &settings, Default::default());
        for n in 0..6 {
            if write_ahead {
                host.log(n)
            } else {
                host.expose("new-nav")
            }
            host.turn();
        }
        host.wait(500);
        host.give(Input::StoreReady);
        host.wait(500);
        assert_eq!(host.stored_events(), 6, "write-ahead {write_ahead}");
    }
}

#[test]
fn claims_that_others_win_do_not_stop_the_storing() {
    let mut host = Host::closed(setup(1), &[], Default::default());
    host.store_mode = StoreMode::Waits;
    host.give(Input::StoreReady);
    // Listings that show a free batch, and claims that come too late.
    let key = String::from("019b7ca99316-e4045302-0082-4553-a9fa-72a67491bd0c");
    let entry = Entry { key, events: 1, bytes: 100, ..Entry::default() };
    for _ in 0..40 {
        while !host.operations.is_empty() {
            let (id, op) = host.operations.remove(0);
            let result = match op {
                StoreOp::List { .. } => StoreResult::Listed(vec![entry.clone()]),
                StoreOp::Claim { .. } => StoreResult::Lost,
                other => host.store.borrow_mut().apply(other),
            };
            host.answer_store(id, result);
        }
        host.wait(100);
    }
    host.commanded.clear();
    host.expose("new-nav");
    host.turn();
    let put = |op: &StoreOp| matches!(op, StoreOp::Put { .. });
    assert!(host.commanded.iter().any(put), "{:?}", host.commanded);
}

#[test]
fn a_page_that_leaves_tries_a_store_that_failed_a_moment_ago() {
    use wasm_telemetry::core::io::Leaving;
    for leaving in [Leaving::Page { budget: 0 }, Leaving::Process] {
        let mut host = Host::new();
        host.store_mode = StoreMode::Fails;
        host.give(Input::Online(false));
        host.log(1);
        host.flush(0);
        host.store_mode = StoreMode::Works;
        host.wait(1_000);
        host.give(Input::Leaving(leaving));
        assert_eq!(host.stored_events(), 1, "{leaving:?} is the last chance");
    }
}
