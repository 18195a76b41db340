//! Reading a batch of entries: `get_many`, `get_many_into`.

use super::encode::{STACK_LIMIT, decode, encode_key, with_key};
use super::handle::ShmReader;
use crate::bytes::Buffer;
use crate::codec::{ShmKey, ShmValue, ToKey};
use crate::error::AccessError;
use crate::table::Hash;

/// For how many keys of a batch memory is requested at once.
const AT_ONCE: usize = 32;

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Returns the values of several keys. Each is looked up by itself: the values need
    /// not belong to one moment.
    ///
    /// In a map much larger than the processor's caches this is two to three times faster
    /// than as many calls of [`get`](Self::get), because the processor waits for many keys
    /// at once.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), for the first key that fails.
    ///
    /// ```
    /// # use shmkv_core::Map;
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// let ports = Map::<100, [u8; 4], u16>::create_anonymous()?;
    /// ports.insert(b"http", 80)?;
    /// ports.insert(b"ldap", 389)?;
    /// let found = ports.get_many([b"ldap", b"none", b"http"])?;
    /// assert_eq!(found, [Some(389), None, Some(80)]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_many<const M: usize>(
        &self,
        keys: [impl ToKey<Key>; M],
    ) -> Result<[Option<Value>; M], AccessError> {
        let mut values = [const { None }; M];
        self.get_batch(&keys, &mut values)?;
        Ok(values)
    }

    /// As [`get_many`](Self::get_many), for any number of keys: replaces the contents of
    /// `values` by theirs, one for each key, in order.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get), for the first key that fails; `values` then holds those of the
    /// keys before it, and `None` for the others.
    pub fn get_many_into(
        &self,
        keys: &[impl ToKey<Key>],
        values: &mut Vec<Option<Value>>,
    ) -> Result<(), AccessError> {
        values.clear();
        values.resize_with(keys.len(), || None);
        self.get_batch(keys, values)
    }

    /// Fills `values`, one for each key; all are `None` at first.
    #[inline(always)]
    fn get_batch(
        &self,
        keys: &[impl ToKey<Key>],
        values: &mut [Option<Value>],
    ) -> Result<(), AccessError> {
        if K > STACK_LIMIT || V > STACK_LIMIT {
            for (key, value) in keys.iter().zip(values) {
                *value = with_key(key, |key| {
                    self.store.read(self.store.hash(key), key, decode)
                })?;
            }
            return Ok(());
        }
        let table = self.store.table();
        // Used for one key after the other: an encoding writes every byte of it.
        let mut scratch = [0; K];
        if table.fits_cache() {
            for (key, value) in keys.iter().zip(values) {
                let key = encode_key(key, &mut scratch)?;
                self.store.read(table.hash(key), key, decode_to(value))?;
            }
            return Ok(());
        }
        for (keys, values) in keys.chunks(AT_ONCE).zip(values.chunks_mut(AT_ONCE)) {
            // A key that cannot be encoded is reported in its turn.
            let mut hashes = [Hash::default(); AT_ONCE];
            for (key, hash) in keys.iter().zip(&mut hashes) {
                if let Ok(key) = encode_key(key, &mut scratch) {
                    *hash = table.hash(key);
                    table.prefetch_home_bucket(*hash);
                }
            }
            let mut slots = [None; AT_ONCE];
            for (hash, slot) in hashes.iter().zip(&mut slots).take(keys.len()) {
                *slot = table.hint_slot(*hash);
            }
            for (((key, value), hash), slot) in keys.iter().zip(values).zip(&hashes).zip(&slots) {
                let key = encode_key(key, &mut scratch)?;
                match slot {
                    Some(slot) => {
                        self.store
                            .read_hinted(*slot, *hash, key, decode_to(value))?;
                    }
                    None => self.store.read(*hash, key, decode_to(value))?,
                }
            }
        }
        Ok(())
    }
}

/// Decodes a value, if there is one, into its place, so that it is not copied once more.
#[inline(always)]
fn decode_to<const V: usize, Value: ShmValue<V>>(
    place: &mut Option<Value>,
) -> impl FnOnce(Option<u64>, &Buffer<V>) -> Result<(), AccessError> {
    |found, value| {
        if let (Some(_), Some(bytes)) = (found, value.bytes()) {
            match Value::decode(bytes) {
                Ok(value) => *place = Some(value),
                Err(error) => return Err(AccessError::Decode(error)),
            }
        }
        Ok(())
    }
}
