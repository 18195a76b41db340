//! Changing an entry by a closure: `update`, `get_or_insert_with`.
//!
//! The closure works on a copy, without a lock. The result is stored only if the entry has
//! not changed since it was read; otherwise everything begins again.

use super::encode::{decode, decode_versioned, with_key};
use super::handle::ShmMap;
use crate::codec::{ShmKey, ShmValue, ToKey};
use crate::error::AccessError;
use crate::table::Condition;

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmMap<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Changes the value of `key` with `change`, and returns the new value; `None` if the
    /// key is absent.
    ///
    /// `change` works on a copy, without a lock, and runs again if another writer changed
    /// the entry meanwhile; only the last copy is stored. A closure that itself changes
    /// this very entry runs again and again, until the lock timeout. Other processes see the
    /// old value or the new one.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), without `Full`; [`Contended`](AccessError::Contended) if
    /// other writers were faster every time until the lock timeout.
    ///
    /// ```
    /// # use shmkv_core::Map;
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// let hits = Map::<100, u32, u64>::create_anonymous()?;
    /// hits.insert(404, 0)?;
    /// assert_eq!(hits.update(404, |count| *count += 1)?, Some(1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(
        &self,
        key: impl ToKey<Key>,
        mut change: impl FnMut(&mut Value),
    ) -> Result<Option<Value>, AccessError> {
        with_key(&key, |key| {
            let hash = self.store.hash(key);
            self.store.optimistically(|| {
                let seen = self.store.read(hash, key, decode_versioned)?;
                let Some(seen) = seen else {
                    return Ok(Some(None));
                };
                let mut value = seen.value;
                change(&mut value);
                let expected = Condition::Version(seen.version.get());
                let stored = self.store_encoded(hash, key, &value, expected)?;
                Ok(stored.map(|_| Some(value)))
            })
        })
    }

    /// Returns the value of `key`; if the key is absent, stores what `make` returns, and
    /// returns that.
    ///
    /// `make` runs without a lock, and its value is dropped if another writer stores one
    /// meanwhile. Other processes see no entry or the new one.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert) and [`update`](Self::update).
    pub fn get_or_insert_with(
        &self,
        key: impl ToKey<Key>,
        mut make: impl FnMut() -> Value,
    ) -> Result<Value, AccessError> {
        with_key(&key, |key| {
            let hash = self.store.hash(key);
            self.store.optimistically(|| {
                if let Some(value) = self.store.read(hash, key, decode)? {
                    return Ok(Some(value));
                }
                let value = make();
                let stored = self.store_encoded(hash, key, &value, Condition::Absent)?;
                Ok(stored.map(|_| value))
            })
        })
    }
}
