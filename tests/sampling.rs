//! Section 3 of the specification, "Sampling", line by line.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use serde_json::{Value as Json, json};
use support::{Host, START, setup};
use wasm_telemetry::core::config::{Setting, Value};
use wasm_telemetry::core::context::{ContextPatch, Identity, Scalar, Slot};
use wasm_telemetry::core::io::{Field, Input};
use wasm_telemetry::core::shapes::{FieldKind, Staged};
use wasm_telemetry::core::time::UnixMillis;

fn rate<'a>(event: &'a str, rate: Value<'a>) -> Setting<'a> {
    Setting::Sampling { event, rate, by: Value::Absent }
}

/// Logs so many events of a name, by both ways in turn, and gives those that were sent.
fn logged(host: &mut Host, name: &str, count: u64) -> Vec<Json> {
    let shape = host.pipeline.shape(name, &[("n", FieldKind::Number)]).expect("a good shape");
    for n in 0..count {
        if n % 2 == 0 {
            host.event(name, &[("n", Field::Number(n as f64))]);
        } else {
            let input = Input::Shaped(Staged { at: UnixMillis(START), shape, values: &[n as f64] });
            host.give(input);
        }
    }
    let mut events = Vec::new();
    host.flush(1_000);
    loop {
        let sent = host.sent();
        if sent.is_empty() {
            return events;
        }
        for request in sent {
            events.extend(request.body.events.iter().map(|event| event["event_metadata"].clone()));
            host.answer(&request, 200);
        }
    }
}

#[test]
fn without_an_entry_all_are_logged_and_nothing_is_added() {
    let mut host = Host::configured(&[rate("other", Value::Number(0.0))]);
    assert_eq!(logged(&mut host, "event", 3), [json!({"n": 0}), json!({"n": 1}), json!({"n": 2})]);
    assert_eq!(host.ledger().sampled_out, 0);
}

#[test]
fn a_rate_that_is_no_number_from_0_to_1_logs_all_and_adds_nothing() {
    let bad = [
        Value::Number(-0.1),
        Value::Number(1.000_001),
        Value::Number(f64::NAN),
        Value::Number(f64::INFINITY),
        Value::Text("0.5"),
        Value::Bool(true),
        Value::Absent,
        Value::Other,
    ];
    for value in bad {
        let mut host = Host::new();
        let report = host.remote(&[rate("event", value)]);
        assert_eq!(report.rejected.len(), 1, "{value:?} is told");
        assert_eq!(report.rejected[0].0, "sampling.event");
        assert_eq!(logged(&mut host, "event", 2), [json!({"n": 0}), json!({"n": 1})], "{value:?}");
    }
}

#[test]
fn a_broken_rate_takes_the_place_of_a_good_one() {
    let mut host = Host::new();
    host.remote(&[rate("event", Value::Number(0.0))]);
    host.remote(&[rate("event", Value::Text("none"))]);
    assert_eq!(logged(&mut host, "event", 4).len(), 4);
}

#[test]
fn a_rate_of_1_logs_all_and_adds_nothing() {
    let mut host = Host::configured(&[rate("event", Value::Number(1.0))]);
    assert_eq!(logged(&mut host, "event", 2), [json!({"n": 0}), json!({"n": 1})]);
}

#[test]
fn a_rate_of_0_drops_all_and_counts_them() {
    let mut host = Host::configured(&[rate("event", Value::Number(0.0))]);
    assert!(logged(&mut host, "event", 50).is_empty());
    let ledger = host.ledger();
    assert_eq!((ledger.sampled_out, ledger.accepted, ledger.dropped.total()), (50, 0, 0));
}

#[test]
fn between_them_the_share_is_right_and_the_rate_is_told() {
    for share in [0.1, 0.5, 0.9] {
        let mut host = Host::configured(&[rate("event", Value::Number(share))]);
        let events = logged(&mut host, "event", 5_000);
        let expected = 5_000.0 * share;
        assert!((events.len() as f64 - expected).abs() < 150.0, "{} of {share}", events.len());
        assert!(events.iter().all(|event| event["sample_rate"] == json!(share)));
        let ledger = host.ledger();
        assert_eq!(ledger.accepted + ledger.sampled_out, 5_000);
        assert_eq!(ledger.accepted, events.len() as u64);
    }
}

#[test]
fn the_rate_that_was_drawn_with_wins_over_a_field_of_that_name() {
    let mut host = Host::configured(&[rate("event", Value::Number(0.999_999_999))]);
    host.event("event", &[("sample_rate", Field::Number(7.0)), ("n", Field::Number(1.0))]);
    host.flush(1_000);
    let metadata = host.sent_one().body.events[0]["event_metadata"].clone();
    assert_eq!(metadata["n"], 1);
    assert!(metadata["sample_rate"].as_f64().is_some_and(|rate| rate < 1.0), "{metadata}");
}

#[test]
fn by_session_a_name_is_whole_or_absent_for_every_session() {
    let setting =
        Setting::Sampling { event: "funnel", rate: Value::Number(0.5), by: Value::Text("session") };
    let mut whole = 0;
    for session in 0..200 {
        let mut host = Host::with(setup(1), &[setting]);
        let name = format!("session {session}");
        let value = Some(Scalar::Text(name));
        let slot = Slot::Identity(Identity::SessionId);
        host.give(Input::Context(&[ContextPatch { slot, value }]));
        let events = logged(&mut host, "funnel", 10);
        assert!(matches!(events.len(), 0 | 10), "{} of 10", events.len());
        assert!(events.iter().all(|event| event["sample_rate"] == json!(0.5)));
        whole += usize::from(!events.is_empty());
    }
    assert!((60..140).contains(&whole), "{whole} of 200 sessions");
}

#[test]
fn by_session_differs_between_names() {
    let by = Value::Text("session");
    let names: Vec<String> = (0..100).map(|index| format!("name {index}")).collect();
    let settings: Vec<Setting<'_>> = names
        .iter()
        .map(|event| Setting::Sampling { event, rate: Value::Number(0.5), by })
        .collect();
    let mut host = Host::configured(&settings);
    let logged = names.iter().filter(|name| logged(&mut host, name, 2).len() == 2).count();
    assert!((25..75).contains(&logged), "{logged} of 100 names in one session");
}

#[test]
fn exposures_are_never_sampled() {
    let mut host = Host::configured(&[rate("new-nav", Value::Number(0.0))]);
    host.expose("new-nav");
    host.turn();
    assert_eq!(host.sent_one().body.events.len(), 1);
}

#[test]
fn a_change_holds_from_the_next_call_on_also_for_registered_shapes() {
    let mut host = Host::new();
    let shape = host.pipeline.shape("event", &[("n", FieldKind::Number)]).expect("a good shape");
    let input = || Input::Shaped(Staged { at: UnixMillis(START), shape, values: &[1.0] });
    host.give(input());
    host.remote(&[rate("event", Value::Number(0.0))]);
    host.give(input());
    host.remote(&[rate("event", Value::Null)]);
    host.give(input());
    host.remote(&[rate("event", Value::Number(0.0))]);
    host.remote(&[Setting::SamplingReset]);
    host.give(input());
    assert_eq!((host.ledger().accepted, host.ledger().sampled_out), (3, 1));
}
