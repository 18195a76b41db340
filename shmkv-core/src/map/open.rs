//! The life of a map: `create`, `open` and their variants, `flush`, `unlink`, `destroy`.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::handle::{ShmMap, ShmReader};
use super::options::Options;
use crate::codec::{ShmKey, ShmValue};
use crate::error::{AccessError, CreateError, Error, OpenError};
use crate::store;

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Opens the map `name` for reading only, as [`ShmMap::open_read_only`] does.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(name: impl AsRef<str>) -> Result<Self, OpenError> {
        Options::<ShmMap<N, K, V, Key, Value>>::new().open_read_only(name)
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmMap<N, K, V, Key, Value> {
    /// Options for creating or opening.
    pub fn options() -> Options<Self> {
        Options::new()
    }

    /// Removes the map's name. Processes that have the map open keep it, and its memory is
    /// freed when the last of them has closed it. The name can be used for a new map at
    /// once.
    ///
    /// # Errors
    ///
    /// The kernel's error; `NotFound` if the name is gone, or by now names another object,
    /// which is then left alone (unless it gets the name at this very moment: the kernel
    /// cannot compare and remove in one step); `InvalidInput` for an anonymous map.
    pub fn unlink(&self) -> io::Result<()> {
        self.store.unlink()
    }

    /// Drops this handle and removes the map's name.
    ///
    /// # Errors
    ///
    /// As [`unlink`](Self::unlink).
    #[doc(alias = "shared_memory_kv_destroy")]
    pub fn destroy(self) -> io::Result<()> {
        self.unlink()
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmMap<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Creates the map `name`, for reading and writing by this user only.
    ///
    /// Names follow `shm_open`: up to 255 bytes without `/`, after an optional leading `/`.
    /// All memory is reserved here, so that no later write fails for lack of it. The name
    /// appears when the map is complete: a process that can open it can use it.
    ///
    /// # Errors
    ///
    /// See [`CreateError`]; nothing is left behind.
    ///
    /// ```
    /// # use shmkv_core::{CreateError, StrMap};
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// # let name = format!("/doc-create-{}", std::process::id());
    /// type Settings = StrMap<10, 64, 256>;
    /// let settings = Settings::create(&name)?;
    /// assert!(matches!(
    ///     Settings::create(&name),
    ///     Err(CreateError::AlreadyExists { .. })
    /// ));
    /// settings.destroy()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Impossible sizes do not compile:
    ///
    /// ```compile_fail,E0080
    /// shmkv_core::ShmMap::<0, 8, 8>::create("/no-entries");
    /// ```
    /// ```compile_fail,E0080
    /// shmkv_core::ShmMap::<8, 0, 8>::create("/no-keys");
    /// ```
    /// ```compile_fail,E0080
    /// shmkv_core::ShmMap::<{ usize::MAX }, 8, 8>::create("/too-large");
    /// ```
    #[doc(alias = "shared_memory_kv_create")]
    pub fn create(name: impl AsRef<str>) -> Result<Self, CreateError> {
        Self::options().create(name)
    }

    /// Opens the map `name` for reading and writing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]. A segment with another `N`, `K` or `V`, other types, another
    /// layout, or damage in its header is refused.
    #[doc(alias = "shared_memory_kv_open")]
    pub fn open(name: impl AsRef<str>) -> Result<Self, OpenError> {
        Self::options().open(name)
    }

    /// Opens the map `name`, or creates it if there is none. If several processes do so at
    /// once, one creates the map and all open it.
    ///
    /// # Errors
    ///
    /// See [`CreateError`] and [`OpenError`].
    pub fn open_or_create(name: impl AsRef<str>) -> Result<Self, Error> {
        Self::options().open_or_create(name)
    }

    /// Opens the map `name` for reading only: the memory is mapped read-only.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_read_only(
        name: impl AsRef<str>,
    ) -> Result<ShmReader<N, K, V, Key, Value>, OpenError> {
        Self::options().open_read_only(name)
    }

    /// Creates a map in a new file at `path`.
    ///
    /// The file's contents outlast a restart of the machine if they were
    /// [flushed](Self::flush). On copy-on-write file systems space cannot be reserved:
    /// running out of it later is a SIGBUS.
    ///
    /// # Errors
    ///
    /// See [`CreateError`]. Network file systems are refused.
    pub fn create_at(path: impl AsRef<Path>) -> Result<Self, CreateError> {
        Self::options().create_at(path)
    }

    /// Opens the map in the file at `path` for reading and writing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]; [`Stale`](OpenError::Stale) if the machine restarted since, and
    /// the map had not been flushed after the last writing operation.
    pub fn open_at(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::options().open_at(path)
    }

    /// Creates a map without a name. Other processes get at it through its descriptor
    /// ([`AsFd`](std::os::fd::AsFd)), inherited or passed over a Unix socket, and
    /// [`from_fd`](Self::from_fd). No process can shorten or extend it.
    ///
    /// A process of another user can open a descriptor that it received only if
    /// [`Options::mode`] permits it. A process that may write can write, even if the
    /// descriptor was opened for reading.
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub fn create_anonymous() -> Result<Self, CreateError> {
        Self::options().create_anonymous()
    }

    /// Opens the anonymous map behind a received descriptor.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]; [`Unsealed`](OpenError::Unsealed) for an object that other
    /// processes could shorten.
    pub fn from_fd(fd: OwnedFd) -> Result<Self, OpenError> {
        Self::options().from_fd(fd)
    }

    /// Writes a file-backed map to its device and waits for it. Until the next writing
    /// operation, its contents outlast a restart of the machine.
    ///
    /// Writers wait meanwhile. For a map that is not in a file this does nothing.
    ///
    /// # Errors
    ///
    /// [`Io`](AccessError::Io) with the device's error; if the device refused the contents,
    /// this file cannot be flushed any more. `Io` too if this process cannot register as a
    /// writer; [`LockTimeout`](AccessError::LockTimeout).
    pub fn flush(&self) -> Result<(), AccessError> {
        self.store.flush()
    }
}

/// Removes the name of a shared-memory object, whatever its type and contents.
///
/// Processes that have it open keep it.
///
/// # Errors
///
/// The kernel's error, `NotFound` if there is no such name; `InvalidInput` if it is not a
/// name.
#[doc(alias = "shared_memory_kv_unlink")]
pub fn unlink(name: impl AsRef<str>) -> io::Result<()> {
    store::unlink(name.as_ref())
}
