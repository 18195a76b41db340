//! The ladder of changes.
//!
//! A change first believes a hint that it found without the lock, then searches under the
//! lock, and only if the map seems full decides that under the locks of all shards.

use super::Store;
use super::locks::release_all;
use crate::bytes::{ReadInto, Scratch};
use crate::error::AccessError;
use crate::layout::Geometry;
use crate::lock::Guard;
use crate::table::{Change, Condition, Hash, NoRoom, Stored};

impl<G: Geometry> Store<G> {
    /// Stores a value if its condition holds; `finish`, called without a lock, gets the
    /// outcome and the old value.
    ///
    /// The first step, inlined, succeeds if this process is [`ready`](Self::ready), the key
    /// is where it seems to be, and the lock is free. It passes its buffer to nothing that
    /// is out of line, so that the old value stays in registers.
    #[inline(always)]
    pub(crate) fn write<Old: Scratch, R>(
        &self,
        change: Change<'_>,
        finish: impl FnOnce(Stored, &Old) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        if Old::FITS_STACK
            && let Some(me) = self.ready()
        {
            let table = self.table();
            if let Some(hint) = table.hint_update(change.hash, Old::WANTED)
                && let Some(locked) = self.try_lock(me, table.shard_of_hash(change.hash))
            {
                let mut old = Old::new();
                // Each branch releases the lock by itself. With one release before the
                // match, the compiler stores the result and tests it a second time.
                match table.store_hinted(locked.held(), change, hint, &mut old) {
                    Some(stored) => {
                        locked.release();
                        return finish(stored, &old);
                    }
                    None => locked.release(),
                }
            }
        }
        // In its parts, since what is passed out of line by reference must be in memory.
        let Change {
            hash,
            key,
            value,
            condition,
        } = change;
        self.write_slow(hash, key, value, condition, finish)
    }

    /// The second step: waits for the lock, and searches under it.
    #[inline(never)]
    fn write_slow<Old: Scratch, R>(
        &self,
        hash: Hash,
        key: &[u8],
        value: &[u8],
        condition: Condition,
        finish: impl FnOnce(Stored, &Old) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        let change = Change {
            hash,
            key,
            value,
            condition,
        };
        Old::with(|old| {
            let stored = self.write_into(change, old)?;
            finish(stored, old)
        })
    }

    /// As [`write`](Self::write), with the second step at once: for a caller that brings
    /// its own buffer for the old value.
    pub(crate) fn write_into<R: ReadInto + ?Sized>(
        &self,
        change: Change<'_>,
        old: &mut R,
    ) -> Result<Stored, AccessError> {
        let table = self.table();
        let hint = table.hint_update_on_path(change.hash);
        let locked = self.lock(table.shard_of_hash(change.hash))?;
        let held = locked.held();
        let stored = hint
            .and_then(|hint| table.store_hinted(held, change, hint, old))
            .map_or_else(|| table.store(held, change, old), Ok);
        locked.release();
        match stored {
            Ok(stored) => Ok(stored),
            Err(NoRoom::AtCapacity) => self.write_under_all_locks(change, old),
            Err(no_room) => Err(self.refused(no_room)),
        }
    }

    /// The last step: decides under all locks whether the map is full, and stores if it is
    /// not.
    #[cold]
    #[inline(never)]
    fn write_under_all_locks<R: ReadInto + ?Sized>(
        &self,
        change: Change<'_>,
        old: &mut R,
    ) -> Result<Stored, AccessError> {
        let all = self.lock_all()?;
        let table = self.table();
        let held: Vec<_> = all.iter().map(Guard::held).collect();
        table.count_exactly(&held);
        // This searches for the key once more: another writer may have added it.
        let stored = match held.get(table.shard_of_hash(change.hash)) {
            Some(held) => table.store(*held, change, old),
            None => Err(NoRoom::Damaged),
        };
        drop(held);
        release_all(all);
        stored.map_err(|no_room| self.refused(no_room))
    }

    fn refused(&self, no_room: NoRoom) -> AccessError {
        match no_room {
            NoRoom::AtCapacity => AccessError::Full {
                capacity: self.dimensions().capacity(),
            },
            NoRoom::ShardFull => AccessError::ShardFull,
            NoRoom::Damaged => AccessError::Damaged,
        }
    }

    /// Removes a key if it is present and, where `expected` is given, has that version;
    /// returns the version found and copies its value to `old`.
    pub(crate) fn remove<R: ReadInto + ?Sized>(
        &self,
        hash: Hash,
        key: &[u8],
        expected: Option<u64>,
        old: &mut R,
    ) -> Result<Option<u64>, AccessError> {
        let table = self.table();
        table.prefetch_removal(hash);
        let locked = self.lock(table.shard_of_hash(hash))?;
        let found = table.remove(locked.held(), hash, key, expected, old);
        locked.release();
        Ok(found)
    }

    /// Removes every entry, shard by shard.
    pub(crate) fn clear(&self) -> Result<(), AccessError> {
        for shard in 0..self.dimensions().shards() {
            let locked = self.lock(shard)?;
            self.table().clear(locked.held());
            locked.release();
        }
        Ok(())
    }

    /// Runs `attempt` until it has a result or the lock timeout has passed.
    pub(crate) fn optimistically<R>(
        &self,
        mut attempt: impl FnMut() -> Result<Option<R>, AccessError>,
    ) -> Result<R, AccessError> {
        let mut deadline = self.deadline();
        loop {
            if let Some(result) = attempt()? {
                return Ok(result);
            }
            if deadline.has_passed() {
                let waited = self.lock_timeout;
                return Err(AccessError::Contended { waited });
            }
        }
    }
}
