//! Memory that is requested before it is needed, and hints.
//!
//! In a table larger than the nearer caches an operation waits for the line of its
//! bucket and then for the lines of a slot. A caller that knows what comes next asks for
//! them here: a batch of reads, so that the waits overlap; a writer before it takes the
//! lock, so that the lines come at the same time and the lock is held no longer than it
//! must be. A prepared key looks for its entry here, too. All results are hints: a caller
//! checks them again before it relies on them.

use std::slice;

use super::Table;
use super::hash::Hash;
use super::slot::SlotIndex;
use super::tags::Tags;
use crate::bytes;
use crate::layout::{BUCKET_LEN, Geometry, PART_ALIGNMENT};
use crate::sync::Ordering::Relaxed;

/// A table whose slots take fewer bytes than this is in the caches anyway.
const CACHE: usize = 4 << 20;

/// In how many buckets of its path a key is looked for ahead of time. Nearly all keys are
/// in the first two.
const PROBES: usize = 3;

/// Where a key seems to be, and where a new value for it would go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UpdateHint {
    /// The slot that the key seems to be in.
    pub(super) from: SlotIndex,
    /// The tags of its bucket. As long as the bucket has these and the slot has the key,
    /// the key lives there.
    pub(super) tags: Tags,
    /// The vacant slot of the bucket that an update uses.
    pub(super) to: usize,
}

impl<G: Geometry> Table<'_, G> {
    /// Whether the table is small enough for prefetching to gain nothing.
    #[inline(always)]
    pub(crate) fn fits_cache(&self) -> bool {
        self.geometry.dimensions().all_slot_words() * 8 < CACHE
    }

    /// First step of a batched read: requests the home bucket.
    #[inline(always)]
    pub(crate) fn prefetch_home_bucket(&self, hash: Hash) {
        let bucket = self.bucket(self.home(hash));
        bytes::prefetch(slice::from_ref(bucket), BUCKET_LEN);
    }

    /// Second step, when the bucket has come: requests the slot that the key seems to be
    /// in, and returns it.
    #[inline(always)]
    pub(crate) fn hint_slot(&self, hash: Hash) -> Option<SlotIndex> {
        let mut path = self.path(hash);
        for _ in 0..PROBES {
            let bucket = self.bucket(path.bucket());
            let tags = Tags(bucket.tags.load(Relaxed));
            if let Some(slot) = tags.first_matching(hash.tag()) {
                let slot = path.bucket().slot(slot);
                bytes::prefetch(self.slot_words(slot), self.slot_alignment());
                return Some(slot);
            }
            if bucket.overflow[hash.class()].load(Relaxed) == 0 || !path.advance() {
                break;
            }
        }
        None
    }

    /// Before a removal: requests what it will access.
    #[inline(always)]
    pub(crate) fn prefetch_removal(&self, hash: Hash) {
        if !self.fits_cache() {
            let lock = &self.shard(self.shard_of_hash(hash)).lock;
            bytes::prefetch_to_write(slice::from_ref(lock), size_of_val(lock));
            self.hint_slot(hash);
        }
    }

    /// What the address of every slot is a multiple of.
    #[inline(always)]
    fn slot_alignment(&self) -> usize {
        let len = self.geometry.dimensions().slot_words() * 8;
        1 << len.trailing_zeros().min(PART_ALIGNMENT.trailing_zeros())
    }

    /// Before an update: where the key seems to be, if it is in its home bucket. Requests
    /// what the update will access: the whole old entry if its value `is_wanted`, else
    /// only its key.
    #[inline(always)]
    pub(crate) fn hint_update(&self, hash: Hash, is_wanted: bool) -> Option<UpdateHint> {
        let home = self.home(hash);
        // One bounds check, from which the compiler derives all that follow.
        let bucket = self.buckets.get(home.0)?;
        let shard = self.shard(self.shard_of(home));
        let far = !self.fits_cache();
        if far {
            bytes::prefetch_to_write(slice::from_ref(&shard.lock), size_of_val(&shard.lock));
        }
        let tags = Tags(bucket.tags.load(Relaxed));
        let Some(slot) = tags.first_matching(hash.tag()) else {
            // A new key, then: it will take the vacant slot that follows from its number.
            let to = tags.vacant_from(shard.issued.load(Relaxed) as usize)?;
            if far {
                let words = self.slot_words(home.slot(to));
                bytes::prefetch_to_write(words, self.slot_alignment());
            }
            return None;
        };
        // Going round, so that the slot that is vacated is used again last.
        let to = tags.vacant_from(slot + 1)?;
        let from = home.slot(slot);
        if far {
            let words = self.slot_words(from);
            let key = 1 + self.geometry.dimensions().key_words();
            let wanted = if is_wanted { words } else { &words[..key] };
            bytes::prefetch(wanted, self.slot_alignment());
            bytes::prefetch_to_write(self.slot_words(home.slot(to)), self.slot_alignment());
        }
        Some(UpdateHint { from, tags, to })
    }

    /// As [`hint_update`](Self::hint_update), along the key's path; requests memory in a
    /// table of any size.
    pub(crate) fn hint_update_on_path(&self, hash: Hash) -> Option<UpdateHint> {
        let from = self.hint_slot(hash)?;
        let tags = Tags(self.bucket(from.bucket).tags.load(Relaxed));
        if tags.of(from.slot) != hash.tag() {
            // It was removed just now. Its key's bytes may still be there, so the check
            // under the lock would not notice.
            return None;
        }
        let to = tags.vacant_from(from.slot + 1)?;
        let words = self.slot_words(from.bucket.slot(to));
        bytes::prefetch_to_write(words, self.slot_alignment());
        Some(UpdateHint { from, tags, to })
    }
}
