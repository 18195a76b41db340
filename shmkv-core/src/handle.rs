//! A segment that this process has open: its name and its locks.

use std::io;
use std::time::Duration;

use crate::durable;
use crate::error::AccessError;
use crate::home::Home;
use crate::layout::Geometry;
use crate::lock::{self, Acquired, Guard, MAX_ID, Os};
use crate::memory::Memory;
use crate::sync::{AtomicU32, Ordering::Relaxed};
use crate::sys::{self, Deadline, NotRegistered, Object, Registration, futex};

/// How a segment is created or opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Permission bits of a new segment.
    pub(crate) mode: u32,
    /// How long to wait for a living holder of a lock.
    pub(crate) lock_timeout: Duration,
    /// Whether to map all pages at once.
    pub(crate) prefault: bool,
    /// Whether to ask for huge pages.
    pub(crate) huge_pages: bool,
}

/// An open segment.
#[derive(Debug)]
pub(crate) struct Handle<G> {
    pub(crate) memory: Memory<G>,
    object: Object,
    home: Home,
    /// `None` on a read-only handle.
    registration: Option<Registration>,
    lock_timeout: Duration,
}

/// The lock of a shard, held by this process.
pub(crate) type Locked<'a> = Guard<'a, Object>;

impl<G: Geometry> Handle<G> {
    /// A handle that reads.
    pub(crate) fn read_only(
        memory: Memory<G>,
        object: Object,
        home: Home,
        settings: Settings,
    ) -> Self {
        Self {
            memory,
            object,
            home,
            registration: None,
            lock_timeout: settings.lock_timeout,
        }
    }

    /// A handle that writes. It registers at once, while the process can: later
    /// it may have given privileges up.
    pub(crate) fn register_new(
        memory: Memory<G>,
        object: Object,
        home: &Home,
        settings: Settings,
    ) -> Result<Self, NotRegistered> {
        let handle = Self {
            memory,
            object,
            home: home.clone(),
            registration: Some(Registration::new().map_err(NotRegistered::Other)?),
            lock_timeout: settings.lock_timeout,
        };
        handle.register()?;
        Ok(handle)
    }

    /// Whether this handle may write.
    pub(crate) fn is_writable(&self) -> bool {
        self.registration.is_some()
    }

    /// The object itself.
    pub(crate) fn object(&self) -> &Object {
        &self.object
    }

    /// Where the segment lives.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Writers that have ever registered.
    pub(crate) fn writers(&self) -> u64 {
        self.memory.shared().next_id.load(Relaxed)
    }

    /// Writers that are alive.
    pub(crate) fn live_writers(&self) -> io::Result<usize> {
        sys::count_alive(&self.object, MAX_ID)
    }

    /// How long operations wait for a living writer.
    pub(crate) fn lock_timeout(&self) -> Duration {
        self.lock_timeout
    }

    /// Removes the segment's name, if it is still this segment's.
    pub(crate) fn unlink(&self) -> io::Result<()> {
        let Some(path) = self.home.path() else {
            let message = "an anonymous segment has no name to remove";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        if !self.object.is_at(path)? {
            let message = format!("{} now names another segment; it was left alone", self.home);
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        std::fs::remove_file(path)
    }

    /// Whether no name leads to the segment any more.
    pub(crate) fn is_unlinked(&self) -> io::Result<bool> {
        let Some(path) = self.home.path() else {
            return Ok(true);
        };
        match self.object.is_at(path) {
            Ok(there) => Ok(!there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Takes the lock of one shard, in order to change it.
    #[inline(always)]
    pub(crate) fn lock(&self, shard: usize) -> Result<Locked<'_>, AccessError> {
        let at_once = self.ready().and_then(|me| self.try_lock(me, shard));
        match at_once {
            Some(guard) => Ok(guard),
            None => self.lock_slow(shard),
        }
    }

    /// The id of this process, if it may change the map at once: it is a writer
    /// already, and there is no file to be told.
    #[inline(always)]
    pub(crate) fn ready(&self) -> Option<u32> {
        self.writer_id().filter(|_| !self.home.is_file())
    }

    /// Takes the lock of one shard if it is free, for a process that is
    /// [`ready`](Self::ready).
    #[inline(always)]
    pub(crate) fn try_lock(&self, me: u32, shard: usize) -> Option<Locked<'_>> {
        let word = &self.memory.table().shard(shard).lock;
        lock::try_acquire(word, shard, me, &self.object)
    }

    /// As [`lock`](Self::lock), whatever there is to wait for or to do first.
    #[cold]
    #[inline(never)]
    fn lock_slow(&self, shard: usize) -> Result<Locked<'_>, AccessError> {
        let locked = self.lock_as_it_is(shard)?;
        if self.home.is_file() && durable::must_be_told(self.memory.shared()) {
            return self.before_change(locked);
        }
        Ok(locked)
    }

    /// The id of this process, if it is a writer already.
    #[inline(always)]
    fn writer_id(&self) -> Option<u32> {
        self.registration.as_ref().and_then(Registration::id)
    }

    /// Takes the lock of one shard, in order to look.
    fn lock_as_it_is(&self, shard: usize) -> Result<Locked<'_>, AccessError> {
        let mut deadline = Deadline::new(self.lock_timeout);
        let locked = self.lock_unless(shard, || deadline.has_passed())?;
        locked.ok_or_else(|| self.timed_out())
    }

    /// Takes the lock of one shard, in order to look, repairing what a dead
    /// holder left. `None` if a living one has it and `enough` says so, which is
    /// asked before each time of waiting.
    pub(crate) fn lock_unless(
        &self,
        shard: usize,
        enough: impl FnMut() -> bool,
    ) -> Result<Option<Locked<'_>>, AccessError> {
        let me = match self.writer_id() {
            Some(id) => id,
            // A forked child.
            None => self.register().map_err(|refused| AccessError::Io {
                action: "register as a writer of the map",
                source: refused.into(),
            })?,
        };
        let table = self.memory.table();
        let word = &table.shard(shard).lock;
        match lock::acquire(word, shard, me, &self.object, enough) {
            Ok(Acquired::Clean(guard)) => Ok(Some(guard)),
            Ok(Acquired::OwnerDied(orphan)) => Ok(Some(orphan.recover(&table))),
            Err(lock::TimedOut) => Ok(None),
        }
    }

    /// What to say when that took too long.
    pub(crate) fn timed_out(&self) -> AccessError {
        let waited = self.lock_timeout;
        AccessError::LockTimeout { waited }
    }

    /// Takes the locks of all shards, in their order, in order to change them.
    pub(crate) fn lock_all(&self) -> Result<Vec<Locked<'_>>, AccessError> {
        let all = self.lock_all_as_they_are()?;
        if self.home.is_file() && durable::must_be_told(self.memory.shared()) {
            let told = durable::before_change(self.memory.shared(), self.memory.mapping());
            if let Err(source) = told {
                release_all(all);
                return Err(untold(source));
            }
        }
        Ok(all)
    }

    /// Takes the locks of all shards, in their order, in order to look.
    ///
    /// Whoever is stopped while it holds one would make those wait, for as long,
    /// who want another: so after a moment all are given back, that one is waited
    /// for alone, and it begins again.
    fn lock_all_as_they_are(&self) -> Result<Vec<Locked<'_>>, AccessError> {
        let shards = self.memory.dimensions().shards;
        let mut deadline = Deadline::new(self.lock_timeout);
        let mut all = Vec::with_capacity(shards);
        while all.len() < shards {
            let mut waits = 0;
            let locked = self.lock_unless(all.len(), || {
                waits += 1;
                waits > MOMENT
            });
            match locked {
                Ok(Some(guard)) => all.push(guard),
                Ok(None) => {
                    let busy = all.len();
                    release_all(std::mem::take(&mut all));
                    if deadline.has_passed() {
                        return Err(self.timed_out());
                    }
                    let free = self.lock_unless(busy, || deadline.has_passed())?;
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

    /// Writes a file-backed segment to its device, and marks it clean.
    pub(crate) fn flush(&self) -> Result<(), AccessError> {
        if !self.home.is_file() {
            return Ok(());
        }
        let all = self.lock_all_as_they_are()?;
        let flushed = durable::flush(self.memory.shared(), self.memory.mapping(), &self.object);
        release_all(all);
        let action = "flush the map";
        flushed.map_err(|source| AccessError::Io { action, source })
    }

    #[cold]
    fn before_change<'a>(&self, locked: Locked<'a>) -> Result<Locked<'a>, AccessError> {
        match durable::before_change(self.memory.shared(), self.memory.mapping()) {
            Ok(()) => Ok(locked),
            Err(source) => {
                locked.release();
                Err(untold(source))
            }
        }
    }

    /// Makes this process a writer.
    #[cold]
    fn register(&self) -> Result<u32, NotRegistered> {
        let Some(registration) = &self.registration else {
            let error = io::ErrorKind::PermissionDenied;
            return Err(NotRegistered::Other(error.into()));
        };
        let table = self.memory.table();
        let next_id = &self.memory.shared().next_id;
        let next = || 1 + (next_id.fetch_add(1, Relaxed) % u64::from(MAX_ID)) as u32;
        // After 2^30 ids, or in a damaged segment, somebody dead may hold a
        // lock under an id that is ours now.
        let disown = |id| {
            for shard in table.shards() {
                lock::disown(&shard.lock, id);
            }
        };
        registration.register(&self.object, next, disown)
    }
}

/// How often to go to sleep for one lock while holding others.
const MOMENT: usize = 1;

/// What to say when the file could not be told that it changes.
fn untold(source: io::Error) -> AccessError {
    let action = "mark the file as changed";
    AccessError::Io { action, source }
}

/// Gives all locks back.
pub(crate) fn release_all(all: Vec<Locked<'_>>) {
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
