//! The hash table: buckets, slots, probing, publishing, reading, repair.
//!
//! Nothing here makes a system call or knows where the memory comes from, so
//! models and fuzzers run exactly this code. The rules, which every function
//! keeps and the design document argues for:
//!
//! 1. A slot's bytes are written only while its tag is 0.
//! 2. A slot becomes live, and stops being live, by one store to its bucket's
//!    `tags` and by nothing else; an update does both in the same store.
//! 3. Before the first byte of a vacant slot is written its version is marked
//!    [`WRITING`]; when all are written it gets a number never used before
//!    in the shard.
//! 4. An entry never changes its bucket while it lives.
//! 5. Tags, slots and counters are changed only by the holder of the shard's
//!    lock, which an [`Exclusive`] proves.
//!
//! `read` is for everybody, at any time. `write` is for the holder of the lock.
//! `recover` is for the first holder after one that died.

mod ahead;
mod check;
mod read;
mod recover;
mod tags;
mod write;

use std::marker::PhantomData;

use rapidhash::v3::{RapidSecrets, rapidhash_v3_inline};

pub(crate) use self::ahead::{Guess, Spot};
pub use self::check::Fault;
pub(crate) use self::read::Entries;
pub(crate) use self::write::{Change, Condition, NoRoom, Stored};
use crate::layout::{Bucket, CLASSES, Geometry, MAX_LIVE, SLOTS, Shard, Shared};
use crate::sync::{self, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Part};
use tags::Tags;

/// Set in a slot's version while its bytes are being written.
pub(crate) const WRITING: u64 = 1 << 63;
/// The bits of a version number; bit 62 is reserved for transactions.
pub(crate) const NUMBER: u64 = (1 << 62) - 1;

/// Proof that the lock of one shard is held, as long as it lives.
///
/// Only the lock makes one, and it lends it no longer than it holds the lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exclusive<'g> {
    shard: usize,
    guard: PhantomData<&'g ()>,
}

impl Exclusive<'_> {
    /// For the lock alone: the shard's lock is held while this exists.
    #[inline(always)]
    pub(crate) fn of_locked(shard: usize) -> Self {
        let guard = PhantomData;
        Self { shard, guard }
    }
}

/// The hash of a key; all of its [`Place`] follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hash(u64);

impl Hash {
    #[inline(always)]
    fn tag(self) -> u8 {
        (self.0 as u8).max(1)
    }

    #[inline(always)]
    fn class(self) -> usize {
        (self.0 >> 8) as usize % CLASSES
    }
}

/// Where a key belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Whose lock protects it.
    pub(crate) shard: usize,
    /// The bucket of that shard at which its path begins.
    pub(crate) home: usize,
    /// Its tag, never 0.
    pub(crate) tag: u8,
    /// Its class among those a bucket counts apart.
    pub(crate) class: usize,
}

/// A map's memory, and how its keys are hashed.
///
/// ```text
/// hash bit  0..8   tag
///           8..11  class
///          11..15  (event word, for watchers)
///      the top     home bucket, and so the shard: scaled by a multiplication
/// ```
#[derive(Clone, Copy)]
pub(crate) struct Table<'m, G> {
    geometry: G,
    shared: &'m Shared,
    shards: &'m [Shard],
    buckets: &'m [Bucket],
    slots: &'m [AtomicU64],
    secrets: &'m RapidSecrets,
}

impl<'m, G: Geometry> Table<'m, G> {
    /// A table over memory that is as large as its geometry says.
    pub(crate) fn new(
        geometry: G,
        shared: &'m Shared,
        shards: &'m [Shard],
        buckets: &'m [Bucket],
        slots: &'m [AtomicU64],
        secrets: &'m RapidSecrets,
    ) -> Self {
        debug_assert_eq!(shards.len(), geometry.dimensions().shards);
        debug_assert_eq!(buckets.len(), geometry.dimensions().buckets());
        debug_assert_eq!(slots.len(), geometry.dimensions().all_slot_words());
        Self {
            geometry,
            shared,
            shards,
            buckets,
            slots,
            secrets,
        }
    }

    #[inline(always)]
    fn capacity(&self) -> usize {
        self.geometry.dimensions().capacity
    }

    fn key_len(&self) -> usize {
        self.geometry.dimensions().key_len
    }

    #[inline(always)]
    fn shard_count(&self) -> usize {
        self.geometry.dimensions().shards
    }

    #[inline(always)]
    fn buckets_per_shard(&self) -> usize {
        self.geometry.dimensions().buckets_per_shard
    }

    /// The hash of `key`.
    #[inline(always)]
    pub(crate) fn hash(&self, key: &[u8]) -> Hash {
        Hash(rapidhash_v3_inline::<true, false, false>(key, self.secrets))
    }

    /// The bucket of the whole table at which the path of this hash begins.
    ///
    /// The hash as a fraction of 2^64, times the number of buckets; shards are
    /// runs of buckets, so that no reader needs to know its shard.
    #[inline(always)]
    fn home(&self, Hash(hash): Hash) -> usize {
        let buckets = self.geometry.dimensions().buckets() as u128;
        ((u128::from(hash) * buckets) >> 64) as usize
    }

    /// Where the keys of this hash belong.
    #[inline(always)]
    pub(crate) fn place(&self, hash: Hash) -> Place {
        let home = self.home(hash);
        Place {
            shard: self.shard_of(home),
            home: home % self.buckets_per_shard(),
            tag: hash.tag(),
            class: hash.class(),
        }
    }

    /// The shard of a bucket of the whole table.
    #[inline(always)]
    pub(crate) fn shard_of(&self, at: usize) -> usize {
        at / self.buckets_per_shard()
    }

    /// The words of `shard` that its lock protects.
    #[inline(always)]
    pub(crate) fn shard(&self, shard: usize) -> &'m Shard {
        &self.shards[shard]
    }

    /// All shards, in the order in which several locks are taken.
    pub(crate) fn shards(&self) -> &'m [Shard] {
        self.shards
    }

    /// A bucket of a shard.
    #[inline(always)]
    fn bucket(&self, shard: usize, bucket: usize) -> &'m Bucket {
        self.bucket_at(shard * self.buckets_per_shard() + bucket)
    }

    /// A bucket of the whole table.
    #[inline(always)]
    fn bucket_at(&self, at: usize) -> &'m Bucket {
        &self.buckets[at]
    }

    /// A slot of a bucket of a shard.
    #[inline(always)]
    fn slot(&self, shard: usize, bucket: usize, slot: usize) -> Slot<'m> {
        self.slot_at(shard * self.buckets_per_shard() + bucket, slot)
    }

    /// A slot of a bucket of the whole table.
    #[inline(always)]
    fn slot_at(&self, at: usize, slot: usize) -> Slot<'m> {
        let words = self.words_of_slot(at, slot);
        let (key, value) = words[1..].split_at(self.geometry.dimensions().key_words);
        Slot {
            version: &words[0],
            key,
            value,
        }
    }

    /// All words of a slot.
    #[inline(always)]
    fn words_of_slot(&self, at: usize, slot: usize) -> &'m [AtomicU64] {
        let words = self.geometry.dimensions().slot_words;
        &self.slots[(at * SLOTS + slot) * words..][..words]
    }

    /// The bucket of the whole table after `at`, going round in its shard.
    #[inline(always)]
    fn after_at(&self, at: usize) -> usize {
        let next = at + 1;
        if next.is_multiple_of(self.buckets_per_shard()) {
            next - self.buckets_per_shard()
        } else {
            next
        }
    }

    /// The bucket after `bucket`, going round in its shard.
    #[inline(always)]
    fn after(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets_per_shard() {
            0
        } else {
            bucket + 1
        }
    }

    /// The bucket before `bucket`, going round in its shard.
    #[inline(always)]
    fn before(&self, bucket: usize) -> usize {
        let last = self.buckets_per_shard() - 1;
        bucket.checked_sub(1).unwrap_or(last)
    }

    /// How many steps lead from bucket `from` to bucket `to`.
    #[inline(always)]
    fn steps(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to - from
        } else {
            to + self.buckets_per_shard() - from
        }
    }

    /// How many entries live, at some moment for each shard.
    pub(crate) fn len(&self) -> usize {
        let live = self.shards.iter().fold(0_u64, |sum, shard| {
            sum.saturating_add(shard.live.load(Relaxed))
        });
        sync::fence_of(Part::TotalsAcquire, Acquire);
        let live = usize::try_from(live).unwrap_or(usize::MAX);
        live.min(self.capacity())
    }

    /// The sum of the shards' commit numbers: it grows with every change.
    pub(crate) fn version(&self) -> u64 {
        let sum = self.shards.iter().fold(0, |sum: u64, shard| {
            sum.wrapping_add(shard.committed.load(Relaxed))
        });
        sync::fence_of(Part::TotalsAcquire, Acquire);
        sum
    }

    /// Counts what people who debug ask for.
    pub(crate) fn census(&self) -> Census {
        let mut census = Census::default();
        for bucket in self.buckets {
            let full = !Tags(bucket.tags.load(Relaxed)).has_room();
            census.full += usize::from(full);
            let passed = bucket.overflow.iter().any(|count| count.load(Relaxed) != 0);
            census.overflowing += usize::from(passed);
        }
        for shard in self.shards {
            let takeovers = shard.takeovers.load(Relaxed);
            census.takeovers = census.takeovers.saturating_add(takeovers);
        }
        census
    }
}

/// What a walk over all buckets and shards finds.
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Buckets that have no room for another entry.
    pub(crate) full: usize,
    /// Buckets that some entry has passed.
    pub(crate) overflowing: usize,
    /// Takeovers in all shards.
    pub(crate) takeovers: u64,
}

/// The words of one slot.
struct Slot<'m> {
    version: &'m AtomicU64,
    key: &'m [AtomicU64],
    value: &'m [AtomicU64],
}

/// What the holder of a shard's lock is about to do to the overflow counters.
///
/// Stored before the first counter or tag changes and cleared when all agree
/// again, so that the next holder knows which counters to compute anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    /// No counter is in doubt.
    None,
    /// Those of the buckets from `home` up to, not including, `target`.
    Path { home: usize, target: usize },
    /// All of the shard's.
    All,
}

impl Intent {
    const PATH: u64 = 1 << 62;
    const ALL: u64 = 1 << 63;
    const INDEX: u64 = (1 << 31) - 1;

    fn to_word(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Path { home, target } => Self::PATH | (home as u64) << 31 | target as u64,
            Self::All => Self::ALL,
        }
    }

    /// Reads a word that anybody may have written: what makes no sense for a
    /// shard of `buckets` buckets puts every counter in doubt.
    fn from_word(word: u64, buckets: usize) -> Self {
        let home = (word >> 31 & Self::INDEX) as usize;
        let target = (word & Self::INDEX) as usize;
        if word == 0 {
            Self::None
        } else if word >> 62 == 1 && home < buckets && target < buckets {
            Self::Path { home, target }
        } else {
            Self::All
        }
    }
}
