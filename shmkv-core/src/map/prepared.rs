//! A key that is looked up again and again: `prepare`.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::encode::{STACK_LIMIT, decode, decode_versioned, encode_key};
use super::handle::ShmReader;
use crate::bytes::{Buffer, Scratch};
use crate::codec::{ShmKey, ShmValue, ToKey};
use crate::error::AccessError;
use crate::store::Versioned;
use crate::table::{Hash, Lookup, SlotIndex};

/// A key that has been encoded and hashed, for a caller that reads one entry again and
/// again; made by [`ShmReader::prepare`].
///
/// It stands for the key and not for an entry: the entry may come, go and come again. It
/// holds the `K` bytes of the key, and [`get`](Self::get) remembers where the entry was: as
/// long as the entry does not change, the next `get` does not even compare keys (for values
/// of up to 16 KiB). Nothing is remembered of an absent key. Prepare few keys: many
/// thousands of these are memory that the processor has to wait for, as it does for the map.
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
    /// Where the entry was last, and with which version; at first a version that no entry
    /// has. Threads that share this may see the two of different times, but the slot is
    /// always one of the key's shard, in which no version is given twice.
    slot: AtomicUsize,
    version: AtomicU64,
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Encodes and hashes a key, for many lookups of it.
    ///
    /// # Errors
    ///
    /// [`Key`](AccessError::Key) if the key cannot be encoded.
    pub fn prepare(
        &self,
        key: impl ToKey<Key>,
    ) -> Result<Prepared<'_, N, K, V, Key, Value>, AccessError> {
        let mut scratch = [0; K];
        let key = *encode_key(&key, &mut scratch)?;
        let hash = self.store.hash(&key);
        let a_slot_of_its_shard = self.store.table().home(hash).slot(0);
        Ok(Prepared {
            map: self,
            hash,
            key,
            slot: AtomicUsize::new(a_slot_of_its_shard.to_raw()),
            version: AtomicU64::new(u64::MAX),
        })
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> Prepared<'_, N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// As [`ShmReader::get`].
    ///
    /// # Errors
    ///
    /// As there, without `Key`.
    #[inline(always)]
    pub fn get(&self) -> Result<Option<Value>, AccessError> {
        if V <= STACK_LIMIT {
            let mut value = Buffer::<V>::new();
            let slot = SlotIndex::from_raw(self.slot.load(Relaxed));
            let version = self.version.load(Relaxed);
            let table = self.map.store.table();
            if let Lookup::Found(version) = table.reread_slot(slot, version, self.hash, &mut value)
            {
                return decode(Some(version), &value);
            }
        }
        self.get_moved()
    }

    /// [`get`](Self::get) of an entry that is not where it was, or has changed.
    #[inline(never)]
    fn get_moved(&self) -> Result<Option<Value>, AccessError> {
        let table = self.map.store.table();
        if V <= STACK_LIMIT
            && let Some(slot) = table.hint_slot(self.hash)
        {
            let mut value = Buffer::<V>::new();
            if let Lookup::Found(version) =
                table.find_in_slot(slot, self.hash, &self.key, &mut value)
            {
                self.slot.store(slot.to_raw(), Relaxed);
                self.version.store(version, Relaxed);
                return decode(Some(version), &value);
            }
        }
        self.map.store.read(self.hash, &self.key, decode)
    }

    /// As [`ShmReader::get_versioned`].
    ///
    /// # Errors
    ///
    /// As there, without `Key`.
    #[inline]
    pub fn get_versioned(&self) -> Result<Option<Versioned<Value>>, AccessError> {
        self.map.store.read(self.hash, &self.key, decode_versioned)
    }

    /// As [`ShmReader::contains_key`].
    ///
    /// # Errors
    ///
    /// As there, without `Key`.
    #[inline]
    pub fn is_present(&self) -> Result<bool, AccessError> {
        let is_present = |found: Option<u64>, (): &()| Ok(found.is_some());
        self.map.store.read(self.hash, &self.key, is_present)
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
            slot: AtomicUsize::new(self.slot.load(Relaxed)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Map;

    /// Two keys with one tag, in different shards, with the same version: a lookup that
    /// remembers the slot of one and the version of the other returns its own value.
    #[test]
    fn it_never_leaves_its_shard() {
        let map = Map::<5_000, u64, u64>::create_anonymous().unwrap();
        let table = map.store.table();
        let hash = |key: u64| table.hash(&key.to_le_bytes());
        let first_bucket = table.buckets().next().unwrap();
        let first = (0..).find(|key| table.home(hash(*key)) == first_bucket);
        let first = first.unwrap();
        let like = |key: &u64| {
            table.shard_of_hash(hash(*key)) == 1 && hash(*key).tag() == hash(first).tag()
        };
        let other = (0..).find(like).unwrap();
        map.insert(first, 1).unwrap();
        map.insert(other, 2).unwrap();
        let versions = [first, other].map(|key| map.get_versioned(key).unwrap().unwrap().version);
        assert_eq!(
            versions[0].get(),
            versions[1].get(),
            "versions are per shard"
        );
        // As a thread sees it that loads the slot before another thread finds the entry,
        // and the version after that.
        let prepared = map.prepare(other).unwrap();
        prepared.version.store(versions[1].get(), Relaxed);
        assert_eq!(prepared.get().unwrap(), Some(2));
        assert_eq!(prepared.get().unwrap(), Some(2));
    }
}
