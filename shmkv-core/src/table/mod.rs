//! The hash table: buckets, slots, probing, publishing, reading, recovery.
//!
//! Nothing here makes a system call or knows where the memory comes from, so models and
//! fuzzers run exactly this code. DESIGN.md argues why the following rules suffice:
//!
//! 1. A slot's bytes are written only while its tag is 0.
//! 2. A slot becomes live, and stops being live, by one store to its bucket's `tags`
//!    and by nothing else; an update does both in the same store.
//! 3. Before the first byte of a vacant slot is written, its version is marked
//!    [`WRITING`]; when all are written it gets a number never used before in the shard.
//! 4. An entry never changes its bucket while it lives.
//! 5. Tags, slots and counters are changed only under the shard's lock; every function
//!    that other modules call to change them takes a [`Held`], which proves it. (Only
//!    `reserved`, which all shards share, is an atomic counter of its own.)
//!
//! # Glossary
//!
//! | term | meaning |
//! |---|---|
//! | entry | a key with its value and version, in one slot |
//! | slot | the words of one entry: version, key, value; *live* if its tag is not 0, else *vacant* |
//! | bucket | eight slots and their index: a word of tags and eight overflow counters |
//! | tag | a byte of the key's hash, 1 to 255; 0 marks a vacant slot |
//! | shard | a run of buckets with one writer lock and the counters that it protects |
//! | home bucket | the bucket at which a key's path begins; it follows from the hash |
//! | path | a key's probe sequence: its home bucket and those after it, round the shard |
//! | class | one of eight groups of keys, three bits of the hash |
//! | overflow counter | for a bucket and a class: live entries that passed the bucket and live beyond it; never too low |
//! | displaced | said of an entry that does not live in its home bucket |
//! | number | drawn from a shard's `issued`, one for each change; a live slot's number is its *version* |
//! | publish | store tags: the moment at which a change becomes visible |
//! | commit | store a change's number to `committed`: the change is complete |
//! | intent | the word that names the overflow counters in doubt while a change is under way |
//! | validate | load tags or a version again, to prove that what was read in between was whole and live |
//! | insert, update, remove | a change that adds an entry, replaces its value, takes it away |
//! | hint | where a key or a vacant slot seemed to be without the lock; checked under it |
//! | recover | make the counters of a dead writer's shard agree with its entries |
//!
//! `lookup` and `scan` read, at any time and without a lock. `write` changes, by the
//! protocol in `commit`. `recover` is for the first holder after one that died.

mod change;
mod check;
mod commit;
mod hash;
mod intent;
mod lookup;
mod prefetch;
mod recover;
mod scan;
mod slot;
mod tags;
mod totals;
mod write;

use rapidhash::v3::RapidSecrets;

pub(crate) use self::change::{Change, Condition, NoRoom, Stored};
pub use self::check::Fault;
pub(crate) use self::commit::NUMBER;
pub(crate) use self::hash::{BucketIndex, Buckets, Hash};
pub(crate) use self::lookup::Lookup;
#[cfg(all(test, loom))]
pub(crate) use self::prefetch::UpdateHint;
pub(crate) use self::scan::Entries;
pub(crate) use self::slot::SlotIndex;
use crate::layout::{Bucket, Control, Geometry, Shard};
use crate::lock::Held;
use crate::sync::AtomicU64;

/// Set in a slot's version while its bytes are being written.
const WRITING: u64 = 1 << 63;

/// A map's memory, and how its keys are hashed.
#[derive(Clone, Copy)]
pub(crate) struct Table<'m, G> {
    geometry: G,
    control: &'m Control,
    shards: &'m [Shard],
    buckets: &'m [Bucket],
    slots: &'m [AtomicU64],
    secrets: &'m RapidSecrets,
}

impl<'m, G: Geometry> Table<'m, G> {
    /// A table over memory that is as large as its geometry says.
    pub(crate) fn new(
        geometry: G,
        control: &'m Control,
        shards: &'m [Shard],
        buckets: &'m [Bucket],
        slots: &'m [AtomicU64],
        secrets: &'m RapidSecrets,
    ) -> Self {
        debug_assert_eq!(shards.len(), geometry.dimensions().shards());
        debug_assert_eq!(buckets.len(), geometry.dimensions().buckets());
        debug_assert_eq!(slots.len(), geometry.dimensions().all_slot_words());
        Self {
            geometry,
            control,
            shards,
            buckets,
            slots,
            secrets,
        }
    }

    #[inline(always)]
    fn capacity(&self) -> usize {
        self.geometry.dimensions().capacity()
    }

    #[inline(always)]
    fn shard_count(&self) -> usize {
        self.geometry.dimensions().shards()
    }

    #[inline(always)]
    fn buckets_per_shard(&self) -> usize {
        self.geometry.dimensions().buckets_per_shard()
    }

    /// The shard whose lock is held. With one shard the compiler knows which.
    #[inline(always)]
    fn locked_shard(&self, held: Held<'_>) -> usize {
        if self.shard_count() == 1 {
            0
        } else {
            held.shard()
        }
    }

    /// The words of a shard: its lock, and the counters that the lock protects.
    #[inline(always)]
    pub(crate) fn shard(&self, shard: usize) -> &'m Shard {
        &self.shards[shard]
    }

    /// All shards, in the order in which several locks are taken.
    pub(crate) fn shards(&self) -> &'m [Shard] {
        self.shards
    }
}
