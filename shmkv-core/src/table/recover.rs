//! Repair after a holder of a shard's lock has died.
//!
//! Every entry is whole: what the dead one had not published is vacant, what it
//! had published is complete. Only counters can be behind. They are computed
//! anew from tags and keys and written with one store each, never through zero,
//! because readers run meanwhile; a counter that is too high costs them a hop,
//! one too low would hide a key.
//!
//! The repairer may die too, anywhere: nothing here depends on what an earlier
//! repair has done, and `intent` is cleared last.

use super::write::take_number;
use super::{Exclusive, Intent, Table, Tags};
use crate::bytes;
use crate::layout::{Bucket, CLASSES, Geometry};
use crate::sync::{Ordering::Relaxed, Ordering::Release};

impl<G: Geometry> Table<'_, G> {
    /// Makes the shard's counters agree with its entries again.
    ///
    /// Takes time in proportion to the shard's buckets, and to its entries if
    /// the dead one was clearing the map.
    pub(crate) fn recover(&self, held: &Exclusive) {
        let shard = self.shard(held.shard);
        match Intent::from_word(shard.intent.load(Relaxed), self.buckets_per_shard()) {
            Intent::None => {}
            Intent::Path { home, target } => {
                self.recount(held.shard, target, self.steps(home, target));
            }
            Intent::All => self.recount(held.shard, 0, self.buckets_per_shard()),
        }
        shard.live.store(self.live_in(held.shard), Release);
        // A number of its own, so that what the dead one may have done counts
        // as a change.
        let number = take_number(shard);
        let takeovers = shard.takeovers.load(Relaxed).wrapping_add(1);
        shard.takeovers.store(takeovers, Release);
        shard.committed.store(number, Release);
        shard.intent.store(0, Release);
    }

    /// Sets the counters of the `many` buckets before `end` to what they must
    /// be, from the last to the first, so that each walk forward ends at the
    /// first bucket that nobody passes.
    fn recount(&self, shard: usize, end: usize, many: usize) {
        let mut index = end;
        for _ in 0..many {
            index = index.checked_sub(1).unwrap_or(self.buckets_per_shard() - 1);
            let exact = self.passers(shard, index);
            let bucket = self.bucket(shard, index);
            for (count, exact) in bucket.overflow.iter().zip(exact) {
                count.store(exact, Release);
            }
        }
    }

    /// Counts, by class, the live entries that hashed to or passed `index` and
    /// live in a later bucket.
    fn passers(&self, shard: usize, index: usize) -> [u8; CLASSES] {
        let mut exact = [0_u8; CLASSES];
        let mut later = self.after(index);
        while later != index {
            let bucket = self.bucket(shard, later);
            for i in Tags(bucket.tags.load(Relaxed)).live() {
                let place = self.geometry.with_key_buffer(|key| {
                    bytes::load(self.slot(shard, later, i).key, key);
                    self.place(key)
                });
                let passed = self.steps(place.home, index) < self.steps(place.home, later);
                if passed && place.shard == shard {
                    exact[place.class] = exact[place.class].saturating_add(1);
                }
            }
            if is_passed_by_none(bucket) {
                break;
            }
            later = self.after(later);
        }
        exact
    }
}

/// Whether no entry lives beyond this bucket that passed it. Counters are never
/// too low, not even in the middle of a change.
fn is_passed_by_none(bucket: &Bucket) -> bool {
    bucket.overflow.iter().all(|count| count.load(Relaxed) == 0)
}
