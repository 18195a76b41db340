//! Changing the table, under a shard's lock: where an entry lives or goes, and whether
//! there is room. How it is changed, step by step, is in `commit`.

use super::Table;
use super::change::{Change, Condition, Found, NoRoom, Stored};
use super::commit::NUMBER;
use super::hash::Hash;
use super::prefetch::UpdateHint;
use super::slot::Slot;
use super::tags::Tags;
use crate::bytes::{self, ReadInto};
use crate::layout::Geometry;
use crate::lock::Held;
use crate::sync::{
    Ordering::{AcqRel, Relaxed, Release},
    Rule,
};

impl<G: Geometry> Table<'_, G> {
    /// Stores a value if its condition holds.
    ///
    /// If the key is present, its value is copied to `old`, whether or not the condition
    /// holds. Linearizes at the store to the tags.
    pub(crate) fn store<R: ReadInto + ?Sized>(
        &self,
        held: Held<'_>,
        change: Change<'_>,
        old: &mut R,
    ) -> Result<Stored, NoRoom> {
        debug_assert_eq!(held.shard(), self.shard_of_hash(change.hash));
        let Some(change) = self.with_exact_lengths(change) else {
            return Err(NoRoom::Damaged);
        };
        if let Some(found) = self.find(change.hash, change.key) {
            // Going round, so that the slot that is vacated is used again last.
            let to = found.tags.vacant_from(found.slot.slot + 1);
            // By the rules a bucket has a vacant slot.
            let to = to.ok_or(NoRoom::Damaged)?;
            return Ok(self.commit_update(held, change, &found, to, old));
        }
        let version = match change.condition {
            Condition::Always | Condition::Absent => Some(self.insert(held, change)?),
            Condition::Present | Condition::Version(_) => None,
        };
        Ok(Stored {
            version,
            found: None,
        })
    }

    /// As [`store`](Self::store), for a key of which a hint from before the lock was
    /// taken still holds; `None` if it does not, and nothing has been done.
    #[inline(always)]
    pub(crate) fn store_hinted<R: ReadInto + ?Sized>(
        &self,
        held: Held<'_>,
        change: Change<'_>,
        hint: UpdateHint,
        old: &mut R,
    ) -> Option<Stored> {
        let UpdateHint { from, tags, to } = hint;
        debug_assert_eq!(held.shard(), self.shard_of(from.bucket));
        let now = Tags(self.bucket(from.bucket).tags.load(Relaxed));
        let slot = self.slot(from);
        if !Rule::HintRecheck.check(now == tags) || !bytes::equal(slot.key, change.key) {
            return None;
        }
        let found = Found {
            slot: from,
            tags,
            version: version_of(&slot),
        };
        Some(self.commit_update(held, change, &found, to, old))
    }

    /// Removes `key` if it is present and, where `expected` is given, has that version;
    /// returns the version found and copies its value to `old`.
    ///
    /// Linearizes at the store to the tags.
    pub(crate) fn remove<R: ReadInto + ?Sized>(
        &self,
        held: Held<'_>,
        hash: Hash,
        key: &[u8],
        expected: Option<u64>,
        old: &mut R,
    ) -> Option<u64> {
        debug_assert_eq!(held.shard(), self.shard_of_hash(hash));
        let key = self.with_exact_length(key)?;
        let found = self.find(hash, key)?;
        old.copy_from(self.slot(found.slot).value);
        if expected.is_none_or(|expected| expected == found.version) {
            self.commit_removal(held, hash, &found);
        }
        Some(found.version)
    }

    /// Looks `key` up under the lock, for a reader that writers disturb too often.
    pub(crate) fn find_locked<R: ReadInto + ?Sized>(
        &self,
        held: Held<'_>,
        hash: Hash,
        key: &[u8],
        value: &mut R,
    ) -> Option<u64> {
        debug_assert_eq!(held.shard(), self.shard_of_hash(hash));
        let found = self.find(hash, key)?;
        value.copy_from(self.slot(found.slot).value);
        Some(found.version)
    }

    /// Sets `reserved` to the number of live entries. The locks of all shards must be
    /// held, so that none changes.
    pub(crate) fn count_exactly(&self, all: &[Held<'_>]) {
        debug_assert_eq!(all.len(), self.shard_count());
        if let [shard] = self.shards {
            // Counted anew, so that a damaged counter cannot fill a map.
            shard.live.store(self.live_in(0), Release);
        }
        self.control.reserved.store(self.len() as u64, Release);
    }

    /// Counts the entries of a shard by their tags.
    pub(super) fn live_in(&self, shard: usize) -> u64 {
        self.buckets_of(shard)
            .map(|bucket| {
                let tags = Tags(self.bucket(bucket).tags.load(Relaxed));
                tags.live().count() as u64
            })
            .sum()
    }

    /// Finds a key. Under the lock nothing moves.
    #[inline(always)]
    fn find(&self, hash: Hash, key: &[u8]) -> Option<Found> {
        let mut path = self.path(hash);
        loop {
            let bucket = path.bucket();
            let tags = Tags(self.bucket(bucket).tags.load(Relaxed));
            for slot in tags.matching(hash.tag()) {
                let slot = bucket.slot(slot);
                let words = self.slot(slot);
                if bytes::equal(words.key, key) {
                    return Some(Found {
                        slot,
                        tags,
                        version: version_of(&words),
                    });
                }
            }
            let passed = self.bucket(bucket).overflow[hash.class()].load(Relaxed);
            if passed == 0 || !path.advance() {
                return None;
            }
        }
    }

    /// Adds an entry in the first bucket on its path that has room, if the map has.
    #[inline(always)]
    fn insert(&self, held: Held<'_>, change: Change<'_>) -> Result<u64, NoRoom> {
        let shard = self.shard(self.locked_shard(held));
        let only_shard = self.shard_count() == 1;
        if only_shard && shard.live.load(Relaxed) >= self.capacity() as u64 {
            return Err(NoRoom::AtCapacity);
        }
        let mut path = self.path(change.hash);
        let tags = loop {
            let tags = Tags(self.bucket(path.bucket()).tags.load(Relaxed));
            if tags.has_room() {
                break tags;
            }
            if !path.advance() {
                // The only shard of a map has room for `N` entries; one of several has
                // room for its share, except with negligible probability.
                return Err(if only_shard {
                    NoRoom::Damaged
                } else {
                    NoRoom::ShardFull
                });
            }
        };
        let Some(slot) = tags.vacant_from(shard.issued.load(Relaxed) as usize) else {
            return Err(NoRoom::Damaged);
        };
        if !only_shard {
            let reserved = &self.control.reserved;
            if reserved.fetch_add(1, AcqRel) >= self.capacity() as u64 {
                reserved.fetch_sub(1, AcqRel);
                return Err(NoRoom::AtCapacity);
            }
        }
        Ok(self.commit_insert(held, change, path.bucket().slot(slot), tags))
    }

    /// The same change; its key and value are sliced to the map's lengths, which they have
    /// already. From a function that is not inlined the compiler could not know the lengths
    /// otherwise, and would copy byte by byte.
    #[inline(always)]
    fn with_exact_lengths<'a>(&self, change: Change<'a>) -> Option<Change<'a>> {
        let value_len = self.geometry.dimensions().value_len();
        Some(Change {
            key: self.with_exact_length(change.key)?,
            value: change.value.get(..value_len)?,
            ..change
        })
    }

    #[inline(always)]
    fn with_exact_length<'a>(&self, key: &'a [u8]) -> Option<&'a [u8]> {
        key.get(..self.geometry.dimensions().key_len())
    }
}

/// The version of a live entry, under the lock. Other bits are damage, which the next
/// change of the entry repairs.
#[inline(always)]
fn version_of(slot: &Slot<'_>) -> u64 {
    (slot.version.load(Relaxed) & NUMBER).max(1)
}
