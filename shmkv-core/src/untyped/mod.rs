//! Maps whose sizes and types are learned from the segment: for tools and bindings.
//!
//! Keys and values are bytes, and the segment's schema says what they mean. The verbs are
//! some of the typed map's, on the same store.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::codec::{EncodeError, ParsedSchema};
use crate::error::{AccessError, OpenError};
use crate::layout::Dimensions;
use crate::store::{self, Address, Description, Scan, Settings, Stats, Store, Version, Versioned};
use crate::table::{Change, Condition, Fault};

/// A read-only handle of a map of any type: keys and values are bytes, and a
/// [`ParsedSchema`] says what they mean.
///
/// ```
/// use shmkv_core::Map;
/// use shmkv_core::untyped::UntypedReader;
///
/// # fn main() -> Result<(), shmkv_core::Error> {
/// # let name = format!("/doc-untyped-{}", std::process::id());
/// let ages = Map::<10, u32, u8>::create(&name)?;
/// ages.insert(7, 42)?;
///
/// let tool = UntypedReader::open(&name)?;
/// assert_eq!(tool.key_schema().to_string(), "u32");
/// for entry in tool.iter() {
///     let (key, value) = entry?;
///     assert_eq!(tool.key_schema().show(&key).to_string(), "7");
///     assert_eq!(tool.value_schema().show(&value).to_string(), "42");
/// }
/// # ages.destroy()?;
/// # Ok(())
/// # }
/// ```
pub struct UntypedReader {
    store: Store<Dimensions>,
    about: Description,
}

/// A handle of a map of any type that may also change it. Keys and values must have the
/// map's lengths; the caller sees to it that their bytes mean something to the programs
/// that know the types.
pub struct UntypedMap {
    reader: UntypedReader,
}

/// The largest entry that is read without its type, in bytes. A header that claims larger
/// ones costs its author nothing, and a program that believes it its memory.
const ENTRY_LIMIT: usize = 64 << 20;

impl UntypedReader {
    /// Opens the map `name` for reading only.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(name: impl AsRef<str>) -> Result<Self, OpenError> {
        Self::open_with(Address::Name(name.as_ref()), false)
    }

    /// Opens the map in the file at `path` for reading only.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_at(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(Address::Path(path.as_ref()), false)
    }

    fn open_with(address: Address<'_>, writable: bool) -> Result<Self, OpenError> {
        let settings = Settings::DEFAULT;
        let (store, about) = store::open_untyped(address, writable, ENTRY_LIMIT, settings)?;
        Ok(Self { store, about })
    }

    /// Returns the schema of the keys: what their bytes mean.
    #[must_use]
    pub fn key_schema(&self) -> &ParsedSchema {
        &self.about.key
    }

    /// Returns the schema of the values: what their bytes mean.
    #[must_use]
    pub fn value_schema(&self) -> &ParsedSchema {
        &self.about.value
    }

    /// Returns the fingerprint of the key type, as the map's creator stored it: that of its
    /// schema, see [`Schema::fingerprint`](crate::schema::Schema::fingerprint).
    #[must_use]
    pub fn key_fingerprint(&self) -> u64 {
        self.about.fingerprints[0]
    }

    /// Returns the fingerprint of the value type.
    #[must_use]
    pub fn value_fingerprint(&self) -> u64 {
        self.about.fingerprints[1]
    }

    /// Returns how many entries fit: `N`.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.store.dimensions().capacity()
    }

    /// Returns the length of a key in bytes: `K`.
    #[must_use]
    pub fn key_size(&self) -> usize {
        self.store.dimensions().key_len()
    }

    /// Returns the length of a value in bytes: `V`.
    #[must_use]
    pub fn value_size(&self) -> usize {
        self.store.dimensions().value_len()
    }

    /// Returns how many bytes of the segment are mapped, all reserved at creation.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.store.mapped_bytes()
    }

    /// Returns when the segment was created, by its creator's clock.
    #[must_use]
    pub fn created(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.about.created)
    }

    /// As [`ShmReader::len`](crate::ShmReader::len).
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.table().len()
    }

    /// As [`ShmReader::is_empty`](crate::ShmReader::is_empty).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As [`ShmReader::version`](crate::ShmReader::version).
    #[must_use]
    pub fn version(&self) -> u64 {
        self.store.table().version()
    }

    /// As [`ShmReader::stats`](crate::ShmReader::stats).
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(&self.store)
    }

    /// As [`ShmReader::check`](crate::ShmReader::check).
    #[must_use]
    pub fn check(&self) -> Vec<Fault> {
        self.store.table().check()
    }

    /// As [`ShmReader::live_writers`](crate::ShmReader::live_writers).
    ///
    /// # Errors
    ///
    /// The kernel's error.
    pub fn live_writers(&self) -> io::Result<usize> {
        self.store.live_writers()
    }

    /// Returns a copy of the bytes of a value and its version, or `None` if the key is
    /// absent.
    ///
    /// # Errors
    ///
    /// As [`ShmReader::get`](crate::ShmReader::get);
    /// [`Key`](AccessError::Key) if the key is not `K` bytes long.
    pub fn get(&self, key: &[u8]) -> Result<Option<Versioned<Vec<u8>>>, AccessError> {
        self.check_key(key)?;
        let mut value = vec![0; self.value_size()];
        let hash = self.store.hash(key);
        let version = self.store.read_into(hash, key, &mut value[..])?;
        Ok(version.map(|version| Versioned {
            version: Version::of_slot(version),
            value,
        }))
    }

    /// Iterates over the bytes of keys and values; weakly consistent, as
    /// [`ShmReader::iter`](crate::ShmReader::iter).
    pub fn iter(&self) -> UntypedIter<'_> {
        UntypedIter(Scan::new(&self.store))
    }

    fn check_key(&self, key: &[u8]) -> Result<(), AccessError> {
        check_length(key, self.key_size()).map_err(AccessError::Key)
    }
}

impl UntypedMap {
    /// Opens the map `name` for reading and writing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(name: impl AsRef<str>) -> Result<Self, OpenError> {
        UntypedReader::open_with(Address::Name(name.as_ref()), true).map(|reader| Self { reader })
    }

    /// Opens the map in the file at `path` for reading and writing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_at(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        UntypedReader::open_with(Address::Path(path.as_ref()), true).map(|reader| Self { reader })
    }

    /// Stores the bytes of a value, and returns those that they replace.
    ///
    /// # Errors
    ///
    /// As [`ShmMap::insert`](crate::ShmMap::insert), without `Decode`;
    /// [`Key`](AccessError::Key) or [`Value`](AccessError::Value) if they are
    /// not `K` or `V` bytes long.
    pub fn insert(&self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, AccessError> {
        self.check_key(key)?;
        check_length(value, self.value_size()).map_err(AccessError::Value)?;
        let mut old = vec![0; self.value_size()];
        let change = Change {
            hash: self.store.hash(key),
            key,
            value,
            condition: Condition::Always,
        };
        let stored = self.store.write_into(change, &mut old[..])?;
        Ok(stored.found.map(|_| old))
    }

    /// As [`ShmMap::flush`](crate::ShmMap::flush).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn flush(&self) -> Result<(), AccessError> {
        self.store.flush()
    }

    /// Removes a key, and returns the bytes of its value.
    ///
    /// # Errors
    ///
    /// As [`ShmMap::remove`](crate::ShmMap::remove), without `Decode`;
    /// [`Key`](AccessError::Key) if the key is not `K` bytes long.
    pub fn remove(&self, key: &[u8]) -> Result<Option<Vec<u8>>, AccessError> {
        self.check_key(key)?;
        let mut old = vec![0; self.value_size()];
        let hash = self.store.hash(key);
        let found = self.store.remove(hash, key, None, &mut old[..])?;
        Ok(found.map(|_| old))
    }
}

fn check_length(bytes: &[u8], expected: usize) -> Result<(), EncodeError> {
    let found = bytes.len();
    if found == expected {
        Ok(())
    } else {
        Err(EncodeError::WrongLength { expected, found })
    }
}

impl Deref for UntypedMap {
    type Target = UntypedReader;

    fn deref(&self) -> &Self::Target {
        &self.reader
    }
}

/// An iterator over the bytes of a map's entries; see [`UntypedReader::iter`].
#[must_use = "iterators are lazy"]
pub struct UntypedIter<'m>(Scan<'m, Dimensions>);

impl Iterator for UntypedIter<'_> {
    type Item = Result<(Vec<u8>, Vec<u8>), AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(|_, key, value| (key.to_vec(), value.to_vec()))
    }
}

impl<'m> IntoIterator for &'m UntypedReader {
    type Item = Result<(Vec<u8>, Vec<u8>), AccessError>;
    type IntoIter = UntypedIter<'m>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for UntypedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntypedReader")
            .field("name", &format_args!("{}", self.store.location()))
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("key", &format_args!("{}", self.about.key))
            .field("value", &format_args!("{}", self.about.value))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for UntypedMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UntypedMap").field(&self.reader).finish()
    }
}

impl fmt::Debug for UntypedIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntypedIter").finish_non_exhaustive()
    }
}
