//! The ladder of lookups, and scans of all entries.
//!
//! A lookup tries ever more thorough ways: the home bucket, inlined; the whole path, out of
//! line; the validated lookup, and then a lock or patience. [`Store::read`] and its steps
//! are the only place that puts them in order.
//!
//! A value stays in registers from the segment to where it is wanted. So each step has a
//! buffer of its own, which it passes to nothing that is out of line, and calls `finish`
//! by itself: a buffer that two steps shared would have to be in memory, and be copied
//! once more.

use std::time::Duration;

use super::Store;
use crate::bytes::{ReadInto, Scratch};
use crate::error::AccessError;
use crate::layout::Geometry;
use crate::sys::Deadline;
use crate::table::{BucketIndex, Buckets, Entries, Hash, Lookup, SlotIndex};

/// How long a read-only handle tries to read an entry that writers keep changing. A handle
/// that may write takes the lock instead.
const READ_PATIENCE: Duration = Duration::from_millis(100);

impl<G: Geometry> Store<G> {
    /// The hash of a key.
    #[inline(always)]
    pub(crate) fn hash(&self, key: &[u8]) -> Hash {
        self.table().hash(key)
    }

    /// Looks a key up; `finish` gets its version, if it is present, and its value.
    #[inline(always)]
    pub(crate) fn read<S: Scratch, R>(
        &self,
        hash: Hash,
        key: &[u8],
        finish: impl FnOnce(Option<u64>, &S) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        if !S::FITS_STACK {
            return self.read_on_path(hash, key, finish);
        }
        let mut value = S::new();
        match self.table().find_in_home_bucket(hash, key, &mut value) {
            Lookup::Found(version) => finish(Some(version), &value),
            Lookup::Absent => finish(None, &value),
            Lookup::Inconclusive => self.read_on_path(hash, key, finish),
        }
    }

    /// As [`read`](Self::read), of a key that seems to be in `slot`, and of a value that fits
    /// the stack.
    #[inline(always)]
    pub(crate) fn read_hinted<S: Scratch, R>(
        &self,
        slot: SlotIndex,
        hash: Hash,
        key: &[u8],
        finish: impl FnOnce(Option<u64>, &S) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        debug_assert!(S::FITS_STACK);
        let mut value = S::new();
        match self.table().find_in_slot(slot, hash, key, &mut value) {
            Lookup::Found(version) => finish(Some(version), &value),
            Lookup::Absent | Lookup::Inconclusive => self.read_on_path(hash, key, finish),
        }
    }

    /// The second step: the whole path.
    #[inline(never)]
    fn read_on_path<S: Scratch, R>(
        &self,
        hash: Hash,
        key: &[u8],
        finish: impl FnOnce(Option<u64>, &S) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        S::with(|value| match self.table().find_on_path(hash, key, value) {
            Lookup::Found(version) => finish(Some(version), value),
            Lookup::Absent => finish(None, value),
            Lookup::Inconclusive => self.read_contended(hash, key, finish),
        })
    }

    /// The last step: succeeds while writers are at work, or waits for them.
    #[cold]
    #[inline(never)]
    fn read_contended<S: Scratch, R>(
        &self,
        hash: Hash,
        key: &[u8],
        finish: impl FnOnce(Option<u64>, &S) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        S::with(|value| {
            let version = self.read_into(hash, key, value)?;
            finish(version, value)
        })
    }

    /// Looks a key up by the most thorough way at once, and copies its value to `value`:
    /// for a caller that brings its own buffer.
    #[cold]
    #[inline(never)]
    pub(crate) fn read_into<R: ReadInto + ?Sized>(
        &self,
        hash: Hash,
        key: &[u8],
        value: &mut R,
    ) -> Result<Option<u64>, AccessError> {
        let attempt = |value: &mut R| match self.table().find_validated(hash, key, value) {
            Lookup::Found(version) => Some(Some(version)),
            Lookup::Absent => Some(None),
            Lookup::Inconclusive => None,
        };
        if let Some(found) = attempt(value) {
            return Ok(found);
        }
        if !self.is_writable() {
            return patiently(|| attempt(value));
        }
        // While another writer, which may be stopped, holds the lock, a lookup without it
        // may still succeed.
        let (mut found, mut deadline) = (None, self.deadline());
        let shard = self.table().shard_of_hash(hash);
        let locked = self.lock_until(shard, || {
            found = attempt(value);
            found.is_some() || deadline.has_passed()
        })?;
        let Some(locked) = locked else {
            return found.ok_or_else(|| self.timed_out());
        };
        let found = self.table().find_locked(locked.held(), hash, key, value);
        locked.release();
        Ok(found)
    }

    /// Copies the entries of one bucket, all at one moment, also while writers are at work.
    fn scan_bucket(&self, bucket: BucketIndex, into: &mut Entries) -> Result<(), AccessError> {
        let attempt = |into: &mut Entries| self.table().scan_bucket(bucket, into).ok();
        if attempt(into).is_some() {
            return Ok(());
        }
        if !self.is_writable() {
            return patiently(|| attempt(into));
        }
        let (mut scanned, mut deadline) = (None, self.deadline());
        deadline.has_passed(); // Starts the clock.
        let shard = self.table().shard_of(bucket);
        let locked = self.lock_until(shard, || {
            scanned = attempt(into);
            scanned.is_some() || deadline.has_passed()
        })?;
        let Some(locked) = locked else {
            return scanned.ok_or_else(|| self.timed_out());
        };
        let scanned = attempt(into);
        locked.release();
        // Only a process that writes without the lock comes in between here.
        let waited = deadline.elapsed();
        scanned.ok_or(AccessError::Contended { waited })
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

/// A scan of all entries, bucket by bucket.
pub(crate) struct Scan<'m, G> {
    store: &'m Store<G>,
    buckets: Buckets,
    entries: Entries,
}

impl<'m, G: Geometry> Scan<'m, G> {
    pub(crate) fn new(store: &'m Store<G>) -> Self {
        Self {
            store,
            buckets: store.table().buckets(),
            entries: Entries::default(),
        }
    }

    /// What `take` returns for the next entry: for its version and the bytes of its key and
    /// value. A bucket that cannot be read yields one error and is skipped, so that every
    /// scan ends.
    pub(crate) fn next<R>(
        &mut self,
        take: impl FnOnce(u64, &[u8], &[u8]) -> R,
    ) -> Option<Result<R, AccessError>> {
        while self.entries.is_empty() {
            let bucket = self.buckets.next()?;
            if let Err(error) = self.store.scan_bucket(bucket, &mut self.entries) {
                self.entries.clear();
                return Some(Err(error));
            }
        }
        let dimensions = self.store.dimensions();
        let taken = self
            .entries
            .pop(dimensions.key_len(), dimensions.value_len(), take);
        taken.map(Ok)
    }
}
