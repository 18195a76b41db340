//! Maps whose sizes and types are learnt from the segment: for tools.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Stats, Version, Versioned};
use crate::access::Walk;
use crate::birth::Candidate;
use crate::codec::{EncodeError, ParsedSchema};
use crate::error::{AccessError, OpenError};
use crate::handle::{Handle, Settings};
use crate::home::Home;
use crate::layout::Dimensions;
use crate::table::{Change, Condition, Fault};

/// A read-only handle on a map of any type: keys and values are bytes, and
/// [`ParsedSchema`] says what they mean.
///
/// ```
/// use shmkv_core::{Map, UntypedReader};
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
    handle: Handle<Dimensions>,
    key: ParsedSchema,
    value: ParsedSchema,
    fingerprints: [u64; 2],
    created: u64,
}

/// A handle on a map of any type that may also change it. What is stored must
/// be as long as the map's keys and values are; whether it means anything to the
/// programs that know the types is the caller's care.
pub struct UntypedMap {
    reader: UntypedReader,
}

/// The largest entry that is read without knowing its type. A file that claims
/// larger ones costs whoever made it nothing, and whoever believes it memory.
const ENTRY_LIMIT: usize = 64 << 20;

const SETTINGS: Settings = Settings {
    mode: 0o600,
    lock_timeout: Duration::from_secs(10),
    prefault: false,
    huge_pages: false,
};

impl UntypedReader {
    /// Opens the map `name` for reading only.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(name: impl AsRef<str>) -> Result<Self, OpenError> {
        Self::of(Candidate::open(Home::named(name.as_ref())?, false)?)
    }

    /// Opens the map in the file at `path` for reading only.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_at(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::of(Candidate::open(Home::file(path.as_ref()), false)?)
    }

    fn of(found: Candidate) -> Result<Self, OpenError> {
        found.no_larger_than(ENTRY_LIMIT)?;
        let (key, value) = found.types()?;
        let (dimensions, created) = (found.header.dimensions, found.header.created);
        let fingerprints = found.header.fingerprints;
        Ok(Self {
            handle: found.admit(dimensions, SETTINGS)?,
            key,
            value,
            fingerprints,
            created,
        })
    }

    /// What the bytes of a key mean.
    #[must_use]
    pub fn key_schema(&self) -> &ParsedSchema {
        &self.key
    }

    /// What the bytes of a value mean.
    #[must_use]
    pub fn value_schema(&self) -> &ParsedSchema {
        &self.value
    }

    /// The fingerprint of the key's type, as the map's creator stored it: that of the
    /// schema, see [`Schema::fingerprint`](crate::Schema::fingerprint).
    #[must_use]
    pub fn key_fingerprint(&self) -> u64 {
        self.fingerprints[0]
    }

    /// The same of the value's type.
    #[must_use]
    pub fn value_fingerprint(&self) -> u64 {
        self.fingerprints[1]
    }

    /// How many entries fit: `N`.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.handle.memory.dimensions().capacity
    }

    /// Bytes of a key: `K`.
    #[must_use]
    pub fn key_size(&self) -> usize {
        self.handle.memory.dimensions().key_len
    }

    /// Bytes of a value: `V`.
    #[must_use]
    pub fn value_size(&self) -> usize {
        self.handle.memory.dimensions().value_len
    }

    /// Bytes of memory that the segment occupies, all reserved at creation.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.handle.memory.mapping().len()
    }

    /// When the segment was created, by its creator's clock.
    #[must_use]
    pub fn created(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.created)
    }

    /// As [`ShmReader::len`](crate::ShmReader::len).
    #[must_use]
    pub fn len(&self) -> usize {
        self.handle.table().len()
    }

    /// As [`ShmReader::is_empty`](crate::ShmReader::is_empty).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As [`ShmReader::version`](crate::ShmReader::version).
    #[must_use]
    pub fn version(&self) -> u64 {
        self.handle.table().version()
    }

    /// As [`ShmReader::stats`](crate::ShmReader::stats).
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(&self.handle)
    }

    /// As [`ShmReader::check`](crate::ShmReader::check).
    #[must_use]
    pub fn check(&self) -> Vec<Fault> {
        self.handle.table().check()
    }

    /// As [`ShmReader::live_writers`](crate::ShmReader::live_writers).
    ///
    /// # Errors
    ///
    /// The kernel's error.
    pub fn live_writers(&self) -> io::Result<usize> {
        self.handle.live_writers()
    }

    /// A copy of the bytes of a value, and its version, or `None`.
    ///
    /// # Errors
    ///
    /// As [`ShmReader::get`](crate::ShmReader::get);
    /// [`Key`](AccessError::Key) if the key is not `K` bytes long.
    pub fn get(&self, key: &[u8]) -> Result<Option<Versioned<Vec<u8>>>, AccessError> {
        self.check_key(key)?;
        let mut value = vec![0; self.value_size()];
        let hash = self.handle.table().hash(key);
        let version = self.handle.get_slow(hash, key, &mut value[..])?;
        Ok(version.map(|version| Versioned {
            version: Version::of_slot(version),
            value,
        }))
    }

    /// Iterates over the bytes of keys and values; weakly consistent, as
    /// [`ShmReader::iter`](crate::ShmReader::iter).
    pub fn iter(&self) -> UntypedIter<'_> {
        UntypedIter(Walk::new(&self.handle))
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
        let found = Candidate::open(Home::named(name.as_ref())?, true)?;
        UntypedReader::of(found).map(|reader| Self { reader })
    }

    /// Opens the map in the file at `path` for reading and writing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open_at(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let found = Candidate::open(Home::file(path.as_ref()), true)?;
        UntypedReader::of(found).map(|reader| Self { reader })
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
            hash: self.handle.table().hash(key),
            key,
            value,
            condition: Condition::Always,
        };
        let stored = self.handle.put(change, &mut old[..])?;
        Ok(stored.found.map(|_| old))
    }

    /// As [`ShmMap::flush`](crate::ShmMap::flush).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn flush(&self) -> Result<(), AccessError> {
        self.handle.flush()
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
        let hash = self.handle.table().hash(key);
        let found = self.handle.remove(hash, key, None, &mut old[..])?;
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
pub struct UntypedIter<'m>(Walk<'m, Dimensions>);

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
            .field("name", &format_args!("{}", self.handle.home()))
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("key", &format_args!("{}", self.key))
            .field("value", &format_args!("{}", self.value))
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
