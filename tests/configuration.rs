//! Section 2 of the specification, "Configuration that can change while running".
#![cfg(not(target_arch = "wasm32"))]

mod support;

use proptest::prelude::*;
use serde_json::json;
use support::{BASE, Host, number, setup, text};
use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::io::{Consent, Input};
use wasm_telemetry::core::ledger::Reason;

/// Name, smallest, largest, default: as `pkg/index.d.ts` documents them.
const NUMBERS: [(&str, f64, f64, f64); 11] = [
    ("scheduledDelayMillis", 10.0, 3_600_000.0, 10_000.0),
    ("maxExportBatchSize", 1.0, 10_000.0, 200.0),
    ("maxExportBatchBytes", 1_024.0, 16_777_216.0, 524_288.0),
    ("maxQueueSize", 1.0, 1_000_000.0, 8_192.0),
    ("maxQueueBytes", 1_024.0, 268_435_456.0, 8_388_608.0),
    ("maxAttempts", 1.0, 100.0, 8.0),
    ("exportTimeoutMillis", 10.0, 600_000.0, 10_000.0),
    ("baseBackoffMillis", 1.0, 600_000.0, 500.0),
    ("maxBackoffMillis", 1.0, 86_400_000.0, 30_000.0),
    ("maxStoreBytes", 0.0, 1_099_511_627_776.0, 52_428_800.0),
    ("maxStoreAgeMillis", 1_000.0, 31_536_000_000.0, 604_800_000.0),
];

fn batch<'a>(name: &'a str, value: Value<'a>) -> Setting<'a> {
    Setting::Batch { name, value }
}

fn kill<'a>(switch: Value<'a>, until: Value<'a>, stored: Value<'a>) -> Setting<'a> {
    Setting::Killed { switch, until, stored }
}

#[test]
fn every_number_has_its_default_and_takes_its_whole_range() {
    for (name, min, max, default) in NUMBERS {
        let mut host = Host::new();
        assert_eq!(host.in_force(name).as_f64(), Some(default), "{name}");
        for value in [min, max] {
            let report = host.remote(&[number(name, value)]);
            assert_eq!(report.changed, [format!("batch.{name}")]);
            assert_eq!(host.in_force(name).as_f64(), Some(value), "{name}");
        }
        let before = host.in_force(name);
        let beyond = [min - 1.0, max + 1.0, min + 0.5, f64::NAN, f64::INFINITY, -0.5];
        let others = [Value::Text("200"), Value::Bool(true), Value::Other];
        for value in beyond.map(Value::Number).into_iter().chain(others) {
            let report = host.remote(&[batch(name, value)]);
            assert!(report.changed.is_empty(), "{name}: {value:?}");
            assert_eq!(report.rejected.len(), 1, "{name}: {value:?}");
            assert_eq!(report.rejected[0].0, format!("batch.{name}"));
            assert!(report.rejected[0].1.contains("whole number"), "{:?}", report.rejected);
            assert_eq!(host.in_force(name), before, "{name}: {value:?}");
        }
        let report = host.remote(&[batch(name, Value::Null)]);
        assert_eq!(report.changed, [format!("batch.{name}")]);
        assert_eq!(host.in_force(name).as_f64(), Some(default), "{name}");
    }
}

#[test]
fn every_switch_takes_a_boolean_and_nothing_else() {
    for (name, default) in [("skipAuth", false), ("authFallback", true)] {
        let mut host = Host::new();
        assert_eq!(host.in_force(name), json!(default));
        let report = host.remote(&[batch(name, Value::Bool(!default))]);
        assert_eq!(report.changed, [format!("batch.{name}")]);
        for value in [Value::Number(1.0), Value::Text("true"), Value::Other] {
            assert_eq!(host.remote(&[batch(name, value)]).rejected.len(), 1);
        }
        assert_eq!(host.in_force(name), json!(!default));
        host.remote(&[batch(name, Value::Null)]);
        assert_eq!(host.in_force(name), json!(default));
    }
}

#[test]
fn a_path_starts_with_one_slash_and_is_read_the_same_by_everybody() {
    let mut host = Host::new();
    assert_eq!(host.in_force("path"), json!("/api/event_logging/batch"));
    for good in ["/", "/v2/in", "/a-b_c.d~e/!$&'()*+,;=:@"] {
        assert!(host.remote(&[text("path", good)]).rejected.is_empty(), "{good}");
        assert_eq!(host.in_force("path"), json!(good));
    }
    let long = format!("/{}", "x".repeat(2_048));
    let bad =
        ["", "in", "//evil.example", "/a//b", "/a/../b", "/.", "/a?b", "/a#b", "/a\\b", "/a b"];
    for bad in bad.into_iter().chain(["/a\n", "/%2e%2e", "/\u{e9}", "https://evil.example", &long])
    {
        let report = host.remote(&[text("path", bad)]);
        assert_eq!(report.rejected.len(), 1, "{bad:?}");
    }
}

#[test]
fn what_is_in_force_already_changes_nothing() {
    let mut host = Host::new();
    let patch = [
        number("maxQueueSize", 100.0),
        text("path", "/in"),
        Setting::Sampling { event: "a", rate: Value::Number(0.5), by: Value::Absent },
        kill(Value::Absent, Value::Number(5.0), Value::Text("erase")),
    ];
    let first = host.remote(&patch);
    assert_eq!(first.changed, ["batch.maxQueueSize", "batch.path", "sampling.a", "killed"]);
    let again = host.remote(&patch);
    assert!(again.changed.is_empty() && again.rejected.is_empty(), "{again:?}");
    for default in [
        number("maxAttempts", 8.0),
        batch("skipAuth", Value::Bool(false)),
        batch("authFallback", Value::Null),
        Setting::Sampling { event: "b", rate: Value::Null, by: Value::Absent },
    ] {
        let report = host.remote(&[default]);
        assert!(report.changed.is_empty(), "the default was in force: {report:?}");
    }
}

#[test]
fn an_unknown_key_is_told_and_a_bad_value_is_rejected_alone() {
    let mut host = Host::new();
    let report = host.remote(&[
        number("maxQueueSize", 100.0),
        number("maxQueueSizes", 100.0),
        number("maxAttempts", -1.0),
        Setting::Unknown { path: "extra", reason: "unknown key; ignored" },
        number("maxExportBatchSize", 10.0),
    ]);
    assert_eq!(report.changed, ["batch.maxQueueSize", "batch.maxExportBatchSize"]);
    let paths: Vec<&str> = report.rejected.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["batch.maxQueueSizes", "batch.maxAttempts", "extra"]);
    let told = host.diagnostics.iter().filter(|told| told.code == "config_rejected").count();
    assert_eq!(told, 3);
}

#[test]
fn absent_says_nothing() {
    let mut host = Host::configured(&[number("maxQueueSize", 77.0)]);
    let report = host.configure(Layer::Options, &[batch("maxQueueSize", Value::Absent)]);
    assert!(report.changed.is_empty() && report.rejected.is_empty());
    assert_eq!(host.in_force("maxQueueSize"), json!(77));
}

#[test]
fn options_win_over_remote_and_remote_over_the_environment() {
    let field = |value| number("scheduledDelayMillis", value);
    let mut host = Host::new();
    let in_force = |host: &Host| host.in_force("scheduledDelayMillis").as_f64();
    host.configure(Layer::Environment, &[field(1_000.0)]);
    assert_eq!(in_force(&host), Some(1_000.0));
    host.configure(Layer::Remote, &[field(2_000.0)]);
    assert_eq!(in_force(&host), Some(2_000.0));
    host.configure(Layer::Environment, &[field(1_500.0)]);
    assert_eq!(in_force(&host), Some(2_000.0));
    host.configure(Layer::Remote, &[Setting::BatchReset]);
    assert!(matches!(in_force(&host), Some(1_000.0 | 1_500.0)), "{:?}", in_force(&host));
    host.configure(Layer::Options, &[field(3_000.0)]);
    let report = host.configure(Layer::Remote, &[field(2_500.0)]);
    assert_eq!(in_force(&host), Some(3_000.0));
    assert_eq!(report.rejected.len(), 1, "that it has no effect is told");
    let report = host.configure(Layer::Remote, &[batch("scheduledDelayMillis", Value::Null)]);
    assert!(report.rejected.is_empty());
}

#[test]
fn a_reset_takes_only_its_own_layer_back() {
    let mut host = Host::configured(&[number("maxAttempts", 3.0)]);
    host.remote(&[number("maxQueueSize", 50.0), text("path", "/in")]);
    let mut report = host.remote(&[Setting::BatchReset]);
    report.changed.sort();
    assert_eq!(report.changed, ["batch.maxQueueSize", "batch.path"]);
    assert_eq!(host.in_force("maxAttempts"), json!(3));
    assert_eq!(host.in_force("baseUrl"), json!(BASE));
}

#[test]
fn without_allowed_origins_a_patch_stays_on_the_hosts_own_origin() {
    for (url, good) in [
        ("https://t.example.com/other", true),
        ("https://T.EXAMPLE.COM:443", true),
        ("https://t.example.com:444", false),
        ("https://evil.example", false),
        ("https://t.example.com.evil.example", false),
        ("https://t.example.com@evil.example", false),
        ("http://t.example.com", false),
        ("http://127.0.0.1:8080", false),
    ] {
        let mut host = Host::closed(setup(1), &[], Default::default());
        host.configure(Layer::Options, &[batch("baseUrl", Value::Null)]);
        host.configure(Layer::Environment, &[text("baseUrl", BASE)]);
        let report = host.remote(&[text("baseUrl", url)]);
        assert_eq!(report.rejected.is_empty(), good, "{url}: {report:?}");
        host.give(Input::StoreReady);
        host.log(1);
        host.flush(0);
        assert!(host.sent_one().url.starts_with("https://t.example.com/"), "{url}");
    }
}

#[test]
fn with_allowed_origins_every_layer_keeps_to_them() {
    for layer in [Layer::Options, Layer::Remote, Layer::Environment] {
        for (url, good) in [
            ("https://a.example/in", true),
            ("https://b.example:8443", true),
            ("https://b.example", false),
            ("https://evil.example", false),
        ] {
            let mut host = Host::closed(setup(1), &[], Default::default());
            host.configure(Layer::Options, &[batch("baseUrl", Value::Null)]);
            let bad = host.pipeline.allow_origins(&[
                "https://a.example",
                "https://b.example:8443",
                "nonsense",
            ]);
            assert_eq!(bad, ["nonsense"]);
            let report = host.configure(layer, &[text("baseUrl", url)]);
            assert_eq!(report.rejected.is_empty(), good, "{layer:?} {url}");
            assert_eq!(host.in_force("baseUrl").is_string(), good);
        }
    }
}

#[test]
fn an_empty_list_of_origins_allows_nothing() {
    let mut host = Host::closed(setup(1), &[], Default::default());
    host.configure(Layer::Options, &[batch("baseUrl", Value::Null)]);
    host.pipeline.allow_origins(&[]);
    assert_eq!(host.configure(Layer::Options, &[text("baseUrl", BASE)]).rejected.len(), 1);
}

#[test]
fn the_kill_switch_stops_everything_while_it_holds() {
    let mut host = Host::new();
    host.log(1);
    host.remote(&[kill(Value::Bool(true), Value::Absent, Value::Absent)]);
    host.log(2);
    host.expose("new-nav");
    host.flush(0);
    host.wait(1_000_000);
    assert!(!host.has_sent());
    assert_eq!((host.ledger().accepted, host.ledger().suppressed), (1, 2));
    assert_eq!(host.stats()["config"]["killed"], json!(true));
    host.remote(&[kill(Value::Bool(false), Value::Absent, Value::Absent)]);
    host.wait(20_000);
    assert_eq!(host.sent().remove(0).numbers(), [1]);
}

#[test]
fn a_broken_kill_switch_is_rejected_and_changes_nothing() {
    let mut host = Host::new();
    for setting in [
        kill(Value::Number(1.0), Value::Absent, Value::Absent),
        kill(Value::Text("true"), Value::Absent, Value::Absent),
        kill(Value::Absent, Value::Absent, Value::Absent),
        kill(Value::Absent, Value::Number(f64::NAN), Value::Absent),
        kill(Value::Absent, Value::Text("tomorrow"), Value::Absent),
        kill(Value::Absent, Value::Number(1e13), Value::Text("burn")),
    ] {
        let report = host.remote(&[setting]);
        assert_eq!(report.rejected.len(), 1, "{setting:?}");
    }
    host.log(1);
    assert_eq!(host.ledger().suppressed, 0);
}

#[test]
fn what_is_stored_goes_to_the_new_endpoint_and_what_is_in_flight_finishes() {
    let mut host = Host::closed(setup(1), &[], Default::default());
    host.configure(Layer::Options, &[batch("baseUrl", Value::Null)]);
    host.configure(Layer::Environment, &[text("baseUrl", BASE)]);
    host.give(Input::StoreReady);
    host.log(1);
    host.flush(0);
    let sent = host.sent_one();
    host.fail(&sent);
    host.log(2);
    host.wait(600);
    let flight = host.sent().pop().expect("the stored batch is on its way");
    host.remote(&[text("baseUrl", "https://t.example.com/v2"), text("path", "/in")]);
    host.answer(&flight, 200);
    assert_eq!(host.ledger().delivered, 1);
    host.wait(11_000);
    let next = host.sent_one();
    assert_eq!(next.url, "https://t.example.com/v2/in");
    host.answer(&next, 200);
    assert_eq!(host.ledger().delivered, 2);
}

#[test]
fn a_shorter_delay_holds_for_what_waits_already() {
    let mut host = Host::configured(&[]);
    host.log(1);
    host.remote(&[number("scheduledDelayMillis", 100.0)]);
    host.wait(150);
    assert_eq!(host.sent_one().numbers(), [1]);
}

#[test]
fn a_smaller_batch_size_holds_for_what_waits_already() {
    let mut host = Host::new();
    (0..10).for_each(|n| host.log(n));
    host.remote(&[number("maxExportBatchSize", 5.0)]);
    assert!(host.has_sent());
}

#[test]
fn a_disabled_pipeline_does_nothing_at_all() {
    let mut host = Host::closed(
        wasm_telemetry::core::pipeline::Setup { enabled: false, ..setup(1) },
        &[],
        Default::default(),
    );
    host.give(Input::StoreReady);
    host.log(1);
    host.expose("new-nav");
    host.flush(0);
    host.wait(1_000_000);
    assert!(!host.has_sent() && host.commanded.is_empty());
    assert_eq!((host.ledger().accepted, host.ledger().suppressed), (0, 2));
    assert_eq!(host.flushed.len(), 1);
}

#[test]
fn a_denial_is_final_for_what_was_logged_before_it() {
    let mut host = Host::new();
    host.log(1);
    host.give(Input::Consent(Consent::Denied));
    host.give(Input::Consent(Consent::Granted));
    host.log(2);
    host.flush(0);
    assert_eq!(host.sent_one().numbers(), [2]);
    assert_eq!(host.dropped(Reason::ConsentDenied), 1);
}

/// Logs under load, patching at every moment, and counts what arrives.
#[test]
fn no_event_is_lost_or_doubled_by_a_change_at_any_moment() {
    let patches: [&[Setting<'_>]; 8] = [
        &[number("maxExportBatchSize", 1.0)],
        &[number("maxExportBatchSize", 50.0), number("maxExportBatchBytes", 1_024.0)],
        &[number("maxQueueSize", 1.0)],
        &[number("maxQueueBytes", 1_024.0)],
        &[number("scheduledDelayMillis", 10.0)],
        &[number("exportTimeoutMillis", 20_000.0), text("path", "/other")],
        &[text("path", "/in"), batch("skipAuth", Value::Bool(true))],
        &[Setting::BatchReset],
    ];
    for start in 0..40 {
        let mut host = Host::new();
        let mut arrived = Vec::new();
        let mut waiting: Vec<support::Sent> = Vec::new();
        let mut expected = Vec::new();
        for n in 0..200 {
            let dropped = host.dropped(Reason::QueueFull);
            host.log(n);
            // A new, smaller limit may refuse a new event, but never one that was taken.
            if host.dropped(Reason::QueueFull) == dropped {
                expected.push(n);
            }
            if n % 7 == start % 7 {
                host.remote(patches[(n as usize + start as usize) % patches.len()]);
            }
            waiting.extend(host.sent());
            if (n + start) % 5 == 0 && !waiting.is_empty() {
                let sent = waiting.remove(0);
                arrived.extend(sent.numbers());
                host.answer(&sent, 200);
            }
            host.wait(3);
        }
        for _ in 0..300 {
            waiting.extend(host.sent());
            for sent in waiting.drain(..) {
                arrived.extend(sent.numbers());
                host.answer(&sent, 200);
            }
            host.wait(100);
        }
        arrived.sort_unstable();
        assert_eq!(arrived, expected, "start {start}");
        assert!(expected.len() > 150, "start {start}: {} of 200", expected.len());
        let ledger = host.ledger();
        assert_eq!(ledger.delivered, expected.len() as u64);
        assert_eq!(ledger.dropped.total(), host.dropped(Reason::QueueFull));
    }
}

fn any_value() -> impl Strategy<Value = OwnValue> {
    prop_oneof![
        Just(OwnValue::Absent),
        Just(OwnValue::Null),
        any::<bool>().prop_map(OwnValue::Bool),
        any::<f64>().prop_map(OwnValue::Number),
        (-10.0..1e7).prop_map(|number: f64| OwnValue::Number(number.trunc())),
        any::<String>().prop_map(OwnValue::Text),
        "(https?|HTTPS|ftp)://[a-z.@:0-9\\[\\]]{1,20}(/[a-z./\\\\]{0,8})?".prop_map(OwnValue::Text),
        "https?://(t\\.example\\.com|evil\\.example|127\\.0\\.0\\.1)[:@.\\\\/#?]?[a-z0-9.]{0,9}"
            .prop_map(OwnValue::Text),
        Just(OwnValue::Other),
    ]
}

#[derive(Clone, Debug)]
enum OwnValue {
    Absent,
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Other,
}

impl OwnValue {
    fn borrow(&self) -> Value<'_> {
        match self {
            Self::Absent => Value::Absent,
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(value) => Value::Number(*value),
            Self::Text(value) => Value::Text(value),
            Self::Other => Value::Other,
        }
    }
}

fn any_name() -> impl Strategy<Value = String> {
    let names = NUMBERS.map(|(name, ..)| String::from(name));
    let others = ["skipAuth", "authFallback", "path", "baseUrl"].map(String::from);
    prop_oneof![
        proptest::sample::select(names.to_vec()),
        proptest::sample::select(others.to_vec()),
        Just(String::from("baseUrl")),
        any::<String>(),
    ]
}

#[derive(Clone, Debug)]
struct Patch {
    kind: u8,
    name: String,
    values: [OwnValue; 3],
}

fn any_patch() -> impl Strategy<Value = Patch> {
    let values = [any_value(), any_value(), any_value()];
    (0_u8..8, any_name(), values).prop_map(|(kind, name, values)| Patch { kind, name, values })
}

impl Patch {
    fn setting(&self) -> Setting<'_> {
        let [first, second, third] = self.values.each_ref().map(OwnValue::borrow);
        match self.kind {
            0 => Setting::Sampling { event: &self.name, rate: first, by: second },
            1 => kill(first, second, third),
            2 => Setting::BatchReset,
            3 => Setting::SamplingReset,
            _ => batch(&self.name, first),
        }
    }
}

proptest! {
    #[test]
    fn no_settings_make_it_panic_or_send_past_the_allowed_origins(
        patches in proptest::collection::vec((any_patch(), 0_u8..3), 0..20),
        listed in any::<bool>(),
    ) {
        let mut host = Host::closed(setup(1), &[], Default::default());
        if listed {
            host.pipeline.allow_origins(&["https://t.example.com"]);
        }
        for (patch, layer) in &patches {
            // Without a list, what `init` and the environment say is the host's own choice.
            let layer = match layer {
                0 if listed => Layer::Options,
                1 if listed => Layer::Environment,
                _ => Layer::Remote,
            };
            host.configure(layer, &[patch.setting()]);
        }
        for (name, min, max, _) in NUMBERS {
            let value = host.in_force(name).as_f64().expect("a number is in force");
            prop_assert!((min..=max).contains(&value), "{name} = {value}");
        }
        host.log(1);
        host.flush(0);
        for sent in host.sent() {
            let rest = sent.url.strip_prefix("https://t.example.com");
            prop_assert!(rest.is_some_and(|rest| rest.starts_with('/')), "{}", sent.url);
        }
    }
}
