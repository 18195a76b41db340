//! The protocol of a change, under a shard's lock: name the counters that will be in doubt,
//! take a number, fill a vacant slot, raise the overflow counters, **publish**, lower the
//! overflow counters, commit. DESIGN.md, section 4.1, has the steps in a table, and argues
//! for their order.
//!
//! A writer that dies before it publishes has changed nothing that a reader can see; one
//! that dies afterwards leaves a complete change, and counters that `recover` computes
//! anew. All stores that recovery relies on are releases, so that the compiler keeps them
//! in the order in which they are written here: a process is killed between two machine
//! instructions, not between two statements.
//!
//! No other file stores to `tags`, to a slot or to `issued`.

use super::change::{Change, Condition, Found, Stored};
use super::hash::{BucketIndex, Hash};
use super::intent::Intent;
use super::slot::SlotIndex;
use super::tags::Tags;
use super::{Table, WRITING};
use crate::bytes::{self, ReadInto};
use crate::layout::{Bucket, Geometry, Shard};
use crate::lock::Held;
use crate::sync::{
    Ordering::{self, AcqRel, Relaxed, Release},
    Rule,
};

/// The bits of a version number; bit 62 is reserved for transactions.
pub(crate) const NUMBER: u64 = (1 << 62) - 1;

/// An overflow counter that reaches this stays there, since it may stand for more.
pub(super) const STICKY: u8 = u8::MAX;

/// The ordering with which tags are published. On x86-64 a release store is enough for
/// linearizability across keys, since the unlock that follows is a full barrier and all
/// processors see stores in one order.
const PUBLISH: Ordering = if cfg!(target_arch = "x86_64") {
    Release
} else {
    Ordering::SeqCst
};

impl<G: Geometry> Table<'_, G> {
    /// Publishes an entry of a new key in `slot`, which is vacant in `tags`; returns its
    /// version.
    #[inline(always)]
    pub(super) fn commit_insert(
        &self,
        held: Held<'_>,
        change: Change<'_>,
        slot: SlotIndex,
        tags: Tags,
    ) -> u64 {
        let shard = self.shard(self.locked_shard(held));
        let home = self.home(change.hash);
        self.store_intent(held, home, slot.bucket);
        let number = take_number(shard);
        self.fill(slot, number, change.key, change.value);
        let bucket = self.bucket(slot.bucket);
        let tags = tags.with(slot.slot, change.hash.tag());
        let class = change.hash.class();
        Rule::OverflowRaiseFirst.in_order(
            || self.change_counters(home, slot.bucket, class, |count| count.saturating_add(1)),
            || publish(bucket, tags),
        );
        let live = shard.live.load(Relaxed);
        shard.live.store(live.saturating_add(1), Release);
        commit(shard, number);
        clear_intent(shard);
        number
    }

    /// Publishes a new value of a live entry, in the vacant slot `to` of its bucket, if
    /// the condition holds; copies the old value to `old`.
    #[inline(always)]
    pub(super) fn commit_update<R: ReadInto + ?Sized>(
        &self,
        held: Held<'_>,
        change: Change<'_>,
        found: &Found,
        to: usize,
        old: &mut R,
    ) -> Stored {
        old.copy_from(self.slot(found.slot).value);
        let holds = match change.condition {
            Condition::Always | Condition::Present => true,
            Condition::Absent => false,
            Condition::Version(expected) => found.version == expected,
        };
        let mut version = None;
        if holds {
            let shard = self.shard(self.locked_shard(held));
            let SlotIndex { bucket, slot: from } = found.slot;
            let number = take_number(shard);
            self.fill(bucket.slot(to), number, change.key, change.value);
            let tags = found.tags.moved(from, to, change.hash.tag());
            publish(self.bucket(bucket), tags);
            commit(shard, number);
            version = Some(number);
        }
        Stored {
            version,
            found: Some(found.version),
        }
    }

    /// Unpublishes a live entry.
    #[inline(always)]
    pub(super) fn commit_removal(&self, held: Held<'_>, hash: Hash, found: &Found) {
        let shard = self.shard(self.locked_shard(held));
        let SlotIndex { bucket, slot } = found.slot;
        let home = self.home(hash);
        self.store_intent(held, home, bucket);
        let number = take_number(shard);
        let tags = found.tags.with(slot, 0);
        let class = hash.class();
        Rule::OverflowLowerLast.in_order(
            || publish(self.bucket(bucket), tags),
            || {
                Rule::IntentLast.when_ablated(|| clear_intent(shard));
                self.change_counters(home, bucket, class, |count| match count {
                    0 | STICKY => count,
                    _ => count - 1,
                });
            },
        );
        let live = shard.live.load(Relaxed);
        shard.live.store(live.saturating_sub(1), Release);
        if self.shard_count() > 1 {
            self.control.reserved.fetch_sub(1, AcqRel);
        }
        commit(shard, number);
        clear_intent(shard);
    }

    /// Unpublishes every entry of the locked shard, bucket by bucket.
    pub(crate) fn clear(&self, held: Held<'_>) {
        let shard = self.shard(self.locked_shard(held));
        let intent = self.intent_word(self.locked_shard(held), Intent::All);
        Rule::IntentFirst.step(|| shard.intent.store(intent, Release));
        let number = take_number(shard);
        let mut removed = 0;
        for bucket in self.buckets_of(self.locked_shard(held)) {
            let bucket = self.bucket(bucket);
            removed += Tags(bucket.tags.load(Relaxed)).live().count() as u64;
            publish(bucket, Tags(0));
        }
        for bucket in self.buckets_of(self.locked_shard(held)) {
            for count in &self.bucket(bucket).overflow {
                count.store(0, Release);
            }
        }
        shard.live.store(0, Release);
        if self.shard_count() > 1 {
            self.control.reserved.fetch_sub(removed, AcqRel);
        }
        commit(shard, number);
        clear_intent(shard);
    }

    /// Says which overflow counters are about to change: those from `home` until `target`.
    #[inline(always)]
    fn store_intent(&self, held: Held<'_>, home: BucketIndex, target: BucketIndex) {
        let intent = self.intent_word(self.locked_shard(held), Intent::Path { home, target });
        let shard = self.shard(self.locked_shard(held));
        Rule::IntentFirst.step(|| shard.intent.store(intent, Release));
    }

    /// Writes a vacant slot.
    #[inline(always)]
    fn fill(&self, slot: SlotIndex, number: u64, key: &[u8], value: &[u8]) {
        #[cfg(loom)]
        assert_eq!(
            Tags(self.bucket(slot.bucket).tags.load(Relaxed)).of(slot.slot),
            0,
            "a live slot is overwritten"
        );
        let slot = self.slot(slot);
        Rule::MarkWriting.step(|| slot.version.store(WRITING | number, Release));
        // A reader that copies one of the words below finds the mark, or a later version.
        Rule::MarkFence.fence(Release);
        bytes::store(slot.key, key);
        bytes::store(slot.value, value);
        let release = Rule::SlotVersionRelease.order(Release);
        slot.version.store(number, release);
    }

    /// Changes the overflow counters of a class in the buckets from `home` until `target`,
    /// which a key on its way to `target` passes.
    #[inline(always)]
    fn change_counters(
        &self,
        home: BucketIndex,
        target: BucketIndex,
        class: usize,
        change: impl Fn(u8) -> u8,
    ) {
        if home != target {
            self.change_counters_on_path(home, target, class, change);
        }
    }

    #[cold]
    #[inline(never)]
    fn change_counters_on_path(
        &self,
        home: BucketIndex,
        target: BucketIndex,
        class: usize,
        change: impl Fn(u8) -> u8,
    ) {
        for bucket in self.path_from(home).until(target) {
            let count = &self.bucket(bucket).overflow[class];
            count.store(change(count.load(Relaxed)), Release);
        }
    }
}

/// Takes the shard's next number. It is stored before it is used: if its taker dies, the
/// number is burnt, since a reader may have seen it.
#[inline(always)]
pub(super) fn take_number(shard: &Shard) -> u64 {
    let number = (shard.issued.load(Relaxed).wrapping_add(1) & NUMBER).max(1);
    Rule::NumberFirst.step(|| shard.issued.store(number, Release));
    number
}

/// Publishes a change: from this store on readers see it.
#[inline(always)]
fn publish(bucket: &Bucket, tags: Tags) {
    let order = Rule::PublishRelease.order(PUBLISH);
    bucket.tags.store(tags.0, order);
}

/// The change with this number is complete.
#[inline(always)]
pub(super) fn commit(shard: &Shard, number: u64) {
    Rule::NumberFirst.when_ablated(|| shard.issued.store(number, Release));
    shard.committed.store(number, Release);
}

/// No counter is in doubt any more.
#[inline(always)]
pub(super) fn clear_intent(shard: &Shard) {
    shard.intent.store(0, Release);
}
