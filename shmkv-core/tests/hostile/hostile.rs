//! Can hostile bytes do worse than cause wrong answers?
//!
//! Whole segments, random or mutated, go through opening, every read, every write and every recovery; and
//! one process overwrites everything after the header while others read and write. There must be no panic,
//! no crash, no hang and no endless iteration.
//!
//! The number of a trial is its seed, so a failure can be replayed alone.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod battery;
#[path = "../support/mod.rs"]
mod support;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use battery::exercise::{Handles, LOCK_TIMEOUT, N, exercise, exercise_open, good_image, known};
use battery::format::{CONTROL_AT, Format, SHARDS_AT, Texts, empty, sign, sign_schema};
use battery::read::reads;
use battery::seen::Seen;
use battery::write::writes;
use fastrand::Rng;
use libtest_mimic::{Arguments, Failed, Trial};
use shmkv_core::OpenError;
use shmkv_core::untyped::UntypedReader;
use support::proc::{SegmentName, fork_child};
use support::report::Report;
use support::supervise::{Outcomes, supervise};

const SEED: u64 = 0x5eed;

/// What the reports are called.
const QUESTION: &str = "hostile bytes";

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let trials = vec![
        Trial::test("any_bytes", any_bytes),
        Trial::test("hostile_schemas", hostile_schemas),
        Trial::test("other_sizes", other_sizes),
        Trial::test("overwritten_while_open", overwritten_while_open),
        Trial::test("overwritten_while_in_use", overwritten_while_in_use),
    ];
    libtest_mimic::run(&args, trials).exit();
}

/// Every 16th trial uses read-only handles too, which wait for writers that do not exist.
fn handles(i: usize) -> Handles {
    match i % 16 {
        0 => Handles::All,
        1 | 5 | 9 | 13 => Handles::Untyped,
        _ => Handles::Writable,
    }
}

/// A random number, often one of those at which code like this breaks.
fn word(rng: &mut Rng) -> u64 {
    match rng.u8(..8) {
        0 | 1 => 0,
        2 => u64::MAX,
        3 => rng.u64(..64),
        4 => 1 << rng.u32(..64),
        5 => (1 << 62) - 1 - rng.u64(..2),
        6 => 1 << 63 | rng.u64(..1024),
        _ => rng.u64(..),
    }
}

/// Overwrites whole words.
fn scramble(bytes: &mut [u8], rng: &mut Rng) {
    for chunk in bytes.chunks_mut(8) {
        let word = word(rng).to_ne_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

/// The undamaged segment with scrambled tags, counters, locks and intents, but the same header.
fn scrambled_body(good: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let format = Format::of(good);
    // One in four has scrambled entries too, the others only what leads to them.
    let end = match rng.u8(..4) {
        0 => format.schema_at(),
        1 => format.buckets_at(),
        _ => format.slots_at(),
    };
    let start = if rng.bool() { CONTROL_AT } else { SHARDS_AT };
    scramble(&mut bytes[start..end], rng);
    bytes
}

fn any_image(good: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    match rng.u8(..8) {
        0 => {
            bytes = vec![0; rng.usize(..good.len() + 100)];
            rng.fill(&mut bytes);
        }
        1 => bytes.truncate(rng.usize(..=good.len())),
        2 => {
            // An inconsistent header with a correct checksum.
            for _ in 0..rng.usize(1..4) {
                let at = rng.usize(2..63) * 8;
                bytes[at..at + 8].copy_from_slice(&word(rng).to_ne_bytes());
            }
            sign(&mut bytes);
        }
        3 | 4 => {
            for _ in 0..rng.usize(1..64) {
                let at = rng.usize(CONTROL_AT..good.len());
                bytes[at] = rng.u8(..);
            }
        }
        _ => bytes = scrambled_body(good, rng),
    }
    bytes
}

/// Prints the figures; fails if a trial did not end, or saw more entries than slots.
fn judge(case: &str, outcomes: &Outcomes) -> Result<(), Failed> {
    let finished = outcomes.recorded.iter().filter(|of| **of != 0).count();
    let handles: u64 = outcomes
        .recorded
        .iter()
        .map(|of| (of & 0xff).saturating_sub(1))
        .sum();
    let errors: u64 = outcomes
        .recorded
        .iter()
        .map(|of| of >> 8 & 0xffff_ffff)
        .sum();
    let endless = outcomes.recorded.iter().filter(|of| *of >> 63 != 0).count();
    let mut violations: Vec<String> = outcomes
        .failures
        .iter()
        .map(|(i, how)| format!("trial {i}: {how}"))
        .collect();
    if endless > 0 {
        violations.push(format!("{endless} trials saw more entries than slots"));
    }
    Report::new(QUESTION, case)
        .count("segments", finished)
        .count("handles", handles)
        .count("typed errors", errors)
        .note("seed", SEED)
        .require(&violations)
}

/// What a trial records: that it ended, with how many handles and how many errors.
fn outcome((opened, seen): (usize, Seen)) -> u64 {
    let endless = u64::from(!seen.endless.is_empty()) << 63;
    endless | (seen.errors.len() as u64) << 8 | (opened as u64 + 1)
}

fn any_bytes() -> Result<(), Failed> {
    let good = good_image();
    let outcomes = supervise(
        6_000,
        |_| (),
        |heart, (), i| {
            let bytes = any_image(&good, &mut Rng::with_seed(SEED + i as u64));
            let came = exercise(&bytes, handles(i), &|step| heart.beat(step));
            heart.record(i, outcome(came));
        },
    );
    judge("any bytes", &outcomes)
}

/// Appends a type in the format that a segment stores, mostly well-formed.
fn any_type(rng: &mut Rng, depth: usize, out: &mut Vec<u8>) {
    const BYTES: u8 = 0x40; // then: text, pod, array, option, tuple, struct, enum, string, vector
    let kind = match rng.u8(..if depth > 40 { 2 } else { 12 }) {
        0 => rng.u8(1..15),           // a scalar
        1 => BYTES + rng.u8(..2) * 8, // bytes or a string
        11 => rng.u8(..),             // anything
        compound => BYTES + compound - 1,
    };
    out.push(kind);
    let large = |rng: &mut Rng| {
        if rng.bool() {
            rng.u32(..600)
        } else {
            rng.u32(..)
        }
    };
    let name = |rng: &mut Rng, out: &mut Vec<u8>| {
        let len = if rng.u8(..9) == 0 {
            rng.u8(..)
        } else {
            rng.u8(..6)
        };
        out.push(len);
        out.extend((0..len).map(|_| if rng.u8(..99) == 0 { rng.u8(..) } else { b'x' }));
    };
    match kind {
        0x40 | 0x41 | 0x48 => out.extend(large(rng).to_le_bytes()),
        0x43 | 0x49 => {
            out.extend(large(rng).to_le_bytes());
            any_type(rng, depth + 1, out);
        }
        0x44 => any_type(rng, depth + 1, out),
        0x42 | 0x45 | 0x46 | 0x47 => {
            if kind != 0x45 {
                name(rng, out);
                out.extend(u32::MAX.to_le_bytes());
            }
            if kind == 0x47 {
                out.push(1 << rng.u8(..3));
            }
            let count = rng.u16(..4);
            let said = if rng.u8(..30) == 0 {
                rng.u16(..)
            } else {
                count
            };
            out.extend(said.to_le_bytes());
            for _ in 0..count {
                if kind != 0x45 {
                    name(rng, out);
                    out.extend(rng.u32(..64).to_le_bytes());
                }
                if kind == 0x47 {
                    out.extend(0_u16.to_le_bytes());
                } else {
                    any_type(rng, depth + 1, out);
                }
            }
        }
        _ => {}
    }
}

/// The bytes of a schema: two types, or nearly so.
fn any_schema(rng: &mut Rng) -> Vec<u8> {
    let mut schema = vec![1]; // the format's version
    if rng.u8(..20) == 0 {
        // One type nested in another, thousands of levels deep.
        let kind: &[u8] = [&[0x44][..], &[0x43, 1, 0, 0, 0], &[0x45, 1, 0]][rng.usize(..3)];
        schema.extend(kind.repeat(rng.usize(..12_000)));
    }
    any_type(rng, 0, &mut schema);
    any_type(rng, 0, &mut schema);
    match rng.u8(..8) {
        0 => schema.truncate(rng.usize(..=schema.len())),
        1 => schema.extend((0..rng.usize(..70_000)).map(|i| i as u8)),
        2 => {
            let at = rng.usize(..schema.len());
            schema[at] = rng.u8(..);
        }
        _ => {}
    }
    schema
}

/// Schemas with correct checksums, so that only the parser can refuse them.
fn hostile_schemas() -> Result<(), Failed> {
    let good = good_image();
    let at = Format::of(&good).schema_at();
    let outcomes = supervise(
        10_000,
        |_| (),
        |heart, (), i| {
            let mut rng = Rng::with_seed(SEED + i as u64);
            let mut bytes = good[..at].to_vec();
            bytes.extend(any_schema(&mut rng));
            sign_schema(&mut bytes, at);
            let name = SegmentName::unique();
            std::fs::write(name.path(), &bytes).unwrap();
            heart.beat(1);
            let _ = UntypedReader::open(name.as_str());
            let refused = match Texts::<N>::open(name.as_str()) {
                Err(OpenError::Types { differences, .. }) => differences.len().min(100) + 1,
                Err(OpenError::Damaged { .. }) => 1,
                other => panic!("expected other types or damage: {other:?}"),
            };
            heart.record(i, (refused as u64) << 8 | 1);
        },
    );
    let parsed = outcomes.recorded.iter().filter(|of| **of >> 8 > 1).count();
    judge(&format!("schemas, {parsed} of them well-formed"), &outcomes)?;
    assert!(parsed > 1_000, "too few well-formed schemas");
    Ok(())
}

/// Maps of all sizes, with correct headers and schemas and scrambled contents, opened as tools open them.
fn other_sizes() -> Result<(), Failed> {
    let good = good_image();
    let outcomes = supervise(
        4_000,
        |_| (),
        |heart, (), i| {
            let mut rng = Rng::with_seed(SEED + i as u64);
            let (n, k, v) = (rng.usize(1..300), rng.usize(1..40), rng.usize(..100));
            let mut schema = vec![1]; // the format's version
            for len in [k, v] {
                schema.push(0x40); // bytes
                schema.extend((len as u32).to_le_bytes());
            }
            let mut bytes = empty(&good, [n, k, v], &schema);
            if i % 8 != 0 {
                let end = bytes.len() - schema.len();
                scramble(&mut bytes[CONTROL_AT..end], &mut rng);
            }
            let came = exercise(&bytes, Handles::Untyped, &|step| heart.beat(step));
            assert_eq!(came.0, 2, "{n} entries of {k} and {v} bytes are refused");
            heart.record(i, outcome(came));
        },
    );
    judge("other sizes", &outcomes)
}

fn overwritten_while_open() -> Result<(), Failed> {
    let good = good_image();
    let outcomes = supervise(
        3_000,
        |_| (),
        |heart, (), i| {
            let bytes = scrambled_body(&good, &mut Rng::with_seed(SEED + i as u64));
            let came = exercise_open(&good, &bytes, handles(i), &|step| heart.beat(step));
            heart.record(i, outcome(came));
        },
    );
    judge("overwritten while open", &outcomes)
}

/// Overwrites words everywhere between the header and the schema, and now and then restores all of them, so
/// that other processes get further.
fn overwrite(name: &SegmentName, good: &[u8], seed: u64) -> i32 {
    let mut rng = Rng::with_seed(seed);
    let file = OpenOptions::new().write(true).open(name.path()).unwrap();
    let end = Format::of(good).schema_at();
    loop {
        let bytes = word(&mut rng).to_ne_bytes();
        let len = rng.usize(1..=8);
        let at = rng.usize(CONTROL_AT..end - 8);
        file.write_all_at(&bytes[..len], at as u64).unwrap();
        if rng.u16(..256) == 0 {
            file.write_all_at(&good[CONTROL_AT..end], CONTROL_AT as u64)
                .unwrap();
        }
    }
}

fn overwritten_while_in_use() -> Result<(), Failed> {
    let good = good_image();
    let known = known();
    // Three processes in each trial: one overwrites, one writes, and this one runs every operation.
    let outcomes = supervise(
        8,
        |_| (),
        |heart, (), i| {
            let name = SegmentName::unique();
            std::fs::write(name.path(), &good).unwrap();
            let options = Texts::<N>::options().lock_timeout(LOCK_TIMEOUT);
            let work = |seconds: f64, read_only: bool, seen: &mut Seen| {
                let writer = options.open(name.as_str()).unwrap();
                let reader = options.open_read_only(name.as_str()).unwrap();
                let start = Instant::now();
                while start.elapsed() < Duration::from_secs_f64(seconds) {
                    let beat = |step| heart.beat(step);
                    reads(&writer, &known, true, seen, &beat);
                    writes(&writer, known.clone(), seen, &beat);
                    if read_only {
                        reads(&reader, &known, false, seen, &beat);
                    }
                    // A new handle registers, under an id that may have been overwritten.
                    let another = options.open(name.as_str()).unwrap();
                    writes(&another, known.clone(), seen, &beat);
                }
            };
            let overwriter = fork_child(|| overwrite(&name, &good, SEED + i as u64));
            let other = fork_child(|| {
                let mut seen = Seen::default();
                work(0.5, false, &mut seen);
                i32::from(!seen.endless.is_empty())
            });
            let mut seen = Seen::default();
            work(0.5, true, &mut seen);
            let other = other.exit_code(Duration::from_secs(30));
            drop(overwriter);
            assert_eq!(other, Ok(0), "the other writer");
            heart.record(i, outcome((2, seen)));
        },
    );
    judge("overwritten while in use", &outcomes)
}
