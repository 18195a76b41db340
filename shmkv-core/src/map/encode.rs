//! From keys and values to bytes, and back.
//!
//! A key or value whose own memory is its encoding is not copied. Encodings of up to
//! [`STACK_LIMIT`] bytes go to a scratch array of the caller's, which stays in the
//! caller's frame; larger ones go through [`with_key`] and [`with_value`], to the heap.

use crate::bytes::{Buffer, exactly, with_zeros};
use crate::codec::{ShmKey, ShmValue, ToKey, ToValue};
use crate::error::AccessError;
use crate::store::{Version, Versioned};

pub(super) use crate::bytes::STACK_LIMIT;

/// The bytes of a key: its own memory, if that is its encoding, otherwise `scratch`.
#[inline(always)]
pub(super) fn encode_key<'k, const K: usize, Key>(
    key: &'k impl ToKey<Key>,
    scratch: &'k mut [u8; K],
) -> Result<&'k [u8; K], AccessError> {
    match key.as_encoded().and_then(exactly::<K>) {
        Some(bytes) => Ok(bytes),
        None => match key.encode_into(scratch) {
            Ok(()) => Ok(scratch),
            Err(error) => Err(AccessError::Key(error)),
        },
    }
}

/// The bytes of a value: its own memory, if that is its encoding, otherwise `scratch`.
#[inline(always)]
pub(super) fn encode_value<'v, const V: usize, Value>(
    value: &'v impl ToValue<Value>,
    scratch: &'v mut [u8; V],
) -> Result<&'v [u8; V], AccessError> {
    match value.as_encoded().and_then(exactly::<V>) {
        Some(bytes) => Ok(bytes),
        None => match value.encode_into(scratch) {
            Ok(()) => Ok(scratch),
            Err(error) => Err(AccessError::Value(error)),
        },
    }
}

/// Runs `body` with the bytes of a key of any size.
#[inline(always)]
pub(super) fn with_key<const K: usize, Key: ShmKey<K>, R>(
    key: &impl ToKey<Key>,
    body: impl FnOnce(&[u8]) -> Result<R, AccessError>,
) -> Result<R, AccessError> {
    if let Some(bytes) = key.as_encoded().and_then(exactly::<K>) {
        return body(bytes);
    }
    with_zeros::<K, _>(|bytes| {
        key.encode_into(bytes).map_err(AccessError::Key)?;
        body(bytes)
    })
}

/// Runs `body` with the bytes of a value of any size.
pub(super) fn with_value<const V: usize, Value: ShmValue<V>, R>(
    value: &impl ToValue<Value>,
    body: impl FnOnce(&[u8]) -> Result<R, AccessError>,
) -> Result<R, AccessError> {
    if let Some(bytes) = value.as_encoded().and_then(exactly::<V>) {
        return body(bytes);
    }
    with_zeros::<V, _>(|bytes| {
        value.encode_into(bytes).map_err(AccessError::Value)?;
        body(bytes)
    })
}

/// The value that was read, if the key was found.
#[inline(always)]
pub(super) fn decode<const V: usize, Value: ShmValue<V>>(
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

/// The value that was read and its version, if the key was found.
#[inline(always)]
pub(super) fn decode_versioned<const V: usize, Value: ShmValue<V>>(
    found: Option<u64>,
    value: &Buffer<V>,
) -> Result<Option<Versioned<Value>>, AccessError> {
    match (found, value.bytes()) {
        (Some(version), Some(bytes)) => versioned(version, bytes).map(Some),
        _ => Ok(None),
    }
}

/// A value that was read, and its version.
pub(super) fn versioned<const V: usize, Value: ShmValue<V>>(
    version: u64,
    bytes: &[u8],
) -> Result<Versioned<Value>, AccessError> {
    Ok(Versioned {
        version: Version::of_slot(version),
        value: Value::decode(bytes).map_err(AccessError::Decode)?,
    })
}
