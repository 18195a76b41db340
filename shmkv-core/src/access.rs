//! What can be done with an open segment, in bytes.
//!
//! Takes the locks that the table's operations want, and decides what happens
//! when writers are in the way or the map is full. Knows nothing of types: the
//! typed map and the tools that learn types from a segment both stand on this.

use std::time::Duration;

use crate::bytes::ReadInto;
use crate::error::AccessError;
use crate::handle::{Handle, release_all};
use crate::layout::Geometry;
use crate::lock::Guard;
use crate::sys::Deadline;
use crate::table::{Change, Entries, Hash, NoRoom, Stored, Table};

/// How long a read-only handle tries to read an entry that writers change all
/// the time. A handle that may write takes the lock instead.
const READ_PATIENCE: Duration = Duration::from_millis(100);

impl<G: Geometry> Handle<G> {
    /// The table, for what needs neither lock nor patience.
    #[inline]
    pub(crate) fn table(&self) -> Table<'_, G> {
        self.memory.table()
    }

    /// Looks a key up, copies its value to `value`, and returns its version,
    /// whatever writers do.
    ///
    /// The table's own `get` has been tried, or is not worth it.
    #[cold]
    #[inline(never)]
    pub(crate) fn get_slow<S: ReadInto + ?Sized>(
        &self,
        hash: Hash,
        key: &[u8],
        value: &mut S,
    ) -> Result<Option<u64>, AccessError> {
        if let Ok(found) = self.table().get_slow(hash, key, value) {
            return Ok(found);
        }
        if self.is_writable() {
            // While somebody else has the lock, and may be stopped, reading
            // without it may succeed.
            let (mut read, mut deadline) = (None, Deadline::new(self.lock_timeout()));
            let shard = self.table().place(hash).shard;
            let locked = self.lock_unless(shard, || {
                read = self.table().get_slow(hash, key, value).ok();
                read.is_some() || deadline.has_passed()
            })?;
            let Some(locked) = locked else {
                return read.ok_or_else(|| self.timed_out());
            };
            let found = self.table().get_locked(locked.proof(), hash, key, value);
            locked.release();
            return Ok(found);
        }
        patiently(|| self.table().get_slow(hash, key, value).ok())
    }

    /// Collects the entries of one bucket of the whole table, whatever writers
    /// do.
    pub(crate) fn entries(&self, bucket: usize, into: &mut Entries) -> Result<(), AccessError> {
        if self.table().entries(bucket, into).is_ok() {
            return Ok(());
        }
        if self.is_writable() {
            let shard = self.table().shard_of(bucket);
            let (mut read, mut deadline) = (false, Deadline::new(self.lock_timeout()));
            let locked = self.lock_unless(shard, || {
                read = self.table().entries(bucket, into).is_ok();
                read || deadline.has_passed()
            })?;
            let Some(locked) = locked else {
                return if read { Ok(()) } else { Err(self.timed_out()) };
            };
            let collected = self.table().entries(bucket, into);
            locked.release();
            return collected.map_err(|_| AccessError::Contended {
                waited: deadline.elapsed(),
            });
        }
        patiently(|| self.table().entries(bucket, into).ok())
    }

    /// Stores a value if its condition holds; see [`Table::store`].
    #[inline]
    pub(crate) fn put<S: ReadInto + ?Sized>(
        &self,
        change: Change<'_>,
        old: &mut S,
    ) -> Result<Stored, AccessError> {
        match self.put_at_once(change, old) {
            Some(stored) => Ok(stored),
            None => self.put_slow(change, old),
        }
    }

    /// As [`put`](Self::put), if this process is [`ready`](Self::ready), the key is
    /// where it seems to be and its shard's lock is free; else `None`, as for every new
    /// key, and nothing has been done.
    #[inline(always)]
    pub(crate) fn put_at_once<S: ReadInto + ?Sized>(
        &self,
        change: Change<'_>,
        old: &mut S,
    ) -> Option<Stored> {
        let me = self.ready()?;
        let table = self.table();
        let guess = table.guess(change.hash, S::WANTED)?;
        let locked = self.try_lock(me, table.shard_of(guess.at))?;
        // Each way out by itself, so that there is nothing to be told apart later.
        match table.store_as_guessed(locked.proof(), change, guess, old) {
            Some(stored) => {
                locked.release();
                Some(stored)
            }
            None => {
                locked.release();
                None
            }
        }
    }

    /// As [`put`](Self::put), whatever there is to look for or to wait for.
    pub(crate) fn put_slow<S: ReadInto + ?Sized>(
        &self,
        change: Change<'_>,
        old: &mut S,
    ) -> Result<Stored, AccessError> {
        let table = self.table();
        let guess = table.guess_along(change.hash);
        let locked = self.lock(table.place(change.hash).shard)?;
        let held = locked.proof();
        let stored = guess
            .and_then(|guess| table.store_as_guessed(held, change, guess, old))
            .map_or_else(|| table.store(held, change, old), Ok);
        locked.release();
        match stored {
            Ok(stored) => Ok(stored),
            Err(NoRoom::Reserved) => self.put_under_all_locks(change, old),
            Err(no_room) => Err(self.refused(no_room)),
        }
    }

    /// Decides under all locks whether the map is full, and stores if it is not.
    #[cold]
    #[inline(never)]
    fn put_under_all_locks<S: ReadInto + ?Sized>(
        &self,
        change: Change<'_>,
        old: &mut S,
    ) -> Result<Stored, AccessError> {
        let all = self.lock_all()?;
        let table = self.table();
        let held: Vec<_> = all.iter().map(Guard::proof).collect();
        table.count_exactly(&held);
        // Looks again whether the key is there: somebody may have added it.
        let stored = match held.get(table.place(change.hash).shard) {
            Some(held) => table.store(*held, change, old),
            None => Err(NoRoom::Damaged),
        };
        drop(held);
        release_all(all);
        stored.map_err(|no_room| self.refused(no_room))
    }

    fn refused(&self, no_room: NoRoom) -> AccessError {
        match no_room {
            NoRoom::Reserved => AccessError::Full {
                capacity: self.memory.dimensions().capacity,
            },
            NoRoom::Shard => AccessError::ShardFull,
            NoRoom::Damaged => AccessError::Damaged,
        }
    }

    /// Removes a key, if it is present and has the version `expected`, where
    /// that is given; returns the version found and copies its value.
    pub(crate) fn remove<S: ReadInto + ?Sized>(
        &self,
        hash: Hash,
        key: &[u8],
        expected: Option<u64>,
        old: &mut S,
    ) -> Result<Option<u64>, AccessError> {
        self.table().expect_removal(hash);
        let locked = self.lock(self.table().place(hash).shard)?;
        let found = self
            .table()
            .remove(locked.proof(), hash, key, expected, old);
        locked.release();
        Ok(found)
    }

    /// Removes every entry, shard by shard.
    pub(crate) fn clear(&self) -> Result<(), AccessError> {
        for shard in 0..self.memory.dimensions().shards {
            let locked = self.lock(shard)?;
            self.table().clear(locked.proof());
            locked.release();
        }
        Ok(())
    }

    /// Runs `attempt` until it has an answer or the lock timeout has passed.
    pub(crate) fn optimistically<R>(
        &self,
        mut attempt: impl FnMut() -> Result<Option<R>, AccessError>,
    ) -> Result<R, AccessError> {
        let mut deadline = Deadline::new(self.lock_timeout());
        loop {
            if let Some(answer) = attempt()? {
                return Ok(answer);
            }
            if deadline.has_passed() {
                let waited = self.lock_timeout();
                return Err(AccessError::Contended { waited });
            }
        }
    }
}

/// Tries until it succeeds or [`READ_PATIENCE`] is over.
fn patiently<R>(mut attempt: impl FnMut() -> Option<R>) -> Result<R, AccessError> {
    let mut deadline = Deadline::new(READ_PATIENCE);
    while !deadline.has_passed() {
        if let Some(done) = attempt() {
            return Ok(done);
        }
        std::thread::yield_now();
    }
    let waited = READ_PATIENCE;
    Err(AccessError::Contended { waited })
}

/// A walk over all entries, bucket by bucket.
pub(crate) struct Walk<'m, G> {
    handle: &'m Handle<G>,
    next_bucket: usize,
    entries: Entries,
}

impl<'m, G: Geometry> Walk<'m, G> {
    pub(crate) fn new(handle: &'m Handle<G>) -> Self {
        let entries = Entries::default();
        Self {
            handle,
            next_bucket: 0,
            entries,
        }
    }

    /// What `take` makes of the next entry: its version, its key's and its
    /// value's bytes. A bucket that cannot be read gives one error and is passed
    /// over, so that every walk ends.
    pub(crate) fn next<R>(
        &mut self,
        take: impl FnOnce(u64, &[u8], &[u8]) -> R,
    ) -> Option<Result<R, AccessError>> {
        let dimensions = self.handle.memory.dimensions();
        while self.entries.is_empty() {
            if self.next_bucket == dimensions.buckets() {
                return None;
            }
            let bucket = self.next_bucket;
            self.next_bucket += 1;
            if let Err(error) = self.handle.entries(bucket, &mut self.entries) {
                self.entries.clear();
                return Some(Err(error));
            }
        }
        let taken = self
            .entries
            .pop(dimensions.key_len, dimensions.value_len, take);
        taken.map(Ok)
    }
}
