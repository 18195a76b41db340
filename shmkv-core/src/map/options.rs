//! How a map is created or opened: `Options`.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use super::handle::{ShmMap, ShmReader};
use crate::codec::role::{KeyRole, ValueRole};
use crate::codec::{Schema, ShmField, ShmKey, ShmValue};
use crate::error::{CreateError, Error, OpenError};
use crate::layout::Fixed;
use crate::store::{self, Address, Settings, Types};

/// Options for creating and opening a map, in the manner of [`std::fs::OpenOptions`].
///
/// ```
/// # use shmkv_core::StrMap;
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
        Self {
            settings: Settings::DEFAULT,
            map: PhantomData,
        }
    }

    /// Sets the permission bits of a segment that is created, whatever the umask: 0o600 by
    /// default. Reading a map needs read permission only. Other bits than those of 0o777 are
    /// ignored, of an anonymous map other than those of 0o666.
    pub fn mode(mut self, mode: u32) -> Self {
        self.settings.mode = mode & 0o777;
        self
    }

    /// Sets how long an operation waits for a lock that a live writer holds, in a process
    /// that is stopped for example, before it fails with
    /// [`LockTimeout`](crate::AccessError::LockTimeout): 10 seconds by default. The
    /// timeout is checked every 10 to 20 ms. A dead writer's lock is not waited for: it is
    /// taken over within 20 ms after the kernel has released that process.
    pub fn lock_timeout(mut self, limit: Duration) -> Self {
        self.settings.lock_timeout = limit;
        self
    }

    /// Sets whether all pages of the map are mapped when it is opened, so that this handle's
    /// first operations are as fast as its later ones: false by default.
    ///
    /// Otherwise the first access to a page of 4 KiB is a page fault, which takes about 3 µs
    /// in a new map, whose pages are cleared then, and somewhat less in a map that is in
    /// use. Creating and opening take longer instead: by 0.2 to 0.5 ms for each MiB of
    /// [`Stats::bytes`](crate::Stats::bytes), and by much less with
    /// [`huge_pages`](Self::huge_pages). The whole map counts as resident memory of this
    /// process.
    ///
    /// Nothing is locked: the kernel may swap pages out later. A forked child begins without
    /// them. In a file that is not on a tmpfs, the first write to a page still is a page
    /// fault.
    ///
    /// If the kernel cannot provide a page, creating fails with [`CreateError::Io`] and
    /// opening with [`OpenError::Io`]: for lack of memory, or because another process
    /// truncated the file, or punched a hole that there is no space to fill. On Linux before
    /// 5.14 the latter two are a SIGBUS.
    pub fn prefault(mut self, yes: bool) -> Self {
        self.settings.prefault = yes;
        self
    }

    /// Sets whether this handle asks for huge pages, of 2 MiB: false by default. They make
    /// random access faster in a map much larger than the processor's caches, and page
    /// faults rare.
    ///
    /// To ask is never an error. What this process got,
    /// [`huge_page_bytes`](crate::ShmReader::huge_page_bytes) tells:
    ///
    /// - Linux 6.1 and later: usually all, on any tmpfs, so on a usual `/dev/shm`, and in
    ///   anonymous maps. The first process that asks has the kernel copy the pages of the
    ///   map together (`MADV_COLLAPSE`), in about 1 ms for each MiB. Processes that use the
    ///   map meanwhile wait for one huge page at a time.
    /// - Earlier: in maps on a tmpfs mounted with `huge=always` or `huge=within_size`, and
    ///   in anonymous ones where `/sys/kernel/mm/transparent_hugepage/shmem_enabled` says
    ///   the same. Where it says `advise`, the kernel provides huge pages in the background,
    ///   which may take many minutes.
    /// - In a file elsewhere: what its file system keeps in huge pages.
    /// - None where `shmem_enabled` is `deny` or free memory is fragmented, none for a map
    ///   of less than 2 MiB and for the last part of a larger one, and hardly any where an
    ///   ordinary page is larger than 4 KiB.
    ///
    /// Huge pages belong to the map, but each handle maps them for itself: every process
    /// that wants them must ask.
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
        self.create_with(Address::Name(name.as_ref()))
    }

    /// As [`ShmMap::open`].
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(&self, name: impl AsRef<str>) -> Result<ShmMap<N, K, V, Key, Value>, OpenError> {
        self.open_with(Address::Name(name.as_ref()))
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
        self.open_or_create_with(Address::Name(name.as_ref()))
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
        self.read_with(Address::Name(name.as_ref()))
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
        self.create_with(Address::Path(path.as_ref()))
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
        self.open_with(Address::Path(path.as_ref()))
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
        self.open_or_create_with(Address::Path(path.as_ref()))
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
        self.read_with(Address::Path(path.as_ref()))
    }

    /// As [`ShmMap::create_anonymous`].
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub fn create_anonymous(&self) -> Result<ShmMap<N, K, V, Key, Value>, CreateError> {
        self.create_with(Address::Anonymous)
    }

    /// As [`ShmMap::from_fd`].
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn from_fd(&self, fd: OwnedFd) -> Result<ShmMap<N, K, V, Key, Value>, OpenError> {
        store::receive(fd, true, Self::types(), Fixed, self.settings).map(ShmMap::of)
    }

    /// Opens the anonymous map behind a received descriptor, for reading only.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn from_fd_read_only(
        &self,
        fd: OwnedFd,
    ) -> Result<ShmReader<N, K, V, Key, Value>, OpenError> {
        store::receive(fd, false, Self::types(), Fixed, self.settings).map(ShmReader::of)
    }

    fn create_with(
        &self,
        address: Address<'_>,
    ) -> Result<ShmMap<N, K, V, Key, Value>, CreateError> {
        store::create(address, Self::types(), Fixed, self.settings).map(ShmMap::of)
    }

    fn open_with(&self, address: Address<'_>) -> Result<ShmMap<N, K, V, Key, Value>, OpenError> {
        store::open(address, true, Self::types(), Fixed, self.settings).map(ShmMap::of)
    }

    fn read_with(&self, address: Address<'_>) -> Result<ShmReader<N, K, V, Key, Value>, OpenError> {
        store::open(address, false, Self::types(), Fixed, self.settings).map(ShmReader::of)
    }

    /// The types of the map. Everything that creates or opens one evaluates this, so that
    /// sizes that do not fit do not compile.
    fn types() -> Types {
        const {
            assert!(
                <Key as ShmField<KeyRole>>::LEN == K,
                "the key type's encoding is not K bytes long"
            );
            assert!(
                <Value as ShmField<ValueRole>>::LEN == V,
                "the value type's encoding is not V bytes long"
            );
            assert!(
                Schema::fit(
                    <Key as ShmField<KeyRole>>::SCHEMA,
                    <Value as ShmField<ValueRole>>::SCHEMA
                ),
                "the key and value types are too large to be described in a segment: \
                 64 KiB, 8192 types, fields and variants, 32 levels"
            );
        }
        Types {
            key: <Key as ShmField<KeyRole>>::SCHEMA,
            value: <Value as ShmField<ValueRole>>::SCHEMA,
        }
    }

    /// A process that loses the race to create opens what the winner made; if that is
    /// removed again before it does, it creates. No process waits for another.
    fn open_or_create_with(
        &self,
        address: Address<'_>,
    ) -> Result<ShmMap<N, K, V, Key, Value>, Error> {
        let mut rounds = 0..OPEN_OR_CREATE_ROUNDS;
        loop {
            match self.open_with(address) {
                Err(OpenError::NotFound { .. }) => {}
                opened => return Ok(opened?),
            }
            match self.create_with(address) {
                Err(CreateError::AlreadyExists { .. }) if rounds.next().is_some() => {}
                created => return Ok(created?),
            }
        }
    }
}

/// A name that comes and goes this often between two system calls is reported as an error.
const OPEN_OR_CREATE_ROUNDS: usize = 100;
