//! Recovery after a holder of a shard's lock has died.
//!
//! Every entry is whole: what the dead writer had not published is vacant, what it had
//! published is complete. Only counters can be wrong. They are computed anew from tags
//! and keys and written with one store each, never through zero, because readers run
//! meanwhile: a counter that is too high costs them a probe, one that is too low hides a
//! key.
//!
//! The recovering process may die too, at any instruction: nothing here depends on what an
//! earlier recovery has done, and the intent is cleared last.

use super::Table;
use super::commit::{clear_intent, commit, take_number};
use super::hash::{BucketIndex, Hash};
use super::intent::Intent;
use super::slot::SlotIndex;
use super::tags::Tags;
use crate::bytes::ReadInto;
use crate::layout::{Bucket, CLASSES, Geometry};
use crate::lock::Held;
use crate::sync::{Ordering::Relaxed, Ordering::Release, Rule};

/// Paths of up to this many buckets are recounted by themselves, without reading every
/// entry of the shard. Longer ones hardly occur.
const SHORT: usize = 16;

impl<G: Geometry> Table<'_, G> {
    /// Makes the shard's counters agree with its entries again.
    ///
    /// Takes time in proportion to the shard's buckets; to its entries, too, if the dead
    /// writer was clearing the map, or if the path in doubt is long.
    pub(crate) fn recover(&self, held: Held<'_>) {
        let shard = self.shard(self.locked_shard(held));
        let word = shard.intent.load(Relaxed);
        Rule::IntentLast.when_ablated(|| clear_intent(shard));
        match self.intent_of_word(self.locked_shard(held), word) {
            Intent::None => {}
            Intent::Path { home, target } if self.distance(home, target) <= SHORT => {
                self.recount_path(home, target);
            }
            Intent::Path { .. } | Intent::All => self.recount_shard(self.locked_shard(held)),
        }
        shard
            .live
            .store(self.live_in(self.locked_shard(held)), Release);
        // A number of its own, so that what the dead writer may have done counts as a
        // change.
        let number = take_number(shard);
        let takeovers = shard.takeovers.load(Relaxed).wrapping_add(1);
        shard.takeovers.store(takeovers, Release);
        commit(shard, number);
        clear_intent(shard);
    }

    /// Sets the counters of the buckets from `home` until `target`, from the last to the
    /// first, so that each walk beyond one of them ends at the first bucket that no entry
    /// has passed.
    fn recount_path(&self, home: BucketIndex, target: BucketIndex) {
        let path: Vec<BucketIndex> = self.path_from(home).until(target).collect();
        for bucket in path.into_iter().rev() {
            self.set_counters(bucket, self.passed_by(bucket));
        }
    }

    /// Counts, by class, the live entries that passed `bucket` and live beyond it.
    fn passed_by(&self, bucket: BucketIndex) -> [u8; CLASSES] {
        let mut exact = [0_u8; CLASSES];
        let mut path = self.path_from(bucket);
        while path.advance() {
            let later = path.bucket();
            for slot in Tags(self.bucket(later).tags.load(Relaxed)).live() {
                let hash = self.hash_of_entry(later.slot(slot));
                let home = self.home(hash);
                // An entry of another shard is damage; it counts nowhere.
                if self.shard_of(home) == self.shard_of(bucket)
                    && self.distance(home, bucket) < self.distance(home, later)
                {
                    let count = &mut exact[hash.class()];
                    *count = count.saturating_add(1);
                }
            }
            if is_last_of_all_paths(self.bucket(later)) {
                break;
            }
        }
        exact
    }

    /// Sets all counters of the shard, reading each entry once.
    fn recount_shard(&self, shard: usize) {
        let mut exact = vec![[0_u8; CLASSES]; self.buckets_per_shard()];
        for bucket in self.buckets_of(shard) {
            for slot in Tags(self.bucket(bucket).tags.load(Relaxed)).live() {
                let hash = self.hash_of_entry(bucket.slot(slot));
                // An entry of another shard is damage; it counts nowhere.
                if self.shard_of_hash(hash) != shard {
                    continue;
                }
                for passed in self.path(hash).until(bucket) {
                    let count = &mut exact[self.index_in(shard, passed)][hash.class()];
                    *count = count.saturating_add(1);
                }
            }
        }
        for (bucket, exact) in self.buckets_of(shard).zip(exact) {
            self.set_counters(bucket, exact);
        }
    }

    fn set_counters(&self, bucket: BucketIndex, exact: [u8; CLASSES]) {
        for (count, exact) in self.bucket(bucket).overflow.iter().zip(exact) {
            Rule::RecountInOneStore.when_ablated(|| count.store(0, Release));
            count.store(exact, Release);
        }
    }

    /// The hash of the key in a slot.
    pub(super) fn hash_of_entry(&self, slot: SlotIndex) -> Hash {
        self.geometry.with_key_buffer(|key| {
            key.copy_from(self.slot(slot).key);
            self.hash(key)
        })
    }
}

/// Whether no entry that passed this bucket lives beyond it. Overflow counters are never
/// too low, not even in the middle of a change.
fn is_last_of_all_paths(bucket: &Bucket) -> bool {
    bucket.overflow.iter().all(|count| count.load(Relaxed) == 0)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bytes;
    use crate::codec::ShmField;
    use crate::codec::role::{KeyRole, ValueRole};
    use crate::layout::Fixed;
    use crate::lock::{self, Os};
    use crate::store::{self, Address, Settings, Types};
    use crate::sync::AtomicU32;

    /// A system on which nothing ever happens.
    struct Idle;

    impl Os for Idle {
        fn is_alive(&self, _: u32) -> bool {
            true
        }
        fn sleep(&self, _: &AtomicU32, _: u32, _: Duration) {}
        fn wake_one(&self, _: &AtomicU32) {}
        fn spin(&self) {}
    }

    /// Damage that a hostile process can cause: a path in doubt, and on it an entry whose
    /// key belongs to another shard. Recovery neither counts it nor fails.
    #[test]
    fn entries_of_other_shards_are_not_counted() {
        let types = Types {
            key: <u64 as ShmField<KeyRole>>::SCHEMA,
            value: <u64 as ShmField<ValueRole>>::SCHEMA,
        };
        let geometry = Fixed::<5_000, 8, 8>;
        let settings = Settings::DEFAULT;
        let store = store::create(Address::Anonymous, types, geometry, settings).unwrap();
        let table = store.table();
        for shard in 0..table.shard_count() {
            for of in (0..table.shard_count()).filter(|of| *of != shard) {
                let keys = (0_u64..).map(u64::to_ne_bytes);
                let foreign = |key: &[u8; 8]| table.shard_of_hash(table.hash(key)) == of;
                let key = keys.into_iter().find(foreign).unwrap();
                let path: Vec<_> = table.buckets_of(shard).take(4).collect();
                let slot = table.slot(path[1].slot(0));
                bytes::store(slot.key, &key);
                slot.version.store(1, Relaxed);
                let tag = u64::from(table.hash(&key).tag());
                let tags = &table.bucket(path[1]).tags;
                tags.fetch_or(tag, Relaxed);
                for bucket in &path {
                    table.bucket(*bucket).overflow[0].store(1, Relaxed);
                }
                let (home, target) = (path[0], path[3]);
                let in_doubt = table.intent_word(shard, Intent::Path { home, target });
                table.shard(shard).intent.store(in_doubt, Relaxed);
                let guard = lock::try_acquire(&table.shard(shard).lock, shard, 1, &Idle);
                let guard = guard.unwrap();
                table.recover(guard.held());
                guard.release();
                for bucket in &path[..3] {
                    assert_eq!(table.bucket(*bucket).overflow[0].load(Relaxed), 0);
                }
                assert_eq!(table.shard(shard).intent.load(Relaxed), 0);
                tags.fetch_and(0, Relaxed);
            }
        }
    }
}
