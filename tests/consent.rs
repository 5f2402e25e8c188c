//! Consent, and what the holders of one store hear of each other's.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use support::{Host, StoreMode, setup};
use wasm_telemetry::core::io::{Consent, Input, Leaving};
use wasm_telemetry::core::ledger::Reason;
use wasm_telemetry::core::pipeline::Setup;
use wasm_telemetry::core::store::Entry;
use wasm_telemetry::core::time::UnixMillis;

/// How old a look at the store may be when a request starts.
const LOOK_MILLIS: u64 = 2_000;

fn said(seed: u8, consent: Consent) -> Setup {
    Setup { consent: Some(consent), ..setup(seed) }
}

fn joining(other: &Host, setup: Setup) -> Host {
    let mut host = Host::closed(setup, &[], other.store.clone());
    host.mono = other.mono;
    host.give(Input::StoreReady);
    host
}

/// Two holders of one store, the second of which denies.
fn denied_beside() -> (Host, Host) {
    let mut host = Host::with(said(1, Consent::Granted), &[]);
    let mut other = joining(&host, said(2, Consent::Granted));
    for both in [&mut host, &mut other] {
        both.wait(LOOK_MILLIS);
    }
    host.log(1);
    other.give(Input::Consent(Consent::Denied));
    (host, other)
}

#[test]
fn whoever_shares_the_store_obeys_a_denial_before_its_next_request() {
    let (mut host, _) = denied_beside();
    host.flush(0);
    assert!(!host.has_sent());
    assert_eq!(host.dropped(Reason::ConsentDenied), 1);
    host.log(2);
    assert_eq!(
        (host.ledger().suppressed, host.stats()["config"]["consent"].as_str()),
        (1, Some("denied"))
    );
    host.give(Input::Consent(Consent::Granted));
    host.log(3);
    host.flush(0);
    assert_eq!(host.sent_one().numbers(), [3]);
    assert!(host.store.borrow().marks.is_empty(), "the denial is over");
}

#[test]
fn a_denial_is_found_behind_whatever_fills_the_first_page_of_a_listing() {
    let (mut host, other) = denied_beside();
    let mut store = other.store.borrow_mut();
    let foreign = Entry {
        key: String::from("000000000000-00000000-0000-4000-8000-000000000000"),
        ..Entry::default()
    };
    store.marks.insert(foreign.key.clone(), foreign);
    store.page = 1;
    drop(store);
    host.flush(0);
    assert!(!host.has_sent());
    assert_eq!(host.dropped(Reason::ConsentDenied), 1);
}

#[test]
fn what_is_in_flight_when_another_denies_ends_as_it_would() {
    let mut host = Host::with(Setup { write_ahead: true, ..said(1, Consent::Granted) }, &[]);
    let mut other = joining(&host, said(2, Consent::Granted));
    host.log(1);
    host.wait(LOOK_MILLIS);
    host.flush(0);
    let sent = host.sent_one();
    host.log(2);
    other.give(Input::Consent(Consent::Denied));
    host.wait(LOOK_MILLIS);
    host.answer(&sent, 200);
    host.flush(0);
    assert!(!host.has_sent());
    assert_eq!((host.ledger().delivered, host.dropped(Reason::ConsentDenied)), (1, 1));
    assert!(host.store.borrow().records.is_empty());
}

#[test]
fn what_failed_while_another_denied_is_not_sent_again() {
    let mut host = Host::with(said(1, Consent::Granted), &[]);
    let mut other = joining(&host, said(2, Consent::Granted));
    host.log(1);
    host.flush(0);
    let sent = host.sent_one();
    other.give(Input::Consent(Consent::Denied));
    host.wait(LOOK_MILLIS);
    host.answer(&sent, 503);
    host.wait(100_000);
    assert!(!host.has_sent());
    assert!(host.store.borrow().records.is_empty());
    assert_eq!((host.ledger().stored, host.dropped(Reason::ConsentDenied)), (0, 1));
}

#[test]
fn a_denial_outlives_its_holder_until_a_host_grants() {
    let (_, other) = denied_beside();
    let mut next = joining(&other, setup(3));
    next.log(1);
    next.flush(0);
    assert!(!next.has_sent());
    let mut granted = joining(&other, setup(4));
    granted.give(Input::Consent(Consent::Granted));
    granted.log(2);
    granted.flush(0);
    assert_eq!(granted.sent_one().numbers(), [2]);
    let mut last = joining(&granted, setup(5));
    last.log(3);
    last.flush(0);
    assert_eq!(last.sent_one().numbers(), [3]);
}

#[test]
fn without_a_word_of_the_host_no_request_starts_before_the_store_is_open() {
    let mut host = Host::closed(setup(1), &[], support::Host::new().store);
    host.log(1);
    host.flush(10_000);
    assert!(!host.has_sent());
    host.give(Input::StoreReady);
    host.flush(0);
    assert_eq!(host.sent_one().numbers(), [1]);
}

#[test]
fn a_page_that_heard_of_a_denial_leaves_nothing() {
    for at in [0, 100_000_000_000_000] {
        let mut host = Host::with(said(1, Consent::Granted), &[]);
        host.log(1);
        host.give(Input::Denied(UnixMillis(at)));
        host.give(Input::Leaving(Leaving::Page { budget: 65_536 }));
        // What is older than the host's own word changes nothing.
        assert_eq!(host.has_sent(), at == 0);
        assert_eq!(host.dropped(Reason::ConsentDenied), u64::from(at > 0));
    }
}

#[test]
fn the_hosts_own_word_wins_whatever_the_clock_says() {
    let mut host = Host::with(said(1, Consent::Granted), &[]);
    host.give(Input::Denied(UnixMillis(host.now().wall.0 + 3_600_000)));
    host.give(Input::Consent(Consent::Granted));
    host.log(1);
    host.flush(0);
    assert_eq!(host.sent_one().numbers(), [1]);
}

#[test]
fn a_denial_that_could_not_be_written_down_is_written_later() {
    let (_, mut other) = denied_beside();
    other.store.borrow_mut().marks.clear();
    other.store_mode = StoreMode::Fails;
    other.give(Input::Consent(Consent::Denied));
    other.store_mode = StoreMode::Works;
    other.wait(60_000);
    assert_eq!(other.store.borrow().marks.len(), 1);
}
