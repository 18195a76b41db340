//! What instructions cost while the processor waits for memory.
//!
//! The processor works on as many operations at once as fit its window of some hundred
//! instructions; the longer the operation, the fewer fit. The loops here only access the
//! memory of a `get` or an update, with the same dependencies, and add `nop`s: that is
//! the least time that an operation of so many instructions takes. Then the map itself is
//! measured.

use std::arch::asm;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::AcqRel, Ordering::Relaxed};
use std::time::Instant;

use shmkv_core::Map;

use crate::figures::{head, row};
use crate::outcome::Outcome;
use crate::process::{pin, processors};
use crate::seed::SEED;

/// As in the map: eight tags, eight counters.
struct Bucket([AtomicU64; 2]);
/// A version, a key of eight bytes, a value of 64.
struct Slot([AtomicU64; 10]);
#[repr(align(256))]
struct Shard(AtomicU32);

/// The memory of a map of `u64` and 64 bytes.
struct Bare {
    shards: Vec<Shard>,
    buckets: Vec<Bucket>,
    slots: Vec<Slot>,
    /// The buckets that are accessed, in order, and their shards.
    accesses: Vec<(usize, usize)>,
}

const ACCESSES: usize = 200_000;
const REPETITIONS: usize = 9;

impl Bare {
    fn new(shards: usize, buckets: usize) -> Self {
        let mut random = fastrand::Rng::with_seed(SEED);
        let bucket = |_| Bucket([AtomicU64::new(random.u64(..8)), AtomicU64::new(0)]);
        let buckets: Vec<_> = (0..buckets).map(bucket).collect();
        let slot = |_| Slot(std::array::from_fn(|_| AtomicU64::new(1)));
        Self {
            shards: (0..shards).map(|_| Shard(AtomicU32::new(0))).collect(),
            slots: (0..8 * buckets.len()).map(slot).collect(),
            accesses: (0..ACCESSES)
                .map(|_| random.usize(..buckets.len()))
                .map(|bucket| (bucket, bucket * shards / buckets.len()))
                .collect(),
            buckets,
        }
    }

    /// Reads the bucket, then the slot that it names, and copies the value. Returns
    /// whether everything was as expected.
    fn read<const NOPS: usize>(&self) -> bool {
        for &(access, _) in &self.accesses {
            nops::<NOPS>();
            let index = self.buckets[access].0[0].load(Relaxed) as usize % 8;
            let slot = &self.slots[8 * access + index].0;
            if slot[1].load(Relaxed) != 1 {
                return false;
            }
            let value: [u64; 8] = std::array::from_fn(|word| slot[2 + word].load(Relaxed));
            black_box(value);
        }
        true
    }

    /// The same, but writes to another slot and changes the bucket, under a lock.
    fn write<const NOPS: usize>(&self) -> bool {
        for &(access, shard) in &self.accesses {
            nops::<NOPS>();
            let bucket = &self.buckets[access].0[0];
            let index = bucket.load(Relaxed) as usize % 8;
            let lock = &self.shards[shard].0;
            if lock.compare_exchange(0, 1, AcqRel, Relaxed).is_err() {
                return false;
            }
            if self.slots[8 * access + index].0[1].load(Relaxed) != 1 {
                return false;
            }
            let other = (index + 1) % 8;
            for word in &self.slots[8 * access + other].0 {
                word.store(1, Relaxed);
            }
            bucket.store(other as u64, Relaxed);
            if lock.compare_exchange(1, 0, AcqRel, Relaxed).is_err() {
                return false;
            }
        }
        true
    }
}

#[inline(always)]
fn nops<const NOPS: usize>() {
    // SAFETY: a `nop` does nothing.
    unsafe {
        asm!(".rept {n}", "nop", ".endr", n = const NOPS,
            options(nomem, nostack, preserves_flags));
    }
}

type Loop<'a> = (&'static str, Box<dyn FnMut() -> bool + 'a>);

/// The nanoseconds per access of each loop: medians of interleaved repetitions.
fn measure(loops: &mut [Loop<'_>]) -> Outcome<Vec<f64>> {
    let mut times = vec![Vec::new(); loops.len()];
    for _ in 0..REPETITIONS {
        for ((name, run), times) in loops.iter_mut().zip(&mut times) {
            let warm = run();
            let start = Instant::now();
            if !(warm & run()) {
                return Err(format!("the loop {name:?} found another value").into());
            }
            times.push(start.elapsed().as_nanos() as f64 / ACCESSES as f64);
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    Ok(times.iter().map(|times| times[REPETITIONS / 2]).collect())
}

/// The name of each loop, and its nanoseconds per access.
fn compare<const N: usize>(shards: usize, buckets: usize) -> Outcome<Vec<(&'static str, f64)>> {
    let bare = Bare::new(shards, buckets);
    let map = Map::<N, u64, [u8; 64]>::create_anonymous()?;
    let mut random = fastrand::Rng::with_seed(SEED);
    let keys: Vec<u64> = (0..N).map(|_| random.u64(..)).collect();
    for key in &keys {
        map.insert(*key, [1; 64])?;
    }
    let asked: Vec<u64> = (0..ACCESSES).map(|_| keys[random.usize(..N)]).collect();
    let value = black_box([2; 64]);
    let mut loops: Vec<Loop<'_>> = vec![
        ("read", Box::new(|| bare.read::<0>())),
        ("read, 25 nops", Box::new(|| bare.read::<25>())),
        ("read, 50 nops", Box::new(|| bare.read::<50>())),
        ("read, 75 nops", Box::new(|| bare.read::<75>())),
        ("read, 100 nops", Box::new(|| bare.read::<100>())),
        ("write", Box::new(|| bare.write::<0>())),
        ("write, 50 nops", Box::new(|| bare.write::<50>())),
        ("write, 100 nops", Box::new(|| bare.write::<100>())),
        ("write, 150 nops", Box::new(|| bare.write::<150>())),
        (
            "get",
            Box::new(|| {
                asked.iter().all(|key| {
                    let found = map.get(key);
                    black_box(&found);
                    matches!(found, Ok(Some(_)))
                })
            }),
        ),
        (
            "set",
            Box::new(|| asked.iter().all(|key| map.set(key, value).is_ok())),
        ),
    ];
    let times = measure(&mut loops)?;
    let names = loops.iter().map(|(name, _)| *name);
    Ok(names.zip(times).collect())
}

pub(crate) fn run() -> Outcome {
    pin(processors()?[0])?;
    // With the shards and buckets of such maps.
    let near = compare::<16_384>(16, 3_344)?;
    let far = compare::<1_000_000>(512, 204_288)?;
    head(&["ns", "16,384 entries", "1,000,000 entries"]);
    for ((name, near), (_, far)) in near.into_iter().zip(far) {
        row(&[name, &format!("{near:.1}"), &format!("{far:.1}")]);
    }
    Ok(())
}
