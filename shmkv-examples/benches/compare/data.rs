//! The accesses: the same keys, in the same random order, for every candidate.
//!
//! Key number `i` depends on `i` only, so that every process accesses the same entries
//! without communication. For small maps, an access is an index into the few keys, as in
//! a program that keeps using the same ones. For large maps, the keys are in memory in
//! the order of access: so the memory that is measured is the map's, not that of the
//! list of accesses.

use std::fmt::Debug;
use std::hash::Hash;

use bytemuck::Pod;
use heed::{Comparator, DefaultComparator, IntegerComparator};
use iceoryx2::prelude::ZeroCopySend;

/// A key: a number or random bytes.
pub(crate) trait Key: Pod + Eq + Hash + Debug + Send + Sync + ZeroCopySend {
    /// The order of such keys that is fastest in LMDB.
    type Order: Comparator + 'static;

    /// Key number `i`. All keys differ.
    fn nth(i: u64) -> Self;
}

impl Key for u64 {
    type Order = IntegerComparator;

    fn nth(i: u64) -> Self {
        scramble(i)
    }
}

impl Key for [u8; 64] {
    type Order = DefaultComparator;

    fn nth(i: u64) -> Self {
        let mut words = [0; 8];
        for (word, at) in words.iter_mut().zip(0..) {
            *word = scramble(8 * i + at);
        }
        bytemuck::cast(words)
    }
}

/// SplitMix64, a bijection: different numbers give different words.
fn scramble(i: u64) -> u64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One access: the index of its key, which of the N entries that is, and a random number.
#[derive(Clone, Copy)]
pub(crate) struct Pick {
    key: u32,
    entry: u32,
    /// 0 to 99. Below the percentage of updates, the access is an update.
    die: u32,
}

/// A key and which of the N entries that is, for candidates that resolved their entries
/// beforehand.
#[derive(Clone, Copy)]
pub(crate) struct Access<'k, K> {
    pub(crate) key: &'k K,
    pub(crate) entry: usize,
}

/// The number of keys in a batch of gets.
pub(crate) const BATCH: usize = 64;

/// Accesses and their keys, repeated in a cycle.
pub(crate) struct Sequence<K> {
    keys: Vec<K>,
    /// A multiple of [`BATCH`].
    picks: Vec<Pick>,
}

impl<K> Sequence<K> {
    /// The number of accesses before they repeat.
    pub(crate) fn len(&self) -> usize {
        self.picks.len()
    }

    /// Calls `access` for `count` accesses, starting with number `from`.
    #[inline(always)]
    pub(crate) fn each<E>(
        &self,
        from: usize,
        count: usize,
        mut access: impl FnMut(Access<'_, K>, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start = from % self.picks.len();
        let mut left = count;
        while left > 0 {
            let end = self.picks.len().min(start + left);
            for pick in &self.picks[start..end] {
                let key = &self.keys[pick.key as usize];
                let entry = pick.entry as usize;
                access(Access { key, entry }, pick.die)?;
            }
            left -= end - start;
            start = 0;
        }
        Ok(())
    }

    /// The same in batches; `from` and `count` are rounded down to whole batches.
    #[inline(always)]
    pub(crate) fn batches<E>(
        &self,
        from: usize,
        count: usize,
        mut access: impl FnMut([Access<'_, K>; BATCH]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (batches, _) = self.picks.as_chunks::<BATCH>();
        let mut rest = batches.iter().cycle().skip(from / BATCH % batches.len());
        for _ in 0..count / BATCH {
            let Some(batch) = rest.next() else { break };
            access(batch.map(|pick| Access {
                key: &self.keys[pick.key as usize],
                entry: pick.entry as usize,
            }))?;
        }
        Ok(())
    }
}

/// Below this many entries, an access is an index into the keys.
const SMALL: usize = 4096;
/// The maximum number of accesses before they repeat.
const MANY: usize = 1 << 20;
/// The minimum number of accesses before they repeat.
const FEW: usize = 1 << 13;
/// The number of absent keys that are looked up in a small map.
const ABSENT: usize = 512;

/// All accesses to a map of `n` entries.
pub(crate) struct Script<K, const V: usize> {
    pub(crate) n: usize,
    /// Keys that are in the map.
    pub(crate) hits: Sequence<K>,
    /// Keys that are never in the map.
    pub(crate) misses: Sequence<K>,
    /// All N keys once, in the order in which they are inserted.
    pub(crate) entering: Vec<(K, u32)>,
    /// The values, stored in turn.
    values: [[u8; V]; 16],
}

impl<K: Key, const V: usize> Script<K, V> {
    /// The accesses of one worker; `worker` is its number.
    pub(crate) fn new(n: usize, worker: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(0x5eed + worker);
        let count = n.next_power_of_two().clamp(FEW, MANY);
        let (keys, picks) = sequence(&mut rng, count, n, 0, n);
        let hits = Sequence { keys, picks };
        let absent = if n < SMALL { ABSENT } else { n };
        let (keys, picks) = sequence(&mut rng, count, absent, n, n);
        let misses = Sequence { keys, picks };

        let mut order: Vec<u32> = (0..).take(n).collect();
        fastrand::Rng::with_seed(n as u64).shuffle(&mut order);
        let entering = order
            .into_iter()
            .map(|i| (K::nth(u64::from(i)), i))
            .collect();
        let values = std::array::from_fn(|_| std::array::from_fn(|_| rng.u8(..)));
        Self {
            n,
            hits,
            misses,
            entering,
            values,
        }
    }

    /// The value that is stored after `turn` others.
    #[inline(always)]
    pub(crate) fn value(&self, turn: usize) -> &[u8; V] {
        &self.values[turn % self.values.len()]
    }
}

/// `count` accesses to random keys, of those with the numbers `first` to `first + among`.
fn sequence<K: Key>(
    rng: &mut fastrand::Rng,
    count: usize,
    among: usize,
    first: usize,
    n: usize,
) -> (Vec<K>, Vec<Pick>) {
    let chosen: Vec<u32> = (0..count).map(|_| rng.u32(..among as u32)).collect();
    let nth = |i: u32| K::nth(first as u64 + u64::from(i));
    let indexed = among < SMALL;
    let keys = if indexed {
        (0..among as u32).map(nth).collect()
    } else {
        chosen.iter().copied().map(nth).collect()
    };
    let pick = |(at, entry): (usize, u32)| Pick {
        key: if indexed { entry } else { at as u32 },
        entry: entry % n as u32,
        die: rng.u32(..100),
    };
    let picks = chosen.iter().copied().enumerate().map(pick).collect();
    (keys, picks)
}
