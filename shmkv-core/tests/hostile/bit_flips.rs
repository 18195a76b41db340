//! Is every flipped bit detected, harmless, or the cause of an error, and never of another key's value, a
//! crash or a hang?
//!
//! Every bit of a populated segment, except those of keys and values, is flipped by itself. Then everything
//! is read and written through handles that were open before and through new ones, and the segment is put
//! back.
//!
//! What counts as **wrong**, besides a panic, a crash and a hang:
//!
//! - damage of the header or the schema that a new handle does not detect;
//! - a value of another key, or one that was never written, anywhere;
//! - any wrong answer, if the bit belongs to the header's write-once part (for an open handle), to its
//!   control words, to a lock word that names no live writer, or to unused bytes: all of these must be
//!   harmless;
//! - for a bit of a counter: any wrong answer about an entry; only lengths, versions and the limit `N` may
//!   be wrong;
//! - for a bit of a bucket's tags or versions: any wrong answer about an entry of another bucket; for a bit
//!   of its overflow counters: about an entry of that bucket. (A key whose tag is flipped cannot be found.)
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod battery;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use battery::format::{Format, KEY, Part, RESERVED_AT, SHARD, SHARDS_AT, SLOT, Texts, word};
use battery::known::Known;
use battery::read::{Reader, reads};
use battery::seen::Seen;
use battery::write::writes;
use libtest_mimic::{Arguments, Failed, Trial};
use shmkv_core::OpenError;
use shmkv_core::untyped::UntypedReader;
use support::proc::SegmentName;
use support::report::Report;
use support::supervise::{Heart, supervise};

/// How long a lock that a live writer seems to hold is waited for. A dead writer's costs no wait.
const LOCK_TIMEOUT: Duration = Duration::from_millis(40);

/// What the reports are called.
const QUESTION: &str = "every bit flipped";

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let trials = vec![
        Trial::test("every_bit_of_a_small_map", every_bit_of_a_small_map),
        Trial::test(
            "every_counter_of_a_map_with_shards",
            every_counter_of_a_map_with_shards,
        ),
    ];
    libtest_mimic::run(&args, trials).exit();
}

/// A whole map of one shard: eight of ten entries, some of them displaced from their home bucket.
fn every_bit_of_a_small_map() -> Result<(), Failed> {
    let name = populated::<10>(8, true);
    let image = std::fs::read(name.path())?;
    let format = Format::of(&image);
    let bits: Vec<usize> = (0..image.len() * 8)
        .filter(|bit| format.part(bit / 8) != Part::Entry)
        .collect();
    flip_each::<10>("", &name, &image, &bits)
}

/// Only what several shards add: the count that they share, and another shard's lock and live count.
fn every_counter_of_a_map_with_shards() -> Result<(), Failed> {
    let name = populated::<4096>(4094, false);
    let image = std::fs::read(name.path())?;
    let shard = SHARDS_AT + 2 * SHARD;
    let (lock, live) = (shard..shard + 4, shard + 24..shard + 32);
    let bytes = (RESERVED_AT..RESERVED_AT + 8).chain(lock).chain(live);
    let bits: Vec<usize> = bytes.flat_map(|at| at * 8..(at + 1) * 8).collect();
    flip_each::<4096>("of four shards, ", &name, &image, &bits)
}

/// A segment whose `count` entries were updated, removed and inserted again. No process has it open.
fn populated<const N: usize>(count: usize, overflowing: bool) -> SegmentName {
    loop {
        let name = SegmentName::unique();
        let map = Texts::<N>::create(name.as_str()).expect("create");
        for round in 0..3 {
            for key in (0..count).map(|i| format!("key-{i}")) {
                if round == 1 {
                    map.remove(&*key).expect("remove");
                }
                let value = Known::value(&key, round);
                map.insert(&*key, &*value).expect("insert");
            }
        }
        assert_eq!(map.check(), vec![]);
        // The hash seed decides which buckets overflow; one of a few maps has some.
        if !overflowing || map.stats().overflowing_buckets > 0 {
            return name;
        }
    }
}

/// The outcome of a flip, as the child records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
enum Outcome {
    Detected = 1,
    Harmless,
    Error,
    DamagedAnswer,
    Wrong,
}

/// What a child works with while it flips bits.
struct Bench<const N: usize> {
    file: File,
    image: Vec<u8>,
    format: Format,
    known: Known,
    writer: Texts<N>,
    reader: Reader<N>,
    /// The id under which `writer` holds locks.
    id: u64,
    /// For each bucket, the keys of its live entries, and the keys whose bytes are in its slots.
    lives_in: Vec<BTreeSet<String>>,
    bytes_in: Vec<BTreeSet<String>>,
}

impl<const N: usize> Bench<N> {
    fn new(name: &SegmentName, image: &[u8]) -> Self {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.path())
            .unwrap();
        file.write_all_at(image, 0).unwrap();
        let options = Texts::<N>::options().lock_timeout(LOCK_TIMEOUT);
        let writer = options.open(name.as_str()).unwrap();
        writer.replace("absent", "").unwrap(); // registers
        let image = std::fs::read(name.path()).unwrap();
        let format = Format::of(&image);
        let mut known = Known::default();
        let mut lives_in = vec![BTreeSet::new(); format.buckets];
        for (bucket, key, value) in format.entries(&image) {
            known.learn(&key, &value);
            lives_in[bucket].insert(key);
        }
        let mut bytes_in = vec![BTreeSet::new(); format.buckets];
        for slot in 0..format.buckets * 8 {
            let at = format.slots_at() + slot * SLOT + 8;
            let key = String::from_utf8_lossy(&image[at..at + KEY]);
            bytes_in[slot / 8].insert(key.trim_end_matches('\0').to_owned());
        }
        Self {
            reader: options.open_read_only(name.as_str()).unwrap(),
            id: word(&image, 512),
            file,
            format,
            known,
            writer,
            image,
            lives_in,
            bytes_in,
        }
    }

    fn flip(&self, bit: usize) {
        let byte = self.image[bit / 8] ^ (1 << (bit % 8));
        self.file.write_all_at(&[byte], (bit / 8) as u64).unwrap();
    }

    fn restore(&self) {
        self.file.write_all_at(&self.image, 0).unwrap();
    }

    /// Flips one bit, runs every operation, and puts the segment back.
    fn trial(&self, name: &SegmentName, bit: usize, heart: &Heart<'_>) -> Result<Outcome, String> {
        let beat = |step| heart.beat(step);
        let mut open = Seen::default();
        self.flip(bit);
        // A read-only handle needs 100 ms to read an entry that seems to be changing all the time.
        let thorough = !matches!(self.format.part(bit / 8), Part::Version(_));
        reads(&self.reader, &self.known, thorough, &mut open, &beat);
        reads(&self.writer, &self.known, true, &mut open, &beat);

        let mut new = Seen::default();
        let options = Texts::<N>::options().lock_timeout(LOCK_TIMEOUT);
        let mut refused = Vec::new();
        beat(10);
        match options.open_read_only(name.as_str()) {
            Ok(reader) => reads(&reader, &self.known, false, &mut new, &beat),
            Err(error) => refused.push(error),
        }
        beat(11);
        match options.open(name.as_str()) {
            Ok(writer) => {
                reads(&writer, &self.known, false, &mut new, &beat);
                writes(&writer, self.known.clone(), &mut new, &beat);
                drop(writer);
                self.restore();
                self.flip(bit);
            }
            Err(error) => refused.push(error),
        }
        // An untyped handle reads the same header.
        refused.extend(UntypedReader::open(name.as_str()).err());
        writes(&self.writer, self.known.clone(), &mut open, &beat);
        self.restore();
        self.judge(bit, &open, &new, &refused)
    }

    fn judge(
        &self,
        bit: usize,
        open: &Seen,
        new: &Seen,
        refused: &[OpenError],
    ) -> Result<Outcome, String> {
        let part = self.format.part(bit / 8);
        if matches!(part, Part::Header | Part::Schema) {
            return match refused {
                [_, _, _] if open.is_right() => Ok(Outcome::Detected),
                [_, _, _] => Err(format!("an open handle is affected: {open:?}")),
                _ => Err("a new handle does not detect it".to_owned()),
            };
        }
        if let Some(error) = refused.first() {
            return Err(format!("an undamaged header is refused: {error}"));
        }
        for seen in [open, new] {
            self.judge_answers(bit, part, seen)?;
        }
        Ok(
            match (
                open.is_right() && new.is_right(),
                open.is_damaged() || new.is_damaged(),
            ) {
                (true, _) => Outcome::Harmless,
                (_, true) => Outcome::DamagedAnswer,
                _ => Outcome::Error,
            },
        )
    }

    fn judge_answers(&self, bit: usize, part: Part, seen: &Seen) -> Result<(), String> {
        let held = part == Part::Lock && u64::from(lock_word(bit)) == self.id;
        let entries_right = seen.hidden.is_empty() && seen.older.is_empty() && seen.phantoms == 0;
        let right = match part {
            // Only a live holder is waited for, and readers are unaffected.
            Part::Lock if held => seen.errors.len() == seen.timeouts && entries_right,
            Part::Issued | Part::Committed | Part::Live => seen.errors.is_empty() && entries_right,
            Part::Control if bit / 8 / 8 * 8 == RESERVED_AT => {
                seen.errors.is_empty() && entries_right
            }
            Part::Tags(_) => true,
            Part::Version(_) | Part::Overflow(_) => seen.phantoms == 0,
            _ => seen.is_right(),
        };
        if !right || !seen.foreign.is_empty() || !seen.endless.is_empty() {
            return Err(format!("{seen:?}"));
        }
        let may_be_wrong = |key: &String| match part {
            Part::Tags(bucket) | Part::Version(bucket) => {
                is_inserted_here(key) || self.bytes_in[bucket].contains(key)
            }
            Part::Overflow(bucket) => !self.lives_in[bucket].contains(key),
            _ => false,
        };
        match seen
            .hidden
            .union(&seen.older)
            .find(|key| !may_be_wrong(key))
        {
            Some(key) => Err(format!("a wrong answer about {key:?}: {seen:?}")),
            None => Ok(()),
        }
    }
}

/// Whether `writes` inserts this key, into any free slot.
fn is_inserted_here(key: &str) -> bool {
    ["new", "fresh", "too-many", "absent"].contains(&key)
}

/// What a free lock word becomes when this bit is flipped.
fn lock_word(bit: usize) -> u32 {
    1 << (bit % 32)
}

fn flip_each<const N: usize>(
    which: &str,
    name: &SegmentName,
    image: &[u8],
    bits: &[usize],
) -> Result<(), Failed> {
    let format = Format::of(image);
    let outcomes = supervise(
        bits.len(),
        |_| Bench::<N>::new(name, image),
        |heart, bench, i| {
            let outcome = bench.trial(name, bits[i], heart).unwrap_or_else(|why| {
                let part = bench.format.part(bits[i] / 8);
                eprintln!(
                    "bit {} of byte {} ({part:?}): {why:.600}",
                    bits[i] % 8,
                    bits[i] / 8
                );
                Outcome::Wrong
            });
            heart.record(i, outcome as u64);
        },
    );
    let mut figures: BTreeMap<&str, [usize; 6]> = BTreeMap::new();
    let mut violations = Vec::new();
    for (&bit, &outcome) in bits.iter().zip(&outcomes.recorded) {
        let part = format.part(bit / 8);
        let class = usize::try_from(outcome).expect("a class");
        figures.entry(part.name()).or_default()[class] += 1;
        if outcome == Outcome::Wrong as u64 {
            violations.push(format!("bit {} of byte {} ({part:?})", bit % 8, bit / 8));
        }
    }
    for (i, how) in &outcomes.failures {
        let (bit, part) = (bits[*i], format.part(bits[*i] / 8));
        violations.push(format!(
            "bit {} of byte {} ({part:?}): {how}",
            bit % 8,
            bit / 8
        ));
    }
    for (part, [unfinished, detected, harmless, errors, damaged, wrong]) in figures {
        Report::new(QUESTION, &format!("{which}{part}"))
            .count(
                "bits",
                unfinished + detected + harmless + errors + damaged + wrong,
            )
            .count("detected", detected)
            .count("harmless", harmless)
            .count("errors", errors)
            .count("damaged answers", damaged)
            .count("wrong", wrong + unfinished)
            .print();
    }
    Report::new(QUESTION, &format!("{which}all"))
        .count("bits", bits.len())
        .require(&violations)
}
