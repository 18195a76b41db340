//! How a value is encoded and stored.
//!
//! As with reading, the short way is inlined and shows nothing to the others but what
//! the operation began with.

use super::ShmMap;
use super::lookup::encoded_key;
use crate::bytes::{ReadInto, STACK_LIMIT, Scratch, exactly, with_zeros};
use crate::codec::{ShmKey, ShmValue, ToKey, ToValue};
use crate::error::AccessError;
use crate::table::{Change, Condition, Hash, Stored};

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmMap<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Encodes and stores, and makes something of the outcome after the lock
    /// has been given back.
    #[inline(always)]
    pub(super) fn put<Old: Scratch, R>(
        &self,
        key: &impl ToKey<Key>,
        value: &impl ToValue<Value>,
        condition: Condition,
        outcome: impl FnOnce(Stored, &Old) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        if K > STACK_LIMIT || V > STACK_LIMIT {
            return self.put_large(key, value, condition, outcome);
        }
        let (mut key_room, mut value_room) = ([0; K], [0; V]);
        let key = encoded_key(key, &mut key_room)?;
        let hash = self.table().hash(key);
        let change = Change {
            hash,
            key,
            value: encoded_value(value, &mut value_room)?,
            condition,
        };
        // It is not shown to anything out of line, so that the old value can stay
        // in registers.
        let mut old = Old::new();
        if let Some(stored) = self.handle.put_at_once(change, &mut old) {
            return outcome(stored, &old);
        }
        let value = change.value;
        self.put_slow(hash, key, value, condition, outcome)
    }

    /// Out of line; shown only the parts of a change, for what is shown to anybody
    /// has to be in memory.
    #[inline(never)]
    fn put_slow<Old: Scratch, R>(
        &self,
        hash: Hash,
        key: &[u8],
        value: &[u8],
        condition: Condition,
        outcome: impl FnOnce(Stored, &Old) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        let change = Change {
            hash,
            key,
            value,
            condition,
        };
        Old::with(|old| {
            let stored = self.handle.put_slow(change, old)?;
            outcome(stored, old)
        })
    }

    /// For what does not go on the stack.
    #[inline(never)]
    fn put_large<Old: Scratch, R>(
        &self,
        key: &impl ToKey<Key>,
        value: &impl ToValue<Value>,
        condition: Condition,
        outcome: impl FnOnce(Stored, &Old) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        self.with_key(key, |hash, key| {
            Old::with(|old| {
                let stored = self.put_hashed(hash, key, value, condition, old)?;
                outcome(stored, old)
            })
        })
    }

    /// Encodes a value and stores it.
    pub(super) fn put_hashed(
        &self,
        hash: Hash,
        key: &[u8],
        value: &impl ToValue<Value>,
        condition: Condition,
        old: &mut impl ReadInto,
    ) -> Result<Stored, AccessError> {
        let mut put = |value: &[u8]| {
            let change = Change {
                hash,
                key,
                value,
                condition,
            };
            self.handle.put(change, old)
        };
        if let Some(bytes) = value.as_encoded().and_then(exactly::<V>) {
            return put(bytes);
        }
        with_zeros::<V, _>(|bytes| {
            value.encode_into(bytes).map_err(AccessError::Value)?;
            put(bytes)
        })
    }

    /// Adds an entry if its key is absent; returns whether it was.
    pub(super) fn add(
        &self,
        hash: Hash,
        key: &[u8],
        value: &impl ToValue<Value>,
    ) -> Result<bool, AccessError> {
        let stored = self.put_hashed(hash, key, value, Condition::Absent, &mut ())?;
        Ok(stored.version.is_some())
    }
}

/// The bytes of a value: in memory already, or put into `room`.
#[inline(always)]
fn encoded_value<'v, const V: usize, Value>(
    value: &'v impl ToValue<Value>,
    room: &'v mut [u8; V],
) -> Result<&'v [u8; V], AccessError> {
    match value.as_encoded().and_then(exactly::<V>) {
        Some(bytes) => Ok(bytes),
        None => match value.encode_into(room) {
            Ok(()) => Ok(room),
            Err(error) => Err(AccessError::Value(error)),
        },
    }
}
