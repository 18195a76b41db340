//! Does every input that a fuzzer found, or started with, still do no harm?
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

use harness::depth::Depth;

type Harness = fn(&[u8]) -> Depth;

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

/// Replays the files and the seeds, and counts how far each of them gets.
fn replay(target: &str) -> BTreeMap<Depth, usize> {
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
    let mut depths = BTreeMap::new();
    for (name, input) in &inputs {
        let outcome = std::panic::catch_unwind(|| run(input));
        let outcome = outcome.unwrap_or_else(|_| panic!("{target}: {name} broke a promise"));
        *depths.entry(outcome).or_default() += 1;
    }
    println!(
        "hostile bytes: corpus {target}: {files} files and {} seeds in {:?}: {depths:?}; 0 crashes",
        inputs.len() - files,
        start.elapsed()
    );
    depths
}

/// A corpus is useful only if it gets past the first check.
#[test]
fn types() {
    let depths = replay("types");
    assert!(
        depths[&Depth::Values] >= 10 && depths[&Depth::Refused] >= 5,
        "{depths:?}"
    );
}

#[test]
fn tool() {
    let depths = replay("tool");
    assert!(
        depths[&Depth::Values] >= 10 && depths[&Depth::Refused] >= 5,
        "{depths:?}"
    );
}

#[test]
fn segment() {
    let depths = replay("segment");
    assert!(
        depths[&Depth::Values] >= 2 && depths[&Depth::Refused] >= 2,
        "{depths:?}"
    );
}

/// Writes the seeds for a fuzzer:
/// `cargo test -p shmkv-examples --test corpus -- --ignored`.
#[test]
#[ignore = "writes to the corpus"]
fn write_seeds() {
    for (target, _) in TARGETS {
        for (name, input) in seeds::of(target) {
            std::fs::write(corpus(target).join(format!("seed-{name}")), input).unwrap();
        }
    }
}
