//! Is every flipped bit noticed, or harmless, or answered by an error? Never by another key's value, a crash, a hang?
//!
//! Every bit of a populated segment but those of keys and values is flipped by itself. Then everything is read and
//! written through handles that were open before, and through new ones, and the segment is put back.
//!
//! What counts as **wrong**, besides a panic, a crash and a hang:
//!
//! - damage of the header or the schema that a new handle does not notice;
//! - a value of another key, or one that nobody ever wrote, anywhere;
//! - any answer but the right one, if the bit belongs to the written-once header (for a handle that is open), to the
//!   shared words, to a lock word that names nobody alive, or to bytes without a meaning: all of that must be harmless;
//! - with a bit of a counter: any wrong answer about an entry; only lengths, versions and the limit `N` may be off;
//! - with a bit of a bucket's tags or versions: any wrong answer about an entry of another bucket; with one of its
//!   overflow counters: about an entry of that bucket. (A key whose tag is flipped cannot be found; nothing can help that.)
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod battery;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use battery::format::{Format, KEY, Part, RESERVED_AT, SHARD, SHARDS_AT, SLOT, Texts, word};
use battery::{Known, Reader, Seen, reads, writes};
use libtest_mimic::{Arguments, Failed, Trial};
use shmkv_core::{OpenError, UntypedReader};
use support::proc::SegmentName;
use support::report::Report;
use support::supervise::{Heart, supervise};

/// A lock that somebody alive seems to hold costs this much, a dead one's nothing.
const LOCK_TIMEOUT: Duration = Duration::from_millis(40);

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

/// The whole of a map with one shard: eight of ten entries, some of them displaced from the bucket they hash to.
fn every_bit_of_a_small_map() -> Result<(), Failed> {
    let name = populated::<10>(8, true);
    let image = std::fs::read(name.path())?;
    let format = Format::of(&image);
    let bits: Vec<usize> = (0..image.len() * 8)
        .filter(|bit| format.part(bit / 8) != Part::Entry)
        .collect();
    flip_each::<10>("", &name, &image, &bits)
}

/// Only what several shards add: the count that they share, and what another shard's lock and live count do to it.
fn every_counter_of_a_map_with_shards() -> Result<(), Failed> {
    let name = populated::<4096>(4094, false);
    let image = std::fs::read(name.path())?;
    let shard = SHARDS_AT + 2 * SHARD;
    let (lock, live) = (shard..shard + 4, shard + 24..shard + 32);
    let bytes = (RESERVED_AT..RESERVED_AT + 8).chain(lock).chain(live);
    let bits: Vec<usize> = bytes.flat_map(|at| at * 8..(at + 1) * 8).collect();
    flip_each::<4096>("of four shards, ", &name, &image, &bits)
}

/// A segment whose `count` entries were updated, removed and inserted again. Its last handle is gone.
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
        // The seed decides who overflows; a few tries find one.
        if !overflowing || map.stats().overflowing_buckets > 0 {
            return name;
        }
    }
}

/// What came of a flip, as the child notes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
enum Outcome {
    Detected = 1,
    Harmless,
    CleanError,
    DamagedAnswer,
    Wrong,
}

/// What a child has open while it flips.
struct Bench<const N: usize> {
    file: File,
    image: Vec<u8>,
    format: Format,
    known: Known,
    writer: Texts<N>,
    reader: Reader<N>,
    /// The id under which `writer` holds locks.
    id: u64,
    /// For each bucket the keys that live there, and those of which there are bytes.
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

    /// Flips one bit, does everything, and puts the segment back.
    fn trial(&self, name: &SegmentName, bit: usize, heart: &Heart<'_>) -> Result<Outcome, String> {
        let beat = |step| heart.beat(step);
        let mut open = Seen::default();
        self.flip(bit);
        // Each read of an entry that seems to be written for ever costs a read-only handle 100 ms.
        let patient = !matches!(self.format.part(bit / 8), Part::Version(_));
        reads(&self.reader, &self.known, patient, &mut open, &beat);
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
        // One that knows no types looks at the same header.
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
                [_, _, _] => Err(format!("an open handle minds: {open:?}")),
                _ => Err("a new handle does not notice".to_owned()),
            };
        }
        if let Some(error) = refused.first() {
            return Err(format!("a good header is refused: {error}"));
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
                _ => Outcome::CleanError,
            },
        )
    }

    fn judge_answers(&self, bit: usize, part: Part, seen: &Seen) -> Result<(), String> {
        let held = part == Part::Lock && u64::from(lock_word(bit)) == self.id;
        let entries_right = seen.hidden.is_empty() && seen.older.is_empty() && seen.phantoms == 0;
        let right = match part {
            // Only the living are waited for, and everybody reads meanwhile.
            Part::Lock if held => seen.errors.len() == seen.timeouts && entries_right,
            Part::Next | Part::Committed | Part::Live => seen.errors.is_empty() && entries_right,
            Part::Shared if bit / 8 / 8 * 8 == RESERVED_AT => {
                seen.errors.is_empty() && entries_right
            }
            Part::Tags(_) => true,
            Part::Version(_) | Part::Overflow(_) => seen.phantoms == 0,
            _ => seen.is_right(),
        };
        if !right || !seen.foreign.is_empty() || !seen.endless.is_empty() {
            return Err(format!("{seen:?}"));
        }
        let may_suffer = |key: &String| match part {
            Part::Tags(bucket) | Part::Version(bucket) => {
                is_made_here(key) || self.bytes_in[bucket].contains(key)
            }
            Part::Overflow(bucket) => !self.lives_in[bucket].contains(key),
            _ => false,
        };
        match seen.hidden.union(&seen.older).find(|key| !may_suffer(key)) {
            Some(key) => Err(format!("{key:?} is affected: {seen:?}")),
            None => Ok(()),
        }
    }
}

/// The keys that `writes` inserts, wherever there is room.
fn is_made_here(key: &str) -> bool {
    ["new", "fresh", "too-many", "absent"].contains(&key)
}

/// What a flip of this bit makes of a free lock word.
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
            heart.note(i, outcome as u64);
        },
    );
    let mut figures: BTreeMap<&str, [usize; 6]> = BTreeMap::new();
    let mut violations = Vec::new();
    for (&bit, &outcome) in bits.iter().zip(&outcomes.of) {
        let part = format.part(bit / 8);
        let class = usize::try_from(outcome).expect("a class");
        figures.entry(part.name()).or_default()[class] += 1;
        if outcome == Outcome::Wrong as u64 {
            violations.push(format!("bit {} of byte {} ({part:?})", bit % 8, bit / 8));
        }
    }
    for (i, how) in &outcomes.troubles {
        let (bit, part) = (bits[*i], format.part(bits[*i] / 8));
        violations.push(format!(
            "bit {} of byte {} ({part:?}): {how}",
            bit % 8,
            bit / 8
        ));
    }
    for (part, [cut_short, detected, harmless, errors, damaged, wrong]) in figures {
        Report::new("T9", &format!("{which}{part}"))
            .count(
                "bits",
                cut_short + detected + harmless + errors + damaged + wrong,
            )
            .count("detected", detected)
            .count("harmless", harmless)
            .count("clean errors", errors)
            .count("damaged answers", damaged)
            .count("wrong", wrong + cut_short)
            .print();
    }
    Report::new("T9", &format!("{which}all"))
        .count("bits", bits.len())
        .require(&violations)
}
