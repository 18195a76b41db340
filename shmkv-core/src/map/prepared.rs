//! A key that is looked up again and again.

use std::fmt;

use super::reader::{encoded_key, versioned};
use super::{ShmReader, Versioned};
use crate::codec::{ShmKey, ShmValue, ToKey};
use crate::error::AccessError;
use crate::table::Hash;

/// A key that has been encoded and hashed, for those who ask for one entry all the
/// time; made by [`ShmReader::prepare`].
///
/// It stands for the key and not for an entry: the entry may come, go and come
/// again. It holds the `K` bytes of the key.
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
        Ok(Self { map, hash, key })
    }

    /// As [`ShmReader::get`].
    ///
    /// # Errors
    ///
    /// As there, without `Key`.
    #[inline(always)]
    pub fn get(&self) -> Result<Option<Value>, AccessError> {
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
