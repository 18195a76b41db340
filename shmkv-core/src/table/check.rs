//! Consistency check: every contradiction between a table's tags, slots and
//! counters.
//!
//! It reads everything once, without a lock, so its result is exact only while no
//! process writes. Counters are recomputed in another way than `recover` does it,
//! so that the tests, which run it after every death, do not compare recovery with
//! itself.

use std::fmt;

use super::tags::Tags;
use super::{Intent, NUMBER, Table, WRITING};
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
    /// Everything in which the table contradicts itself.
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

    fn check_shard(&self, shard: usize, faults: &mut Vec<Fault>) -> u64 {
        let words = self.shard(shard);
        let next = words.next.load(Relaxed) & NUMBER;
        let mut keys = std::collections::HashSet::new();
        let mut entries = 0;
        for bucket in 0..self.buckets_per_shard() {
            let tags = Tags(self.bucket(shard, bucket).tags.load(Relaxed));
            fence(Acquire);
            if tags.live().count() > MAX_LIVE {
                faults.push(Fault::NoVacancy { shard, bucket });
            }
            for slot in tags.live() {
                entries += 1;
                let words = self.slot(shard, bucket, slot);
                let version = words.version.load(Relaxed);
                if version & WRITING != 0 || version == 0 || version > next {
                    faults.push(Fault::Version {
                        shard,
                        bucket,
                        slot,
                    });
                }
                let mut key = vec![0; self.key_len()];
                key.copy_from(words.key);
                let place = self.place(self.hash(&key));
                if place.shard != shard || place.tag != tags.of(slot) {
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
        let intent = Intent::from_word(words.intent.load(Relaxed), self.buckets_per_shard());
        if intent != Intent::None || words.committed.load(Relaxed) != words.next.load(Relaxed) {
            faults.push(Fault::Unfinished { shard });
        }
        entries
    }

    /// Compares every counter with the entries that it should count, which are
    /// counted by walking each entry's path, not as recovery does it.
    fn check_counters(&self, shard: usize, faults: &mut Vec<Fault>) {
        let mut exact = vec![[0_u64; CLASSES]; self.buckets_per_shard()];
        for bucket in 0..self.buckets_per_shard() {
            let tags = Tags(self.bucket(shard, bucket).tags.load(Relaxed));
            for slot in tags.live() {
                let mut key = vec![0; self.key_len()];
                key.copy_from(self.slot(shard, bucket, slot).key);
                let place = self.place(self.hash(&key));
                let mut passed = place.home;
                while passed != bucket && place.shard == shard {
                    exact[passed][place.class] += 1;
                    passed = self.after(passed);
                }
            }
        }
        for (bucket, exact) in exact.iter().enumerate() {
            let counters = &self.bucket(shard, bucket).overflow;
            for (counter, exact) in counters.iter().zip(exact) {
                let counter = counter.load(Relaxed);
                // 255 stands for any number, since it is never lowered.
                if u64::from(counter) < (*exact).min(255) {
                    faults.push(Fault::CounterLow { shard, bucket });
                } else if u64::from(counter) > *exact && counter != u8::MAX {
                    faults.push(Fault::CounterHigh { shard, bucket });
                }
            }
        }
    }
}
