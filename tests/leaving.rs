//! Section 3 of the specification, "Going away": pages and processes.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use support::{Host, Sent, StoreMode, number, setup, text};
use wasm_telemetry::core::io::{Field, Input, Leaving};
use wasm_telemetry::core::pipeline::{ExitPolicy, Setup};
use wasm_telemetry::core::store::StoreOp;

const BUDGET: u32 = 65_536;

fn leave(host: &mut Host) {
    host.give(Input::Leaving(Leaving::Page { budget: BUDGET }));
}

fn with_policy(exit: ExitPolicy) -> Host {
    Host::with(Setup { exit, ..setup(1) }, &[])
}

/// A host whose endpoint answered its last request with a success.
fn trusting(exit: ExitPolicy) -> Host {
    let mut host = with_policy(exit);
    host.log(100);
    host.flush(0);
    let sent = host.sent_one();
    host.answer(&sent, 200);
    host
}

fn next_visit(host: Host) -> Vec<Sent> {
    let mut next = Host::beside(&host, 2, &[]);
    drop(host);
    let mut all = Vec::new();
    for _ in 0..100 {
        for sent in next.sent() {
            next.answer(&sent, 200);
            all.push(sent);
        }
        next.wait(1_000);
    }
    assert!(next.store.borrow().records.is_empty());
    all
}

#[test]
fn a_page_that_leaves_sends_with_keepalive_in_that_very_task() {
    let mut host = Host::new();
    (0..3).for_each(|n| host.log(n));
    leave(&mut host);
    let sent = host.sent_one();
    assert!(sent.keepalive && sent.authorize);
    assert_eq!(sent.numbers(), [0, 1, 2]);
}

#[test]
fn what_fits_the_budget_is_sent_and_the_rest_is_stored() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 20.0)]);
    let text = "x".repeat(1_000);
    host.give(Input::Online(false));
    host.store_mode = StoreMode::Waits;
    host.give(Input::Online(true));
    for _ in 0..200 {
        host.event("event", &[("text", Field::Text(&text))]);
    }
    host.sent();
    host.commanded.clear();
    leave(&mut host);
    let sent = host.sent();
    let bytes: usize = sent.iter().map(|sent| sent.bytes).sum();
    assert!(bytes <= BUDGET as usize && sent.iter().all(|sent| sent.keepalive));
    assert!(bytes > BUDGET as usize / 2, "{bytes}");
    let puts: u32 = host
        .commanded
        .iter()
        .map(|op| match op {
            StoreOp::Put { entry, .. } => entry.events,
            _ => 0,
        })
        .sum();
    // The first batch was in flight already; a copy of it is kept as well.
    let sent: u64 = sent.iter().map(|sent| sent.body.events.len() as u64).sum();
    assert!(u64::from(puts) + sent >= 200, "{puts} stored, {sent} sent");
}

#[test]
fn compressed_several_times_as_much_leaves_at_once() {
    let [plain, compressed] = [false, true].map(|compress| {
        let mut host = Host::with(Setup { compress, ..setup(1) }, &[number("maxQueueSize", 1e5)]);
        host.store_mode = StoreMode::Waits;
        (0..5_000).for_each(|n| host.log(n));
        // The first batch is in flight.
        host.sent();
        leave(&mut host);
        let sent = host.sent();
        let bytes: usize = sent.iter().map(|sent| sent.bytes).sum();
        assert!(bytes <= BUDGET as usize);
        sent.iter().map(|sent| sent.body.events.len()).sum::<usize>()
    });
    assert!(plain >= 300 && compressed >= 4 * plain, "{compressed} events instead of {plain}");
}

#[test]
fn of_a_batch_that_does_not_fit_the_first_events_are_sent() {
    let mut host = trusting(ExitPolicy::Auto);
    let text = "x".repeat(1_000);
    for n in 0..150 {
        host.event("event", &[("n", Field::Number(f64::from(n))), ("t", Field::Text(&text))]);
    }
    leave(&mut host);
    let sent = host.sent_one();
    assert!((BUDGET as usize / 2..=BUDGET as usize).contains(&sent.bytes), "{}", sent.bytes);
    let first = sent.numbers();
    assert_eq!(host.ledger().handed_over, first.len() as u64);
    let later: Vec<u64> = next_visit(host).iter().flat_map(Sent::numbers).collect();
    assert_eq!([first, later].concat(), (0..150).collect::<Vec<u64>>());
}

#[test]
fn without_a_budget_everything_is_stored() {
    let mut host = trusting(ExitPolicy::Send);
    (0..3).for_each(|n| host.log(n));
    host.give(Input::Leaving(Leaving::Page { budget: 0 }));
    assert!(!host.has_sent());
    assert_eq!(host.ledger().stored, 3);
    let sent = next_visit(host);
    assert_eq!(sent[0].numbers(), [0, 1, 2]);
}

#[test]
fn auto_hands_over_after_a_success_and_keeps_a_copy_before_one() {
    let mut host = with_policy(ExitPolicy::Auto);
    host.log(1);
    leave(&mut host);
    assert_eq!((host.ledger().handed_over, host.ledger().stored), (0, 1));
    let first = host.sent_one();
    let again = next_visit(host).remove(0);
    assert_eq!(again.body.batch_id, first.body.batch_id);
    assert_eq!(again.event_ids(), first.event_ids());

    let mut host = trusting(ExitPolicy::Auto);
    host.log(1);
    leave(&mut host);
    assert_eq!((host.ledger().handed_over, host.ledger().stored), (1, 0));
    assert!(host.sent_one().keepalive);
    assert!(next_visit(host).is_empty(), "it is not sent again");
}

#[test]
fn the_next_visit_knows_how_the_endpoint_answered_last() {
    let mut first = trusting(ExitPolicy::Auto);
    leave(&mut first);
    let mut second = Host::beside(&first, 2, &[]);
    second.log(1);
    leave(&mut second);
    assert_eq!((second.ledger().handed_over, second.ledger().stored), (1, 0));

    let elsewhere = [text("baseUrl", "https://other.example.com")];
    let mut other = Host::beside(&first, 3, &elsewhere);
    other.log(1);
    leave(&mut other);
    assert_eq!(other.ledger().handed_over, 0, "that endpoint has answered nothing yet");

    let mut third = Host::beside(&first, 4, &[]);
    third.log(2);
    third.flush(0);
    let sent = third.sent_one();
    third.fail(&sent);
    let mut fourth = Host::beside(&first, 5, &[]);
    fourth.log(3);
    leave(&mut fourth);
    assert_eq!(fourth.ledger().handed_over, 0, "the last try failed");
}

#[test]
fn a_process_that_ends_leaves_nothing_but_batches() {
    let mut host = trusting(ExitPolicy::Auto);
    host.give(Input::Leaving(Leaving::Process));
    assert!(host.store.borrow().marks.is_empty());
}

#[test]
fn auto_keeps_a_copy_of_an_exposure_always() {
    let mut host = trusting(ExitPolicy::Auto);
    host.expose("new-nav");
    leave(&mut host);
    assert_eq!((host.ledger().handed_over, host.ledger().stored), (0, 1));
    let first = host.sent_one();
    assert_eq!(next_visit(host).remove(0).event_ids(), first.event_ids());
}

#[test]
fn auto_trusts_no_more_after_a_failure() {
    for failure in 0..2 {
        let mut host = trusting(ExitPolicy::Auto);
        host.log(1);
        host.flush(0);
        let sent = host.sent_one();
        if failure == 0 {
            host.answer(&sent, 503)
        } else {
            host.fail(&sent)
        }
        host.log(2);
        leave(&mut host);
        assert_eq!(host.ledger().handed_over, 0);
        assert_eq!(host.ledger().stored, 2);
    }
}

#[test]
fn send_keeps_no_copy_and_keep_always_does() {
    let mut host = with_policy(ExitPolicy::Send);
    host.log(1);
    host.expose("new-nav");
    leave(&mut host);
    assert_eq!((host.ledger().handed_over, host.stored_events()), (2, 0));

    let mut host = trusting(ExitPolicy::Keep);
    host.log(1);
    leave(&mut host);
    assert_eq!((host.ledger().handed_over, host.stored_events()), (0, 1));
}

#[test]
fn a_copy_is_under_a_lease_until_the_request_has_had_its_time() {
    let mut host = with_policy(ExitPolicy::Keep);
    host.log(1);
    leave(&mut host);
    let mut next = Host::beside(&host, 2, &[]);
    assert!(!next.has_sent());
    next.wait(5_000);
    assert!(!next.has_sent());
    next.wait(15_000);
    assert_eq!(next.sent().len(), 1);
}

#[test]
fn a_page_that_stays_has_a_witness_after_all() {
    let mut host = trusting(ExitPolicy::Auto);
    host.log(1);
    leave(&mut host);
    let sent = host.sent_one();
    host.answer(&sent, 200);
    let ledger = host.ledger();
    assert_eq!((ledger.handed_over, ledger.delivered), (0, 2));

    let mut host = with_policy(ExitPolicy::Keep);
    host.log(1);
    leave(&mut host);
    let sent = host.sent_one();
    host.answer(&sent, 200);
    assert_eq!((host.ledger().delivered, host.stored_events()), (1, 0), "the copy is removed");
}

#[test]
fn what_was_handed_over_and_failed_is_in_custody_again() {
    let mut host = trusting(ExitPolicy::Auto);
    host.log(1);
    leave(&mut host);
    let sent = host.sent_one();
    host.fail(&sent);
    let ledger = host.ledger();
    assert_eq!((ledger.handed_over, ledger.stored), (0, 1));
    host.wait(10_000);
    let again = host.sent_one();
    assert_eq!(again.event_ids(), sent.event_ids());
    host.answer(&again, 200);
    assert_eq!(host.ledger().delivered, 2);
}

#[test]
fn a_late_401_does_not_disturb_the_request_that_is_under_way() {
    let mut host = trusting(ExitPolicy::Auto);
    host.log(1);
    leave(&mut host);
    let parted = host.sent_one();
    host.log(2);
    host.wait(20_000);
    let sent = host.sent();
    let flight = sent.last().expect("a request is under way").clone();
    host.answer(&parted, 401);
    host.answer(&flight, 200);
    let mut delivered = vec![flight.numbers()];
    for _ in 0..20 {
        host.wait(1_000);
        for sent in host.sent() {
            delivered.push(sent.numbers());
            host.answer(&sent, 200);
        }
    }
    let ledger = host.ledger();
    assert_eq!(ledger.delivered + ledger.handed_over, 3, "{ledger:?} {delivered:?}");
    assert_eq!((ledger.queued, ledger.in_flight, ledger.stored), (0, 0, 0));
}

#[test]
fn a_request_in_flight_keeps_a_copy_when_the_page_leaves() {
    let mut host = trusting(ExitPolicy::Auto);
    host.log(1);
    host.flush(0);
    let flight = host.sent_one();
    leave(&mut host);
    assert_eq!((host.ledger().in_flight, host.ledger().stored), (0, 1));
    let again = next_visit(host).remove(0);
    assert_eq!(again.event_ids(), flight.event_ids());
}

#[test]
fn a_page_hidden_again_and_again_loses_and_doubles_nothing() {
    let mut host = trusting(ExitPolicy::Auto);
    let mut seen = Vec::new();
    for n in 0..50 {
        host.log(n);
        leave(&mut host);
        leave(&mut host);
        for sent in host.sent() {
            seen.extend(sent.numbers());
            host.answer(&sent, 200);
        }
        host.wait(100);
    }
    assert_eq!(seen, (0..50).collect::<Vec<u64>>());
    assert_eq!(host.ledger().delivered, 51);
}

#[test]
fn offline_or_after_failures_a_page_sends_nothing_as_it_leaves() {
    let mut host = trusting(ExitPolicy::Send);
    host.log(1);
    host.give(Input::Online(false));
    leave(&mut host);
    assert!(!host.has_sent());
    assert_eq!(host.ledger().stored, 1);
}

#[test]
fn without_consent_a_page_leaves_nothing() {
    use wasm_telemetry::core::io::Consent;
    let mut host = Host::with(Setup { consent: Some(Consent::Pending), ..setup(1) }, &[]);
    host.commanded.clear();
    host.log(1);
    leave(&mut host);
    host.give(Input::Leaving(Leaving::Process));
    assert!(!host.has_sent() && host.commanded.is_empty());
    assert_eq!(host.ledger().queued, 1);
}

#[test]
fn a_process_that_ends_stores_everything_at_once() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 2.0)]);
    (0..5).for_each(|n| host.log(n));
    let flight = host.sent_one();
    host.give(Input::Leaving(Leaving::Process));
    assert!(!host.has_sent(), "nothing can be sent any more");
    assert_eq!(host.stored_events(), 5);
    let free = host.store.borrow().records.values().all(|kept| kept.entry.lease == 0);
    assert!(free, "the next start delivers them, at once");
    let mut numbers: Vec<u64> = next_visit(host).iter().flat_map(Sent::numbers).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    assert_eq!(flight.numbers(), [0, 1]);
}

#[test]
fn a_process_that_ends_twice_stores_once() {
    let mut host = Host::new();
    host.log(1);
    host.give(Input::Leaving(Leaving::Process));
    host.log(2);
    host.give(Input::Leaving(Leaving::Process));
    host.give(Input::Leaving(Leaving::Process));
    assert_eq!(host.stored_events(), 2);
    let sent = next_visit(host);
    assert_eq!(sent.iter().map(|sent| sent.body.events.len()).sum::<usize>(), 2);
}

#[test]
fn a_process_that_survives_a_signal_goes_on_with_what_it_stored() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 2.0)]);
    (0..5).for_each(|n| host.log(n));
    let flight = host.sent_one();
    host.give(Input::Leaving(Leaving::Signal));
    assert_eq!((host.stored_events(), host.ledger().in_flight), (5, 2));
    host.flush(60_000);
    host.answer(&flight, 200);
    for _ in 0..2 {
        let sent = host.sent_one();
        host.answer(&sent, 200);
    }
    assert_eq!((host.stored_events(), host.ledger().delivered), (0, 5));
    assert_eq!(host.flushed.len(), 1, "what is in flight is waited for");
}

#[test]
fn a_process_that_dies_of_a_signal_that_its_host_answers_loses_nothing() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 2.0)]);
    (0..5).for_each(|n| host.log(n));
    assert_eq!(host.sent_one().numbers(), [0, 1]);
    host.give(Input::Leaving(Leaving::Signal));
    let held = |host: &Host| {
        let store = host.store.borrow();
        store.records.values().filter(|kept| kept.entry.lease > 0).count()
    };
    assert_eq!(held(&host), 1, "nobody else must send what may be delivered");
    let mut numbers: Vec<u64> = next_visit(host).iter().flat_map(Sent::numbers).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
}

#[test]
fn a_restart_keeps_the_age_the_attempts_and_the_number() {
    let mut host = Host::new();
    host.log(1);
    host.flush(0);
    let sent = host.sent_one();
    host.answer(&sent, 503);
    host.give(Input::Leaving(Leaving::Process));
    let again = next_visit(host).remove(0);
    assert_eq!((again.body.attempt, again.body.seq), (2, sent.body.seq));
}
