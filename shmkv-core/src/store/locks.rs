//! Taking the locks of shards, as a writer that is registered.
//!
//! [`lock`](Store::lock) and [`lock_all`](Store::lock_all) are for changes: they also see
//! to it that a file is marked as changed before it changes. So is
//! [`try_lock`](Store::try_lock), for a process that has nothing to mark. The others are for
//! reading under a lock. This is also where the lock meets the operating system: `Os` is
//! implemented here, for an object.

use std::io;
use std::time::Duration;

use super::Store;
use crate::error::AccessError;
use crate::layout::Geometry;
use crate::lock::{self, Acquired, Guard, MAX_ID, Os};
use crate::segment::Segment;
use crate::sync::{AtomicU32, Ordering::Relaxed};
use crate::sys::{self, NotRegistered, Object, Registration, futex};

/// The lock of a shard, held by this process.
pub(super) type Locked<'a> = Guard<'a, Object>;

/// How often a writer that holds locks sleeps for the next one before it gives all back.
const PATIENCE: usize = 1;

impl<G: Geometry> Store<G> {
    /// Takes the lock of one shard, to change it.
    #[inline(always)]
    pub(super) fn lock(&self, shard: usize) -> Result<Locked<'_>, AccessError> {
        let at_once = self.ready().and_then(|me| self.try_lock(me, shard));
        match at_once {
            Some(guard) => Ok(guard),
            None => self.lock_slow(shard),
        }
    }

    /// The id of this process, if it may change the map at once: it is registered, and
    /// there is no file to be marked first.
    #[inline(always)]
    pub(super) fn ready(&self) -> Option<u32> {
        self.writer_id()
            .filter(|_| !self.segment.location().is_file())
    }

    /// Takes the lock of one shard if it is free, for a process that is
    /// [`ready`](Self::ready).
    #[inline(always)]
    pub(super) fn try_lock(&self, me: u32, shard: usize) -> Option<Locked<'_>> {
        let word = &self.table().shard(shard).lock;
        lock::try_acquire(word, shard, me, self.object())
    }

    /// As [`lock`](Self::lock): waits, registers, marks the file, as needed.
    #[cold]
    #[inline(never)]
    fn lock_slow(&self, shard: usize) -> Result<Locked<'_>, AccessError> {
        let locked = self.lock_to_read(shard)?;
        match self.mark_file_dirty() {
            Ok(()) => Ok(locked),
            Err(error) => {
                locked.release();
                Err(error)
            }
        }
    }

    /// The id of this process, if it is registered.
    #[inline(always)]
    fn writer_id(&self) -> Option<u32> {
        self.registration.as_ref().and_then(Registration::id)
    }

    /// Takes the lock of one shard, to read under it.
    fn lock_to_read(&self, shard: usize) -> Result<Locked<'_>, AccessError> {
        let mut deadline = self.deadline();
        let locked = self.lock_until(shard, || deadline.has_passed())?;
        locked.ok_or_else(|| self.timed_out())
    }

    /// Takes the lock of one shard, to read under it, and repairs what a dead holder left.
    /// `None` if a live writer holds the lock and `expired`, called before each sleep,
    /// returns true.
    pub(super) fn lock_until(
        &self,
        shard: usize,
        expired: impl FnMut() -> bool,
    ) -> Result<Option<Locked<'_>>, AccessError> {
        let me = match self.writer_id() {
            Some(id) => id,
            // A forked child.
            None => self.register_again()?,
        };
        let table = self.table();
        let word = &table.shard(shard).lock;
        match lock::acquire(word, shard, me, self.object(), expired) {
            Ok(Acquired::Clean(guard)) => Ok(Some(guard)),
            Ok(Acquired::Orphaned(orphan)) => Ok(Some(orphan.recover(|held| table.recover(held)))),
            Err(lock::TimedOut) => Ok(None),
        }
    }

    /// Takes the locks of all shards, in order, to change them.
    pub(super) fn lock_all(&self) -> Result<Vec<Locked<'_>>, AccessError> {
        let all = self.lock_all_to_read()?;
        match self.mark_file_dirty() {
            Ok(()) => Ok(all),
            Err(error) => {
                release_all(all);
                Err(error)
            }
        }
    }

    /// Takes the locks of all shards, in order, to read under them.
    ///
    /// If the holder of one is stopped, writers that want another one would have to wait as
    /// long as this one does. So after a moment all locks are given back, that one is
    /// waited for alone, and all are taken anew.
    fn lock_all_to_read(&self) -> Result<Vec<Locked<'_>>, AccessError> {
        let shards = self.dimensions().shards();
        let mut deadline = self.deadline();
        let mut all = Vec::with_capacity(shards);
        while all.len() < shards {
            let mut sleeps = 0;
            let locked = self.lock_until(all.len(), || {
                sleeps += 1;
                sleeps > PATIENCE
            });
            match locked {
                Ok(Some(guard)) => all.push(guard),
                Ok(None) => {
                    let busy = all.len();
                    release_all(std::mem::take(&mut all));
                    if deadline.has_passed() {
                        return Err(self.timed_out());
                    }
                    let free = self.lock_until(busy, || deadline.has_passed())?;
                    free.ok_or_else(|| self.timed_out())?.release();
                }
                Err(error) => {
                    release_all(all);
                    return Err(error);
                }
            }
        }
        Ok(all)
    }

    /// Writes a file-backed map to its device, and marks it clean.
    pub(crate) fn flush(&self) -> Result<(), AccessError> {
        if !self.segment.location().is_file() {
            return Ok(());
        }
        let all = self.lock_all_to_read()?;
        let flushed = self.segment.flush();
        release_all(all);
        let action = "flush the map";
        flushed.map_err(|source| AccessError::Io { action, source })
    }

    /// Marks a file as changed, if its device may still say that it is clean.
    fn mark_file_dirty(&self) -> Result<(), AccessError> {
        if !self.segment.must_mark_dirty() {
            return Ok(());
        }
        let action = "mark the file as changed";
        let marked = self.segment.mark_dirty();
        marked.map_err(|source| AccessError::Io { action, source })
    }

    /// Registers a forked child, which has inherited its parent's handle.
    #[cold]
    fn register_again(&self) -> Result<u32, AccessError> {
        let registered = match &self.registration {
            Some(registration) => register(&self.segment, registration),
            None => Err(NotRegistered::Other(io::ErrorKind::PermissionDenied.into())),
        };
        registered.map_err(|refused| AccessError::Io {
            action: "register as a writer of the map",
            source: refused.into(),
        })
    }

    /// How many writers have ever registered.
    pub(super) fn registered_writers(&self) -> u64 {
        self.segment.control().next_id.load(Relaxed)
    }
}

/// Makes this process a writer of the segment.
#[cold]
pub(super) fn register<G: Geometry>(
    segment: &Segment<G>,
    registration: &Registration,
) -> Result<u32, NotRegistered> {
    let table = segment.table();
    let next_id = &segment.control().next_id;
    let next = || 1 + (next_id.fetch_add(1, Relaxed) % u64::from(MAX_ID)) as u32;
    // After 2^30 registrations, or in a damaged segment, a lock may still be held by a
    // dead writer under the id that this one gets.
    let disown = |id| {
        for shard in table.shards() {
            lock::disown(&shard.lock, id);
        }
    };
    registration.register(segment.object(), next, disown)
}

/// Gives all locks back.
pub(super) fn release_all(all: Vec<Locked<'_>>) {
    for guard in all {
        guard.release();
    }
}

impl Os for Object {
    fn is_alive(&self, id: u32) -> bool {
        sys::is_alive(self, id)
    }

    fn sleep(&self, word: &AtomicU32, seen: u32, at_most: Duration) {
        futex::wait(word, seen, at_most);
    }

    fn wake_one(&self, word: &AtomicU32) {
        futex::wake_one(word);
    }

    fn spin(&self) {
        std::hint::spin_loop();
    }
}
