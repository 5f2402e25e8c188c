//! Runs the cases of `store.json` against any store.

use serde_json::Value;
use wasm_telemetry::core::store::{Entry, StoreOp, StoreResult};

/// Somebody who has a connection of its own to the store of the case.
pub trait Holder {
    /// Commands the operation at once; the future gives its result.
    fn apply(&self, op: StoreOp) -> impl Future<Output = StoreResult>;
    /// Lays something into the store that is no record.
    fn lay_foreign(&self) -> impl Future<Output = ()>;
}

pub struct Case {
    pub name: String,
    steps: Vec<Value>,
}

pub fn cases() -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("store.json")).unwrap();
    let case = |case: &Value| Case {
        name: text(&case["name"]),
        steps: case["steps"].as_array().unwrap().clone(),
    };
    let cases: Vec<Case> = file["cases"].as_array().unwrap().iter().map(case).collect();
    assert!(cases.len() >= 20);
    cases
}

impl Case {
    /// Panics if the store, which must be empty, does not do as the case says.
    pub async fn run<H: Holder>(&self, a: H, b: H) {
        for (index, step) in self.steps.iter().enumerate() {
            for time in 0..times(step) {
                let at = format!("{}, step {index}, {time}", self.name);
                self.step(step, time, &a, &b, &at).await;
            }
        }
    }

    async fn step<H: Holder>(&self, step: &Value, time: u64, a: &H, b: &H, at: &str) {
        let expected = || result(&step["expect"]);
        let holder = match text(&step["holder"]).as_str() {
            "A" => a,
            "B" => b,
            "AB" => {
                let (first, second) = (a.apply(op(step, time)), b.apply(op(step, time)));
                let mut results = [first.await, second.await];
                if results[0] != expected() {
                    results.reverse();
                }
                assert_eq!(results, [expected(), result(&step["otherwise"])], "{at}");
                return;
            }
            holder => panic!("{at}: holder {holder}"),
        };
        if step["op"] == "foreign" {
            return holder.lay_foreign().await;
        }
        let mut given = holder.apply(op(step, time)).await;
        let mut pages = Vec::new();
        while let StoreResult::Page { entries, last } = given {
            pages.extend(entries);
            given = holder.apply(StoreOp::List { after: last }).await;
        }
        if let StoreResult::Listed(entries) = &mut given {
            entries.append(&mut pages);
            entries.sort_by(|a, b| a.key.cmp(&b.key));
        }
        assert_eq!(given, expected(), "{at}");
    }
}

fn op(step: &Value, time: u64) -> StoreOp {
    let seen = || entry(&step["seen"], time);
    let (lease, attempts) = (number(&step["lease"]), number(&step["attempts"]) as u32);
    let key = || key(&step["key"], time);
    match text(&step["op"]).as_str() {
        "list" => StoreOp::List { after: String::new() },
        "put" => {
            let bytes = record(&step["record"]);
            let entry = Entry { bytes: bytes.len() as u32, ..entry(&step["entry"], time) };
            StoreOp::Put { entry, bytes }
        }
        "claim" => StoreOp::Claim { seen: seen(), lease, attempts },
        "mark" => StoreOp::Mark { seen: seen(), lease, attempts },
        "remove" => StoreOp::Remove { seen: seen() },
        "quarantine" => StoreOp::Quarantine { key: key() },
        "clear" => StoreOp::Clear,
        op => panic!("op {op}"),
    }
}

fn result(expected: &Value) -> StoreResult {
    match expected.as_str() {
        Some("done") => return StoreResult::Done,
        Some("lost") => return StoreResult::Lost,
        _ => {}
    }
    if let Some(entries) = expected["listed"].as_array() {
        let entries = entries
            .iter()
            .flat_map(|listed| (0..times(listed)).map(move |time| entry(listed, time)));
        return StoreResult::Listed(entries.collect());
    }
    StoreResult::Claimed(record(&expected["claimed"]))
}

fn entry(value: &Value, time: u64) -> Entry {
    Entry {
        key: key(&value["key"], time),
        lease: number(&value["lease"]),
        attempts: number(&value["attempts"]) as u32,
        events: number(&value["events"]) as u32,
        bytes: number(&value["bytes"]) as u32,
    }
}

fn key(value: &Value, time: u64) -> String {
    text(value).replace('#', &format!("{time:03x}"))
}

fn record(value: &Value) -> Vec<u8> {
    let first = number(&value["first"]);
    (0..number(&value["length"])).map(|index| ((first + index) % 251) as u8).collect()
}

fn times(value: &Value) -> u64 {
    value["times"].as_u64().unwrap_or(1)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn text(value: &Value) -> String {
    String::from(value.as_str().unwrap())
}
