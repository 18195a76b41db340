//! Changing what an entry was found to be: read, run the user's closure on a
//! copy, and store only if nobody else has changed the entry meanwhile; else again.

use super::lookup::versioned;
use super::{ShmMap, Version, Versioned};
use crate::codec::{ShmKey, ShmValue, ToKey};
use crate::error::AccessError;
use crate::table::{Condition, Hash};

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmMap<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Changes the value of `key` with `change`, and returns the new value;
    /// `None` if the key is absent.
    ///
    /// `change` works on a copy, without a lock, and runs again if somebody else
    /// changed the entry meanwhile; only the last copy is stored. A closure that
    /// changes this very entry itself runs again and again, until the lock
    /// timeout.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), without `Full`;
    /// [`Contended`](AccessError::Contended) if others were faster every time
    /// until the lock timeout.
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
        self.with_key(&key, |hash, key| {
            self.handle.optimistically(|| {
                let Some(seen) = self.read_value(hash, key)? else {
                    return Ok(Some(None));
                };
                let mut value = seen.value;
                change(&mut value);
                let expected = Condition::Version(seen.version.get());
                let stored = self.put_hashed(hash, key, &value, expected, &mut ())?;
                Ok(stored.version.map(|_| Some(value)))
            })
        })
    }

    /// The value of `key`; if it is absent, what `make` makes, stored.
    ///
    /// `make` runs without a lock, and its value is dropped if somebody else
    /// stores one meanwhile.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert) and [`update`](Self::update).
    pub fn get_or_insert_with(
        &self,
        key: impl ToKey<Key>,
        mut make: impl FnMut() -> Value,
    ) -> Result<Value, AccessError> {
        self.with_key(&key, |hash, key| {
            self.handle.optimistically(|| {
                if let Some(seen) = self.read_value(hash, key)? {
                    return Ok(Some(seen.value));
                }
                let value = make();
                let added = self.add(hash, key, &value)?;
                Ok(added.then_some(value))
            })
        })
    }

    /// Removes `key` if `test` says so of its value; returns what was removed.
    ///
    /// `test` runs without a lock, and again if the entry changed meanwhile.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove) and [`update`](Self::update); a `Decode`
    /// error here means that nothing was removed.
    pub fn remove_if(
        &self,
        key: impl ToKey<Key>,
        mut test: impl FnMut(&Value) -> bool,
    ) -> Result<Option<Value>, AccessError> {
        self.with_key(&key, |hash, key| {
            self.handle.optimistically(|| {
                let Some(seen) = self.read_value(hash, key)? else {
                    return Ok(Some(None));
                };
                if !test(&seen.value) {
                    return Ok(Some(None));
                }
                let removed = self.remove_version(hash, key, seen.version)?;
                Ok(removed.then_some(Some(seen.value)))
            })
        })
    }

    /// Keeps the entries of which `keep` says so, and removes the others, one
    /// by one; weakly consistent as [`iter`](crate::ShmReader::iter).
    ///
    /// `keep` runs without a lock, and again if an entry changed meanwhile.
    ///
    /// # Errors
    ///
    /// As [`remove_if`](Self::remove_if); entries visited before the error have
    /// been dealt with.
    pub fn retain(&self, mut keep: impl FnMut(&Key, &Value) -> bool) -> Result<(), AccessError> {
        for entry in self.iter_versioned() {
            let (key, Versioned { version, value }) = entry?;
            if keep(&key, &value) {
                continue;
            }
            let removed = self.with_key(&key, |hash, bytes| {
                self.remove_version(hash, bytes, version)
            })?;
            if !removed {
                self.remove_if(&key, |value| !keep(&key, value))?;
            }
        }
        Ok(())
    }

    fn read_value(&self, hash: Hash, key: &[u8]) -> Result<Option<Versioned<Value>>, AccessError> {
        self.read(hash, key, versioned)
    }

    /// Removes an entry if it still has this version; returns whether it had.
    fn remove_version(
        &self,
        hash: Hash,
        key: &[u8],
        version: Version,
    ) -> Result<bool, AccessError> {
        let expected = Some(version.get());
        Ok(self.handle.remove(hash, key, expected, &mut ())? == expected)
    }
}
