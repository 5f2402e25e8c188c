//! The fuzz targets without a fuzzer: on the corpus, on what once failed, and on changes of both.
//!
//! `FUZZ_SEED=7` changes them as that run did, `FUZZ_CHANGES=100000` runs so many for each target,
//! `FUZZ_SEEDS=folder` writes real records there.
#![cfg(not(target_arch = "wasm32"))]

mod fuzz;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use fuzz::TARGETS;
use wasm_telemetry::core::random::Rng;

/// As `make fuzz` limits them.
const LONGEST: usize = 4_096;
const CHANGES: u64 = 1_000;

#[test]
fn the_corpus_and_what_once_failed_hold() {
    for (target, run) in TARGETS {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "{target} has no corpus");
        for (path, data) in inputs {
            if catch_unwind(|| run(&data)).is_err() {
                panic!("{} fails (see above)", path.display());
            }
        }
    }
}

#[test]
fn real_records_hold() {
    for (index, record) in fuzz::seeds::records().iter().enumerate() {
        fuzz::record::run(record);
        fuzz::otlp::run(record);
        if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
            fs::write(Path::new(&folder).join(format!("real-{index}")), record).unwrap();
        }
    }
}

#[test]
fn random_changes_of_the_corpus_hold() {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_micros());
    let seed = variable("FUZZ_SEED").unwrap_or_else(|| clock() as u64);
    let changes = variable("FUZZ_CHANGES").unwrap_or(CHANGES);
    println!("FUZZ_SEED={seed}");
    for (target, run) in TARGETS {
        let inputs = inputs(target);
        let mut rng = Rng::new(seed);
        for number in 0..changes {
            let data = changed(&inputs, &mut rng);
            if catch_unwind(AssertUnwindSafe(|| run(&data))).is_err() {
                let folder = root().join("artifacts").join(target);
                let path = folder.join(format!("changed-{seed}-{number}"));
                fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &data)).unwrap();
                panic!("FUZZ_SEED={seed}: {target} fails (see above) on {}", path.display());
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// In the order of their names, so that a seed means the same everywhere.
fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut inputs = Vec::new();
    for folder in ["corpus", "regressions"] {
        // A target that never failed has no folder of what once did.
        let Ok(entries) = fs::read_dir(root().join(folder).join(target)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let data = fs::read(&path).unwrap();
            inputs.push((path, data));
        }
    }
    inputs.sort();
    inputs
}

/// One of the inputs with a few bytes set, flipped, inserted, taken out, or taken from another one.
fn changed(inputs: &[(PathBuf, Vec<u8>)], rng: &mut Rng) -> Vec<u8> {
    const ODD: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'\\', b'/'];
    let pick = |rng: &mut Rng| &inputs[rng.up_to(inputs.len() as u64 - 1) as usize].1;
    let within = |rng: &mut Rng, length: usize| rng.up_to(length as u64) as usize;
    let mut data = pick(rng).clone();
    for _ in 0..=rng.up_to(7) {
        let at = within(rng, data.len());
        let end = (at + within(rng, 16)).min(data.len());
        match rng.up_to(6) {
            0 if at < data.len() => data[at] ^= 1 << rng.up_to(7),
            1 if at < data.len() => data[at] = ODD[rng.up_to(7) as usize],
            2 => data.insert(at, rng.draw() as u8),
            3 => drop(data.drain(at..end)),
            // A length that lies.
            4 => drop(data.splice(at..data.len().min(at + 1), [0xff, 0xff, 0xff, 0xff, 0x7f])),
            5 => data.truncate(at.max(1)),
            _ => {
                let other = pick(rng);
                let from = within(rng, other.len());
                let to = (from + within(rng, 64)).min(other.len());
                data.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
    data.truncate(LONGEST);
    data
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not {text:?}")))
}
