//! `flush` and `shutdown`: what they wait for, and what they report.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use support::{Host, StoreMode, number, setup};
use wasm_telemetry::core::io::{Consent, Input};
use wasm_telemetry::core::ledger::Reason;
use wasm_telemetry::core::pipeline::Setup;

#[test]
fn a_flush_sends_what_waits_at_once_and_answers_when_it_is_delivered() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 2.0)]);
    (0..5).for_each(|n| host.log(n));
    let first = host.sent_one();
    host.flush(30_000);
    host.answer(&first, 200);
    let second = host.sent_one();
    host.answer(&second, 200);
    let third = host.sent_one();
    assert!(host.flushed.is_empty());
    host.answer(&third, 200);
    let (_, report) = host.flushed[0];
    assert_eq!((report.delivered, report.dropped, report.timed_out), (5, 0, false));
    assert_eq!((report.queued, report.in_flight, report.stored), (0, 0, 0));
}

#[test]
fn a_flush_of_nothing_answers_at_once() {
    let mut host = Host::new();
    host.flush(30_000);
    assert_eq!(host.flushed.len(), 1);
    assert!(!host.flushed[0].1.timed_out);
}

#[test]
fn a_flush_tries_once_whatever_the_backoff_says() {
    let mut host = Host::new();
    host.log(1);
    host.flush(30_000);
    let sent = host.sent_one();
    host.answer_with(&sent, 503, Some("600"));
    assert_eq!(host.flushed[0].1.stored, 1);
    assert!(!host.flushed[0].1.timed_out, "stored is an outcome");
    host.flush(30_000);
    let sent = host.sent_one();
    host.answer(&sent, 200);
    let (_, report) = host.flushed[1];
    assert_eq!((report.delivered, report.stored), (1, 0));
}

#[test]
fn a_flush_whose_time_is_over_says_so_and_the_work_goes_on() {
    let mut host = Host::new();
    host.log(1);
    host.flush(50);
    let sent = host.sent_one();
    host.wait(49);
    assert!(host.flushed.is_empty());
    host.wait(1);
    let (_, report) = host.flushed[0];
    assert_eq!((report.timed_out, report.in_flight, report.delivered), (true, 1, 0));
    host.answer(&sent, 200);
    assert_eq!(host.ledger().delivered, 1);
}

#[test]
fn a_flush_counts_from_its_call() {
    let mut host = Host::new();
    host.log(1);
    host.event("", &[]);
    host.flush(1_000);
    let sent = host.sent_one();
    host.answer(&sent, 200);
    host.log(2);
    host.flush(1_000);
    let sent = host.sent_one();
    host.answer(&sent, 400);
    let (_, report) = host.flushed[1];
    assert_eq!((report.delivered, report.dropped), (0, 1));
}

#[test]
fn a_flush_includes_what_an_earlier_visit_stored() {
    let mut before = Host::new();
    before.log(1);
    before.flush(0);
    let sent = before.sent_one();
    before.fail(&sent);
    let mut host = Host::beside(&before, 2, &[]);
    host.flush(30_000);
    let sent = host.sent_one();
    assert!(host.flushed.is_empty());
    host.answer(&sent, 200);
    let (_, report) = host.flushed[0];
    assert_eq!((report.delivered, report.stored), (1, 0));
}

#[test]
fn a_flush_waits_for_the_store_to_open() {
    let mut host = Host::closed(setup(1), &[], Default::default());
    host.flush(10_000);
    assert!(host.flushed.is_empty());
    host.give(Input::StoreReady);
    assert!(!host.flushed[0].1.timed_out);
}

#[test]
fn a_flush_offline_stores_and_answers() {
    let mut host = Host::new();
    host.give(Input::Online(false));
    host.log(1);
    host.flush(10_000);
    let (_, report) = host.flushed[0];
    assert_eq!((report.stored, report.queued, report.timed_out), (1, 0, false));
    assert!(!host.has_sent());
}

#[test]
fn a_flush_without_consent_leaves_the_events_where_they_are() {
    let mut host = Host::with(Setup { consent: Some(Consent::Pending), ..setup(1) }, &[]);
    host.log(1);
    host.flush(10_000);
    let (_, report) = host.flushed[0];
    assert_eq!((report.queued, report.stored), (1, 0));
    assert!(!host.has_sent());
}

#[test]
fn many_flushes_are_answered_each() {
    let mut host = Host::new();
    host.log(1);
    (0..10).for_each(|_| host.flush(10_000));
    let sent = host.sent_one();
    host.answer(&sent, 200);
    assert_eq!(host.flushed.len(), 10);
    assert!(host.flushed.iter().all(|(_, report)| report.delivered == 1));
}

#[test]
fn a_shutdown_delivers_and_then_takes_nothing_more() {
    let mut host = Host::new();
    host.log(1);
    host.shutdown(10_000);
    host.log(2);
    assert_eq!((host.ledger().accepted, host.ledger().suppressed), (1, 1));
    let sent = host.sent_one();
    host.answer(&sent, 200);
    let (_, report) = host.flushed[0];
    assert_eq!((report.delivered, report.timed_out), (1, false));
    host.log(3);
    host.wait(100_000_000);
    assert!(!host.has_sent());
    assert_eq!(host.pipeline.wake_at(), None);
}

#[test]
fn a_shutdown_out_of_time_leaves_everything_to_the_store_once() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 2.0)]);
    (0..5).for_each(|n| host.log(n));
    let sent = host.sent_one();
    host.shutdown(100);
    host.wait(5_000);
    assert!(!host.has_sent(), "nothing is sent a second time");
    let (_, report) = host.flushed[0];
    assert_eq!((report.stored, report.queued, report.timed_out), (5, 0, true));
    assert_eq!(host.stored_events(), 5);
    let mut next = Host::beside(&host, 2, &[]);
    let mut numbers = Vec::new();
    for _ in 0..60 {
        next.wait(1_000);
        for sent in next.sent() {
            numbers.extend(sent.numbers());
            next.answer(&sent, 200);
        }
    }
    numbers.sort_unstable();
    assert_eq!(
        (numbers.as_slice(), sent.numbers().as_slice()),
        (&[0, 1, 2, 3, 4][..], &[0, 1][..])
    );
    assert_eq!(next.ledger().delivered, 5);
}

#[test]
fn a_shutdown_without_a_store_counts_what_it_abandons() {
    let mut host = Host::configured(&[number("maxStoreBytes", 0.0)]);
    host.give(Input::Online(false));
    (0..3).for_each(|n| host.log(n));
    host.shutdown(100);
    host.wait(5_000);
    assert_eq!(host.dropped(Reason::ShutDown), 3);
    assert_eq!(host.flushed[0].1.dropped, 3);
    assert_eq!(host.ledger().queued, 0);
}

#[test]
fn a_store_that_refuses_after_the_shutdown_leaves_nothing_queued_for_ever() {
    let mut host = Host::new();
    host.give(Input::Online(false));
    host.log(1);
    host.store_mode = StoreMode::Waits;
    host.shutdown(100);
    host.wait(5_000);
    assert_eq!(host.flushed.len(), 1);
    host.store_mode = StoreMode::Full;
    host.work();
    host.wait(100_000);
    let ledger = host.ledger();
    assert_eq!((ledger.queued, ledger.in_flight, ledger.stored), (0, 0, 0));
    assert_eq!(host.dropped(Reason::ShutDown), 1);
}
