//! Events that were staged are taken in as runs: nothing of what follows tells it from taking each.
#![cfg(not(target_arch = "wasm32"))]

use std::iter;

use proptest::prelude::*;
use wasm_telemetry::core::config::{Layer, Setting, Value};
use wasm_telemetry::core::io::{Command, Content, FlushId, Input, Outcome};
use wasm_telemetry::core::pipeline::{Pipeline, Setup};
use wasm_telemetry::core::shapes::{FieldKind, Shape, ShapeId, Staged};
use wasm_telemetry::core::time::{Millis, Now, UnixMillis};

const NOW: Now = Now { mono: Millis(1_000), wall: UnixMillis(1_767_323_045_678) };
const SHAPES: [(&str, &[(&str, FieldKind)]); 5] = [
    ("plain", &[("n", FieldKind::Number), ("yes", FieldKind::Bool)]),
    ("empty", &[]),
    ("sampled", &[("n", FieldKind::Number)]),
    ("by session", &[("n", FieldKind::Number)]),
    ("text", &[("n", FieldKind::Number), ("text", FieldKind::Text), ("m", FieldKind::Number)]),
];

#[derive(Clone, Debug)]
struct Event {
    at: u64,
    shape: usize,
    values: Vec<f64>,
}

fn any_event() -> impl Strategy<Value = Event> {
    let number = || {
        prop_oneof![
            8 => (0_u32..2_000).prop_map(f64::from),
            4 => any::<f64>(),
            1 => Just(f64::NAN),
        ]
    };
    let long = (any::<char>(), 1_010_usize..1_040)
        .prop_map(|(c, bytes)| iter::repeat_n(c, bytes / c.len_utf8()).collect::<String>());
    let text = prop_oneof![8 => "\\PC{0,12}", 2 => long];
    (0_u64..100, 0..SHAPES.len(), [number(), number()], text).prop_map(
        |(at, shape, [n, m], text)| {
            let (_, fields) = SHAPES[shape];
            let mut values = Vec::new();
            for (index, (_, kind)) in fields.iter().enumerate() {
                match kind {
                    FieldKind::Number => values.push(if index == 0 { n } else { m }),
                    FieldKind::Bool => values.push(f64::from(u8::from(m > 1_000.0))),
                    FieldKind::Text => {
                        values.push(text.len() as f64);
                        values.extend(words(&text));
                    }
                }
            }
            Event { at: NOW.wall.0 + at, shape, values }
        },
    )
}

fn words(text: &str) -> impl Iterator<Item = f64> {
    text.as_bytes().chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        f64::from_le_bytes(word)
    })
}

/// A pipeline with these limits, and what it commands.
fn pipeline(limits: [(&'static str, u32); 4]) -> (Pipeline, Vec<ShapeId>) {
    let setup = Setup { enabled: true, seed: [9; 32], ..Setup::default() };
    let mut pipeline = Pipeline::new(NOW, setup);
    let mut settings: Vec<Setting<'_>> = limits
        .map(|(name, value)| Setting::Batch { name, value: Value::Number(f64::from(value)) })
        .into();
    let url = Value::Text("https://t.example.com");
    settings.push(Setting::Batch { name: "baseUrl", value: url });
    for (event, by) in [("sampled", Value::Absent), ("by session", Value::Text("session"))] {
        settings.push(Setting::Sampling { event, rate: Value::Number(0.5), by });
    }
    let report = pipeline.configure(NOW, Layer::Options, &settings, &mut Vec::new());
    assert!(report.rejected.is_empty(), "{:?}", report.rejected);
    let shapes = SHAPES.map(|(name, fields)| pipeline.shape(name, fields).expect("a good shape"));
    (pipeline, shapes.into())
}

/// Delivers all, and tells all that was seen.
fn finish(mut pipeline: Pipeline, mut commands: Vec<Command>) -> (Vec<String>, String) {
    let flush = Input::Flush { id: FlushId(1), timeout_millis: 1_000 };
    pipeline.handle(NOW, flush, &mut commands);
    let mut done = 0;
    while let Some(command) = commands.get(done) {
        done += 1;
        if let Command::Export(export) = command {
            let (id, outcome) = (
                export.id,
                Outcome::Response {
                    status: 200,
                    retry_after: None,
                    authorized: false,
                    content: Content::default(),
                },
            );
            pipeline.handle(NOW, Input::Exported { id, outcome }, &mut commands);
        }
    }
    let mut stats = Vec::new();
    pipeline.write_stats(&mut stats);
    let told = commands.iter().map(|command| match command {
        Command::Export(export) => String::from_utf8_lossy(&export.body).into_owned(),
        other => format!("{other:?}"),
    });
    (told.collect(), String::from_utf8_lossy(&stats).into_owned())
}

proptest! {
    #[test]
    fn a_run_is_as_good_as_its_events(
        events in proptest::collection::vec(any_event(), 0..120),
        batch in 1_u32..40,
        queue in 1_u32..80,
        bytes in 1_024_u32..4_096,
    ) {
        let limits = [
            ("maxExportBatchSize", batch),
            ("maxQueueSize", queue),
            ("maxExportBatchBytes", bytes),
            ("maxQueueBytes", 65_536),
        ];
        let (mut one_by_one, shapes) = pipeline(limits);
        let mut expected = Vec::new();
        let mut staged = Vec::new();
        for Event { at, shape, values } in &events {
            let event = Staged { at: UnixMillis(*at), shape: shapes[*shape], values };
            one_by_one.handle(NOW, Input::Shaped(event), &mut expected);
            staged.extend([f64::from(shapes[*shape].0), *at as f64]);
            staged.extend(values);
        }

        let (mut at_once, _) = pipeline(limits);
        let mut given = Vec::new();
        let mut rest = staged.as_slice();
        while !rest.is_empty() {
            let mut commands = Vec::new();
            rest = at_once.staged(NOW, rest, &mut commands).expect("sound words");
            given.extend(commands);
        }
        prop_assert_eq!(finish(at_once, given), finish(one_by_one, expected));
    }

    #[test]
    fn staged_events_give_what_the_general_way_gives(
        events in proptest::collection::vec(any_event(), 1..60),
    ) {
        let limits = [
            ("maxExportBatchSize", 10),
            ("maxQueueSize", 200),
            ("maxExportBatchBytes", 65_536),
            ("maxQueueBytes", 1_048_576),
        ];
        let ((mut staged, shapes), (mut general, _)) = (pipeline(limits), pipeline(limits));
        let (mut given, mut expected) = (Vec::new(), Vec::new());
        for Event { at, shape, values } in &events {
            let at = UnixMillis(*at);
            let event = Staged { at, shape: shapes[*shape], values };
            staged.handle(NOW, Input::Shaped(event), &mut given);
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let (name, fields) = SHAPES[*shape];
            let fields = Shape::new(name, fields.iter().copied());
            let fields = fields.read(values, &bytes);
            general.handle(NOW, Input::Event { at, name, fields: &fields }, &mut expected);
        }
        let ((told, stats), (own, others)) = (finish(staged, given), finish(general, expected));
        prop_assert_eq!(told, own);
        // Of a shape that came both ways a batch has two definitions.
        let counts = |stats: &str| stats.split_once("\"sizes\"").map(|(counts, _)| counts.to_owned());
        prop_assert_eq!(counts(&stats), counts(&others));
    }

    #[test]
    fn words_that_make_no_sense_are_refused_without_a_panic(
        words in proptest::collection::vec(
            prop_oneof![any::<f64>(), (-2_i32..9).prop_map(f64::from)],
            0..60,
        ),
    ) {
        let (mut pipeline, _) = pipeline([
            ("maxExportBatchSize", 10),
            ("maxQueueSize", 100),
            ("maxExportBatchBytes", 4_096),
            ("maxQueueBytes", 65_536),
        ]);
        let mut commands = Vec::new();
        let mut rest = Some(words.as_slice());
        while let Some(words) = rest.filter(|words| !words.is_empty()) {
            commands.clear();
            rest = pipeline.staged(NOW, words, &mut commands);
        }
    }
}
