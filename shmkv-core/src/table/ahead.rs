//! Looking ahead: asking for memory before it is needed, and guessing.
//!
//! In a table that does not fit the nearer caches an operation waits for the line
//! of its bucket, and then for those of a slot. Whoever knows what comes next says
//! so here: a batch of reads, so that its waits overlap; a writer before it takes
//! the lock, whose exchange the processor does not look beyond. What is found here
//! is a guess: nothing is believed that is not looked at again.

use std::slice;

use super::{Hash, Table, Tags};
use crate::bytes;
use crate::layout::Geometry;
use crate::sync::Ordering::Relaxed;

/// A table whose slots take less is near enough anyway.
const NEAR: usize = 4 << 20;

/// Where a key seems to be, and where a new value for it would go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guess {
    /// The bucket, of the whole table.
    pub(super) at: usize,
    /// Its tags. While it has these, and the slot the key, that is where it lives.
    pub(super) tags: Tags,
    /// The slot that the key seems to be in.
    pub(super) slot: usize,
    /// The vacant slot that a change uses.
    pub(super) to: Option<usize>,
}

impl<G: Geometry> Table<'_, G> {
    #[inline(always)]
    fn is_near(&self) -> bool {
        self.geometry.dimensions().all_slot_words() * 8 < NEAR
    }

    /// The first step of a read: the bucket.
    #[inline(always)]
    pub(crate) fn prefetch_bucket(&self, hash: Hash) {
        if !self.is_near() {
            bytes::prefetch(slice::from_ref(self.bucket_at(self.home(hash))));
        }
    }

    /// The second step: the slot, when the bucket has come.
    #[inline(always)]
    pub(crate) fn prefetch_slot(&self, hash: Hash) {
        if self.is_near() {
            return;
        }
        let at = self.home(hash);
        let tags = Tags(self.bucket_at(at).tags.load(Relaxed));
        if let Some(slot) = tags.first_matching(hash.tag()) {
            bytes::prefetch(self.words_of_slot(at, slot));
        }
    }

    /// Before a change: where the key seems to be, if it is in its first bucket.
    /// Asks for the memory that the change will want.
    #[inline(always)]
    pub(crate) fn guess(&self, hash: Hash) -> Option<Guess> {
        let at = self.home(hash);
        let shard = self.shard(at / self.buckets_per_shard());
        if !self.is_near() {
            bytes::prefetch_to_write(slice::from_ref(&shard.lock));
        }
        let tags = Tags(self.bucket_at(at).tags.load(Relaxed));
        let Some(slot) = tags.first_matching(hash.tag()) else {
            // A new key, then; it takes the slot that its number says.
            let to = tags.vacant_from(shard.next.load(Relaxed) as usize);
            if let Some(to) = to
                && !self.is_near()
            {
                bytes::prefetch_to_write(self.words_of_slot(at, to));
            }
            return None;
        };
        let to = tags.vacant_from(slot + 1);
        if !self.is_near() {
            bytes::prefetch(self.words_of_slot(at, slot));
            if let Some(to) = to {
                bytes::prefetch_to_write(self.words_of_slot(at, to));
            }
        }
        Some(Guess { at, tags, slot, to })
    }
}
