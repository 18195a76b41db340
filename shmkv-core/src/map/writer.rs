//! Changing a map.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::lookup::{decoded, versioned};
use super::{Exchange, Iter, Options, ShmReader, Version};
use crate::bytes::{Buffer, Scratch};
use crate::codec::{ShmKey, ShmValue, ToKey, ToValue};
use crate::error::{AccessError, CreateError, Error, OpenError};
use crate::handle::Handle;
use crate::home::Home;
use crate::layout::Fixed;
use crate::table::Condition;

/// A map of at most `N` entries, keys of `K` bytes and values of `V` bytes, in
/// shared memory.
///
/// Any number of processes on a host, and any number of threads in each, read
/// and write it at once. With the default types it maps bytes to bytes;
/// [`Map`](crate::Map) finds `K` and `V` for other types.
///
/// Reading operations are those of [`ShmReader`], to which this dereferences:
/// [`get`](ShmReader::get), [`iter`](ShmReader::iter), [`len`](ShmReader::len)
/// and more.
///
/// # Locks
///
/// A writing operation takes the lock of one shard, 1 of up to 1,024, for the
/// time of a copy. A holder that dies is found out and its lock taken over; one
/// that is stopped makes others wait until
/// [`lock_timeout`](Options::lock_timeout) and fail with
/// [`LockTimeout`](AccessError::LockTimeout). Closures given to this map run
/// without a lock; they may use the map.
///
/// # Fork, threads, drop
///
/// Handles are `Send` and `Sync`. A handle that may write is registered with the
/// kernel when it is opened. A forked child may go on using its parent's handle;
/// it registers as a writer of its own with its first write, for which it needs
/// the right to open the segment again. Keys and values pass through the stack:
/// those of more than about 100 KiB want threads with large stacks, larger still
/// in builds without optimisation. Dropping a
/// handle unmaps the memory and does nothing else: the segment stays until its
/// name is removed ([`unlink`](Self::unlink), [`destroy`](Self::destroy)) and
/// the last handle is gone.
pub struct ShmMap<const N: usize, const K: usize, const V: usize, Key = [u8; K], Value = [u8; V]> {
    reader: ShmReader<N, K, V, Key, Value>,
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmMap<N, K, V, Key, Value> {
    pub(super) fn of(handle: Handle<Fixed<N, K, V>>) -> Self {
        let reader = ShmReader::of(handle);
        Self { reader }
    }

    /// Options for creating or opening.
    pub fn options() -> Options<Self> {
        Options::new()
    }

    /// Removes the map's name. Processes that have the map open keep it, and
    /// its memory is freed when the last of them has gone; the name can be used
    /// for a new map at once.
    ///
    /// # Errors
    ///
    /// The kernel's error; `NotFound` if the name is gone, or names another
    /// segment by now, which is then left alone (unless it gets the name at
    /// this very moment: the kernel cannot compare and remove in one step);
    /// `InvalidInput` for an anonymous map.
    pub fn unlink(&self) -> io::Result<()> {
        self.handle.unlink()
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
    /// Creates the map `name` for reading and writing by this user only.
    ///
    /// Names follow `shm_open`: up to 255 bytes without `/`, a leading `/` is
    /// optional. All memory is reserved here, so that no later write fails for
    /// want of it. The name appears when the map is complete; whoever can open
    /// it can use it.
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
    /// Sizes that make no sense do not compile:
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
    /// See [`OpenError`]. A segment with another `N`, `K` or `V`, other types,
    /// another layout, or damage in its header is refused.
    #[doc(alias = "shared_memory_kv_open")]
    pub fn open(name: impl AsRef<str>) -> Result<Self, OpenError> {
        Self::options().open(name)
    }

    /// Opens the map `name`, or creates it if there is none; of several
    /// processes that do so at once, one creates and all open the same map.
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
    /// [flushed](Self::flush). On copy-on-write file systems reserved space is
    /// no promise: running out of it later is a SIGBUS.
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
    /// See [`OpenError`]; [`Stale`](OpenError::Stale) if the machine was
    /// restarted since, and the map had not been flushed after the last writing
    /// operation.
    pub fn open_at(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::options().open_at(path)
    }

    /// Creates a map without a name. Others get at it through its descriptor
    /// ([`AsFd`]), by inheritance or passed over a Unix socket, and
    /// [`from_fd`](Self::from_fd). Nobody can shorten or enlarge it.
    ///
    /// A process of another user can open a descriptor that it received only if
    /// [`Options::mode`] lets it; whoever has one and may write can write, even
    /// if the descriptor was opened for reading.
    ///
    /// # Errors
    ///
    /// See [`CreateError`].
    pub fn create_anonymous() -> Result<Self, CreateError> {
        Self::options().create_anonymous()
    }

    /// Opens the anonymous map that a received descriptor names.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]; [`Unsealed`](OpenError::Unsealed) for an object that
    /// others could shorten.
    pub fn from_fd(fd: OwnedFd) -> Result<Self, OpenError> {
        Self::options().from_fd(fd)
    }

    /// Stores `value` under `key`, and returns the value that it replaces.
    ///
    /// # Errors
    ///
    /// [`Full`](AccessError::Full) if the key is new and the map holds `N`
    /// entries; [`Key`](AccessError::Key) or [`Value`](AccessError::Value) if
    /// they cannot be represented; [`LockTimeout`](AccessError::LockTimeout);
    /// [`Io`](AccessError::Io) if this process cannot become a writer. The map
    /// is then unchanged. [`Decode`](AccessError::Decode) tells that the value
    /// that was replaced is not one; the new one has been stored.
    ///
    /// # Consistency
    ///
    /// Others see the old value or the new one, never a mixture, and never none
    /// at all. If the process dies, they see one of the two.
    pub fn insert(
        &self,
        key: impl ToKey<Key>,
        value: impl ToValue<Value>,
    ) -> Result<Option<Value>, AccessError> {
        self.put(
            &key,
            &value,
            Condition::Always,
            |stored, old: &Buffer<V>| decoded(stored.found, old),
        )
    }

    /// Stores `value` under `key`, as [`insert`](Self::insert), and returns the
    /// version that the entry has now instead of the value that it had: for those
    /// who do not want that, or who go on with
    /// [`compare_exchange`](Self::compare_exchange).
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), without `Decode`.
    ///
    /// ```
    /// # use shmkv_core::{Exchange, Map};
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// let turns = Map::<10, u32, u64>::create_anonymous()?;
    /// let mine = turns.set(1, 100)?;
    /// // Taken back, unless somebody has answered meanwhile.
    /// assert!(matches!(turns.compare_exchange(1, mine, 0)?, Exchange::Stored(_)));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "shared_memory_kv_set")]
    #[inline(always)]
    pub fn set(
        &self,
        key: impl ToKey<Key>,
        value: impl ToValue<Value>,
    ) -> Result<Version, AccessError> {
        self.put::<(), _>(&key, &value, Condition::Always, |stored, ()| {
            // A value that is stored always has a version.
            Ok(Version::of_slot(stored.version.unwrap_or_default()))
        })
    }

    /// Stores `value` under `key` only if the key is absent; returns whether it
    /// was.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), without `Decode`.
    pub fn try_insert(
        &self,
        key: impl ToKey<Key>,
        value: impl ToValue<Value>,
    ) -> Result<bool, AccessError> {
        self.with_key(&key, |hash, key| self.add(hash, key, &value))
    }

    /// Stores `value` under `key` only if the key is present; returns the value
    /// that it replaces.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), without `Full`.
    pub fn replace(
        &self,
        key: impl ToKey<Key>,
        value: impl ToValue<Value>,
    ) -> Result<Option<Value>, AccessError> {
        self.put(
            &key,
            &value,
            Condition::Present,
            |stored, old: &Buffer<V>| decoded(stored.found, old),
        )
    }

    /// Stores `value` under `key` only if the entry still has the version
    /// `expected`.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), without `Full`; a `Decode` error is about
    /// the value found in place of the expected one, and nothing was stored.
    ///
    /// ```
    /// # use shmkv_core::{Exchange, Map};
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// let accounts = Map::<100, u32, i64>::create_anonymous()?;
    /// accounts.insert(7, 100)?;
    /// if let Some(seen) = accounts.get_versioned(7)? {
    ///     match accounts.compare_exchange(7, seen.version, seen.value - 30)? {
    ///         Exchange::Stored(version) => assert!(version > seen.version),
    ///         Exchange::Changed(now) => println!("someone was faster: {now:?}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn compare_exchange(
        &self,
        key: impl ToKey<Key>,
        expected: Version,
        value: impl ToValue<Value>,
    ) -> Result<Exchange<Value>, AccessError> {
        let expected = Condition::Version(expected.get());
        self.put(&key, &value, expected, |stored, found: &Buffer<V>| {
            match (stored.version, stored.found, found.bytes()) {
                (Some(version), _, _) => Ok(Exchange::Stored(Version::of_slot(version))),
                (None, Some(now), Some(bytes)) => {
                    Ok(Exchange::Changed(Some(versioned(now, bytes)?)))
                }
                _ => Ok(Exchange::Changed(None)),
            }
        })
    }

    /// Removes `key`, and returns the value that it had.
    ///
    /// # Errors
    ///
    /// [`Key`](AccessError::Key), [`LockTimeout`](AccessError::LockTimeout),
    /// [`Io`](AccessError::Io): the map is unchanged.
    /// [`Decode`](AccessError::Decode): what was removed was not a value.
    #[doc(alias = "shared_memory_kv_delete")]
    pub fn remove(&self, key: impl ToKey<Key>) -> Result<Option<Value>, AccessError> {
        self.with_key(&key, |hash, key| {
            Buffer::<V>::with(|old| {
                let found = self.handle.remove(hash, key, None, old)?;
                decoded(found, old)
            })
        })
    }

    /// Removes every entry.
    ///
    /// Others see them go bucket by bucket; a process that dies in the middle
    /// leaves the rest.
    ///
    /// # Errors
    ///
    /// [`LockTimeout`](AccessError::LockTimeout), [`Io`](AccessError::Io);
    /// shards that come before the one that failed have been cleared.
    pub fn clear(&self) -> Result<(), AccessError> {
        self.handle.clear()
    }

    /// Writes a file-backed map to its device and waits for it. Until the next
    /// writing operation, its contents outlast a restart of the machine.
    ///
    /// Writers wait meanwhile. A map that is not in a file has nothing to write.
    ///
    /// # Errors
    ///
    /// [`Io`](AccessError::Io) with the device's error, after which this file
    /// cannot be flushed any more; `LockTimeout`.
    pub fn flush(&self) -> Result<(), AccessError> {
        self.handle.flush()
    }
}

/// Removes the name of a shared-memory object, whatever its type and contents.
///
/// Processes that have it open keep it.
///
/// # Errors
///
/// The kernel's error, `NotFound` if there is no such name; `InvalidInput` if
/// it is not a name.
#[doc(alias = "shared_memory_kv_unlink")]
pub fn unlink(name: impl AsRef<str>) -> io::Result<()> {
    let home = Home::named(name.as_ref())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    home.path().map_or(Ok(()), std::fs::remove_file)
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> Deref
    for ShmMap<N, K, V, Key, Value>
{
    type Target = ShmReader<N, K, V, Key, Value>;

    fn deref(&self) -> &Self::Target {
        &self.reader
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> AsFd
    for ShmMap<N, K, V, Key, Value>
{
    /// As [`ShmReader`]'s.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl<'m, const N: usize, const K: usize, const V: usize, Key, Value> IntoIterator
    for &'m ShmMap<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    type Item = Result<(Key, Value), AccessError>;
    type IntoIter = Iter<'m, N, K, V, Key, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> fmt::Debug
    for ShmMap<N, K, V, Key, Value>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShmMap").field(&self.reader).finish()
    }
}
