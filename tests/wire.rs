//! Section 4 of the specification: the `json` body, field by field.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use serde_json::{Value as Json, json};
use support::{Host, START, number, setup};
use wasm_telemetry::core::context::{ContextPatch, Identity, Scalar, Slot};
use wasm_telemetry::core::io::{Command, Exposure, Field, Input};
use wasm_telemetry::core::pipeline::Setup;

fn shop() -> Setup {
    let text = |text: &str| Scalar::Text(text.into());
    Setup {
        resource: vec![
            ("service.name".into(), text("shop")),
            ("service.version".into(), text("1.4.0")),
        ],
        ..setup(1)
    }
}

fn patch<'a>(slot: Slot<'a>, text: &str) -> ContextPatch<'a> {
    ContextPatch { slot, value: Some(Scalar::Text(text.into())) }
}

fn identity(identity: Identity, text: &str) -> ContextPatch<'static> {
    patch(Slot::Identity(identity), text)
}

#[test]
fn the_body_has_the_shape_of_the_specifications_example() {
    let mut host = Host::with(shop(), &[]);
    host.give(Input::Context(&[
        identity(Identity::UserId, "user-1"),
        identity(Identity::SessionId, "session-1"),
        identity(Identity::DeviceId, "device-1"),
        identity(Identity::AccountUuid, "account-1"),
        identity(Identity::OrganizationUuid, "organization-1"),
        patch(Slot::Core("environment"), "production"),
        ContextPatch { slot: Slot::Core("build"), value: Some(Scalar::Number(12.0)) },
        ContextPatch { slot: Slot::User("paying"), value: Some(Scalar::Bool(true)) },
    ]));
    host.event(
        "checkout_started",
        &[("items", Field::Number(3.0)), ("express", Field::Bool(true))],
    );
    let at = host.now().wall;
    let exposure = Exposure {
        experiment_id: "new-nav",
        variation_id: 1,
        session_id: None,
        user_attributes: Some("{\"country\":\"CH\"}"),
        experiment_metadata: Some("{\"phase\":2}"),
    };
    host.give(Input::Exposure { at, exposure });
    host.mono += 9_324;
    host.turn();
    let body = host.sent_one().body;
    assert_eq!(
        Json::Object(body.resource),
        json!({"service.name":"shop","service.version":"1.4.0"})
    );
    assert_eq!((body.seq, body.attempt, body.sent_at), (1, 1, START + 9_324));
    assert!(body.dropped.is_empty());
    let ids: Vec<Json> = body.events.iter().map(|event| event["event_id"].clone()).collect();
    let expected = json!([
        {"event_name":"checkout_started","event_id":ids[0],"timestamp":"2026-01-02T03:04:05.678Z",
         "user_id":"user-1",
         "core_metadata":{"session_id":"session-1","environment":"production","build":12},
         "user_metadata":{"account_uuid":"account-1","organization_uuid":"organization-1",
                          "device_id":"device-1","paying":true},
         "event_metadata":{"items":3,"express":true}},
        {"event_type":"GrowthbookExperimentEvent","event_id":ids[1],
         "timestamp":"2026-01-02T03:04:05.678Z","experiment_id":"new-nav","variation_id":1,
         "device_id":"device-1","account_uuid":"account-1","organization_uuid":"organization-1",
         "session_id":"session-1","user_attributes":"{\"country\":\"CH\"}",
         "experiment_metadata":"{\"phase\":2}","environment":"production"},
    ]);
    assert_eq!(Json::Array(body.events), expected);
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn the_members_come_in_the_order_of_the_specification() {
    let mut host = Host::new();
    let mut commands = Vec::new();
    host.log(1);
    host.pipeline.handle(
        host.now(),
        Input::Flush { id: wasm_telemetry::core::io::FlushId(1), timeout_millis: 0 },
        &mut commands,
    );
    let export = commands.into_iter().find_map(|command| match command {
        Command::Export(export) => Some(export),
        _ => None,
    });
    let body = String::from_utf8(export.expect("a request").body).expect("UTF-8");
    let keys = ["\"resource\"", "\"batch\"", "\"id\"", "\"client_id\"", "\"seq\"", "\"attempt\""];
    let rest = ["\"sent_at\"", "\"events\"", "\"event_name\"", "\"event_id\"", "\"timestamp\""];
    let places: Vec<Option<usize>> = keys.iter().chain(&rest).map(|key| body.find(key)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{body}");
    assert!(!body.contains("null") && !body.contains(": "), "{body}");
}

#[test]
fn the_url_is_the_base_and_the_path() {
    for (base, path, url) in [
        ("https://t.example.com", None, "https://t.example.com/api/event_logging/batch"),
        ("https://T.example.com:443/", Some("/v2/in"), "https://t.example.com/v2/in"),
        ("http://127.0.0.1:8787/base/", Some("/in"), "http://127.0.0.1:8787/base/in"),
    ] {
        let mut settings = vec![support::text("baseUrl", base)];
        settings.extend(path.map(|path| support::text("path", path)));
        let mut host = Host::configured(&settings);
        host.log(1);
        host.flush(0);
        assert_eq!(host.sent_one().url, url);
    }
}

#[test]
fn a_context_holds_from_its_call_on_and_an_event_keeps_its_own() {
    let mut host = Host::new();
    let set = |host: &mut Host, value: Option<Scalar>| {
        let slot = Slot::Core("page");
        host.give(Input::Context(&[ContextPatch { slot, value }]));
    };
    host.log(0);
    set(&mut host, Some(Scalar::Text("start".into())));
    host.log(1);
    set(&mut host, Some(Scalar::Text("cart".into())));
    host.log(2);
    set(&mut host, None);
    host.log(3);
    host.flush(0);
    let pages: Vec<Json> = host
        .sent_one()
        .body
        .events
        .iter()
        .map(|event| event["core_metadata"].get("page").cloned().unwrap_or_default())
        .collect();
    assert_eq!(pages, [json!(null), json!("start"), json!("cart"), json!(null)]);
}

#[test]
fn a_fresh_session_id_is_there_when_the_host_gives_none() {
    let mut sessions = Vec::new();
    for seed in 1..4 {
        let mut host = Host::with(setup(seed), &[]);
        host.log(1);
        host.flush(0);
        let event = host.sent_one().body.events.remove(0);
        let session = event["core_metadata"]["session_id"].as_str().expect("a session").to_string();
        assert_eq!(uuid::Uuid::parse_str(&session).map(|id| id.get_version_num()), Ok(4));
        sessions.push(session);
    }
    sessions.dedup();
    assert_eq!(sessions.len(), 3);
}

#[test]
fn timestamps_are_those_of_the_call_and_never_adjusted() {
    let mut host = Host::new();
    host.log(0);
    host.wall_offset = -86_400_000;
    host.log(1);
    host.wall_offset = 86_400_000;
    host.log(2);
    host.wall_offset = 0;
    host.flush(0);
    let body = host.sent_one().body;
    let times: Vec<u64> =
        body.events.iter().map(|event| support::wire::time(&event["timestamp"])).collect();
    assert_eq!(times, [START, START - 86_400_000, START + 86_400_000]);
    assert_eq!(body.sent_at, START);
}

#[test]
fn ids_are_the_same_at_every_attempt_and_after_a_restart() {
    let mut host = Host::new();
    (0..3).for_each(|n| host.log(n));
    host.expose("new-nav");
    host.turn();
    let first = host.sent_one();
    host.answer(&first, 503);
    host.wait(1_000);
    let second = host.sent_one();
    host.fail(&second);
    let mut next_visit = Host::beside(&host, 2, &[]);
    drop(host);
    let third = next_visit.sent_one();
    for again in [&second, &third] {
        assert_eq!(again.body.batch_id, first.body.batch_id);
        assert_eq!(again.body.client_id, first.body.client_id);
        assert_eq!(again.body.seq, first.body.seq);
        assert_eq!(again.body.events, first.body.events);
    }
    assert_eq!((first.body.attempt, second.body.attempt, third.body.attempt), (1, 2, 2));
}

#[test]
fn batches_of_a_client_are_numbered_and_every_id_is_its_own() {
    let mut ids = std::collections::HashSet::new();
    let mut clients = std::collections::HashSet::new();
    for seed in 1..5 {
        let mut host = Host::with(setup(seed), &[number("maxExportBatchSize", 2.0)]);
        for seq in 1..10 {
            host.log(1);
            host.log(2);
            let sent = host.sent_one();
            assert_eq!(sent.body.seq, seq);
            clients.insert(sent.body.client_id.clone());
            assert!(ids.insert(sent.body.batch_id.clone()));
            assert!(sent.event_ids().into_iter().all(|id| ids.insert(id)));
            host.answer(&sent, 200);
        }
    }
    assert_eq!(clients.len(), 4);
}

#[test]
fn drops_since_the_last_report_travel_with_the_next_batch_and_only_once() {
    let mut host = Host::new();
    host.log(1);
    host.event("", &[]);
    host.event("", &[]);
    host.flush(0);
    let sent = host.sent_one();
    assert_eq!(Json::Object(sent.body.dropped.clone()), json!({"invalid_name": 2}));
    host.answer(&sent, 200);
    host.log(2);
    host.flush(0);
    let sent = host.sent_one();
    assert!(sent.body.dropped.is_empty());
    host.answer(&sent, 400);
    host.log(3);
    host.flush(0);
    let sent = host.sent_one();
    assert_eq!(Json::Object(sent.body.dropped.clone()), json!({"rejected": 1}));
}

#[test]
fn a_report_whose_batch_was_dropped_is_told_again() {
    let mut host = Host::new();
    host.log(1);
    host.event("", &[]);
    host.flush(0);
    let sent = host.sent_one();
    host.answer(&sent, 400);
    host.log(2);
    host.flush(0);
    let dropped = Json::Object(host.sent_one().body.dropped);
    assert_eq!(dropped, json!({"invalid_name": 1, "rejected": 1}));
}

#[test]
fn texts_are_escaped_and_numbers_exact() {
    let mut host = Host::new();
    let text = "\u{0}\u{1f}\"\\/\u{7f}\u{2028}\u{1F980}";
    let numbers = [0.1, -0.0, 1e21, 123_456_789.125, 5e-324, f64::MAX, 9_007_199_254_740_993.0];
    let keys: Vec<String> = (0..numbers.len()).map(|index| format!("n{index}")).collect();
    let mut fields = vec![(text, Field::Text(text))];
    fields
        .extend(keys.iter().zip(numbers).map(|(key, value)| (key.as_str(), Field::Number(value))));
    host.event(text, &fields);
    host.flush(0);
    let event = host.sent_one().body.events.remove(0);
    assert_eq!(
        (&event["event_name"], &event["event_metadata"][text]),
        (&json!(text), &json!(text))
    );
    for (key, value) in keys.iter().zip(numbers) {
        assert!(support::wire::same(&event["event_metadata"][key], &json!(value)), "{event}");
    }
}

#[test]
fn a_clock_beyond_all_bounds_does_no_harm() {
    use wasm_telemetry::core::time::UnixMillis;
    let mut host = Host::new();
    let times = [0.0, -5.0, f64::NAN, f64::INFINITY, 8.64e15, 1e300].map(UnixMillis::from_host);
    for at in times {
        host.give(Input::Event { at, name: "event", fields: &[] });
    }
    host.flush(0);
    let body = host.sent_one().body;
    let stamps: Vec<&Json> = body.events.iter().map(|event| &event["timestamp"]).collect();
    assert_eq!(stamps[..3], [&json!("1970-01-01T00:00:00.000Z"); 3]);
    assert_eq!(stamps[3..], [&json!("+275760-09-13T00:00:00.000Z"); 3]);
}
