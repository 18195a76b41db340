//! Reading one entry: `get`, `get_versioned`, `contains_key`.

use super::encode::{STACK_LIMIT, decode, decode_versioned, encode_key, with_key};
use super::handle::ShmReader;
use crate::codec::{ShmKey, ShmValue, ToKey};
use crate::error::AccessError;
use crate::store::Versioned;

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Returns a copy of the value of `key`, or `None` if the key is absent.
    ///
    /// # Errors
    ///
    /// [`Key`](AccessError::Key) if the key cannot be encoded,
    /// [`Decode`](AccessError::Decode) if the bytes in the map are not a value. If writers
    /// keep changing this very entry, a read-only handle may give up with
    /// [`Contended`](AccessError::Contended) after 100 ms; a handle that may write takes
    /// the lock instead, and may fail as that does: with
    /// [`LockTimeout`](AccessError::LockTimeout), or in a forked child with
    /// [`Io`](AccessError::Io).
    ///
    /// # Consistency
    ///
    /// Linearizable: the value is that of the last completed change of this key, by any
    /// process, or of one that is still under way. It is whole, and it was published: a
    /// writer that dies before it publishes has changed nothing.
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
    // Inlined, so that the value stays in registers until the caller has it: a value
    // that a function returns is copied twice more, which takes as long as the rest.
    #[inline(always)]
    pub fn get(&self, key: impl ToKey<Key>) -> Result<Option<Value>, AccessError> {
        if K > STACK_LIMIT {
            return self.get_by_large_key(&key);
        }
        let mut scratch = [0; K];
        let key = encode_key(&key, &mut scratch)?;
        self.store.read(self.store.hash(key), key, decode)
    }

    /// [`get`](Self::get) for keys that do not go on the stack.
    #[inline(never)]
    fn get_by_large_key(&self, key: &impl ToKey<Key>) -> Result<Option<Value>, AccessError> {
        with_key(key, |key| {
            self.store.read(self.store.hash(key), key, decode)
        })
    }

    /// Returns a copy of the value of `key` and its version, or `None` if the key is
    /// absent.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    #[inline]
    pub fn get_versioned(
        &self,
        key: impl ToKey<Key>,
    ) -> Result<Option<Versioned<Value>>, AccessError> {
        with_key(&key, |key| {
            self.store.read(self.store.hash(key), key, decode_versioned)
        })
    }

    /// Returns whether the map has an entry for `key`.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), without `Decode`: the value is not read.
    pub fn contains_key(&self, key: impl ToKey<Key>) -> Result<bool, AccessError> {
        with_key(&key, |key| {
            let is_present = |found: Option<u64>, (): &()| Ok(found.is_some());
            self.store.read(self.store.hash(key), key, is_present)
        })
    }
}
