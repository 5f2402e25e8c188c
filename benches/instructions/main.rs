//! The hot path for a fixed input, for `check.mjs` to count its instructions: `<what> <rounds>`, where a
//! round is 200 events of 8 fields.

use std::env;
use std::hint::black_box;

use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::id::Id;
use wasm_telemetry::core::io::{Command, Field, Input};
use wasm_telemetry::core::pipeline::{Pipeline, Setup};
use wasm_telemetry::core::random::IdSeed;
use wasm_telemetry::core::record::{Builder, Header, Item, Record, stamp};
use wasm_telemetry::core::shapes::{FieldKind, Shape, ShapeId, Staged};
use wasm_telemetry::core::time::{Millis, Now, UnixMillis};

const EVENTS: usize = 200;
const NOW: Now = Now { mono: Millis(1_000), wall: UnixMillis(1_767_323_045_678) };

fn main() {
    let mut arguments = env::args().skip(1);
    let what = arguments.next().expect("what");
    let rounds: usize = arguments.next().and_then(|text| text.parse().ok()).expect("rounds");
    match what.as_str() {
        "staged" => staged(rounds),
        "general" => general(rounds),
        "encoded" => encoded(rounds, Format::Json),
        "encoded as otlp-json" => encoded(rounds, Format::OtlpJson),
        "encoded as otlp-protobuf" => encoded(rounds, Format::OtlpProtobuf),
        "read" => read(rounds),
        _ => panic!("no such path"),
    }
}

/// Events of a registered shape, as JavaScript stages them, into batches.
fn staged(rounds: usize) {
    let mut pipeline = pipeline();
    let shape = pipeline.shape("bench", &kinds()).expect("a good shape");
    let words: Vec<f64> = (0..EVENTS)
        .flat_map(|n| {
            let head = [f64::from(shape.0), (NOW.wall.0 + n as u64 / 50) as f64];
            head.into_iter().chain(values(n))
        })
        .collect();
    let mut commands = Vec::new();
    for _ in 0..rounds {
        let mut rest = words.as_slice();
        while !rest.is_empty() {
            rest = pipeline.staged(NOW, rest, &mut commands).expect("sound words");
            commands.clear();
        }
    }
    assert_eq!(pipeline.ledger().queued, (rounds * EVENTS) as u64);
}

/// The same events as names and fields, into batches.
fn general(rounds: usize) {
    let mut pipeline = pipeline();
    let mut commands = Vec::new();
    for n in (0..rounds).flat_map(|_| 0..EVENTS) {
        let fields: Vec<(&str, Field<'_>)> = FIELDS
            .into_iter()
            .zip(values(n))
            .map(|((key, kind), value)| match kind {
                FieldKind::Bool => (key, Field::Bool(value != 0.0)),
                _ => (key, Field::Number(value)),
            })
            .collect();
        let at = NOW.wall.plus(n as u64 / 50);
        pipeline.handle(NOW, Input::Event { at, name: "bench", fields: &fields }, &mut commands);
        commands.clear();
    }
    assert_eq!(pipeline.ledger().queued, (rounds * EVENTS) as u64);
}

/// A body from a record.
fn encoded(rounds: usize, format: Format) {
    let bytes = record();
    let mut body = Vec::with_capacity(1 << 20);
    for _ in 0..rounds {
        body.clear();
        let record = Record::own(black_box(&bytes)).expect("our own");
        format.encode(&record, 1, NOW.wall, &mut body).expect("a body");
        black_box(&body);
    }
}

/// A record from a store: checked, and read to its end.
fn read(rounds: usize) {
    let mut bytes = record();
    stamp(&mut bytes);
    for _ in 0..rounds {
        let record = Record::checked(black_box(&bytes)).expect("as it was stamped");
        let mut items = record.items();
        while let Some(item) = items.read().expect("sound items") {
            if let Item::Event(mut event) = item {
                for (_, kind) in FIELDS {
                    black_box(event.value(kind).expect("a sound value"));
                }
            }
        }
    }
}

const FIELDS: [(&str, FieldKind); 8] = [
    ("items", FieldKind::Number),
    ("price", FieldKind::Number),
    ("width", FieldKind::Number),
    ("height", FieldKind::Number),
    ("scroll", FieldKind::Number),
    ("express", FieldKind::Bool),
    ("returning", FieldKind::Bool),
    ("dark", FieldKind::Bool),
];

fn kinds() -> [(&'static str, FieldKind); 8] {
    FIELDS
}

fn values(n: usize) -> [f64; 8] {
    let number = n as f64;
    let even = f64::from(u8::from(n.is_multiple_of(2)));
    [number, number * 1.25, 1920.0, 1080.0, number % 100.0, even, 1.0, 0.0]
}

fn record() -> Vec<u8> {
    let shape = Shape::new("bench", FIELDS.into_iter());
    let header = Header {
        batch_id: Id(0, 1),
        client_id: Id(0, 2),
        id_seed: IdSeed([7; 16]),
        first: 0,
        base: NOW.wall.0,
        seq: 1,
        events: 0,
        report_at: 0,
        exposure: false,
    };
    let mut builder = Builder::new(header, &[]);
    for n in 0..EVENTS {
        let at = NOW.wall.plus(n as u64 / 50);
        let event = Staged { at, shape: ShapeId(0), values: &values(n) };
        assert!(builder.shaped(&event, &shape, None));
    }
    builder.finish(&Default::default()).1
}

/// One that has no endpoint, and room for all.
fn pipeline() -> Pipeline {
    let setup = Setup { enabled: true, ..Setup::default() };
    let mut pipeline = Pipeline::new(NOW, setup);
    let mut commands: Vec<Command> = Vec::new();
    let settings = ["maxQueueSize", "maxQueueBytes"]
        .map(|name| Setting::Batch { name, value: Value::Number(1e6) });
    let report = pipeline.configure(NOW, Layer::Options, &settings, &mut commands);
    assert!(report.rejected.is_empty(), "{:?}", report.rejected);
    pipeline
}
