//! Section 3 of the specification, "Validation": what is left out, what is dropped, what is told.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use serde_json::{Value as Json, json};
use support::{Host, START};
use wasm_telemetry::core::io::{Exposure, Field, Input};
use wasm_telemetry::core::ledger::Reason;
use wasm_telemetry::core::shapes::{FieldKind, Staged};
use wasm_telemetry::core::time::UnixMillis;

/// The event on the wire.
fn sent(host: &mut Host) -> Json {
    host.flush(1_000);
    host.sent_one().body.events.remove(0)
}

#[test]
fn numbers_booleans_and_verified_texts_go_through() {
    let mut host = Host::new();
    let fields = [
        ("number", Field::Number(-0.25)),
        ("yes", Field::Bool(true)),
        ("no", Field::Bool(false)),
        ("text", Field::Text("checked \u{1F980}")),
        ("__proto__", Field::Number(1.0)),
    ];
    host.event("event", &fields);
    let expected = json!({
        "number": -0.25, "yes": true, "no": false, "text": "checked \u{1F980}", "__proto__": 1,
    });
    assert_eq!(sent(&mut host)["event_metadata"], expected);
    assert_eq!(host.ledger().fields_left_out, 0);
}

#[test]
fn anything_else_is_left_out_counted_and_named_and_the_rest_goes_on() {
    let mut host = Host::new();
    let fields = [
        ("text", Field::Refused("is a string")),
        ("nan", Field::Number(f64::NAN)),
        ("much", Field::Number(f64::INFINITY)),
        ("n", Field::Number(1.0)),
    ];
    host.event("event", &fields);
    assert_eq!(sent(&mut host)["event_metadata"], json!({"n": 1}));
    assert_eq!(host.ledger().fields_left_out, 3);
    for field in ["text", "nan", "much"] {
        let told = host.diagnostics.iter().find(|diagnostic| diagnostic.field == field);
        let told = told.unwrap_or_else(|| panic!("{field} is told"));
        assert_eq!(told.code, "field_left_out");
        assert!(told.message.contains(field) && told.message.contains("event"), "{told:?}");
    }
}

#[test]
fn what_was_refused_never_appears_anywhere() {
    let mut host = Host::new();
    host.event("event", &[("secret", Field::Refused("is a string")), ("n", Field::Number(1.0))]);
    let event = sent(&mut host).to_string();
    assert!(!event.contains("secret"), "{event}");
}

#[test]
fn a_name_has_1_to_256_characters() {
    let (longest, too_long) = ("\u{e9}".repeat(256), "\u{e9}".repeat(257));
    for (name, good) in [("a", true), (longest.as_str(), true), ("", false), (&too_long, false)] {
        let mut host = Host::new();
        host.event(name, &[]);
        assert_eq!(host.dropped(Reason::InvalidName), u64::from(!good));
        assert_eq!(host.ledger().accepted, 1, "what is dropped was accepted and is accounted for");
        assert_eq!(host.diagnostics.len(), usize::from(!good));
        assert_eq!(host.pipeline.shape(name, &[]).is_some(), good);
    }
}

#[test]
fn a_key_has_1_to_128_characters() {
    let (longest, too_long) = ("\u{e9}".repeat(128), "\u{e9}".repeat(129));
    for (key, good) in [("a", true), (longest.as_str(), true), ("", false), (&too_long, false)] {
        let mut host = Host::new();
        host.event("event", &[(key, Field::Bool(true)), ("n", Field::Number(1.0))]);
        assert_eq!(host.ledger().fields_left_out, u64::from(!good));
        assert_eq!(sent(&mut host)["event_metadata"].get(key).is_some(), good);
        assert_eq!(host.pipeline.shape("event", &[(key, FieldKind::Bool)]).is_some(), good);
    }
}

#[test]
fn a_verified_text_has_at_most_1024_characters_as_javascript_counts_them() {
    // A crab is two UTF-16 code units.
    let (longest, too_long) = ("\u{1F980}".repeat(512), "\u{1F980}".repeat(512) + "x");
    for (value, good) in [("", true), (longest.as_str(), true), (&too_long, false)] {
        let mut host = Host::new();
        host.event("event", &[("text", Field::Text(value)), ("n", Field::Number(1.0))]);
        assert_eq!(host.ledger().fields_left_out, u64::from(!good));
        assert_eq!(sent(&mut host)["event_metadata"].get("text").is_some(), good);
    }
}

#[test]
fn an_event_has_at_most_128_fields() {
    let keys: Vec<String> = (0..130).map(|index| format!("key {index}")).collect();
    let fields: Vec<(&str, Field<'_>)> =
        keys.iter().map(|key| (key.as_str(), Field::Bool(true))).collect();
    let mut host = Host::new();
    host.event("event", &fields);
    assert_eq!(host.ledger().fields_left_out, 2);
    let metadata = sent(&mut host)["event_metadata"].clone();
    assert_eq!(metadata.as_object().map(serde_json::Map::len), Some(128));
    assert!(metadata.get("key 127").is_some() && metadata.get("key 128").is_none());
    let kinds: Vec<(&str, FieldKind)> =
        keys.iter().map(|key| (key.as_str(), FieldKind::Bool)).collect();
    assert!(host.pipeline.shape("event", &kinds[..128]).is_some());
    assert!(host.pipeline.shape("event", &kinds[..129]).is_none());
}

#[test]
fn a_field_that_is_left_out_makes_room_for_the_next() {
    let keys: Vec<String> = (0..128).map(|index| format!("key {index}")).collect();
    let mut fields = vec![("bad", Field::Number(f64::NAN))];
    fields.extend(keys.iter().map(|key| (key.as_str(), Field::Bool(true))));
    let mut host = Host::new();
    host.event("event", &fields);
    assert_eq!(host.ledger().fields_left_out, 1);
}

#[test]
fn a_number_that_is_not_finite_is_left_out_of_a_shaped_event_too() {
    let mut host = Host::new();
    let fields = [("n", FieldKind::Number), ("bad", FieldKind::Number), ("yes", FieldKind::Bool)];
    let shape = host.pipeline.shape("event", &fields).expect("a good shape");
    host.give(Input::Shaped(Staged {
        at: UnixMillis(START),
        shape,
        values: &[1.0, f64::NAN, 1.0],
    }));
    assert_eq!(sent(&mut host)["event_metadata"], json!({"n": 1, "yes": true}));
    assert_eq!(host.ledger().fields_left_out, 1);
}

#[test]
fn an_event_without_fields_has_no_metadata() {
    let mut host = Host::new();
    host.event("event", &[]);
    assert!(sent(&mut host).get("event_metadata").is_none());
}

#[test]
fn one_cause_is_told_once_however_often_it_occurs() {
    let mut host = Host::new();
    for _ in 0..1_000 {
        host.event("event", &[("text", Field::Refused("is a string"))]);
    }
    assert_eq!(host.diagnostics.len(), 1);
    assert_eq!(host.ledger().fields_left_out, 1_000);
}

#[test]
fn diagnostics_stay_short_and_few_whatever_comes() {
    let mut host = Host::new();
    let long = "long".repeat(5_000);
    for index in 0..400 {
        let key = format!("{index}{long}");
        host.event(&long, &[]);
        host.event("event", &[(&key, Field::Bool(true)), ("x", Field::Refused("is an object"))]);
        host.give(Input::Wake);
    }
    assert!(host.diagnostics.len() <= 256, "{}", host.diagnostics.len());
    assert!(host.diagnostics.iter().all(|told| told.message.len() + told.field.len() < 2_000));
}

#[test]
fn an_exposures_texts_are_bounded_and_its_id_is_a_name() {
    let (fits, too_long) = ("x".repeat(65_536), "x".repeat(65_537));
    let mut host = Host::new();
    for (user_attributes, experiment_metadata) in [(&fits, &too_long), (&too_long, &fits)] {
        let exposure = Exposure {
            experiment_id: "new-nav",
            variation_id: u32::MAX,
            session_id: None,
            user_attributes: Some(user_attributes),
            experiment_metadata: Some(experiment_metadata),
        };
        host.give(Input::Exposure { at: UnixMillis(START), exposure });
    }
    host.turn();
    let events = host.sent_one().body.events;
    assert_eq!(events.len(), 2);
    assert!(events[0].get("experiment_metadata").is_none());
    assert!(events[1].get("user_attributes").is_none());
    assert_eq!(events[1]["experiment_metadata"].as_str().map(str::len), Some(65_536));
    assert_eq!(events[0]["variation_id"], u32::MAX);
    assert_eq!(host.ledger().fields_left_out, 2);
    host.expose("");
    host.expose(&"x".repeat(257));
    assert_eq!(host.dropped(Reason::InvalidName), 2);
}
