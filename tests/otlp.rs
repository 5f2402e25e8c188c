//! The bodies of OTLP's two formats, read by the official definitions: both say what went in.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::collections::HashSet;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use prost::Message;
use serde_json::json;
use support::Host;
use wasm_telemetry::core::context::{Context, Identity, Scalar};
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::id::Id;
use wasm_telemetry::core::io::{Command, Exposure, Field, FlushId, Input};
use wasm_telemetry::core::ledger::{Drops, REASONS};
use wasm_telemetry::core::pipeline::Setup;
use wasm_telemetry::core::random::IdSeed;
use wasm_telemetry::core::record::{Builder, Header, Record};
use wasm_telemetry::core::shapes::{FieldKind, definition};
use wasm_telemetry::core::time::UnixMillis;
use wasm_telemetry::core::wire::NoBody;

const NOW: u64 = 1_767_323_045_678;
const SEED: IdSeed = IdSeed([7; 16]);
const IDENTITIES: [&str; 5] =
    ["user_id", "session_id", "device_id", "account_uuid", "organization_uuid"];

#[derive(Clone, Debug)]
enum Logged {
    Event { name: String, at: u64, rate: Option<f64>, left_out: u32, fields: Vec<(String, Scalar)> },
    Exposure { at: u64, id: String, variation: u32, left_out: u32, texts: [Option<String>; 3] },
    Context(Context),
}

fn event(name: &str, fields: &[(&str, Scalar)]) -> Logged {
    let fields = fields.iter().map(|(key, value)| (String::from(*key), value.clone())).collect();
    Logged::Event { name: name.into(), at: NOW, rate: None, left_out: 0, fields }
}

fn text(text: &str) -> Scalar {
    Scalar::Text(text.into())
}

fn record(resource: &[(String, Scalar)], report: &Drops, logged: &[Logged]) -> Vec<u8> {
    let header = Header {
        batch_id: Id(0, 1),
        client_id: Id(0, 2),
        id_seed: SEED,
        first: 41,
        base: NOW,
        seq: 3,
        events: 0,
        report_at: 0,
        exposure: false,
    };
    let mut builder = Builder::new(header, resource);
    for (epoch, logged) in logged.iter().enumerate() {
        match logged {
            Logged::Context(context) => builder.context(epoch as u32, context),
            Logged::Event { name, at, rate, left_out, fields } => {
                let fields: Vec<(&str, Field<'_>)> =
                    fields.iter().map(|(key, value)| (key.as_str(), field(value))).collect();
                let keys = fields.iter().map(|(key, value)| (*key, kind(*value)));
                let definition = definition(name, *left_out as usize, keys);
                builder.event(UnixMillis(*at), &definition, *rate, &fields);
            }
            Logged::Exposure { at, id, variation, left_out, texts } => {
                let [session_id, user_attributes, experiment_metadata] =
                    texts.each_ref().map(Option::as_deref);
                let exposure = Exposure {
                    experiment_id: id,
                    variation_id: *variation,
                    session_id,
                    user_attributes,
                    experiment_metadata,
                };
                builder.exposure(UnixMillis(*at), &exposure, *left_out);
            }
        }
    }
    builder.finish(report).1
}

fn field(value: &Scalar) -> Field<'_> {
    match value {
        Scalar::Bool(value) => Field::Bool(*value),
        Scalar::Number(value) => Field::Number(*value),
        Scalar::Text(value) => Field::Text(value),
    }
}

fn kind(field: Field<'_>) -> FieldKind {
    match field {
        Field::Bool(_) => FieldKind::Bool,
        Field::Number(_) => FieldKind::Number,
        _ => FieldKind::Text,
    }
}

/// What both bodies of a record must say.
fn expected(
    resource: &[(String, Scalar)],
    report: &Drops,
    logged: &[Logged],
) -> ExportLogsServiceRequest {
    let mut attributes = vec![
        attribute("batch.id", &text(&Id(0, 1).text())),
        attribute("batch.client_id", &text(&Id(0, 2).text())),
        attribute("batch.seq", &Scalar::Number(3.0)),
        attribute("batch.attempt", &Scalar::Number(2.0)),
        attribute("batch.sent_at", &text("2026-01-02T03:04:05.678Z")),
    ];
    attributes.extend(report.iter().map(|(reason, count)| {
        attribute(&format!("batch.dropped.{reason}"), &Scalar::Number(count as f64))
    }));
    let scope = InstrumentationScope {
        name: "wasm-telemetry".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        attributes,
        dropped_attributes_count: 0,
    };
    let mut context = Context::default();
    let mut number = 41;
    let mut log_records = Vec::new();
    for logged in logged {
        if let Logged::Context(next) = logged {
            context = next.clone();
        } else {
            let id = SEED.id(number).text();
            log_records.push(expected_event(logged, &id, &context));
            number += 1;
        }
    }
    let scope_logs = ScopeLogs { scope: Some(scope), log_records, schema_url: String::new() };
    let attributes = resource.iter().map(|(key, value)| attribute(key, value)).collect();
    let resource = Resource { attributes, ..Resource::default() };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource),
            scope_logs: vec![scope_logs],
            schema_url: String::new(),
        }],
    }
}

fn expected_event(logged: &Logged, event_id: &str, context: &Context) -> LogRecord {
    let mut attributes = Vec::new();
    let mut add = |key: &str, value: &Scalar| attributes.push(attribute(key, value));
    let (name, at, left_out) = match logged {
        Logged::Context(_) => unreachable!("not an event"),
        Logged::Event { name, at, rate, left_out, fields } => {
            for (key, value) in fields {
                let prefixed = ["core_metadata.", "user_metadata.", "event_metadata."];
                let taken = IDENTITIES.contains(&key.as_str())
                    || key == "event_id"
                    || prefixed.iter().any(|prefix| key.starts_with(prefix));
                match (key.as_str(), rate) {
                    ("sample_rate", Some(_)) => {}
                    _ if taken => add(&format!("event_metadata.{key}"), value),
                    _ => add(key, value),
                }
            }
            if let Some(rate) = rate {
                add("sample_rate", &Scalar::Number(*rate));
            }
            add("event_id", &text(event_id));
            for (name, value) in IDENTITIES.iter().zip(&context.identity) {
                value.iter().for_each(|value| add(name, &text(value)));
            }
            for (key, value) in &context.core {
                add(&format!("core_metadata.{key}"), value);
            }
            for (key, value) in &context.user {
                add(&format!("user_metadata.{key}"), value);
            }
            (name.as_str(), *at, *left_out)
        }
        Logged::Exposure { at, id, variation, left_out, texts } => {
            add("event_id", &text(event_id));
            add("experiment_id", &text(id));
            add("variation_id", &Scalar::Number(f64::from(*variation)));
            let identity = |identity: Identity| context.identity(identity).map(text);
            let environment = context.core.iter().find(|(key, _)| key == "environment");
            let [session, user, experiment] =
                texts.each_ref().map(|value| value.as_deref().map(text));
            for (key, value) in [
                ("device_id", identity(Identity::DeviceId)),
                ("account_uuid", identity(Identity::AccountUuid)),
                ("organization_uuid", identity(Identity::OrganizationUuid)),
                ("session_id", session.or(identity(Identity::SessionId))),
                ("user_attributes", user),
                ("experiment_metadata", experiment),
                ("environment", environment.map(|(_, value)| value.clone())),
            ] {
                value.iter().filter(|value| is_text(value)).for_each(|value| add(key, value));
            }
            ("growthbook_experiment", *at, *left_out)
        }
    };
    let nanos = at.min(u64::MAX / 1_000_000) * 1_000_000;
    LogRecord {
        time_unix_nano: nanos,
        observed_time_unix_nano: nanos,
        event_name: name.into(),
        body: Some(AnyValue { value: Some(Value::StringValue(name.into())) }),
        attributes,
        dropped_attributes_count: left_out,
        ..LogRecord::default()
    }
}

fn is_text(value: &Scalar) -> bool {
    matches!(value, Scalar::Text(_))
}

fn attribute(key: &str, value: &Scalar) -> KeyValue {
    let value = match value {
        Scalar::Bool(value) => Value::BoolValue(*value),
        Scalar::Text(value) => Value::StringValue(value.clone()),
        Scalar::Number(number) if number.fract() == 0.0 && number.abs() < 2_f64.powi(53) => {
            Value::IntValue(*number as i64)
        }
        Scalar::Number(number) => Value::DoubleValue(*number),
    };
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// Both bodies, JSON first.
fn encoded(record: &[u8]) -> Result<[Vec<u8>; 2], NoBody> {
    let record = Record::own(record).expect("our own");
    let (mut json, mut protobuf) = (b"before".to_vec(), b"before".to_vec());
    let as_json = Format::OtlpJson.encode(&record, 2, UnixMillis(NOW), &mut json);
    let as_protobuf = Format::OtlpProtobuf.encode(&record, 2, UnixMillis(NOW), &mut protobuf);
    assert_eq!(as_json, as_protobuf);
    as_json.map(|()| {
        [json, protobuf]
            .map(|body| body.strip_prefix(b"before").expect("a body is appended").to_vec())
    })
}

/// Panics unless both bodies say what was logged, and nothing else. Gives the JSON text.
fn check(resource: &[(String, Scalar)], report: &Drops, logged: &[Logged]) -> String {
    let [json, protobuf] = encoded(&record(resource, report, logged)).expect("bodies");
    let expected = expected(resource, report, logged);
    let decoded = ExportLogsServiceRequest::decode(protobuf.as_slice()).expect("protobuf");
    assert_eq!(decoded, expected);
    let decoded: ExportLogsServiceRequest = serde_json::from_slice(&json).expect("OTLP's JSON");
    assert_eq!(decoded, expected);
    // Every length in as few bytes as it takes. (We write a time of 0, which need not be.)
    let timeless = |logged: &Logged| {
        matches!(logged, Logged::Event { at: 0, .. } | Logged::Exposure { at: 0, .. })
    };
    if !logged.iter().any(timeless) {
        assert_eq!(protobuf.len(), expected.encoded_len());
    }
    check_members(&serde_json::from_slice(&json).expect("JSON"), "");
    String::from_utf8(json).expect("UTF-8")
}

/// The standard's own names only, and integers of 64 bits as texts.
fn check_members(value: &serde_json::Value, name: &str) {
    const KNOWN: [&str; 19] = [
        "resourceLogs",
        "resource",
        "attributes",
        "scopeLogs",
        "scope",
        "name",
        "version",
        "logRecords",
        "timeUnixNano",
        "observedTimeUnixNano",
        "eventName",
        "body",
        "droppedAttributesCount",
        "key",
        "value",
        "stringValue",
        "intValue",
        "doubleValue",
        "boolValue",
    ];
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                assert!(KNOWN.contains(&name.as_str()), "{name}");
                check_members(value, name);
            }
        }
        serde_json::Value::Array(entries) => {
            entries.iter().for_each(|entry| check_members(entry, name));
        }
        serde_json::Value::Number(_) => {
            assert!(["doubleValue", "droppedAttributesCount"].contains(&name), "{name}: {value}");
        }
        serde_json::Value::Bool(_) => assert_eq!(name, "boolValue"),
        serde_json::Value::String(_) => assert_ne!(name, "doubleValue"),
        serde_json::Value::Null => panic!("{name} is null"),
    }
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |number| number.is_finite()),
        any::<i64>().prop_map(|number| number as f64),
        (-2_i64..2).prop_map(|number| (number + (1 << 53)) as f64),
        (-200_i64..200).prop_map(|number| number as f64),
        (-200_i64..200).prop_map(|number| number as f64 / 8.0),
    ]
}

/// Short ones, and those about as long as what takes one byte more for its length.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => any::<String>(),
        1 => "[a-z\"\u{2028}\u{1f980}]{100,140}",
        1 => (16_300_usize..16_400).prop_map(|length| "x".repeat(length)),
    ]
}

fn any_scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        any_number().prop_map(Scalar::Number),
        any::<bool>().prop_map(Scalar::Bool),
        any_text().prop_map(Scalar::Text),
    ]
}

fn any_key() -> impl Strategy<Value = String> {
    let reserved = proptest::sample::select(vec![
        "sample_rate",
        "environment",
        "event_id",
        "user_id",
        "session_id",
        "device_id",
        "account_uuid",
        "organization_uuid",
        "core_metadata.a",
        "user_metadata.a",
        "event_metadata.user_id",
        "event_metadata.",
        "core_metadata",
    ]);
    prop_oneof![
        4 => "[a-z]{1,8}",
        2 => reserved.prop_map(String::from),
        1 => "\\PC{1,128}",
    ]
}

/// No key comes twice, as in an object.
fn any_fields(most: usize) -> impl Strategy<Value = Vec<(String, Scalar)>> {
    proptest::collection::vec((any_key(), any_scalar()), 0..most).prop_map(|mut fields| {
        let mut seen = HashSet::new();
        fields.retain(|(key, _)| seen.insert(key.clone()));
        fields
    })
}

fn any_context() -> impl Strategy<Value = Context> {
    let identity = || proptest::option::of("[a-z0-9-]{0,40}");
    let identities = [identity(), identity(), identity(), identity(), identity()];
    (identities, any_fields(5), any_fields(5)).prop_map(|(identity, core, user)| Context {
        identity,
        core,
        user,
    })
}

fn any_logged() -> impl Strategy<Value = Logged> {
    let at = || prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), NOW..NOW + 1_000];
    let rate = proptest::option::of(0.0..1.0);
    let optional = || proptest::option::of(any_text());
    let texts = [optional(), optional(), optional()];
    let left_out = || prop_oneof![Just(0), 0_u32..300];
    prop_oneof![
        4 => ("\\PC{1,20}", at(), rate, left_out(), any_fields(9)).prop_map(
            |(name, at, rate, left_out, fields)| Logged::Event { name, at, rate, left_out, fields }
        ),
        1 => (at(), any_text(), any::<u32>(), left_out(), texts).prop_map(
            |(at, id, variation, left_out, texts)| {
                Logged::Exposure { at, id, variation, left_out, texts }
            }
        ),
        1 => any_context().prop_map(Logged::Context),
    ]
}

proptest! {
    #[test]
    fn both_formats_say_what_was_logged(
        resource in any_fields(4),
        counts in proptest::collection::vec(0_u64..1 << 40, REASONS),
        reported: bool,
        logged in proptest::collection::vec(any_logged(), 0..12),
    ) {
        let mut report = Drops::default();
        if reported {
            report.0.copy_from_slice(&counts);
        }
        check(&resource, &report, &logged);
    }
}

#[test]
fn a_log_record_in_json() {
    let resource = [("service.name".into(), text("shop")), ("cpus".into(), Scalar::Number(8.0))];
    let mut report = Drops::default();
    report.0[1] = 3;
    let mut context = Context::default();
    context.identity[Identity::UserId as usize] = Some("u-1".into());
    context.core = vec![("environment".into(), text("production"))];
    context.user = vec![("paying".into(), Scalar::Bool(true))];
    let fields = vec![
        ("items".into(), Scalar::Number(3.0)),
        ("price".into(), Scalar::Number(12.5)),
        ("user_id".into(), Scalar::Bool(false)),
    ];
    let logged = [
        Logged::Context(context),
        Logged::Event { name: "pay".into(), at: NOW, rate: Some(0.5), left_out: 2, fields },
        Logged::Exposure {
            at: NOW + 1,
            id: "nav".into(),
            variation: 1,
            left_out: 0,
            texts: [Some("s-1".into()), Some("{\"a\":1}".into()), None],
        },
    ];
    let body: serde_json::Value =
        serde_json::from_str(&check(&resource, &report, &logged)).expect("JSON");
    let attribute = |key: &str, kind: &str, value: serde_json::Value| json!({ "key": key, "value": { kind: value } });
    let [first, second] = [41, 42].map(|number| json!(SEED.id(number).text()));
    let [batch, client] = [1, 2].map(|number| json!(Id(0, number).text()));
    let logs = &body["resourceLogs"][0];
    assert_eq!(
        logs["resource"]["attributes"],
        json!([
            attribute("service.name", "stringValue", json!("shop")),
            attribute("cpus", "intValue", json!("8")),
        ])
    );
    assert_eq!(
        logs["scopeLogs"][0]["scope"]["attributes"],
        json!([
            attribute("batch.id", "stringValue", batch),
            attribute("batch.client_id", "stringValue", client),
            attribute("batch.seq", "intValue", json!("3")),
            attribute("batch.attempt", "intValue", json!("2")),
            attribute("batch.sent_at", "stringValue", json!("2026-01-02T03:04:05.678Z")),
            attribute("batch.dropped.queue_full", "intValue", json!("3")),
        ])
    );
    assert_eq!(
        logs["scopeLogs"][0]["logRecords"],
        json!([
            {
                "timeUnixNano": "1767323045678000000",
                "observedTimeUnixNano": "1767323045678000000",
                "eventName": "pay",
                "body": { "stringValue": "pay" },
                "droppedAttributesCount": 2,
                "attributes": [
                    attribute("items", "intValue", json!("3")),
                    attribute("price", "doubleValue", json!(12.5)),
                    attribute("event_metadata.user_id", "boolValue", json!(false)),
                    attribute("sample_rate", "doubleValue", json!(0.5)),
                    attribute("event_id", "stringValue", first),
                    attribute("user_id", "stringValue", json!("u-1")),
                    attribute("core_metadata.environment", "stringValue", json!("production")),
                    attribute("user_metadata.paying", "boolValue", json!(true)),
                ],
            },
            {
                "timeUnixNano": "1767323045679000000",
                "observedTimeUnixNano": "1767323045679000000",
                "eventName": "growthbook_experiment",
                "body": { "stringValue": "growthbook_experiment" },
                "attributes": [
                    attribute("event_id", "stringValue", second),
                    attribute("experiment_id", "stringValue", json!("nav")),
                    attribute("variation_id", "intValue", json!("1")),
                    attribute("session_id", "stringValue", json!("s-1")),
                    attribute("user_attributes", "stringValue", json!("{\"a\":1}")),
                    attribute("environment", "stringValue", json!("production")),
                ],
            },
        ])
    );
}

#[test]
fn safe_integers_are_integers_and_other_numbers_doubles() {
    for (number, written) in [
        (0.0, "\"intValue\":\"0\""),
        (-0.0, "\"intValue\":\"0\""),
        (-17.0, "\"intValue\":\"-17\""),
        (9_007_199_254_740_991.0, "\"intValue\":\"9007199254740991\""),
        (-9_007_199_254_740_991.0, "\"intValue\":\"-9007199254740991\""),
        (9_007_199_254_740_992.0, "\"doubleValue\":9007199254740992}"),
        (-9_007_199_254_740_992.0, "\"doubleValue\":-9007199254740992}"),
        (1e21, "\"doubleValue\":1e21}"),
        (0.1, "\"doubleValue\":0.1}"),
        (5e-324, "\"doubleValue\":4.9406564584124654e-324}"),
        (f64::MAX, "\"doubleValue\":1.7976931348623157e308}"),
    ] {
        let json = check(&[], &Drops::default(), &[event("n", &[("n", Scalar::Number(number))])]);
        assert!(json.contains(written), "{written} not in {json}");
    }
}

#[test]
fn a_time_without_a_number_of_nanoseconds_is_the_last_that_has_one() {
    for (at, written) in [
        (0, "\"0\""),
        (1, "\"1000000\""),
        (NOW, "\"1767323045678000000\""),
        (18_446_744_073_709, "\"18446744073709000000\""),
        (18_446_744_073_710, "\"18446744073709000000\""),
        (UnixMillis::MAX.0, "\"18446744073709000000\""),
        (u64::MAX, "\"18446744073709000000\""),
    ] {
        let logged =
            Logged::Event { name: "t".into(), at, rate: None, left_out: 0, fields: Vec::new() };
        let json = check(&[], &Drops::default(), &[logged]);
        let members =
            [format!("\"timeUnixNano\":{written}"), format!("\"observedTimeUnixNano\":{written}")];
        assert!(members.iter().all(|member| json.contains(member)), "{json}");
    }
}

#[test]
fn lengths_of_every_size_are_minimal() {
    for length in (0..300).chain(15_900..16_390).step_by(2) {
        let value = text(&"ü".repeat(length / 2));
        check(&[], &Drops::default(), &[event("length", &[("text", value)])]);
    }
    // Beyond what takes three bytes.
    check(&[], &Drops::default(), &[event("length", &[("text", text(&"x".repeat(1 << 21)))])]);
}

#[test]
fn as_many_fields_as_validation_lets_pass() {
    let fields: Vec<(String, Scalar)> = (0..128)
        .map(|n| (format!("{n:ü>128}"), text(&"\u{2028}\"\n\u{1}🦀".repeat(n * 2))))
        .collect();
    let logged =
        Logged::Event { name: "🦀".repeat(256), at: NOW, rate: Some(0.25), left_out: 9, fields };
    check(&[], &Drops::default(), &[logged]);
}

#[test]
fn a_body_is_bounded() {
    let core = (0..128).map(|n| (format!("key-{n}"), text(&"x".repeat(1_024)))).collect();
    let context = Context { core, ..Context::default() };
    let logged = |events| {
        let events = core::iter::repeat_n(event("e", &[]), events);
        core::iter::once(Logged::Context(context.clone())).chain(events).collect::<Vec<_>>()
    };
    check(&[], &Drops::default(), &logged(20));
    let record = record(&[], &Drops::default(), &logged(200));
    assert_eq!(encoded(&record), Err(NoBody::TooLarge));
}

#[test]
fn what_validation_left_out_is_counted() {
    let setup = Setup { format: Format::OtlpProtobuf, ..support::setup(1) };
    let mut host = Host::with(setup, &[]);
    let good = ("n", Field::Number(1.0));
    host.event("shape", &[good]);
    host.event("shape", &[good, ("text", Field::Refused("is a string"))]);
    host.event("shape", &[("nan", Field::Number(f64::NAN)), good, ("", Field::Bool(true))]);
    host.event("shape", &[good]);
    let wide: Vec<String> = (0..131).map(|n| format!("key {n}")).collect();
    let wide: Vec<(&str, Field<'_>)> = wide.iter().map(|key| (key.as_str(), good.1)).collect();
    host.event("wide", &wide);
    let long = "x".repeat(1 << 20);
    let at = host.now().wall;
    let exposure = Exposure {
        experiment_id: "nav",
        session_id: Some(&long),
        user_attributes: Some(&long),
        ..Exposure::default()
    };
    host.give(Input::Exposure { at, exposure });
    let mut commands = Vec::new();
    let flush = Input::Flush { id: FlushId(1), timeout_millis: 0 };
    host.pipeline.handle(host.now(), flush, &mut commands);
    let body = commands.into_iter().find_map(|command| match command {
        Command::Export(export) => Some(export.body),
        _ => None,
    });
    let request = ExportLogsServiceRequest::decode(body.expect("a request").as_slice());
    let request = request.expect("protobuf");
    let counts: Vec<u32> = request.resource_logs[0].scope_logs[0]
        .log_records
        .iter()
        .map(|record| record.dropped_attributes_count)
        .collect();
    assert_eq!(counts, [0, 1, 2, 0, 3, 2]);
}
