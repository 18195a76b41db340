//! Does anything that a fuzzer once found, or was started with, do harm again?
//!
//! Replays `fuzz/corpus` through the harness of the fuzz targets; `fuzz/Cargo.toml`
//! says how to fuzz.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

#[path = "../fuzz/harness/mod.rs"]
mod harness;
mod seeds;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use harness::Came;

type Harness = fn(&[u8]) -> Came;

const TARGETS: [(&str, Harness); 3] = [
    ("types", harness::types::run),
    ("tool", |input| harness::tool::run(input, true)),
    ("segment", harness::segment::run),
];

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target)
}

/// Replays the files and the seeds, and counts how far they came.
fn replay(target: &str) -> BTreeMap<Came, usize> {
    let (_, run) = TARGETS
        .into_iter()
        .find(|(name, _)| *name == target)
        .unwrap();
    let start = Instant::now();
    let mut inputs = Vec::new();
    for file in std::fs::read_dir(corpus(target)).unwrap() {
        let path = file.unwrap().path();
        inputs.push((path.display().to_string(), std::fs::read(path).unwrap()));
    }
    let files = inputs.len();
    inputs.extend(seeds::of(target));
    let mut came = BTreeMap::new();
    for (name, input) in &inputs {
        let outcome = std::panic::catch_unwind(|| run(input));
        let outcome = outcome.unwrap_or_else(|_| panic!("{target}: {name} broke a promise"));
        *came.entry(outcome).or_default() += 1;
    }
    println!(
        "T8 corpus {target}: {files} files and {} seeds in {:?}: {came:?}; 0 crashes",
        inputs.len() - files,
        start.elapsed()
    );
    came
}

/// The corpus is worth something only if it gets behind the first check.
#[test]
fn types() {
    let came = replay("types");
    assert!(
        came[&Came::Valued] >= 10 && came[&Came::Refused] >= 5,
        "{came:?}"
    );
}

#[test]
fn tool() {
    let came = replay("tool");
    assert!(
        came[&Came::Valued] >= 10 && came[&Came::Refused] >= 5,
        "{came:?}"
    );
}

#[test]
fn segment() {
    let came = replay("segment");
    assert!(
        came[&Came::Valued] >= 2 && came[&Came::Refused] >= 2,
        "{came:?}"
    );
}

/// For a fuzzer to start with: `cargo test -p shmkv-examples --test corpus -- --ignored`.
#[test]
#[ignore = "writes to the corpus"]
fn write_seeds() {
    for (target, _) in TARGETS {
        for (name, input) in seeds::of(target) {
            std::fs::write(corpus(target).join(format!("seed-{name}")), input).unwrap();
        }
    }
}
