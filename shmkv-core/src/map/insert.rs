//! Storing one entry: `insert`, `set`, `try_insert`, `replace`, `compare_exchange`.

use super::encode::{
    STACK_LIMIT, decode, encode_key, encode_value, versioned, with_key, with_value,
};
use super::handle::ShmMap;
use crate::bytes::{Buffer, Scratch};
use crate::codec::{ShmKey, ShmValue, ToKey, ToValue};
use crate::error::AccessError;
use crate::store::{Exchange, Version};
use crate::table::{Change, Condition, Hash, Stored};

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmMap<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Stores `value` under `key`, and returns the value that it replaces.
    ///
    /// # Errors
    ///
    /// [`Full`](AccessError::Full) if the key is new and the map holds `N` entries, or
    /// [`ShardFull`](AccessError::ShardFull), which only keys chosen against the map's seed
    /// meet; [`Key`](AccessError::Key) or [`Value`](AccessError::Value) if they cannot be
    /// encoded; [`LockTimeout`](AccessError::LockTimeout); [`Io`](AccessError::Io) if this
    /// process cannot register as a writer, or cannot mark a file as changed;
    /// [`Damaged`](AccessError::Damaged). The map is then unchanged.
    /// [`Decode`](AccessError::Decode) if the bytes that were replaced are not a value; the
    /// new value has been stored.
    ///
    /// # Consistency
    ///
    /// Linearizable. Other processes see the old value or the new one, never a mixture and
    /// never none at all, even if this process dies.
    pub fn insert(
        &self,
        key: impl ToKey<Key>,
        value: impl ToValue<Value>,
    ) -> Result<Option<Value>, AccessError> {
        self.put(
            &key,
            &value,
            Condition::Always,
            |stored, old: &Buffer<V>| decode(stored.found, old),
        )
    }

    /// Stores `value` under `key`, as [`insert`](Self::insert) does, and returns the version
    /// that the entry now has.
    ///
    /// It is faster than `insert`, since the old value is not copied; and the version is
    /// what a later [`compare_exchange`](Self::compare_exchange) needs. Other processes see
    /// what they see of `insert`.
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
    /// // Taken back, unless another process has answered meanwhile.
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
        self.put(&key, &value, Condition::Always, |stored, (): &()| {
            // A value that is stored always has a version.
            Ok(Version::of_slot(stored.version.unwrap_or_default()))
        })
    }

    /// Stores `value` under `key` only if the key is absent; returns whether it was.
    /// Linearizable: other processes see no entry or the new one.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), without `Decode`.
    pub fn try_insert(
        &self,
        key: impl ToKey<Key>,
        value: impl ToValue<Value>,
    ) -> Result<bool, AccessError> {
        with_key(&key, |key| {
            let hash = self.store.hash(key);
            let stored = self.store_encoded(hash, key, &value, Condition::Absent)?;
            Ok(stored.is_some())
        })
    }

    /// Stores `value` under `key` only if the key is present; returns the value that it
    /// replaces. Linearizable, as [`insert`](Self::insert).
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
            |stored, old: &Buffer<V>| decode(stored.found, old),
        )
    }

    /// Stores `value` under `key` only if the entry still has the version `expected`.
    /// Linearizable, as [`insert`](Self::insert).
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), without `Full`. A `Decode` error is about the value
    /// found in place of the expected one; nothing was stored.
    ///
    /// ```
    /// # use shmkv_core::{Exchange, Map};
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// let accounts = Map::<100, u32, i64>::create_anonymous()?;
    /// accounts.insert(7, 100)?;
    /// if let Some(seen) = accounts.get_versioned(7)? {
    ///     match accounts.compare_exchange(7, seen.version, seen.value - 30)? {
    ///         Exchange::Stored(version) => assert!(version > seen.version),
    ///         Exchange::Changed(now) => println!("another writer was faster: {now:?}"),
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

    /// Encodes and stores; `outcome` runs after the lock has been given back.
    #[inline(always)]
    fn put<Old: Scratch, R>(
        &self,
        key: &impl ToKey<Key>,
        value: &impl ToValue<Value>,
        condition: Condition,
        outcome: impl FnOnce(Stored, &Old) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        if K > STACK_LIMIT || V > STACK_LIMIT {
            return self.put_large(key, value, condition, outcome);
        }
        let (mut key_scratch, mut value_scratch) = ([0; K], [0; V]);
        let key = encode_key(key, &mut key_scratch)?;
        let change = Change {
            hash: self.store.hash(key),
            key,
            value: encode_value(value, &mut value_scratch)?,
            condition,
        };
        self.store.write(change, outcome)
    }

    /// [`put`](Self::put) for keys or values that do not go on the stack.
    #[inline(never)]
    fn put_large<Old: Scratch, R>(
        &self,
        key: &impl ToKey<Key>,
        value: &impl ToValue<Value>,
        condition: Condition,
        outcome: impl FnOnce(Stored, &Old) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        with_key(key, |key| {
            with_value(value, |value| {
                let change = Change {
                    hash: self.store.hash(key),
                    key,
                    value,
                    condition,
                };
                self.store.write(change, outcome)
            })
        })
    }

    /// Encodes a value and stores it under a key that is encoded already; returns the new
    /// version, if the condition held.
    pub(super) fn store_encoded(
        &self,
        hash: Hash,
        key: &[u8],
        value: &impl ToValue<Value>,
        condition: Condition,
    ) -> Result<Option<u64>, AccessError> {
        with_value(value, |value| {
            let change = Change {
                hash,
                key,
                value,
                condition,
            };
            self.store
                .write(change, |stored, (): &()| Ok(stored.version))
        })
    }
}
