//! Removing entries: `remove`, `remove_if`, `retain`, `clear`.

use super::encode::{decode, decode_versioned, with_key};
use super::handle::ShmMap;
use crate::bytes::{Buffer, Scratch};
use crate::codec::{ShmKey, ShmValue, ToKey};
use crate::error::AccessError;
use crate::store::{Version, Versioned};
use crate::table::Hash;

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmMap<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Removes `key`, and returns the value that it had. Linearizable: other processes see
    /// the old value or no entry.
    ///
    /// # Errors
    ///
    /// [`Key`](AccessError::Key), [`LockTimeout`](AccessError::LockTimeout),
    /// [`Io`](AccessError::Io): the map is unchanged. [`Decode`](AccessError::Decode): the
    /// entry was removed, but its bytes are not a value.
    #[doc(alias = "shared_memory_kv_delete")]
    pub fn remove(&self, key: impl ToKey<Key>) -> Result<Option<Value>, AccessError> {
        with_key(&key, |key| {
            Buffer::<V>::with(|old| {
                let hash = self.store.hash(key);
                let found = self.store.remove(hash, key, None, old)?;
                decode(found, old)
            })
        })
    }

    /// Removes `key` if `test` returns true for its value; returns what was removed.
    ///
    /// `test` runs without a lock, and again if the entry changed meanwhile. Other processes
    /// see the old value or no entry.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove) and [`update`](Self::update); a `Decode` error here means
    /// that nothing was removed.
    pub fn remove_if(
        &self,
        key: impl ToKey<Key>,
        mut test: impl FnMut(&Value) -> bool,
    ) -> Result<Option<Value>, AccessError> {
        with_key(&key, |key| {
            let hash = self.store.hash(key);
            self.store.optimistically(|| {
                let seen: Option<Versioned<Value>> =
                    self.store.read(hash, key, decode_versioned)?;
                let Some(seen) = seen.filter(|seen| test(&seen.value)) else {
                    return Ok(Some(None));
                };
                let removed = self.remove_version(hash, key, seen.version)?;
                Ok(removed.then_some(Some(seen.value)))
            })
        })
    }

    /// Keeps the entries for which `keep` returns true, and removes the others, one by one;
    /// weakly consistent, as [`iter`](crate::ShmReader::iter) is.
    ///
    /// `keep` runs without a lock, and again if an entry changed meanwhile.
    ///
    /// # Errors
    ///
    /// As [`remove_if`](Self::remove_if); the entries visited before the error have been
    /// kept or removed as `keep` said.
    pub fn retain(&self, mut keep: impl FnMut(&Key, &Value) -> bool) -> Result<(), AccessError> {
        for entry in self.iter_versioned() {
            let (key, Versioned { version, value }) = entry?;
            if keep(&key, &value) {
                continue;
            }
            let removed = with_key(&key, |bytes| {
                self.remove_version(self.store.hash(bytes), bytes, version)
            })?;
            if !removed {
                self.remove_if(&key, |value| !keep(&key, value))?;
            }
        }
        Ok(())
    }

    /// Removes every entry.
    ///
    /// Other processes see them go bucket by bucket. If this process dies, the remaining
    /// ones stay.
    ///
    /// # Errors
    ///
    /// [`LockTimeout`](AccessError::LockTimeout), [`Io`](AccessError::Io); the shards before
    /// the one that failed have been cleared.
    pub fn clear(&self) -> Result<(), AccessError> {
        self.store.clear()
    }

    /// Removes an entry if it still has this version; returns whether it had.
    fn remove_version(
        &self,
        hash: Hash,
        key: &[u8],
        version: Version,
    ) -> Result<bool, AccessError> {
        let expected = Some(version.get());
        Ok(self.store.remove(hash, key, expected, &mut ())? == expected)
    }
}
