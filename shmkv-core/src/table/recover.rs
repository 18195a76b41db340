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

use super::write::{commit, take_number};
use super::{Exclusive, Intent, Place, Table, Tags};
use crate::bytes::ReadInto;
use crate::layout::{Bucket, CLASSES, Geometry};
use crate::sync::{self, Ordering::Relaxed, Ordering::Release, Part};

/// Paths up to this long are recounted by themselves, without a look at every
/// entry; longer ones hardly occur.
const SHORT: usize = 16;

impl<G: Geometry> Table<'_, G> {
    /// Makes the shard's counters agree with its entries again.
    ///
    /// Takes time in proportion to the shard's buckets, and to its entries if
    /// the dead one was clearing the map.
    pub(crate) fn recover(&self, held: Exclusive<'_>) {
        let shard = self.shard(held.shard);
        let intent = Intent::from_word(shard.intent.load(Relaxed), self.buckets_per_shard());
        if !sync::step_of(Part::IntentLast) {
            shard.intent.store(0, Release);
        }
        match intent {
            Intent::None => {}
            Intent::Path { home, target } => match self.steps(home, target) {
                many @ ..=SHORT => self.recount_before(held.shard, target, many),
                _ => self.recount_all(held.shard),
            },
            Intent::All => self.recount_all(held.shard),
        }
        shard.live.store(self.live_in(held.shard), Release);
        // A number of its own, so that what the dead one may have done counts
        // as a change.
        let number = take_number(shard);
        let takeovers = shard.takeovers.load(Relaxed).wrapping_add(1);
        shard.takeovers.store(takeovers, Release);
        commit(shard, number);
        shard.intent.store(0, Release);
    }

    /// Sets the counters of the `many` buckets before `end` to what they must
    /// be, from the last to the first, so that each walk forward ends at the
    /// first bucket that nobody passes.
    fn recount_before(&self, shard: usize, end: usize, many: usize) {
        let mut index = end;
        for _ in 0..many {
            index = self.before(index);
            self.set_counters(shard, index, self.passers(shard, index));
        }
    }

    /// Sets all counters of the shard to what they must be, with one look at
    /// each entry.
    fn recount_all(&self, shard: usize) {
        let mut exact = vec![[0_u8; CLASSES]; self.buckets_per_shard()];
        for bucket in 0..self.buckets_per_shard() {
            for i in Tags(self.bucket(shard, bucket).tags.load(Relaxed)).live() {
                let place = self.place_of(shard, bucket, i);
                let mut passed = place.home;
                // An entry of another shard is damage; it counts nowhere.
                while passed != bucket && place.shard == shard {
                    let count = &mut exact[passed][place.class];
                    *count = count.saturating_add(1);
                    passed = self.after(passed);
                }
            }
        }
        for (bucket, exact) in exact.into_iter().enumerate() {
            self.set_counters(shard, bucket, exact);
        }
    }

    fn set_counters(&self, shard: usize, bucket: usize, exact: [u8; CLASSES]) {
        let counters = &self.bucket(shard, bucket).overflow;
        for (count, exact) in counters.iter().zip(exact) {
            if !sync::step_of(Part::RecountInOneStore) {
                count.store(0, Release);
            }
            count.store(exact, Release);
        }
    }

    /// Where the key in a slot belongs.
    fn place_of(&self, shard: usize, bucket: usize, slot: usize) -> Place {
        self.geometry.with_key_buffer(|key| {
            key.copy_from(self.slot(shard, bucket, slot).key);
            self.place(self.hash(key))
        })
    }

    /// Counts, by class, the live entries that hashed to or passed `index` and
    /// live in a later bucket.
    fn passers(&self, shard: usize, index: usize) -> [u8; CLASSES] {
        let mut exact = [0_u8; CLASSES];
        let mut later = self.after(index);
        while later != index {
            let bucket = self.bucket(shard, later);
            for i in Tags(bucket.tags.load(Relaxed)).live() {
                let place = self.place_of(shard, later, i);
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
