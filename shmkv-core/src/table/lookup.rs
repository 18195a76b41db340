//! Lookups, without a lock.
//!
//! A slot is read as the data of a sequence lock is, with one addition: after the
//! version, the tag is loaded again. If it still matches, the version is that of a
//! published slot, because a writer that reuses a slot takes its tag away first. So what
//! is copied was in the map at the second load of the tags, whatever happens to it
//! afterwards.
//!
//! There are three ways to look a key up by its hash, each a special case of the next:
//!
//! 1. [`find_in_home_bucket`](Table::find_in_home_bucket): one bucket, one slot.
//! 2. [`find_on_path`](Table::find_on_path): all buckets of the path, one slot each.
//! 3. [`find_validated`](Table::find_validated): all slots whose tags match, each read
//!    again until the result is proven. Only a rewrite of that very slot, or of one with
//!    an equal tag, makes it try again.
//!
//! [`find_in_slot`](Table::find_in_slot) and [`reread_slot`](Table::reread_slot) look where
//! an entry was before.
//!
//! The first two answer [`Inconclusive`](Lookup::Inconclusive) sooner than they must,
//! since their caller goes on to the next way. The last one bounds its attempts; its
//! caller, which knows a clock and a lock, decides what follows.

use super::hash::{BucketIndex, Hash};
use super::slot::SlotIndex;
use super::tags::Tags;
use super::{Table, WRITING};
use crate::bytes::{self, ReadInto};
use crate::layout::{Geometry, SLOTS};
use crate::sync::{self, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Rule};

/// The result of a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// The key is present with this version; its value has been copied.
    Found(u64),
    /// The key is absent.
    Absent,
    /// Neither is proven: a writer was at work, or it takes a more thorough lookup.
    Inconclusive,
}

/// What one slot says about a key.
enum SlotRead {
    /// The key is here, with this version; its value has been copied.
    Match(u64),
    /// Another key is here, with this version.
    Other(u64),
    /// A writer was at work.
    Unstable,
}

impl From<SlotRead> for Lookup {
    #[inline(always)]
    fn from(read: SlotRead) -> Self {
        match read {
            SlotRead::Match(version) => Self::Found(version),
            SlotRead::Other(_) | SlotRead::Unstable => Self::Inconclusive,
        }
    }
}

/// How often a bucket is read again before the lookup gives up: enough to outlast any
/// writer that is merely busy, few enough for values of 1 MiB.
#[cfg(not(loom))]
pub(super) const ATTEMPTS: usize = 128;
#[cfg(loom)]
pub(super) const ATTEMPTS: usize = 2;

impl<G: Geometry> Table<'_, G> {
    /// Looks `key` up in its home bucket, in the first slot whose tag matches, which is
    /// nearly always the right one.
    ///
    /// Linearizes at the second load of the tags; a miss, at the first load.
    #[inline(always)]
    pub(crate) fn find_in_home_bucket<R: ReadInto + ?Sized>(
        &self,
        hash: Hash,
        key: &[u8],
        value: &mut R,
    ) -> Lookup {
        let home = self.home(hash);
        let tags = self.load_tags(home);
        match tags.first_matching(hash.tag()) {
            Some(slot) => {
                let slot = home.slot(slot);
                self.read_slot(slot, unchanged(tags), holds(key), value)
                    .into()
            }
            None if self.is_passed(home, hash) => Lookup::Inconclusive,
            None => Lookup::Absent,
        }
    }

    /// Looks `key` up along its path, in the first slot of each bucket whose tag matches.
    ///
    /// Linearizes at the second load of the tags of the key's bucket; a miss, at the
    /// first load of the home bucket's tags, or right after the removal that it saw.
    #[inline(always)]
    pub(crate) fn find_on_path<R: ReadInto + ?Sized>(
        &self,
        hash: Hash,
        key: &[u8],
        value: &mut R,
    ) -> Lookup {
        let mut path = self.path(hash);
        loop {
            let bucket = path.bucket();
            let tags = self.load_tags(bucket);
            if let Some(slot) = tags.first_matching(hash.tag()) {
                let slot = bucket.slot(slot);
                return self
                    .read_slot(slot, unchanged(tags), holds(key), value)
                    .into();
            }
            if !self.is_passed(bucket, hash) || !path.advance() {
                return Lookup::Absent;
            }
        }
    }

    /// Looks `key` up along its path, reading each bucket until its result is proven or
    /// [`ATTEMPTS`] have failed.
    pub(crate) fn find_validated<R: ReadInto + ?Sized>(
        &self,
        hash: Hash,
        key: &[u8],
        value: &mut R,
    ) -> Lookup {
        let mut path = self.path(hash);
        loop {
            let bucket = path.bucket();
            let mut attempts = 0;
            loop {
                match self.search_bucket(bucket, hash.tag(), key, value) {
                    Lookup::Absent => break,
                    Lookup::Inconclusive if attempts < ATTEMPTS => pause(),
                    result => return result,
                }
                attempts += 1;
            }
            if !self.is_passed(bucket, hash) || !path.advance() {
                return Lookup::Absent;
            }
        }
    }

    /// Looks `key` up in one slot of its shard, in which it seems to be.
    #[inline(always)]
    pub(crate) fn find_in_slot<R: ReadInto + ?Sized>(
        &self,
        slot: SlotIndex,
        hash: Hash,
        key: &[u8],
        value: &mut R,
    ) -> Lookup {
        let is_live = has_tag(slot, hash);
        self.read_slot(slot, is_live, holds(key), value).into()
    }

    /// Reads the entry again that was read from this slot with this version.
    ///
    /// The key need not be compared: no version is given twice in a shard, so whatever
    /// has this version is that entry. The slot must be one of the key's shard.
    #[inline(always)]
    pub(crate) fn reread_slot<R: ReadInto + ?Sized>(
        &self,
        slot: SlotIndex,
        version: u64,
        hash: Hash,
        value: &mut R,
    ) -> Lookup {
        let is_live = has_tag(slot, hash);
        self.read_slot(slot, is_live, |now, _| now == version, value)
            .into()
    }

    /// Reads one slot, and validates what was read.
    ///
    /// `is_live` judges the tags, loaded again after the version; `is_wanted` judges the
    /// version and the key's words. The value is copied only if it is wanted.
    #[inline(always)]
    fn read_slot<R: ReadInto + ?Sized>(
        &self,
        index: SlotIndex,
        is_live: impl FnOnce(&AtomicU64) -> bool,
        is_wanted: impl FnOnce(u64, &[AtomicU64]) -> bool,
        value: &mut R,
    ) -> SlotRead {
        // The bucket's bounds check comes first: it implies that of the slot.
        let bucket = self.bucket(index.bucket);
        let slot = self.slot(index);
        let version = sync::load_acquire(Rule::SlotVersionAcquire, slot.version);
        let is_live = is_live(&bucket.tags);
        if !Rule::TagRecheck.check(is_live) || version & WRITING != 0 {
            return SlotRead::Unstable;
        }
        let is_wanted = is_wanted(version, slot.key);
        if is_wanted {
            value.copy_from(slot.value);
        }
        Rule::CopyFence.fence(Acquire);
        let now = slot.version.load(Relaxed);
        if !Rule::VersionRecheck.check(now == version) {
            SlotRead::Unstable
        } else if is_wanted {
            SlotRead::Match(version)
        } else {
            SlotRead::Other(version)
        }
    }

    /// Searches one bucket, reading every slot whose tag matches.
    fn search_bucket<R: ReadInto + ?Sized>(
        &self,
        bucket: BucketIndex,
        tag: u8,
        key: &[u8],
        value: &mut R,
    ) -> Lookup {
        let matches = self.load_tags(bucket).matching(tag);
        let mut versions = [0; SLOTS];
        for slot in matches {
            let is_live = |now: &AtomicU64| Tags(now.load(Relaxed)).of(slot) == tag;
            match self.read_slot(bucket.slot(slot), is_live, holds(key), value) {
                SlotRead::Match(version) => return Lookup::Found(version),
                SlotRead::Other(version) => versions[slot] = version,
                SlotRead::Unstable => return Lookup::Inconclusive,
            }
        }
        // Only slots of other keys matched. That is a miss if those slots are still all
        // that match and none of them was rewritten; otherwise the key may have moved
        // from a slot not yet read to one that had been read. The fence of the last copy
        // makes these tags no older than that copy, and the fence below makes the
        // versions no older than these tags: a slot whose version still stands has not
        // changed from its read until after these tags.
        let now = Tags(self.bucket(bucket).tags.load(Relaxed)).matching(tag);
        Rule::MissFence.fence(Acquire);
        if !Rule::MissMaskRecheck.check(now == matches) {
            return Lookup::Inconclusive;
        }
        for slot in matches {
            let now = self.slot(bucket.slot(slot)).version.load(Relaxed);
            if !Rule::MissVersionRecheck.check(now == versions[slot]) {
                return Lookup::Inconclusive;
            }
        }
        Lookup::Absent
    }

    /// The tags of a bucket: the load with which every lookup in it begins.
    #[inline(always)]
    pub(super) fn load_tags(&self, bucket: BucketIndex) -> Tags {
        Tags(sync::load_linearized(&self.bucket(bucket).tags))
    }

    /// Whether a key of this class may live beyond this bucket.
    ///
    /// The load comes after that of the tags, which acquires: 0 proves that no such key
    /// lives beyond, or that it was removed since. It acquires in turn, so that a caller
    /// that sees a removal also sees what happened before it.
    #[inline(always)]
    fn is_passed(&self, bucket: BucketIndex, hash: Hash) -> bool {
        let passed = self.bucket(bucket).overflow[hash.class()].load(Relaxed);
        Rule::OverflowAcquire.fence(Acquire);
        passed != 0
    }
}

/// Validates that no tag of the bucket has changed: more than is needed, and quicker to
/// tell.
#[inline(always)]
fn unchanged(tags: Tags) -> impl FnOnce(&AtomicU64) -> bool {
    move |now| Tags(now.load(Relaxed)) == tags
}

/// Validates that the slot has the tag of this hash. For a lookup that has not loaded
/// the tags before, or long ago: this load is its first, too.
#[inline(always)]
fn has_tag(slot: SlotIndex, hash: Hash) -> impl FnOnce(&AtomicU64) -> bool {
    move |tags| Tags(sync::load_linearized(tags)).of(slot.slot) == hash.tag()
}

/// Whether a slot's words are those of this key.
#[inline(always)]
fn holds(key: &[u8]) -> impl FnOnce(u64, &[AtomicU64]) -> bool {
    move |_, words| bytes::equal(words, key)
}

/// Passes a moment between two attempts.
pub(super) fn pause() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}
