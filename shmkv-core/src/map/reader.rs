//! Reading a map: no lock, no system call, no write, unless writers change the very
//! entry all the time.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};

use super::lookup::versioned;
use super::{Iter, IterVersioned, Keys, Options, Prepared, ShmMap, Stats, Values, Versioned};
use crate::codec::role::{KeyRole, ValueRole};
use crate::codec::{Schema, SchemaError, ShmField, ShmKey, ShmValue, ToKey};
use crate::error::{AccessError, OpenError};
use crate::handle::Handle;
use crate::header::Spec;
use crate::layout::Fixed;
use crate::table::{Fault, Table};

/// A handle that reads a map and cannot change it.
///
/// What [`ShmMap`] dereferences to, and what [`ShmMap::open_read_only`] gives:
/// then the memory is mapped read-only, read permission suffices, and the
/// writing operations do not exist.
///
/// Reads take no lock, make no system call and write nothing. They finish while
/// a writer is stopped or dead at any point of its work.
pub struct ShmReader<const N: usize, const K: usize, const V: usize, Key = [u8; K], Value = [u8; V]>
{
    pub(super) handle: Handle<Fixed<N, K, V>>,
    types: PhantomData<fn() -> (Key, Value)>,
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value> {
    pub(super) fn of(handle: Handle<Fixed<N, K, V>>) -> Self {
        let types = PhantomData;
        Self { handle, types }
    }

    #[inline]
    pub(super) fn table(&self) -> Table<'_, Fixed<N, K, V>> {
        self.handle.table()
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Opens the map `name` for reading only; short for
    /// [`ShmMap::open_read_only`].
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(name: impl AsRef<str>) -> Result<Self, OpenError> {
        Options::<ShmMap<N, K, V, Key, Value>>::new().open_read_only(name)
    }

    /// What this type expects of a segment. Evaluated by everything that
    /// creates or opens one, so that sizes that do not fit do not compile.
    pub(super) fn spec() -> Result<Spec, SchemaError> {
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
        let key = <Key as ShmField<KeyRole>>::SCHEMA;
        let value = <Value as ShmField<ValueRole>>::SCHEMA;
        Spec::new(Fixed::<N, K, V>::DIMENSIONS, key, value)
    }

    /// The map's name in shared memory, with its `/`; `None` for a map in a file
    /// and for an anonymous one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.handle.home().name()
    }

    /// Whether the name no longer leads to this map, because it was removed or
    /// given to another one: new processes will not find this map. Always so
    /// for an anonymous map.
    ///
    /// # Errors
    ///
    /// The kernel's error.
    pub fn is_unlinked(&self) -> io::Result<bool> {
        self.handle.is_unlinked()
    }

    /// How many entries live.
    ///
    /// Exact while nobody writes; else the sum over the shards, each at some
    /// moment during the call. Never more than [`capacity`](Self::capacity).
    #[must_use]
    pub fn len(&self) -> usize {
        self.table().len()
    }

    /// Whether no entry lives; like [`len`](Self::len), a moment's answer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries fit: `N`, always.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// The map's version: a number that grows with every change of any entry.
    ///
    /// It has grown by the time the operation that made the change returns. A
    /// takeover after a writer's death also counts as a change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.table().version()
    }

    /// A copy of the value of `key`, or `None`.
    ///
    /// # Errors
    ///
    /// [`Key`](AccessError::Key) if the key cannot be represented,
    /// [`Decode`](AccessError::Decode) if the bytes in the map are not a value.
    /// If writers change this very entry all the time, a read-only handle may
    /// give up with [`Contended`](AccessError::Contended) after 100 ms; a
    /// handle that may write takes the lock instead, with the errors that has:
    /// [`LockTimeout`](AccessError::LockTimeout), and [`Io`](AccessError::Io) in
    /// a forked child.
    ///
    /// # Consistency
    ///
    /// Linearizable: the value is what the last completed change of this key,
    /// by any process, left, or one that is still under way. It is whole, and
    /// it was committed: a writer that dies before its commit has changed
    /// nothing.
    ///
    /// ```
    /// # use shmkv_core::StrMap;
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// let map = StrMap::<10, 64, 256>::create_anonymous()?;
    /// map.insert("unit", "celsius")?;
    /// assert_eq!(map.get("unit")?.as_deref(), Some("celsius"));
    /// assert_eq!(map.get("pressure")?, None);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "shared_memory_kv_get")]
    // So that the value stays in registers until the caller has it: through a
    // function's result it is copied twice more, which takes as long as the rest.
    #[inline(always)]
    pub fn get(&self, key: impl ToKey<Key>) -> Result<Option<Value>, AccessError> {
        self.look_up(&key)
    }

    /// A copy of the value of `key`, and its version, or `None`.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    #[inline]
    pub fn get_versioned(
        &self,
        key: impl ToKey<Key>,
    ) -> Result<Option<Versioned<Value>>, AccessError> {
        self.with_key(&key, |hash, key| self.read(hash, key, versioned))
    }

    /// Whether `key` has an entry.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), but the value is not looked at.
    pub fn contains_key(&self, key: impl ToKey<Key>) -> Result<bool, AccessError> {
        self.with_key(&key, |hash, key| self.contains_hashed(hash, key))
    }

    /// Encodes and hashes a key, for those who will ask for it all the time.
    ///
    /// # Errors
    ///
    /// [`Key`](AccessError::Key) if the key cannot be represented.
    pub fn prepare(
        &self,
        key: impl ToKey<Key>,
    ) -> Result<Prepared<'_, N, K, V, Key, Value>, AccessError> {
        Prepared::new(self, &key)
    }

    /// The values of several keys, each looked up by itself: they need not
    /// belong to one moment.
    ///
    /// In a map much larger than the processor's caches this is two to three times
    /// faster than as many calls of [`get`](Self::get), because the processor waits for
    /// many keys at once.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), for the first key that fails.
    ///
    /// ```
    /// # use shmkv_core::Map;
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// let ports = Map::<100, [u8; 4], u16>::create_anonymous()?;
    /// ports.insert(b"http", 80)?;
    /// ports.insert(b"ldap", 389)?;
    /// let found = ports.get_many([b"ldap", b"none", b"http"])?;
    /// assert_eq!(found, [Some(389), None, Some(80)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_many<const M: usize>(
        &self,
        keys: [impl ToKey<Key>; M],
    ) -> Result<[Option<Value>; M], AccessError> {
        let mut values = [const { None }; M];
        self.get_each(&keys, &mut values)?;
        Ok(values)
    }

    /// As [`get_many`](Self::get_many), for any number of keys: replaces the
    /// contents of `values` by theirs, one for each key, in their order.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), for the first key that fails; `values` then holds
    /// those of the keys before it, and `None` for the others.
    pub fn get_many_into(
        &self,
        keys: &[impl ToKey<Key>],
        values: &mut Vec<Option<Value>>,
    ) -> Result<(), AccessError> {
        values.clear();
        values.resize_with(keys.len(), || None);
        self.get_each(keys, values)
    }

    /// Iterates over the entries, in no particular order.
    ///
    /// Weakly consistent: an entry that lives during the whole iteration is
    /// seen exactly once, with a value that it had at some moment of it; one
    /// that is inserted or removed meanwhile may or may not be seen, and one
    /// that is removed and inserted again may be seen twice.
    ///
    /// ```
    /// # use shmkv_core::Map;
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// let squares = Map::<100, u32, u64>::create_anonymous()?;
    /// for n in 1..=3 {
    ///     squares.insert(n, u64::from(n * n))?;
    /// }
    /// let mut sum = 0;
    /// for entry in &squares {
    ///     let (_, square) = entry?;
    ///     sum += square;
    /// }
    /// assert_eq!(sum, 14);
    /// # Ok(())
    /// # }
    /// ```
    pub fn iter(&self) -> Iter<'_, N, K, V, Key, Value> {
        Iter::new(self)
    }

    /// Iterates over the entries and their versions; as [`iter`](Self::iter).
    pub fn iter_versioned(&self) -> IterVersioned<'_, N, K, V, Key, Value> {
        IterVersioned(self.iter())
    }

    /// Iterates over the keys; as [`iter`](Self::iter).
    pub fn keys(&self) -> Keys<'_, N, K, V, Key, Value> {
        Keys(self.iter())
    }

    /// Iterates over the values; as [`iter`](Self::iter).
    pub fn values(&self) -> Values<'_, N, K, V, Key, Value> {
        Values(self.iter())
    }

    /// Figures for people who wonder what the map is doing. Takes time in
    /// proportion to the map's size.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(&self.handle)
    }

    /// How many writers are alive: handles, in any process, that are open for
    /// writing. Asks the kernel.
    ///
    /// # Errors
    ///
    /// The kernel's error.
    pub fn live_writers(&self) -> io::Result<usize> {
        self.handle.live_writers()
    }

    /// Everything in which the map's memory contradicts itself.
    ///
    /// Takes no lock and changes nothing. Exact while nobody writes; a change
    /// under way can look like a fault. A writer that was killed may leave
    /// [harmless](Fault::is_harmless) ones until the next writer comes. Takes
    /// time and memory in proportion to the map's size.
    #[must_use]
    pub fn check(&self) -> Vec<Fault> {
        self.table().check()
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> AsFd
    for ShmReader<N, K, V, Key, Value>
{
    /// The segment's descriptor, to be passed to another process with
    /// `SCM_RIGHTS` and opened there with [`ShmMap::from_fd`]. Do not lock,
    /// truncate or close it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.object().as_fd()
    }
}

impl<'m, const N: usize, const K: usize, const V: usize, Key, Value> IntoIterator
    for &'m ShmReader<N, K, V, Key, Value>
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
    for ShmReader<N, K, V, Key, Value>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShmReader")
            .field("name", &format_args!("{}", self.handle.home()))
            .field("len", &self.table().len())
            .field("capacity", &N)
            .field("key_size", &K)
            .field("value_size", &V)
            .finish_non_exhaustive()
    }
}
