//! Does a table agree with itself?
//!
//! Reads everything once, without a lock: exact while nobody writes. Used by
//! people and tools that suspect a segment, and by the tests after every crash.

use std::fmt;

use super::tags::Tags;
use super::{Intent, NUMBER, Table, WRITING};
use crate::bytes::Sink;
use crate::layout::{CLASSES, Geometry, MAX_LIVE};
use crate::sync::{Ordering::Acquire, Ordering::Relaxed, fence};

/// A contradiction in a map's memory; see
/// [`ShmReader::check`](crate::ShmReader::check).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A shard's number of entries is not what its counter says.
    Count {
        /// The shard.
        shard: usize,
        /// Entries that live there.
        entries: u64,
        /// What the counter says.
        counter: u64,
    },
    /// A bucket's counter of passers-by is higher than it must be: lookups may
    /// take a step too many.
    CounterHigh {
        /// The shard.
        shard: usize,
        /// The bucket in it.
        bucket: usize,
    },
    /// A bucket's counter of passers-by is lower than it must be: an entry
    /// beyond it cannot be found.
    CounterLow {
        /// The shard.
        shard: usize,
        /// The bucket in it.
        bucket: usize,
    },
    /// An entry is in a place, or has a tag, where no lookup finds it.
    Misplaced {
        /// The shard.
        shard: usize,
        /// The bucket in it.
        bucket: usize,
        /// The slot in that.
        slot: usize,
    },
    /// A live slot's version is no version, or was never handed out.
    Version {
        /// The shard.
        shard: usize,
        /// The bucket in it.
        bucket: usize,
        /// The slot in that.
        slot: usize,
    },
    /// A key has two entries.
    Duplicate {
        /// The shard.
        shard: usize,
        /// The bucket in it with the second entry.
        bucket: usize,
        /// The slot in that.
        slot: usize,
    },
    /// A bucket has no vacant slot, so none of its entries can be changed.
    NoVacancy {
        /// The shard.
        shard: usize,
        /// The bucket in it.
        bucket: usize,
    },
    /// A change of this shard is under way, or its author died.
    Unfinished {
        /// The shard.
        shard: usize,
    },
    /// The map holds more entries than fit.
    TooMany {
        /// Entries that live.
        entries: u64,
        /// Entries that fit.
        capacity: u64,
    },
}

impl Fault {
    /// Whether the next writer repairs this, and no operation goes wrong until
    /// then: what a writer that was killed may leave behind.
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
                "shard {shard} holds {entries} entries, its counter says {counter}"
            ),
            Self::CounterHigh { shard, bucket } => {
                write!(f, "shard {shard}, bucket {bucket}: a counter is too high")
            }
            Self::CounterLow { shard, bucket } => write!(
                f,
                "shard {shard}, bucket {bucket}: a counter is too low and hides an entry"
            ),
            Self::Misplaced {
                shard,
                bucket,
                slot,
            } => write!(
                f,
                "shard {shard}, bucket {bucket}, slot {slot}: no lookup finds this entry"
            ),
            Self::Version {
                shard,
                bucket,
                slot,
            } => write!(
                f,
                "shard {shard}, bucket {bucket}, slot {slot}: the version is impossible"
            ),
            Self::Duplicate {
                shard,
                bucket,
                slot,
            } => write!(
                f,
                "shard {shard}, bucket {bucket}, slot {slot}: a second entry of the same key"
            ),
            Self::NoVacancy { shard, bucket } => {
                write!(f, "shard {shard}, bucket {bucket}: no slot is vacant")
            }
            Self::Unfinished { shard } => write!(f, "shard {shard}: a change is unfinished"),
            Self::TooMany { entries, capacity } => {
                write!(f, "{entries} entries where {capacity} fit")
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
