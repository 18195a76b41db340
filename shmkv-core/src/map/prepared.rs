//! A key that is looked up again and again.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::lookup::{decoded, encoded_key, versioned};
use super::{ShmReader, Versioned};
use crate::bytes::{Buffer, STACK_LIMIT, Scratch};
use crate::codec::{ShmKey, ShmValue, ToKey};
use crate::error::AccessError;
use crate::table::{Hash, Spot};

/// A key that has been encoded and hashed, for those who ask for one entry all the
/// time; made by [`ShmReader::prepare`].
///
/// It stands for the key and not for an entry: the entry may come, go and come
/// again. It holds the `K` bytes of the key, and [`get`](Self::get) remembers where
/// the entry was: as long as nobody changes that, it does not even compare keys (of
/// values up to 16 KiB). It is for a few keys: many thousands of these are memory that
/// has to be waited for, as the map is. Of a key that is absent nothing is remembered.
///
/// ```
/// # use shmkv_core::StrMap;
/// # fn main() -> Result<(), shmkv_core::Error> {
/// let settings = StrMap::<10, 64, 256>::create_anonymous()?;
/// let unit = settings.prepare("unit")?;
/// assert_eq!(unit.get()?, None);
/// settings.insert("unit", "celsius")?;
/// assert_eq!(unit.get()?.as_deref(), Some("celsius"));
/// # Ok(())
/// # }
/// ```
pub struct Prepared<'m, const N: usize, const K: usize, const V: usize, Key, Value> {
    map: &'m ShmReader<N, K, V, Key, Value>,
    hash: Hash,
    key: [u8; K],
    /// Where the entry was last, and with which version; at first one that no entry
    /// has. They may be of two different times, for threads that share this, but it is
    /// always a slot of the key's shard, in which no version is given twice.
    spot: AtomicUsize,
    version: AtomicU64,
}

impl<'m, const N: usize, const K: usize, const V: usize, Key, Value>
    Prepared<'m, N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    pub(super) fn new(
        map: &'m ShmReader<N, K, V, Key, Value>,
        key: &impl ToKey<Key>,
    ) -> Result<Self, AccessError> {
        let mut room = [0; K];
        let key = *encoded_key(key, &mut room)?;
        let hash = map.table().hash(&key);
        Ok(Self {
            map,
            hash,
            key,
            spot: AtomicUsize::new(map.table().home_spot(hash).number()),
            version: AtomicU64::new(u64::MAX),
        })
    }

    /// As [`ShmReader::get`].
    ///
    /// # Errors
    ///
    /// As there, without `Key`.
    #[inline(always)]
    pub fn get(&self) -> Result<Option<Value>, AccessError> {
        if V <= STACK_LIMIT {
            let mut value = Buffer::<V>::new();
            let spot = Spot::of_number(self.spot.load(Relaxed));
            let version = self.version.load(Relaxed);
            let table = self.map.table();
            if let Ok(found) = table.get_again(spot, version, self.hash, &mut value) {
                return decoded(found, &value);
            }
        }
        self.get_anew()
    }

    /// [`get`](Self::get), wherever the entry is now.
    #[inline(never)]
    fn get_anew(&self) -> Result<Option<Value>, AccessError> {
        let table = self.map.table();
        if V <= STACK_LIMIT
            && let Some(spot) = table.seek(self.hash)
        {
            let mut value = Buffer::<V>::new();
            if let Ok(Some(version)) = table.get_at(spot, self.hash, &self.key, &mut value) {
                self.spot.store(spot.number(), Relaxed);
                self.version.store(version, Relaxed);
                return decoded(Some(version), &value);
            }
        }
        self.map.get_hashed(self.hash, &self.key)
    }

    /// As [`ShmReader::get_versioned`].
    ///
    /// # Errors
    ///
    /// As there, without `Key`.
    #[inline]
    pub fn get_versioned(&self) -> Result<Option<Versioned<Value>>, AccessError> {
        self.map.read(self.hash, &self.key, versioned)
    }

    /// As [`ShmReader::contains_key`].
    ///
    /// # Errors
    ///
    /// As there, without `Key`.
    #[inline]
    pub fn is_present(&self) -> Result<bool, AccessError> {
        self.map.contains_hashed(self.hash, &self.key)
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> Clone
    for Prepared<'_, N, K, V, Key, Value>
{
    fn clone(&self) -> Self {
        Self {
            map: self.map,
            hash: self.hash,
            key: self.key,
            spot: AtomicUsize::new(self.spot.load(Relaxed)),
            version: AtomicU64::new(self.version.load(Relaxed)),
        }
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> fmt::Debug
    for Prepared<'_, N, K, V, Key, Value>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("map", &self.map)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::Map;

    /// Two keys of one tag, of different shards, with the same version: whoever
    /// remembers a slot of the one and the version of the other gets its own.
    #[test]
    fn it_never_leaves_its_shard() {
        let map = Map::<5_000, u64, u64>::create_anonymous().unwrap();
        let place = |key: u64| map.table().place(map.table().hash(&key.to_le_bytes()));
        let first = (0..).find(|key| (place(*key).shard, place(*key).home) == (0, 0));
        let first = first.unwrap();
        let like = |key: &u64| place(*key).shard == 1 && place(*key).tag == place(first).tag;
        let other = (0..).find(like).unwrap();
        map.insert(first, 1).unwrap();
        map.insert(other, 2).unwrap();
        let versions = [first, other].map(|key| map.get_versioned(key).unwrap().unwrap().version);
        assert_eq!(
            versions[0].get(),
            versions[1].get(),
            "versions are per shard"
        );
        // As a thread sees it that has read the slot before another one found the
        // entry, and the version after that.
        let prepared = map.prepare(other).unwrap();
        prepared.version.store(versions[1].get(), Relaxed);
        assert_eq!(prepared.get().unwrap(), Some(2));
        assert_eq!(prepared.get().unwrap(), Some(2));
    }
}
