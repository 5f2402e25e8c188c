//! Records hold exactly what was put into them, and their readers never trust.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use wasm_telemetry::core::codec::{Reader, put_text, put_varint};
use wasm_telemetry::core::context::{Context, ContextPatch, Identity, Scalar, Slot};
use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::id::Id;
use wasm_telemetry::core::io::{Exposure, Field};
use wasm_telemetry::core::ledger::{Drops, REASONS};
use wasm_telemetry::core::random::IdSeed;
use wasm_telemetry::core::record::{Builder, Header, Item, Record, Stored, StoredContext, stamp};
use wasm_telemetry::core::shapes::{FieldKind, Shape, ShapeId, Shapes, Staged};
use wasm_telemetry::core::time::UnixMillis;

#[derive(Clone, Debug, PartialEq)]
enum Own {
    Number(f64),
    Bool(bool),
    Text(String),
}

#[derive(Clone, Debug)]
enum Logged {
    Event { name: String, at: u64, rate: Option<f64>, fields: Vec<(String, Own)>, shaped: bool },
    Exposure { at: u64, id: String, variation: u32, texts: [Option<String>; 3] },
    Context { slot: u8, key: String, value: Option<Own> },
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |number| number.is_finite()),
        any::<i64>().prop_map(|number| number as f64),
        (-100_i64..100).prop_map(|number| number as f64),
    ]
}

fn any_own() -> impl Strategy<Value = Own> {
    prop_oneof![
        any_number().prop_map(Own::Number),
        any::<bool>().prop_map(Own::Bool),
        any::<String>().prop_map(Own::Text),
    ]
}

fn any_logged() -> impl Strategy<Value = Logged> {
    let at = prop_oneof![any::<u64>(), Just(0), 1_767_323_045_000_u64..1_767_323_046_000];
    let rate = proptest::option::of(0.0..1.0);
    let fields = proptest::collection::vec((any::<String>(), any_own()), 0..6);
    let text = || proptest::option::of(any::<String>());
    prop_oneof![
        4 => ("[a-c]{1,2}", at.clone(), rate, fields, any::<bool>()).prop_map(
            |(name, at, rate, fields, shaped)| {
                let plain = |(_, value): &(String, Own)| !matches!(value, Own::Text(_));
                let shaped = shaped && fields.iter().all(plain);
                Logged::Event { name, at, rate, fields, shaped }
            }
        ),
        1 => (at, any::<String>(), any::<u32>(), [text(), text(), text()])
            .prop_map(|(at, id, variation, texts)| Logged::Exposure { at, id, variation, texts }),
        1 => (0_u8..7, "[a-z]{1,3}", proptest::option::of(any_own()))
            .prop_map(|(slot, key, value)| Logged::Context { slot, key, value }),
    ]
}

fn header(base: u64) -> Header {
    Header {
        batch_id: Id(0, 1),
        client_id: Id(0, 2),
        id_seed: IdSeed([7; 16]),
        first: 41,
        base,
        seq: 3,
        events: 0,
        report_at: 0,
        exposure: false,
    }
}

/// What a reader must find: each event with its context, in order.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    id: Id,
    at: u64,
    what: String,
    context: String,
}

fn kind(value: &Own) -> FieldKind {
    match value {
        Own::Number(_) => FieldKind::Number,
        Own::Bool(_) => FieldKind::Bool,
        Own::Text(_) => FieldKind::Text,
    }
}

/// -0 is written as 0.
fn plain(number: f64) -> f64 {
    if number == 0.0 { 0.0 } else { number }
}

/// Writes a record of everything logged, and what a reader must find in it.
fn write(logged: &[Logged], report: &Drops, base: u64) -> (Header, Vec<u8>, Vec<Seen>) {
    let resource = vec![(String::from("service.name"), Scalar::Text("shop".into()))];
    let mut builder = Builder::new(header(base), &resource);
    let mut context = Context::default();
    let mut epoch = 0;
    let mut shapes = Shapes::default();
    let mut registered: Vec<(Vec<u8>, ShapeId)> = Vec::new();
    let mut seen = Vec::new();
    for entry in logged {
        let (at, what) = match entry {
            Logged::Context { slot, key, value } => {
                let slot = match slot {
                    0 => Slot::Core(key),
                    1 => Slot::User(key),
                    index => Slot::Identity(Identity::ALL[*index as usize - 2]),
                };
                let value = value.clone().map(|value| match value {
                    Own::Number(value) => Scalar::Number(value),
                    Own::Bool(value) => Scalar::Bool(value),
                    Own::Text(value) => Scalar::Text(value),
                });
                let _ = context.apply(&ContextPatch { slot, value });
                epoch += 1;
                continue;
            }
            Logged::Event { name, at, rate, fields, shaped } => {
                let kinds = fields.iter().map(|(key, value)| (key.as_str(), kind(value)));
                let shape = Shape::new(name, kinds);
                builder.context(epoch, &context);
                if *shaped {
                    let known = registered.iter().find(|(known, _)| *known == shape.definition);
                    let id = known.map(|(_, id)| *id).unwrap_or_else(|| {
                        let again = fields.iter().map(|(key, value)| (key.as_str(), kind(value)));
                        let id = shapes.add(Shape::new(name, again)).expect("room");
                        registered.push((shape.definition.clone(), id));
                        id
                    });
                    let values: Vec<f64> = fields
                        .iter()
                        .map(|(_, value)| match value {
                            Own::Number(value) => *value,
                            Own::Bool(value) => f64::from(u8::from(*value)),
                            Own::Text(_) => unreachable!("not shaped"),
                        })
                        .collect();
                    let event = Staged { at: UnixMillis(*at), shape: id, values: &values };
                    assert!(builder.shaped(&event, &shape, *rate));
                } else {
                    let borrowed: Vec<(&str, Field<'_>)> = fields
                        .iter()
                        .map(|(key, value)| {
                            let field = match value {
                                Own::Number(value) => Field::Number(*value),
                                Own::Bool(value) => Field::Bool(*value),
                                Own::Text(value) => Field::Text(value),
                            };
                            (key.as_str(), field)
                        })
                        .collect();
                    builder.event(UnixMillis(*at), &shape.definition, *rate, &borrowed);
                }
                let fields: Vec<(String, Own)> = fields
                    .iter()
                    .map(|(key, value)| match value {
                        Own::Number(value) => (key.clone(), Own::Number(plain(*value))),
                        other => (key.clone(), other.clone()),
                    })
                    .collect();
                (*at, format!("{name:?} {rate:?} {fields:?}"))
            }
            Logged::Exposure { at, id, variation, texts } => {
                let [session_id, user_attributes, experiment_metadata] =
                    texts.each_ref().map(Option::as_deref);
                let exposure = Exposure {
                    experiment_id: id,
                    variation_id: *variation,
                    session_id,
                    user_attributes,
                    experiment_metadata,
                };
                builder.context(epoch, &context);
                builder.exposure(UnixMillis(*at), &exposure, 0);
                (*at, format!("{exposure:?}"))
            }
        };
        let id = IdSeed([7; 16]).id(41 + seen.len() as u64);
        seen.push(Seen { id, at, what, context: context_text(&context) });
    }
    let (header, bytes) = builder.finish(report);
    let bytes = stamped(bytes);
    (header, bytes, seen)
}

fn context_text(context: &Context) -> String {
    let group = |fields: &[(String, Scalar)]| -> Vec<(String, Own)> {
        let own = |value: &Scalar| match value {
            Scalar::Number(value) => Own::Number(plain(*value)),
            Scalar::Bool(value) => Own::Bool(*value),
            Scalar::Text(value) => Own::Text(value.clone()),
        };
        fields.iter().map(|(key, value)| (key.clone(), own(value))).collect()
    };
    format!("{:?} {:?} {:?}", context.identity, group(&context.core), group(&context.user))
}

fn own(value: Stored<'_>) -> Own {
    match value {
        Stored::Number(value) => Own::Number(plain(value)),
        Stored::Bool(value) => Own::Bool(value),
        Stored::Text(value) => Own::Text(value.into()),
    }
}

fn stored_context_text(context: &StoredContext<'_>) -> String {
    let group = |fields: &[(&str, Stored<'_>)]| -> Vec<(String, Own)> {
        fields.iter().map(|(key, value)| (String::from(*key), own(*value))).collect()
    };
    format!("{:?} {:?} {:?}", context.identity, group(&context.core.0), group(&context.user.0))
}

/// With its checksum, as it goes into a store.
fn stamped(mut bytes: Vec<u8>) -> Vec<u8> {
    stamp(&mut bytes);
    bytes
}

/// Reads a whole record.
fn read(bytes: &[u8]) -> Vec<Seen> {
    let record = Record::checked(bytes).expect("a sound record");
    let mut items = record.items();
    let mut context = stored_context_text(&StoredContext::default());
    let mut shapes = Vec::new();
    let mut seen = Vec::new();
    while let Some(item) = items.read().expect("sound items") {
        match item {
            Item::Resource(fields) => {
                assert_eq!(fields.0, [("service.name", Stored::Text("shop"))]);
            }
            Item::Context(stored) => context = stored_context_text(&stored),
            Item::Shape(shape) => shapes.push(shape),
            Item::Report => {}
            Item::Event(mut event) => {
                let shape = &shapes[event.shape];
                let fields: Vec<(String, Own)> = shape
                    .keys
                    .iter()
                    .map(|(kind, key)| {
                        (String::from(*key), own(event.value(*kind).expect("a sound value")))
                    })
                    .collect();
                let what = format!("{:?} {:?} {fields:?}", shape.name, event.rate);
                seen.push(Seen { id: event.id, at: event.at.0, what, context: context.clone() });
            }
            Item::Exposure { id, at, exposure, .. } => {
                let what = format!("{exposure:?}");
                seen.push(Seen { id, at: at.0, what, context: context.clone() });
            }
        }
    }
    assert_eq!(seen.len(), record.header.events as usize);
    seen
}

/// Reads whatever it is, as the pipeline would, to the end.
fn read_anything(bytes: &[u8]) {
    let _ = Record::checked(bytes).map(|record| record.header);
    let Ok(record) = Record::own(bytes) else { return };
    let _ = record.report();
    let mut out = Vec::new();
    let _ = Format::Json.encode(&record, 1, UnixMillis(0), &mut out);
    if let Ok(Some(halves)) =
        record.split(record.header.events / 2, Id::default(), Id::default(), 9)
    {
        for (_, half) in halves {
            let half = Record::own(&half).expect("what was written has a header");
            let _ = Format::Json.encode(&half, 1, UnixMillis(0), &mut out);
        }
    }
}

fn any_report() -> impl Strategy<Value = Drops> {
    proptest::collection::vec(prop_oneof![Just(0), any::<u64>()], REASONS)
        .prop_map(|counts| Drops(core::array::from_fn(|index| counts[index])))
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(
        logged in proptest::collection::vec(any_logged(), 0..20),
        report in any_report(),
        base in any::<u64>(),
    ) {
        let (header, bytes, expected) = write(&logged, &report, base);
        prop_assert_eq!(read(&bytes), expected);
        let record = Record::checked(&bytes).unwrap();
        prop_assert_eq!(record.header, header);
        prop_assert_eq!(record.report().unwrap(), report);
        let exposure = logged.iter().any(|entry| matches!(entry, Logged::Exposure { .. }));
        prop_assert_eq!(header.exposure, exposure);
    }

    #[test]
    fn both_halves_together_are_the_whole_down_to_single_events(
        logged in proptest::collection::vec(any_logged(), 0..20),
        report in any_report(),
    ) {
        let (_, bytes, expected) = write(&logged, &report, 1_000);
        let mut parts = vec![bytes];
        let mut next = 100;
        loop {
            let mut finer = Vec::new();
            let mut split_any = false;
            for part in &parts {
                let record = Record::checked(part).unwrap();
                let id = Id(0, next.into());
                match record.split(record.header.events / 2, id, Id(0, 5), next).unwrap() {
                    Some([(first, left), (second, right)]) => {
                        prop_assert_eq!(first.batch_id, record.header.batch_id);
                        prop_assert_eq!((second.batch_id, second.seq), (id, next));
                        prop_assert_eq!(second.client_id, Id(0, 5));
                        prop_assert_eq!(first.events + second.events, record.header.events);
                        prop_assert_eq!(
                            first.exposure || second.exposure,
                            record.header.exposure
                        );
                        finer.extend([stamped(left), stamped(right)]);
                        next += 1;
                        split_any = true;
                    }
                    None => finer.push(part.clone()),
                }
            }
            let seen: Vec<Seen> = finer.iter().flat_map(|part| read(part)).collect();
            prop_assert_eq!(&seen, &expected);
            let mut reports = Drops::default();
            for part in &finer {
                reports.merge(&Record::checked(part).unwrap().report().unwrap());
            }
            prop_assert_eq!(reports, report, "the report is told once");
            parts = finer;
            if !split_any {
                break;
            }
        }
        prop_assert!(parts.iter().all(|part| Record::checked(part).unwrap().header.events <= 1));
    }

    #[test]
    fn a_snapshot_is_a_record_of_what_was_there(
        logged in proptest::collection::vec(any_logged(), 1..8),
    ) {
        let (_, bytes, expected) = write(&logged, &Drops::default(), 0);
        let mut builder = Builder::new(header(0), &[]);
        let before = stamped(builder.snapshot());
        prop_assert_eq!(Record::checked(&before).unwrap().header.events, 0);
        builder.exposure(UnixMillis(5), &Exposure { experiment_id: "x", ..Exposure::default() }, 0);
        prop_assert_eq!(Record::checked(&stamped(builder.snapshot())).unwrap().header.events, 1);
        prop_assert_eq!(read(&bytes).len(), expected.len());
    }

    #[test]
    fn a_changed_byte_or_length_is_noticed(
        logged in proptest::collection::vec(any_logged(), 1..6),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
        cut in any::<prop::sample::Index>(),
    ) {
        let (_, bytes, _) = write(&logged, &Drops::default(), 0);
        let mut flipped = bytes.clone();
        flipped[at.index(bytes.len())] ^= flip;
        prop_assert!(Record::checked(&flipped).is_err());
        prop_assert!(Record::checked(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_read_without_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        read_anything(&bytes);
        let mut sound = vec![0; 8];
        sound[..4].copy_from_slice(b"WTR3");
        sound.extend_from_slice(&bytes);
        stamp(&mut sound);
        read_anything(&sound);
        let mut reader = Reader::new(&bytes);
        while reader.text().is_ok() || reader.varint().is_ok() {}
    }

    #[test]
    fn mutated_records_with_a_right_checksum_are_read_without_a_panic(
        logged in proptest::collection::vec(any_logged(), 1..8),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        report in any_report(),
    ) {
        let (_, mut bytes, _) = write(&logged, &report, 0);
        for (at, value) in changes {
            let at = 8 + at.index(bytes.len() - 8);
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(8 + cut.index(bytes.len() - 8));
        }
        stamp(&mut bytes);
        read_anything(&bytes);
    }

    #[test]
    fn texts_and_numbers_of_the_codec_come_back(text in any::<String>(), number in any::<u64>()) {
        let mut bytes = Vec::new();
        put_text(&mut bytes, &text);
        put_varint(&mut bytes, number);
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(reader.text().unwrap(), text);
        prop_assert_eq!(reader.varint().unwrap(), number);
        prop_assert!(reader.is_empty());
    }
}
