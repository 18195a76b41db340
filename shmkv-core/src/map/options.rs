//! How a map is created or opened.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use super::{ShmMap, ShmReader};
use crate::birth::{self, Candidate};
use crate::codec::{ShmKey, ShmValue};
use crate::error::{CreateError, Error, OpenError};
use crate::handle::{Handle, Settings};
use crate::home::Home;
use crate::layout::Fixed;

/// Options for creating and opening a map, in the manner of
/// [`std::fs::OpenOptions`].
///
/// ```
/// # use shmkv_core::{StrMap, unlink};
/// # use std::time::Duration;
/// # fn main() -> Result<(), shmkv_core::Error> {
/// # let name = format!("/doc-options-{}", std::process::id());
/// let map = StrMap::<10, 64, 256>::options()
///     .mode(0o640)
///     .lock_timeout(Duration::from_millis(500))
///     .prefault(true)
///     .create(&name)?;
/// # map.destroy()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "options do nothing until something is opened with them"]
pub struct Options<M> {
    settings: Settings,
    map: PhantomData<fn() -> M>,
}

impl<M> Options<M> {
    pub(super) fn new() -> Self {
        let settings = Settings {
            mode: 0o600,
            lock_timeout: Duration::from_secs(10),
            prefault: false,
            huge_pages: false,
        };
        let map = PhantomData;
        Self { settings, map }
    }

    /// The permission bits of a segment that is created, whatever the umask:
    /// 0o600 unless set. Reading a map needs read permission only.
    pub fn mode(mut self, mode: u32) -> Self {
        self.settings.mode = mode & 0o777;
        self
    }

    /// How long an operation waits for a lock that a living writer holds, in a
    /// process that is stopped for example, before it fails with
    /// [`LockTimeout`](crate::AccessError::LockTimeout): 10 seconds unless set.
    /// A dead writer's lock is taken over at once. Checked every 10 to 20 ms.
    pub fn lock_timeout(mut self, limit: Duration) -> Self {
        self.settings.lock_timeout = limit;
        self
    }

    /// Whether to map all pages of the map when it is opened, so that this
    /// handle's first operations are as fast as its later ones: not unless set.
    ///
    /// Otherwise the first access to a page of 4 KiB is a page fault, which takes
    /// about 3 µs in a new map, whose pages are cleared then, and somewhat less in
    /// one that others have used. Creating and opening take longer instead: by
    /// 0.2 to 0.5 ms for each MiB of [`Stats::bytes`](crate::Stats::bytes), and by
    /// much less with [`huge_pages`](Self::huge_pages). The whole map counts as
    /// resident memory of this process.
    ///
    /// Nothing is locked: the kernel may swap pages out later. A forked child
    /// begins without them. In a map in a file that is not on a tmpfs, a first write
    /// to a page stays a page fault.
    ///
    /// If the kernel cannot provide a page, creating fails with
    /// [`CreateError::Io`] and opening with [`OpenError::Io`]: for want of memory,
    /// or because somebody truncated the file, or punched a hole that there is no
    /// room to fill. On Linux before 5.14 the latter two are a SIGBUS.
    pub fn prefault(mut self, yes: bool) -> Self {
        self.settings.prefault = yes;
        self
    }

    /// Whether to ask for huge pages, of 2 MiB: not unless set. They make random
    /// access faster in a map much larger than the processor's caches, and page
    /// faults rare.
    ///
    /// To ask is never an error. What this process got is told by
    /// [`huge_page_bytes`](crate::ShmReader::huge_page_bytes):
    ///
    /// - Linux 6.1 and later: usually all, on any tmpfs, so on a usual `/dev/shm`,
    ///   and in anonymous maps. The pages that the map has are copied together
    ///   (`MADV_COLLAPSE`), by whoever asks first, in about 1 ms for each MiB.
    ///   Processes that use the map meanwhile wait for one huge page at a time.
    /// - Before: maps on a tmpfs mounted with `huge=always` or `huge=within_size`;
    ///   anonymous ones where
    ///   `/sys/kernel/mm/transparent_hugepage/shmem_enabled` says the same. Where
    ///   they say `advise`, the kernel provides huge pages in the background, which
    ///   may take it many minutes.
    /// - In a file elsewhere: what its file system keeps in huge pages.
    /// - None where `shmem_enabled` is `deny` or memory is in small pieces, for a
    ///   map of less than 2 MiB and the last part of a larger one, and hardly any
    ///   where an ordinary page is larger than 4 KiB.
    ///
    /// Huge pages are the map's, but how they are reached is each handle's: each
    /// process that wants them asks.
    pub fn huge_pages(mut self, yes: bool) -> Self {
        self.settings.huge_pages = yes;
        self
    }
}

impl<M> Clone for Options<M> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<M> fmt::Debug for Options<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("mode", &format_args!("{:#o}", self.settings.mode))
            .field("lock_timeout", &self.settings.lock_timeout)
            .field("prefault", &self.settings.prefault)
            .field("huge_pages", &self.settings.huge_pages)
            .finish()
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value>
    Options<ShmMap<N, K, V, Key, Value>>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// As [`ShmMap::create`].
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub fn create(
        &self,
        name: impl AsRef<str>,
    ) -> Result<ShmMap<N, K, V, Key, Value>, CreateError> {
        self.create_home(Home::named(name.as_ref())?)
    }

    /// As [`ShmMap::open`].
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(&self, name: impl AsRef<str>) -> Result<ShmMap<N, K, V, Key, Value>, OpenError> {
        self.open_home(Home::named(name.as_ref())?)
    }

    /// As [`ShmMap::open_or_create`].
    ///
    /// # Errors
    ///
    /// See [`CreateError`] and [`OpenError`].
    pub fn open_or_create(
        &self,
        name: impl AsRef<str>,
    ) -> Result<ShmMap<N, K, V, Key, Value>, Error> {
        let home = Home::named(name.as_ref()).map_err(OpenError::from)?;
        self.open_or_create_home(&home)
    }

    /// As [`ShmMap::open_read_only`].
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_read_only(
        &self,
        name: impl AsRef<str>,
    ) -> Result<ShmReader<N, K, V, Key, Value>, OpenError> {
        self.read_home(Home::named(name.as_ref())?)
    }

    /// As [`ShmMap::create_at`].
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub fn create_at(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<ShmMap<N, K, V, Key, Value>, CreateError> {
        self.create_home(Home::file(path.as_ref()))
    }

    /// As [`ShmMap::open_at`].
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_at(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<ShmMap<N, K, V, Key, Value>, OpenError> {
        self.open_home(Home::file(path.as_ref()))
    }

    /// Opens the map in the file at `path`, or creates it.
    ///
    /// # Errors
    ///
    /// See [`CreateError`] and [`OpenError`].
    pub fn open_or_create_at(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<ShmMap<N, K, V, Key, Value>, Error> {
        self.open_or_create_home(&Home::file(path.as_ref()))
    }

    /// Opens the map in the file at `path` for reading only.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_read_only_at(
        &self,
        path: impl AsRef<Path>,
    ) -> Result<ShmReader<N, K, V, Key, Value>, OpenError> {
        self.read_home(Home::file(path.as_ref()))
    }

    /// As [`ShmMap::create_anonymous`].
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub fn create_anonymous(&self) -> Result<ShmMap<N, K, V, Key, Value>, CreateError> {
        self.create_home(Home::Anonymous)
    }

    /// As [`ShmMap::from_fd`].
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn from_fd(&self, fd: OwnedFd) -> Result<ShmMap<N, K, V, Key, Value>, OpenError> {
        self.admit(Candidate::receive(fd, true)?).map(ShmMap::of)
    }

    /// Opens the anonymous map that a received descriptor names, for reading
    /// only.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn from_fd_read_only(
        &self,
        fd: OwnedFd,
    ) -> Result<ShmReader<N, K, V, Key, Value>, OpenError> {
        self.admit(Candidate::receive(fd, false)?)
            .map(ShmReader::of)
    }

    fn create_home(&self, home: Home) -> Result<ShmMap<N, K, V, Key, Value>, CreateError> {
        let spec = ShmReader::<N, K, V, Key, Value>::spec()?;
        birth::create(home, &spec, Fixed, self.settings).map(ShmMap::of)
    }

    fn open_home(&self, home: Home) -> Result<ShmMap<N, K, V, Key, Value>, OpenError> {
        self.admit(Candidate::open(home, true)?).map(ShmMap::of)
    }

    fn read_home(&self, home: Home) -> Result<ShmReader<N, K, V, Key, Value>, OpenError> {
        self.admit(Candidate::open(home, false)?).map(ShmReader::of)
    }

    fn admit(&self, found: Candidate) -> Result<Handle<Fixed<N, K, V>>, OpenError> {
        let spec = ShmReader::<N, K, V, Key, Value>::spec()?;
        found.expected(&spec)?.admit(Fixed, self.settings)
    }

    /// Whoever loses the race to create opens what the winner made; whoever
    /// finds that removed again creates. Nobody waits for anybody.
    fn open_or_create_home(&self, home: &Home) -> Result<ShmMap<N, K, V, Key, Value>, Error> {
        let mut rounds = 0..OPEN_OR_CREATE_ROUNDS;
        loop {
            match self.open_home(home.clone()) {
                Err(OpenError::NotFound { .. }) => {}
                opened => return Ok(opened?),
            }
            match self.create_home(home.clone()) {
                Err(CreateError::AlreadyExists { .. }) if rounds.next().is_some() => {}
                created => return Ok(created?),
            }
        }
    }
}

/// Names that come and go this often between two system calls are a fault of
/// their own.
const OPEN_OR_CREATE_ROUNDS: usize = 100;
