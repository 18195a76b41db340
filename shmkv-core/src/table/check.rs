//! Consistency check: every contradiction between a table's tags, slots and
//! counters.
//!
//! It reads without a lock, so its result is exact only while no
//! process writes. It counts in loops of its own: the tests run it after every death, and
//! would otherwise compare recovery with itself.

use std::collections::HashSet;
use std::fmt;

use super::commit::{NUMBER, STICKY};
use super::hash::BucketIndex;
use super::tags::Tags;
use super::{Table, WRITING};
use crate::bytes::ReadInto;
use crate::layout::{CLASSES, Geometry, MAX_LIVE};
use crate::sync::{Ordering::Acquire, Ordering::Relaxed, fence};

/// A contradiction in a map's memory; see
/// [`ShmReader::check`](crate::ShmReader::check).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A shard's entry counter differs from its number of entries.
    Count {
        /// The shard.
        shard: usize,
        /// Entries in the shard.
        entries: u64,
        /// What the counter says.
        counter: u64,
    },
    /// An overflow counter of a bucket is too high: lookups may probe one bucket
    /// too many.
    CounterHigh {
        /// The shard.
        shard: usize,
        /// The bucket, counted within the shard.
        bucket: usize,
    },
    /// An overflow counter of a bucket is too low: lookups miss an entry that
    /// lives further along its path.
    CounterLow {
        /// The shard.
        shard: usize,
        /// The bucket, counted within the shard.
        bucket: usize,
    },
    /// An entry is in a bucket, or has a tag, where no lookup finds it.
    Misplaced {
        /// The shard.
        shard: usize,
        /// The bucket, counted within the shard.
        bucket: usize,
        /// The slot, counted within the bucket.
        slot: usize,
    },
    /// The version of a live slot is zero, marked as being written, or higher than
    /// any that was handed out.
    Version {
        /// The shard.
        shard: usize,
        /// The bucket, counted within the shard.
        bucket: usize,
        /// The slot, counted within the bucket.
        slot: usize,
    },
    /// A key has two entries.
    Duplicate {
        /// The shard.
        shard: usize,
        /// The bucket of the second entry, counted within the shard.
        bucket: usize,
        /// The slot, counted within the bucket.
        slot: usize,
    },
    /// A bucket has no vacant slot, so none of its entries can be updated.
    NoVacancy {
        /// The shard.
        shard: usize,
        /// The bucket, counted within the shard.
        bucket: usize,
    },
    /// A change of this shard is under way, or its writer died.
    Unfinished {
        /// The shard.
        shard: usize,
    },
    /// The map holds more than `N` entries.
    TooMany {
        /// Entries in the map.
        entries: u64,
        /// Entries that fit: `N`.
        capacity: u64,
    },
}

impl Fault {
    /// Whether the next writer repairs this fault, and no operation fails or goes
    /// wrong until then. A writer that is killed leaves no other faults.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        matches!(
            self,
            Self::Count { .. } | Self::CounterHigh { .. } | Self::Unfinished { .. }
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count {
                shard,
                entries,
                counter,
            } => write!(
                f,
                "shard {shard}: {entries} entries, but its counter says {counter}"
            ),
            Self::CounterHigh { shard, bucket } => {
                write!(
                    f,
                    "shard {shard}, bucket {bucket}: an overflow counter is too high"
                )
            }
            Self::CounterLow { shard, bucket } => write!(
                f,
                "shard {shard}, bucket {bucket}: an overflow counter is too low and hides an entry"
            ),
            Self::Misplaced {
                shard,
                bucket,
                slot,
            } => write!(
                f,
                "shard {shard}, bucket {bucket}, slot {slot}: misplaced entry, no lookup finds it"
            ),
            Self::Version {
                shard,
                bucket,
                slot,
            } => write!(
                f,
                "shard {shard}, bucket {bucket}, slot {slot}: impossible version"
            ),
            Self::Duplicate {
                shard,
                bucket,
                slot,
            } => write!(
                f,
                "shard {shard}, bucket {bucket}, slot {slot}: second entry of the same key"
            ),
            Self::NoVacancy { shard, bucket } => {
                write!(f, "shard {shard}, bucket {bucket}: no vacant slot")
            }
            Self::Unfinished { shard } => write!(f, "shard {shard}: unfinished change"),
            Self::TooMany { entries, capacity } => {
                write!(f, "{entries} entries in a map of {capacity}")
            }
        }
    }
}

impl<G: Geometry> Table<'_, G> {
    /// All contradictions in the table.
    pub(crate) fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut entries = 0;
        for shard in 0..self.shard_count() {
            entries += self.check_shard(shard, &mut faults);
        }
        let capacity = self.capacity() as u64;
        if entries > capacity {
            faults.push(Fault::TooMany { entries, capacity });
        }
        faults
    }

    /// Checks one shard, and returns the number of its entries.
    fn check_shard(&self, shard: usize, faults: &mut Vec<Fault>) -> u64 {
        let words = self.shard(shard);
        let issued = words.issued.load(Relaxed) & NUMBER;
        let mut keys = HashSet::new();
        let mut entries = 0;
        for bucket in self.buckets_of(shard) {
            entries += self.check_bucket(shard, bucket, issued, &mut keys, faults);
        }
        self.check_counters(shard, faults);
        let counter = words.live.load(Relaxed);
        if counter != entries {
            faults.push(Fault::Count {
                shard,
                entries,
                counter,
            });
        }
        if words.intent.load(Relaxed) != 0
            || words.committed.load(Relaxed) != words.issued.load(Relaxed)
        {
            faults.push(Fault::Unfinished { shard });
        }
        entries
    }

    /// Checks the entries of one bucket, and returns their number. `keys` are those of
    /// the shard so far.
    fn check_bucket(
        &self,
        shard: usize,
        at: BucketIndex,
        issued: u64,
        keys: &mut HashSet<Vec<u8>>,
        faults: &mut Vec<Fault>,
    ) -> u64 {
        let bucket = self.index_in(shard, at);
        let tags = Tags(self.bucket(at).tags.load(Relaxed));
        fence(Acquire);
        if tags.live().count() > MAX_LIVE {
            faults.push(Fault::NoVacancy { shard, bucket });
        }
        for slot in tags.live() {
            let words = self.slot(at.slot(slot));
            let version = words.version.load(Relaxed);
            if version & WRITING != 0 || version == 0 || version > issued {
                faults.push(Fault::Version {
                    shard,
                    bucket,
                    slot,
                });
            }
            let mut key = vec![0; self.geometry.dimensions().key_len()];
            key.copy_from(words.key);
            let hash = self.hash(&key);
            if self.shard_of_hash(hash) != shard || hash.tag() != tags.of(slot) {
                faults.push(Fault::Misplaced {
                    shard,
                    bucket,
                    slot,
                });
            }
            if !keys.insert(key) {
                faults.push(Fault::Duplicate {
                    shard,
                    bucket,
                    slot,
                });
            }
        }
        tags.live().count() as u64
    }

    /// Compares every overflow counter with the entries that it counts.
    fn check_counters(&self, shard: usize, faults: &mut Vec<Fault>) {
        let mut exact = vec![[0_u64; CLASSES]; self.buckets_per_shard()];
        for bucket in self.buckets_of(shard) {
            for slot in Tags(self.bucket(bucket).tags.load(Relaxed)).live() {
                let hash = self.hash_of_entry(bucket.slot(slot));
                if self.shard_of_hash(hash) == shard {
                    for passed in self.path(hash).until(bucket) {
                        exact[self.index_in(shard, passed)][hash.class()] += 1;
                    }
                }
            }
        }
        for (at, exact) in self.buckets_of(shard).zip(&exact) {
            let bucket = self.index_in(shard, at);
            for (counter, exact) in self.bucket(at).overflow.iter().zip(exact) {
                let counter = counter.load(Relaxed);
                if u64::from(counter) < (*exact).min(u64::from(STICKY)) {
                    faults.push(Fault::CounterLow { shard, bucket });
                } else if u64::from(counter) > *exact && counter != STICKY {
                    faults.push(Fault::CounterHigh { shard, bucket });
                }
            }
        }
    }
}
