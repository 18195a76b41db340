//! What is asked: the same keys, in the same random order, of every candidate.
//!
//! Key number `i` is a function of `i` alone, so that every process asks for the
//! same entries without being told. Small maps are asked through an index into
//! their few keys, as in a program that keeps asking for the same things. Large
//! ones are asked for keys that lie in memory in the order of asking: then what
//! is measured is the map's memory, not that of the list of questions.

use std::fmt::Debug;
use std::hash::Hash;

use bytemuck::Pod;
use heed::{Comparator, DefaultComparator, IntegerComparator};
use iceoryx2::prelude::ZeroCopySend;

/// A key of the benchmark: a number, or random bytes.
pub(crate) trait Key: Pod + Eq + Hash + Debug + Send + Sync + ZeroCopySend {
    /// How LMDB orders such keys best.
    type Order: Comparator + 'static;

    /// Key number `i`; different for every `i`.
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

/// SplitMix64: a bijection, so numbers that differ give words that differ.
fn scramble(i: u64) -> u64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One question: where its key lies, which of the N entries that is, and a die.
#[derive(Clone, Copy)]
pub(crate) struct Pick {
    key: u32,
    entry: u32,
    /// 0 to 99: below the share of updates, the question is an update.
    die: u32,
}

/// A key, and which of the N entries it names; the latter is for candidates that
/// have resolved their entries beforehand.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'k, K> {
    pub(crate) key: &'k K,
    pub(crate) entry: usize,
}

/// How many keys a batch of gets has.
pub(crate) const BATCH: usize = 64;

/// Questions and their keys; asked round and round.
pub(crate) struct Questions<K> {
    keys: Vec<K>,
    /// A multiple of [`BATCH`].
    picks: Vec<Pick>,
}

impl<K> Questions<K> {
    /// How many there are before they repeat.
    pub(crate) fn len(&self) -> usize {
        self.picks.len()
    }

    /// Calls `ask` with `count` questions, from the `from`th on.
    #[inline(always)]
    pub(crate) fn each<E>(
        &self,
        from: usize,
        count: usize,
        mut ask: impl FnMut(Ask<'_, K>, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start = from % self.picks.len();
        let mut left = count;
        while left > 0 {
            let end = self.picks.len().min(start + left);
            for pick in &self.picks[start..end] {
                let key = &self.keys[pick.key as usize];
                let entry = pick.entry as usize;
                ask(Ask { key, entry }, pick.die)?;
            }
            left -= end - start;
            start = 0;
        }
        Ok(())
    }

    /// The same in batches; `from` and `count` are rounded down to whole ones.
    #[inline(always)]
    pub(crate) fn batches<E>(
        &self,
        from: usize,
        count: usize,
        mut ask: impl FnMut([Ask<'_, K>; BATCH]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (batches, _) = self.picks.as_chunks::<BATCH>();
        let mut rest = batches.iter().cycle().skip(from / BATCH % batches.len());
        for _ in 0..count / BATCH {
            let Some(batch) = rest.next() else { break };
            ask(batch.map(|pick| Ask {
                key: &self.keys[pick.key as usize],
                entry: pick.entry as usize,
            }))?;
        }
        Ok(())
    }
}

/// Below this many entries, keys are asked for through an index.
const SMALL: usize = 4096;
/// So many questions at most, before they repeat.
const MANY: usize = 1 << 20;
const FEW: usize = 1 << 13;
/// How many different absent keys a small map is asked for.
const ABSENT: usize = 512;

/// Everything that a map of `n` entries is asked.
pub(crate) struct Script<K, const V: usize> {
    pub(crate) n: usize,
    /// Keys that are in the map.
    pub(crate) hits: Questions<K>,
    /// Keys that never are.
    pub(crate) misses: Questions<K>,
    /// All N keys once, in the order in which they enter the map.
    pub(crate) entering: Vec<(K, u32)>,
    /// Values to be stored, in turn.
    values: [[u8; V]; 16],
}

impl<K: Key, const V: usize> Script<K, V> {
    /// The questions that number `who` of several askers asks.
    pub(crate) fn new(n: usize, who: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(0x5eed + who);
        let asked = n.next_power_of_two().clamp(FEW, MANY);
        let (keys, picks) = questions(&mut rng, asked, n, 0, n);
        let hits = Questions { keys, picks };
        let absent = if n < SMALL { ABSENT } else { n };
        let (keys, picks) = questions(&mut rng, asked, absent, n, n);
        let misses = Questions { keys, picks };

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

    /// The value that is stored next, if `turn` have been.
    #[inline(always)]
    pub(crate) fn value(&self, turn: usize) -> &[u8; V] {
        &self.values[turn % self.values.len()]
    }
}

/// `count` questions for random ones of the keys number `first` to
/// `first + among`.
fn questions<K: Key>(
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
