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
