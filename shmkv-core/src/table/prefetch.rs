//! Asking for memory before it is needed.
//!
//! In a table that does not fit the nearer caches an operation waits for the line
//! of its bucket, and then for those of a slot. Whoever knows what comes next says
//! so here: a batch of reads, so that its waits overlap; a writer before it takes
//! the lock, whose exchange would stand between. What is found here is a guess,
//! and looked at anew by the operation itself.

use super::{Hash, Table, Tags};
use crate::bytes;
use crate::layout::Geometry;
use crate::sync::Ordering::Relaxed;

/// A table whose slots take less is near enough anyway.
const NEAR: usize = 256 << 10;

impl<G: Geometry> Table<'_, G> {
    #[inline(always)]
    fn is_near(&self) -> bool {
        self.geometry.dimensions().all_slot_words() * 8 < NEAR
    }

    /// The first step of a read: the bucket.
    #[inline(always)]
    pub(crate) fn prefetch_bucket(&self, hash: Hash) {
        if !self.is_near() {
            bytes::prefetch(std::slice::from_ref(self.bucket_at(self.home(hash))));
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
        if let Some(i) = tags.first_matching(hash.tag()) {
            bytes::prefetch(self.words_of_slot(at, i));
        }
    }

    /// Before a change: the lock, the slot that the key is in, and the one that
    /// will be written.
    #[inline(always)]
    pub(crate) fn prefetch_change(&self, hash: Hash) {
        if self.is_near() {
            return;
        }
        let at = self.home(hash);
        let shard = self.shard(at / self.buckets_per_shard());
        bytes::prefetch_to_write(std::slice::from_ref(&shard.lock));
        let tags = Tags(self.bucket_at(at).tags.load(Relaxed));
        if let Some(i) = tags.first_matching(hash.tag()) {
            bytes::prefetch(self.words_of_slot(at, i));
            if let Some(to) = tags.vacant().first_from(i + 1) {
                bytes::prefetch_to_write(self.words_of_slot(at, to));
            }
        }
    }
}
