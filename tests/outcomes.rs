//! Section 3 of the specification, "Outcome of an export": the whole table.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::collections::HashSet;

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceResponse,
};
use prost::Message;
use support::{Host, Sent, number};
use wasm_telemetry::core::config::{Setting, Value};
use wasm_telemetry::core::context::{ContextPatch, Scalar, Slot};
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::io::{Consent, Content, Field, Input, Leaving, Outcome};
use wasm_telemetry::core::ledger::Reason;
use wasm_telemetry::core::pipeline::{ExitPolicy, Setup};

/// A host with one batch of so many events on its way.
fn sending(settings: &[Setting<'_>], events: u64) -> (Host, Sent) {
    let mut host = Host::configured(settings);
    (0..events).for_each(|n| host.log(n));
    host.flush(0);
    let sent = host.sent_one();
    (host, sent)
}

/// How long until the next request starts.
fn until_next(host: &mut Host) -> u64 {
    let start = host.mono;
    loop {
        let wake = host.pipeline.wake_at().expect("there is something to wait for");
        host.wait(wake.0.saturating_sub(host.mono));
        if host.has_sent() {
            return host.mono - start;
        }
    }
}

#[test]
fn every_2xx_delivers() {
    for status in [200, 201, 202, 204, 299] {
        let (mut host, sent) = sending(&[], 3);
        host.answer(&sent, status);
        let ledger = host.ledger();
        assert_eq!((ledger.delivered, ledger.stored, ledger.queued), (3, 0, 0), "{status}");
    }
}

#[test]
fn stored_batches_follow_at_once_after_a_success() {
    let (mut host, sent) = sending(&[], 1);
    host.fail(&sent);
    assert_eq!(host.ledger().stored, 1);
    host.log(7);
    host.flush(0);
    let sent = host.sent_one();
    host.answer(&sent, 200);
    let next = host.sent_one();
    host.answer(&next, 200);
    let mut numbers = [sent.numbers(), next.numbers()].concat();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 7]);
    assert_eq!((host.ledger().delivered, host.stored_events()), (2, 0));
}

#[test]
fn what_may_pass_is_stored_and_tried_again() {
    for status in [408, 429, 500, 502, 503, 504] {
        let (mut host, sent) = sending(&[], 2);
        host.answer(&sent, status);
        assert_eq!((host.ledger().stored, host.stored_events()), (2, 2), "{status}");
        until_next(&mut host);
        let again = host.sent_one();
        assert_eq!(again.body.batch_id, sent.body.batch_id);
        assert_eq!(again.event_ids(), sent.event_ids());
        assert_eq!((sent.body.attempt, again.body.attempt), (1, 2));
    }
}

#[test]
fn everything_else_is_dropped_and_counted() {
    for status in [300, 301, 302, 304, 400, 402, 404, 405, 409, 410, 415, 418, 422, 451] {
        let (mut host, sent) = sending(&[], 2);
        host.answer(&sent, status);
        assert_eq!(host.dropped(Reason::Rejected), 2, "{status}");
        assert_eq!((host.ledger().stored, host.stored_events()), (0, 0));
        assert!(host.diagnostics.iter().any(|told| told.message.contains(&status.to_string())));
    }
}

#[test]
fn a_network_error_and_a_time_out_store_without_counting_an_attempt() {
    let (mut host, sent) = sending(&[number("exportTimeoutMillis", 500.0)], 2);
    host.fail(&sent);
    assert_eq!(host.ledger().stored, 2);
    until_next(&mut host);
    let second = host.sent_one();
    assert_eq!(second.body.attempt, 1);
    host.wait(500);
    assert_eq!(host.cancelled, [second.id], "the request is given up");
    until_next(&mut host);
    assert_eq!(host.sent_one().body.attempt, 1);
    assert_eq!(host.ledger().dropped.total(), 0);
}

#[test]
fn an_answer_that_comes_after_the_time_out_counts_for_nothing() {
    let (mut host, sent) = sending(&[number("exportTimeoutMillis", 500.0)], 2);
    host.wait(500);
    host.sent();
    let before = host.ledger();
    host.answer(&sent, 400);
    assert_eq!(host.ledger(), before);
}

#[test]
fn any_number_of_network_errors_drops_nothing() {
    let (mut host, mut sent) = sending(&[number("maxAttempts", 2.0)], 1);
    for _ in 0..50 {
        host.fail(&sent);
        until_next(&mut host);
        sent = host.sent_one();
    }
    host.answer(&sent, 200);
    assert_eq!(host.ledger().delivered, 1);
}

#[test]
fn after_max_attempts_a_batch_is_dropped_and_counted() {
    for most in [1_u32, 2, 5] {
        let (mut host, mut sent) = sending(&[number("maxAttempts", f64::from(most))], 3);
        for attempt in 1..most {
            assert_eq!(sent.body.attempt, u64::from(attempt));
            host.answer(&sent, 503);
            assert_eq!(host.ledger().dropped.total(), 0);
            until_next(&mut host);
            sent = host.sent_one();
        }
        host.answer(&sent, 503);
        assert_eq!(host.dropped(Reason::MaxAttempts), 3);
        assert_eq!(host.stored_events(), 0);
    }
}

#[test]
fn the_backoff_has_full_jitter_grows_and_is_capped() {
    let settings = [number("baseBackoffMillis", 100.0), number("maxBackoffMillis", 1_000.0)];
    let mut longest = [0; 6];
    for round in 0..60 {
        let mut host = Host::with(support::setup(round), &settings);
        host.log(0);
        host.flush(0);
        for (failures, longest) in longest.iter_mut().enumerate() {
            let sent = host.sent_one();
            host.fail(&sent);
            let wait = until_next(&mut host);
            let cap = (100 << failures).min(1_000);
            assert!((1..=cap).contains(&wait), "{wait} after {failures} failures");
            *longest = wait.max(*longest);
        }
    }
    for (failures, longest) in longest.into_iter().enumerate() {
        let cap = (100 << failures).min(1_000);
        assert!(longest > cap / 2, "only {longest} of {cap} after {failures} failures");
    }
}

#[test]
fn failure_after_failure_opens_a_circuit_with_probes_at_growing_distance() {
    let (mut host, mut sent) = sending(&[], 1);
    let mut waits = Vec::new();
    for _ in 0..30 {
        host.fail(&sent);
        waits.push(until_next(&mut host));
        sent = host.sent_one();
    }
    let quarter = 15 * 60_000;
    assert!(waits.iter().all(|wait| *wait <= quarter), "{waits:?}");
    assert!(waits[20..].iter().all(|wait| *wait >= quarter / 2), "{waits:?}");
    assert!(waits[8..].iter().all(|wait| *wait >= 30_000), "no storm: {waits:?}");
    // New events do not break it.
    host.fail(&sent);
    (0..500).for_each(|n| host.log(n));
    host.wait(quarter / 2 - 1);
    assert!(host.sent().is_empty());
    // One success closes it.
    until_next(&mut host);
    let sent = host.sent_one();
    host.answer(&sent, 200);
    assert_eq!(host.sent().len(), 1);
}

#[test]
fn retry_after_wins_over_the_backoff_in_seconds_and_as_a_date() {
    let wall = |host: &Host| host.now().wall.0;
    let (mut host, sent) = sending(&[], 1);
    host.answer_with(&sent, 429, Some("120"));
    let seconds = until_next(&mut host);
    assert!((120_000..=240_000).contains(&seconds), "{seconds}");
    let sent = host.sent_one();
    // 2026-01-02T03:10:00Z
    host.answer_with(&sent, 503, Some("Fri, 02 Jan 2026 03:10:00 GMT"));
    let asked = 1_767_323_400_000 - wall(&host);
    let date = until_next(&mut host);
    assert!((asked..=2 * asked).contains(&date), "{date} of {asked}");
}

#[test]
fn a_lying_retry_after_is_capped_and_nonsense_is_not_heard() {
    for (text, least, most) in [
        ("99999999999", 900_000, 1_200_000),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 900_000, 1_200_000),
        ("soon", 1, 500),
        ("-5", 1, 500),
        ("0", 1, 500),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1, 500),
    ] {
        let (mut host, sent) = sending(&[], 1);
        host.answer_with(&sent, 503, Some(text));
        let wait = until_next(&mut host);
        assert!((least..=most).contains(&wait), "{text}: {wait}");
    }
}

#[test]
fn a_refused_authorization_is_asked_for_once_more_and_then_left_away() {
    for status in [401, 403] {
        let (mut host, first) = sending(&[], 2);
        assert!(first.authorize);
        host.answer(&first, status);
        let second = host.sent_one();
        assert!(second.authorize, "`auth` is asked once more");
        host.answer(&second, status);
        let third = host.sent_one();
        assert!(!third.authorize, "then without it");
        assert_eq!(third.body.batch_id, first.body.batch_id);
        host.answer(&third, 200);
        assert_eq!(host.ledger().delivered, 2);
    }
}

#[test]
fn without_any_authorization_left_to_try_the_batch_is_dropped() {
    let off = Setting::Batch { name: "authFallback", value: Value::Bool(false) };
    let skip = Setting::Batch { name: "skipAuth", value: Value::Bool(true) };
    for (settings, requests) in [(&[][..], 3), (&[off], 2), (&[skip], 1)] {
        let (mut host, mut sent) = sending(settings, 2);
        for _ in 1..requests {
            host.answer(&sent, 401);
            sent = host.sent_one();
        }
        host.answer(&sent, 401);
        assert!(host.sent().is_empty());
        assert_eq!(host.dropped(Reason::Unauthorized), 2, "{requests}");
    }
}

#[test]
fn a_401_to_a_request_that_carried_no_authorization_is_final() {
    let (mut host, sent) = sending(&[], 1);
    // `auth` gave nothing.
    let outcome = Outcome::Response {
        status: 401,
        retry_after: None,
        authorized: false,
        content: Content::default(),
    };
    host.give(Input::Exported { id: sent.id, outcome });
    assert_eq!(host.dropped(Reason::Unauthorized), 1);
}

#[test]
fn a_401_while_offline_or_killed_or_without_consent_keeps_the_batch() {
    let killed =
        Setting::Killed { switch: Value::Bool(true), until: Value::Absent, stored: Value::Absent };
    for case in 0..3 {
        let (mut host, sent) = sending(&[], 2);
        match case {
            0 => host.give(Input::Online(false)),
            1 => drop(host.remote(&[killed])),
            _ => host.give(Input::Consent(Consent::Pending)),
        }
        host.answer(&sent, 401);
        assert!(host.sent().is_empty(), "case {case}: nothing is tried");
        assert_eq!(host.ledger().dropped.total(), 0, "case {case}: nothing is lost");
    }
}

#[test]
fn an_auth_that_fails_keeps_the_batch_and_spends_no_attempt() {
    let (mut host, sent) = sending(&[], 2);
    host.give(Input::Exported { id: sent.id, outcome: Outcome::AuthFailed });
    assert_eq!(host.ledger().stored, 2);
    assert!(host.diagnostics.iter().any(|told| told.code == "auth_failed"));
    until_next(&mut host);
    assert_eq!(host.sent_one().body.attempt, 1);
}

#[test]
fn a_batch_that_is_too_large_is_split_down_to_single_events() {
    let (mut host, mut sent) = sending(&[], 7);
    let ids = sent.event_ids();
    let (client, mut batches) = (sent.body.client_id.clone(), HashSet::new());
    let mut delivered = Vec::new();
    loop {
        assert_eq!(sent.body.client_id, client);
        if sent.body.events.len() > 1 {
            host.answer(&sent, 413);
        } else {
            batches.insert((sent.body.batch_id.clone(), sent.body.seq));
            delivered.extend(sent.event_ids());
            host.answer(&sent, 200);
        }
        let mut next = host.sent();
        match next.pop() {
            Some(next) => sent = next,
            None => break,
        }
    }
    assert_eq!(delivered, ids, "in order, with their ids");
    assert_eq!(batches.len(), 7, "each with a number of its own");
    assert_eq!((host.ledger().delivered, host.ledger().dropped.total()), (7, 0));
}

#[test]
fn a_single_event_that_is_too_large_is_dropped_and_counted_and_the_others_go_through() {
    let mut host = Host::new();
    let text = "x".repeat(1_000);
    for n in 0..8 {
        let long: &[(&str, Field<'_>)] = &[("text", Field::Text(&text))];
        host.event("event", if n == 5 { long } else { &[] });
    }
    host.flush(0);
    loop {
        let sent = host.sent();
        let Some(sent) = sent.first() else { break };
        host.answer(sent, if sent.bytes > 1_000 { 413 } else { 200 });
    }
    let ledger = host.ledger();
    assert_eq!((ledger.delivered, host.dropped(Reason::TooLarge)), (7, 1));
    assert_eq!((ledger.queued, ledger.stored, host.stored_events()), (0, 0, 0));
}

#[test]
fn the_halves_of_a_stored_batch_replace_it() {
    let (mut host, sent) = sending(&[], 4);
    host.fail(&sent);
    until_next(&mut host);
    let sent = host.sent_one();
    host.answer(&sent, 413);
    assert_eq!(host.stored_events(), 4, "both halves are in the store, and nothing else");
    let first = host.sent_one();
    host.answer(&first, 200);
    let second = host.sent_one();
    host.answer(&second, 200);
    assert_eq!((host.stored_events(), host.ledger().delivered), (0, 4));
}

#[test]
fn the_first_failing_batch_stops_a_drain() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 1.0)]);
    (0..10).for_each(|n| host.log(n));
    let sent = host.sent_one();
    host.answer(&sent, 503);
    assert!(host.sent().is_empty(), "the rest is not hammered");
    assert_eq!((host.ledger().stored, host.ledger().queued), (10, 0), "it is stored");
}

#[test]
fn while_offline_nothing_is_tried_and_online_retries_at_once() {
    let mut host = Host::new();
    host.give(Input::Online(false));
    host.log(1);
    host.expose("new-nav");
    host.wait(10_000_000);
    assert!(host.sent().is_empty());
    assert_eq!(host.ledger().stored, 2);
    host.give(Input::Online(true));
    let sent = host.sent_one();
    assert_eq!(sent.body.attempt, 1, "no attempt is spent");
    host.fail(&sent);
    host.give(Input::Online(true));
    assert_eq!(host.sent().len(), 1, "the backoff is over as well");
}

#[test]
fn one_request_at_a_time() {
    let mut host = Host::configured(&[number("maxExportBatchSize", 1.0)]);
    (0..10).for_each(|n| host.log(n));
    host.wait(5_000);
    assert_eq!(host.sent().len(), 1);
}

#[test]
fn a_batch_whose_body_would_be_huge_is_sent_in_parts() {
    let mut host = Host::new();
    let long = "\u{1}".repeat(1_024);
    let keys: Vec<String> = (0..200).map(|n| format!("key {n}")).collect();
    let patch =
        |key| ContextPatch { slot: Slot::Core(key), value: Some(Scalar::Text(long.clone())) };
    let patches: Vec<ContextPatch<'_>> = keys.iter().map(|key| patch(key)).collect();
    host.give(Input::Context(&patches));
    (0..40).for_each(|n| host.log(n));
    host.flush(0);
    let mut numbers = Vec::new();
    while host.has_sent() {
        let sent = host.sent_one();
        assert!(sent.bytes < 20 << 20, "{} bytes", sent.bytes);
        numbers.extend(sent.numbers());
        host.answer(&sent, 200);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..40).collect::<Vec<u64>>());
}

const OTLP: [Format; 2] = [Format::OtlpJson, Format::OtlpProtobuf];

/// An OTLP host with one batch of ten events on its way.
fn sending_otlp(format: Format) -> (Host, Sent) {
    let mut host = Host::with(Setup { format, ..support::setup(1) }, &[]);
    (0..10).for_each(|n| host.log(n));
    host.flush(60_000);
    let sent = host.sent_one();
    assert_eq!(sent.numbers(), (0..10).collect::<Vec<u64>>());
    (host, sent)
}

/// The official response, as a server of that format writes it.
fn response(format: Format, rejected: i64, message: &str) -> Vec<u8> {
    let response = ExportLogsServiceResponse {
        partial_success: Some(ExportLogsPartialSuccess {
            rejected_log_records: rejected,
            error_message: message.into(),
        }),
    };
    match format {
        Format::OtlpProtobuf => response.encode_to_vec(),
        _ => serde_json::to_vec(&response).unwrap(),
    }
}

fn told(host: &Host) -> Vec<&'static str> {
    host.diagnostics.iter().map(|told| told.code).collect()
}

#[test]
fn what_a_partial_success_rejects_is_counted_and_not_sent_again() {
    for format in OTLP {
        for (claimed, rejected) in [(0, 0), (1, 1), (10, 10), (11, 10), (i64::MAX, 10), (-1, 0)] {
            let (mut host, sent) = sending_otlp(format);
            // It is stored, too.
            host.fail(&sent);
            until_next(&mut host);
            let sent = host.sent_one();
            host.flush(60_000);
            let bytes = response(format, claimed, "");
            host.answer_saying(&sent, 200, Content { kind: format.content_type(), bytes: &bytes });
            let ledger = host.ledger();
            assert_eq!(ledger.delivered, 10 - rejected, "{format:?}: {claimed}");
            assert_eq!(host.dropped(Reason::Rejected), rejected, "{format:?}: {claimed}");
            assert_eq!((host.stored_events(), host.has_sent()), (0, false));
            let (_, report) = host.flushed.pop().expect("a report");
            assert_eq!((report.delivered, report.dropped), (10 - rejected, rejected));
            let expected: &[&str] = if rejected > 0 { &["events_rejected"] } else { &[] };
            assert_eq!(told(&host), expected);
        }
    }
}

#[test]
fn the_next_batch_tells_what_a_partial_success_rejected() {
    for format in OTLP {
        let (mut host, sent) = sending_otlp(format);
        let bytes = response(format, 3, "");
        host.answer_saying(&sent, 202, Content { kind: format.content_type(), bytes: &bytes });
        host.log(11);
        host.flush(0);
        assert_eq!(host.sent_one().body.dropped["rejected"], 3);
    }
}

#[test]
fn a_server_may_warn_in_a_bounded_message_of_one_line() {
    for format in OTLP {
        let (mut host, sent) = sending_otlp(format);
        let bytes = response(format, 0, &format!("a\n\u{1b}[2J\u{9b}b{}", "\u{fc}".repeat(5_000)));
        host.answer_saying(&sent, 200, Content { kind: format.content_type(), bytes: &bytes });
        assert_eq!((host.ledger().delivered, host.dropped(Reason::Rejected)), (10, 0));
        let [diagnostic] = host.diagnostics.as_slice() else { panic!("one diagnostic") };
        assert_eq!(diagnostic.code, "endpoint_warning");
        assert!(diagnostic.message.contains("a  [2J\u{a0}b\u{fc}"), "{diagnostic:?}");
        assert!(diagnostic.message.chars().count() < 200, "{diagnostic:?}");
    }
}

#[test]
fn what_is_no_otlp_response_is_a_success_and_told() {
    let json: [&[u8]; 12] = [
        b"OK",
        b"\"partialSuccess\"",
        b"7",
        b"{",
        b"{\"partialSuccess\":{\"rejectedLogRecords\":\"3\"",
        b"{\"partialSuccess\":{\"rejectedLogRecords\":\"3\"}",
        b"{\"partialSuccess\":{\"errorMessage\":\"\xff\"}}",
        b"{\"partialSuccess\":{\"errorMessage\":\"\\u00",
        b"}",
        b"<html>",
        &[b'['; 10_000],
        &[0; 100],
    ];
    let protobuf: [&[u8]; 7] = [
        b"OK",
        &[0x0a],
        &[0x0a, 0x02, 0x08],
        &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x08, 0x03],
        &[0x0a, 0x02, 0x08, 0xff],
        &[0x0a, 0x03, 0x12, 0x01, 0xff],
        &[0xff; 64],
    ];
    let json = json.map(|bytes| Content { kind: "application/json; charset=utf-8", bytes });
    let protobuf = protobuf.map(|bytes| Content { kind: "APPLICATION/X-PROTOBUF", bytes });
    let others = ["text/html", "", "application/jso"].map(|kind| Content { kind, bytes: b"{}" });
    for format in OTLP {
        for content in json.iter().chain(&protobuf).chain(&others) {
            let (mut host, sent) = sending_otlp(format);
            host.answer_saying(&sent, 200, *content);
            assert_eq!(host.ledger().delivered, 10, "{content:?}");
            assert_eq!(told(&host), ["answer_unknown"], "{content:?}");
        }
    }
}

#[test]
fn what_a_later_version_says_besides_is_not_minded() {
    let nested = ["[".repeat(5_000), "]".repeat(5_000)].concat();
    let json = format!(
        "\n{{\"new\":{nested},\"partialSuccess\" : {{\"kind\":{{\"rejectedLogRecords\":9}},\
         \"rejectedLogRecords\" : 3 ,\"more\":[1,\"\\\"}}\",null]}},\"rejectedLogRecords\":7}}"
    );
    let protobuf = [
        &[0x10, 0x07, 0x1a, 0x02, 0x08, 0x09][..],
        &[0x0a, 0x14, 0x08, 0x03, 0x19, 0, 0, 0, 0, 0, 0, 0, 0, 0x25, 0, 0, 0, 0, 0x2a, 0x02, 7, 7],
    ];
    for (kind, bytes) in
        [("application/json", json.as_bytes()), ("application/x-protobuf", &protobuf.concat())]
    {
        let (mut host, sent) = sending_otlp(Format::OtlpJson);
        host.answer_saying(&sent, 200, Content { kind, bytes });
        assert_eq!((host.ledger().delivered, host.dropped(Reason::Rejected)), (7, 3), "{kind}");
    }
}

#[test]
fn a_count_of_another_type_counts_for_nothing() {
    for count in ["true", "null", "-3", "\"-3\"", "[3]", "{\"a\":3}", "\"three\"", "3.5", "3e1"] {
        let json = format!("{{\"partialSuccess\":{{\"rejectedLogRecords\":{count}}}}}");
        let (mut host, sent) = sending_otlp(Format::OtlpJson);
        let content = Content { kind: "application/json", bytes: json.as_bytes() };
        host.answer_saying(&sent, 200, content);
        assert_eq!(host.ledger().delivered, 10, "{count}");
    }
}

#[test]
fn the_json_format_looks_into_no_answer() {
    let (mut host, sent) = sending(&[], 10);
    let bytes = response(Format::OtlpJson, 3, "no");
    host.answer_saying(&sent, 200, Content { kind: "application/json", bytes: &bytes });
    assert_eq!((host.ledger().delivered, host.diagnostics.len()), (10, 0));
}

#[test]
fn a_success_whose_rest_never_comes_is_one_when_its_time_is_over() {
    for format in OTLP {
        let (mut host, sent) = sending_otlp(format);
        host.accept(&sent);
        assert_eq!((host.ledger().in_flight, host.ledger().delivered), (10, 0));
        host.wait(10_000);
        assert_eq!(host.cancelled, [sent.id]);
        assert_eq!((host.ledger().delivered, host.has_sent()), (10, false));
        // What comes after all counts for nothing.
        let bytes = response(format, 3, "");
        host.answer_saying(&sent, 200, Content { kind: format.content_type(), bytes: &bytes });
        assert_eq!((host.ledger().delivered, host.dropped(Reason::Rejected)), (10, 0));
    }
}

#[test]
fn whoever_goes_away_does_not_wait_for_the_rest_of_a_success() {
    for leaving in [Leaving::Page { budget: 65_536 }, Leaving::Process, Leaving::Signal] {
        let (mut host, sent) = sending_otlp(Format::OtlpJson);
        host.accept(&sent);
        host.give(Input::Leaving(leaving));
        let ledger = host.ledger();
        assert_eq!((ledger.delivered, ledger.stored, host.stored_events()), (10, 0, 0));
        assert!(!host.has_sent(), "{leaving:?}");
    }
    let (mut host, sent) = sending_otlp(Format::OtlpJson);
    host.accept(&sent);
    host.shutdown(100);
    host.wait(100);
    assert_eq!((host.ledger().delivered, host.stored_events()), (10, 0));
    let (mut host, sent) = sending_otlp(Format::OtlpJson);
    host.accept(&sent);
    host.give(Input::Consent(Consent::Denied));
    assert_eq!((host.ledger().delivered, host.dropped(Reason::ConsentDenied)), (10, 0));
}

#[test]
fn a_page_that_stays_hears_what_its_parting_requests_were_answered() {
    for exit in [ExitPolicy::Send, ExitPolicy::Keep] {
        for rest in [true, false] {
            let format = Format::OtlpJson;
            let mut host = Host::with(Setup { format, exit, ..support::setup(1) }, &[]);
            (0..10).for_each(|n| host.log(n));
            host.give(Input::Leaving(Leaving::Page { budget: 65_536 }));
            let sent = host.sent_one();
            host.accept(&sent);
            let mut rejected = 0;
            if rest {
                let bytes = response(format, 3, "");
                let content = Content { kind: format.content_type(), bytes: &bytes };
                host.answer_saying(&sent, 200, content);
                rejected = 3;
            }
            host.wait(60_000);
            let ledger = host.ledger();
            assert_eq!(ledger.delivered, 10 - rejected, "{exit:?}, {rest}");
            assert_eq!(host.dropped(Reason::Rejected), rejected, "{exit:?}, {rest}");
            assert_eq!((ledger.handed_over, host.stored_events()), (0, 0));
            assert!(!host.has_sent());
        }
    }
}

#[test]
fn with_otlp_a_status_that_nobody_named_is_final() {
    for format in OTLP {
        for (status, is_final) in
            [(501, true), (505, true), (511, true), (500, false), (408, false)]
        {
            let (mut host, sent) = sending_otlp(format);
            host.answer(&sent, status);
            let rejected = if is_final { 10 } else { 0 };
            assert_eq!(host.dropped(Reason::Rejected), rejected, "{status}");
        }
    }
}

#[test]
fn a_batch_that_an_otlp_endpoint_finds_too_large_is_split() {
    for format in OTLP {
        let (mut host, sent) = sending_otlp(format);
        host.answer(&sent, 413);
        let (mut numbers, mut next) = (Vec::new(), host.sent());
        while let Some(sent) = next.pop() {
            numbers.extend(sent.numbers());
            host.answer(&sent, 200);
            next = host.sent();
        }
        assert_eq!(numbers, (0..10).collect::<Vec<u64>>());
    }
}
