//! How a key is looked up and its value brought out.
//!
//! Three ways, one behind the other: the short one, inlined; the rest of the key's
//! path; and whatever it takes while writers are in the way. A value stays in registers
//! from the segment to where it is wanted: so no buffer of the first two ways is shown
//! to anything out of line, and no two ways end in one value, which would have to be
//! in memory.

use super::{ShmReader, Version, Versioned};
use crate::bytes::{Buffer, STACK_LIMIT, Scratch, exactly, with_zeros};
use crate::codec::{ShmKey, ShmValue, ToKey};
use crate::error::AccessError;
use crate::table::{Hash, Spot};

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Encodes and hashes a key.
    #[inline(always)]
    pub(super) fn with_key<R>(
        &self,
        key: &impl ToKey<Key>,
        body: impl FnOnce(Hash, &[u8]) -> Result<R, AccessError>,
    ) -> Result<R, AccessError> {
        // What is encoded in memory already, of the right length, is not copied.
        if let Some(bytes) = key.as_encoded().and_then(exactly::<K>) {
            return body(self.table().hash(bytes), bytes);
        }
        with_zeros::<K, _>(|bytes| {
            key.encode_into(bytes).map_err(AccessError::Key)?;
            body(self.table().hash(bytes), bytes)
        })
    }

    /// Reads the value of `key`, and makes something of its version and bytes.
    #[inline(always)]
    pub(super) fn read<R>(
        &self,
        hash: Hash,
        key: &[u8],
        make: impl FnOnce(u64, &[u8]) -> Result<R, AccessError>,
    ) -> Result<Option<R>, AccessError> {
        // This buffer is not shown to anything out of line, so that the value can
        // stay in registers.
        Buffer::<V>::with(|value| match self.table().get(hash, key, value) {
            Ok(version) => made(version, value, make),
            Err(_) => self.read_along(hash, key, make),
        })
    }

    /// [`read`](Self::read), of a key that may not be in its first bucket, or was
    /// disturbed there.
    #[inline(never)]
    fn read_along<R>(
        &self,
        hash: Hash,
        key: &[u8],
        make: impl FnOnce(u64, &[u8]) -> Result<R, AccessError>,
    ) -> Result<Option<R>, AccessError> {
        // This buffer is not shown to anything either.
        Buffer::<V>::with(|value| match self.table().get_along(hash, key, value) {
            Ok(version) => made(version, value, make),
            Err(_) => self.read_slow(hash, key, make),
        })
    }

    /// [`read`](Self::read), whoever is in the way.
    #[cold]
    #[inline(never)]
    fn read_slow<R>(
        &self,
        hash: Hash,
        key: &[u8],
        make: impl FnOnce(u64, &[u8]) -> Result<R, AccessError>,
    ) -> Result<Option<R>, AccessError> {
        Buffer::<V>::with(|value| {
            let version = self.handle.get_slow(hash, key, value)?;
            made(version, value, make)
        })
    }

    /// [`get`](Self::get).
    #[inline(always)]
    pub(super) fn look_up(&self, key: &impl ToKey<Key>) -> Result<Option<Value>, AccessError> {
        if K > STACK_LIMIT {
            return self.get_large(key);
        }
        let mut room = [0; K];
        let key = encoded_key(key, &mut room)?;
        self.get_hashed(self.table().hash(key), key)
    }

    /// [`get`](Self::get), when the hash is known.
    #[inline(always)]
    pub(super) fn get_hashed(
        &self,
        hash: Hash,
        key: &[u8; K],
    ) -> Result<Option<Value>, AccessError> {
        if V > STACK_LIMIT {
            return self.get_along(hash, key);
        }
        let mut value = Buffer::<V>::new();
        match self.table().get(hash, key, &mut value) {
            Ok(found) => decoded(found, &value),
            Err(_) => self.get_along(hash, key),
        }
    }

    /// As [`get_hashed`](Self::get_hashed), of a value that fits the stack, to `into`.
    /// Looks first where the key seems to be, if that is known.
    #[inline(always)]
    fn get_into(
        &self,
        hash: Hash,
        spot: Option<Spot>,
        key: &[u8; K],
        into: &mut Option<Value>,
    ) -> Result<(), AccessError> {
        let mut value = Buffer::<V>::new();
        let table = self.table();
        let found = match spot {
            Some(spot) => table.get_at(spot, hash, key, &mut value),
            None => table.get(hash, key, &mut value),
        };
        // Each way by itself, so that the value goes there at once.
        match (found, value.bytes()) {
            (Ok(Some(_)), Some(bytes)) => match Value::decode(bytes) {
                Ok(value) => *into = Some(value),
                Err(error) => return Err(AccessError::Decode(error)),
            },
            (Ok(_), _) => *into = None,
            (Err(_), _) => *into = self.get_along(hash, key)?,
        }
        Ok(())
    }

    #[inline(never)]
    fn get_large(&self, key: &impl ToKey<Key>) -> Result<Option<Value>, AccessError> {
        self.with_key(key, |hash, key| {
            self.read(hash, key, |_, value| {
                Value::decode(value).map_err(AccessError::Decode)
            })
        })
    }

    #[inline(never)]
    fn get_along(&self, hash: Hash, key: &[u8; K]) -> Result<Option<Value>, AccessError> {
        self.read_along(hash, key, |_, value| {
            Value::decode(value).map_err(AccessError::Decode)
        })
    }

    #[inline]
    pub(super) fn contains_hashed(&self, hash: Hash, key: &[u8]) -> Result<bool, AccessError> {
        let table = self.table();
        let found = table
            .get(hash, key, &mut ())
            .or_else(|_| table.get_along(hash, key, &mut ()))
            .or_else(|_| self.handle.get_slow(hash, key, &mut ()))?;
        Ok(found.is_some())
    }

    /// Fills `values` up; there is one for each key.
    #[inline(always)]
    pub(super) fn get_each(
        &self,
        keys: &[impl ToKey<Key>],
        values: &mut [Option<Value>],
    ) -> Result<(), AccessError> {
        if K > STACK_LIMIT || V > STACK_LIMIT {
            for (key, value) in keys.iter().zip(values) {
                *value = self.get_large(key)?;
            }
            return Ok(());
        }
        let table = self.table();
        // Used again and again: whoever encodes a key writes every byte of it.
        let mut room = [0; K];
        if table.is_near() {
            for (key, value) in keys.iter().zip(values) {
                let key = encoded_key(key, &mut room)?;
                self.get_into(table.hash(key), None, key, value)?;
            }
            return Ok(());
        }
        for (keys, values) in keys.chunks(AT_ONCE).zip(values.chunks_mut(AT_ONCE)) {
            // A key that cannot be encoded is reported in its turn.
            let mut hashes = [Hash::default(); AT_ONCE];
            for (key, hash) in keys.iter().zip(&mut hashes) {
                if let Ok(key) = encoded_key(key, &mut room) {
                    *hash = table.hash(key);
                    table.prefetch_bucket(*hash);
                }
            }
            let mut spots = [None; AT_ONCE];
            for (hash, spot) in hashes.iter().zip(&mut spots).take(keys.len()) {
                *spot = table.seek(*hash);
            }
            for (((key, value), hash), spot) in keys.iter().zip(values).zip(&hashes).zip(&spots) {
                let key = encoded_key(key, &mut room)?;
                self.get_into(*hash, *spot, key, value)?;
            }
        }
        Ok(())
    }
}

/// How many keys of a batch are waited for at once.
const AT_ONCE: usize = 32;

/// The bytes of a key: in memory already, or put into `room`.
#[inline(always)]
pub(super) fn encoded_key<'k, const K: usize, Key>(
    key: &'k impl ToKey<Key>,
    room: &'k mut [u8; K],
) -> Result<&'k [u8; K], AccessError> {
    match key.as_encoded().and_then(exactly::<K>) {
        Some(bytes) => Ok(bytes),
        None => match key.encode_into(room) {
            Ok(()) => Ok(room),
            Err(error) => Err(AccessError::Key(error)),
        },
    }
}

/// The value that was found, if one was.
#[inline(always)]
pub(super) fn decoded<const V: usize, Value: ShmValue<V>>(
    found: Option<u64>,
    value: &Buffer<V>,
) -> Result<Option<Value>, AccessError> {
    match (found, value.bytes()) {
        (Some(_), Some(bytes)) => match Value::decode(bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(AccessError::Decode(error)),
        },
        _ => Ok(None),
    }
}

/// What `make` makes of a version and a value, if the key was found.
#[inline(always)]
fn made<const V: usize, R>(
    version: Option<u64>,
    value: &Buffer<V>,
    make: impl FnOnce(u64, &[u8]) -> Result<R, AccessError>,
) -> Result<Option<R>, AccessError> {
    match (version, value.bytes()) {
        (Some(version), Some(bytes)) => make(version, bytes).map(Some),
        _ => Ok(None),
    }
}

/// Decodes what was read.
pub(super) fn versioned<const V: usize, Value: ShmValue<V>>(
    version: u64,
    bytes: &[u8],
) -> Result<Versioned<Value>, AccessError> {
    Ok(Versioned {
        version: Version::of_slot(version),
        value: Value::decode(bytes).map_err(AccessError::Decode)?,
    })
}
