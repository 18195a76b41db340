//! Looking ahead: asking for memory before it is needed, and guessing.
//!
//! In a table that does not fit the nearer caches an operation waits for the line
//! of its bucket, and then for those of a slot. Whoever knows what comes next says
//! so here: a batch of reads, so that its waits overlap; a writer before it takes
//! the lock, so that what it will read and write comes at the same time, and that it
//! holds the lock for no longer than it must. A prepared key looks for its entry here,
//! too. What is found is a guess: nothing is believed that is not looked at again.

use std::slice;

use super::{Hash, Table, Tags};
use crate::bytes;
use crate::layout::{BUCKET_LEN, Geometry, PARTS_ALIGNED, SLOTS};
use crate::sync::Ordering::Relaxed;

/// A table whose slots take less is near enough anyway.
const NEAR: usize = 4 << 20;

/// In so many buckets of its path a key is looked for ahead of time: with nearly all
/// of them it is in the first two.
const PATH: usize = 3;

/// A slot, where a key seems to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// The bucket, of the whole table.
    pub(super) at: usize,
    pub(super) slot: usize,
}

/// Where a key seems to be, and where a new value for it would go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guess {
    /// The bucket, of the whole table.
    pub(crate) at: usize,
    /// Its tags. While it has these, and the slot the key, that is where it lives.
    pub(super) tags: Tags,
    /// The slot that the key seems to be in.
    pub(super) slot: usize,
    /// The vacant slot that a change uses.
    pub(super) to: usize,
}

impl<G: Geometry> Table<'_, G> {
    /// Whether asking for memory ahead is not worth it.
    #[inline(always)]
    pub(crate) fn is_near(&self) -> bool {
        self.geometry.dimensions().all_slot_words() * 8 < NEAR
    }

    /// The first step of a read: asks for the bucket.
    #[inline(always)]
    pub(crate) fn prefetch_bucket(&self, hash: Hash) {
        bytes::prefetch(slice::from_ref(self.bucket_at(self.home(hash))), BUCKET_LEN);
    }

    /// The second step, when the bucket has come: the slot that the key seems to
    /// be in. Asks for it.
    #[inline(always)]
    pub(crate) fn seek(&self, hash: Hash) -> Option<Spot> {
        let mut at = self.home(hash);
        for _ in 0..PATH {
            let bucket = self.bucket_at(at);
            let tags = Tags(bucket.tags.load(Relaxed));
            if let Some(slot) = tags.first_matching(hash.tag()) {
                bytes::prefetch(self.words_of_slot(at, slot), self.slot_alignment());
                return Some(Spot { at, slot });
            }
            if bucket.overflow[hash.class()].load(Relaxed) == 0 {
                break;
            }
            at = self.after_at(at);
        }
        None
    }

    /// Before a removal: asks for what it will want.
    #[inline(always)]
    pub(crate) fn expect_removal(&self, hash: Hash) {
        if !self.is_near() {
            let lock = &self.shard(self.place(hash).shard).lock;
            bytes::prefetch_to_write(slice::from_ref(lock), size_of_val(lock));
            self.seek(hash);
        }
    }

    /// A slot of the key's shard, for one who has not found it yet.
    #[inline(always)]
    pub(crate) fn home_spot(&self, hash: Hash) -> Spot {
        let at = self.home(hash);
        Spot { at, slot: 0 }
    }

    /// What the address of every slot is a multiple of.
    #[inline(always)]
    fn slot_alignment(&self) -> usize {
        let len = self.geometry.dimensions().slot_words * 8;
        1 << len.trailing_zeros().min(PARTS_ALIGNED.trailing_zeros())
    }

    /// Before a change: where the key seems to be, if it is in its first bucket.
    /// Asks for the memory that the change will want: of the old entry all, if the
    /// `old` value is wanted, else the key.
    #[inline(always)]
    pub(crate) fn guess(&self, hash: Hash, old: bool) -> Option<Guess> {
        let at = self.home(hash);
        // Looked at once, so that the compiler knows of all that follows from it.
        let bucket = self.buckets.get(at)?;
        let shard = self.shard(self.shard_of(at));
        let far = !self.is_near();
        if far {
            bytes::prefetch_to_write(slice::from_ref(&shard.lock), size_of_val(&shard.lock));
        }
        let tags = Tags(bucket.tags.load(Relaxed));
        let Some(slot) = tags.first_matching(hash.tag()) else {
            // A new key, then; it takes the slot that its number says.
            let to = tags.vacant_from(shard.next.load(Relaxed) as usize)?;
            if far {
                bytes::prefetch_to_write(self.words_of_slot(at, to), self.slot_alignment());
            }
            return None;
        };
        // Going round, so that the slot that is vacated is used again last.
        let to = tags.vacant_from(slot + 1)?;
        if far {
            let words = self.words_of_slot(at, slot);
            let key = 1 + self.geometry.dimensions().key_words;
            let wanted = if old { words } else { &words[..key] };
            bytes::prefetch(wanted, self.slot_alignment());
            bytes::prefetch_to_write(self.words_of_slot(at, to), self.slot_alignment());
        }
        Some(Guess { at, tags, slot, to })
    }

    /// As [`guess`](Self::guess), along the key's path from its home on; asks for
    /// memory in a table of any size.
    pub(crate) fn guess_along(&self, hash: Hash) -> Option<Guess> {
        let Spot { at, slot } = self.seek(hash)?;
        let tags = Tags(self.bucket_at(at).tags.load(Relaxed));
        if tags.of(slot) != hash.tag() {
            return None; // It was just taken away; its key's bytes may still be there.
        }
        let to = tags.vacant_from(slot + 1)?;
        bytes::prefetch_to_write(self.words_of_slot(at, to), self.slot_alignment());
        Some(Guess { at, tags, slot, to })
    }
}

impl Spot {
    /// The slot's number in the whole table.
    #[inline(always)]
    pub(crate) fn number(self) -> usize {
        self.at * SLOTS + self.slot
    }

    /// The slot with this number.
    #[inline(always)]
    pub(crate) fn of_number(number: usize) -> Self {
        Self {
            at: number / SLOTS,
            slot: number % SLOTS,
        }
    }
}
