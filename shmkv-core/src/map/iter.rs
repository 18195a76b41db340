//! Walking over a map while others change it.

use std::fmt;
use std::marker::PhantomData;

use super::lookup::versioned;
use super::{ShmReader, Versioned};
use crate::access::Walk;
use crate::codec::{ShmKey, ShmValue};
use crate::error::AccessError;
use crate::layout::Fixed;

/// An iterator over a map's entries; see [`ShmReader::iter`].
#[must_use = "iterators are lazy"]
pub struct Iter<'m, const N: usize, const K: usize, const V: usize, Key, Value> {
    walk: Walk<'m, Fixed<N, K, V>>,
    types: PhantomData<fn() -> (Key, Value)>,
}

impl<'m, const N: usize, const K: usize, const V: usize, Key, Value> Iter<'m, N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    pub(super) fn new(map: &'m ShmReader<N, K, V, Key, Value>) -> Self {
        let walk = Walk::new(&map.handle);
        let types = PhantomData;
        Self { walk, types }
    }

    fn next_versioned(&mut self) -> Option<Result<(Key, Versioned<Value>), AccessError>> {
        let next = self.walk.next(|version, key, value| {
            let key = Key::decode(key).map_err(AccessError::Decode)?;
            Ok((key, versioned(version, value)?))
        })?;
        Some(next.and_then(|entry| entry))
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> Iterator
    for Iter<'_, N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    type Item = Result<(Key, Value), AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_versioned()?;
        Some(next.map(|(key, found)| (key, found.value)))
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> std::iter::FusedIterator
    for Iter<'_, N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> fmt::Debug
    for Iter<'_, N, K, V, Key, Value>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

/// An iterator over a map's entries and their versions; see
/// [`ShmReader::iter_versioned`].
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct IterVersioned<'m, const N: usize, const K: usize, const V: usize, Key, Value>(
    pub(super) Iter<'m, N, K, V, Key, Value>,
);

impl<const N: usize, const K: usize, const V: usize, Key, Value> Iterator
    for IterVersioned<'_, N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    type Item = Result<(Key, Versioned<Value>), AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_versioned()
    }
}

/// An iterator over a map's keys; see [`ShmReader::keys`].
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct Keys<'m, const N: usize, const K: usize, const V: usize, Key, Value>(
    pub(super) Iter<'m, N, K, V, Key, Value>,
);

impl<const N: usize, const K: usize, const V: usize, Key, Value> Iterator
    for Keys<'_, N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    type Item = Result<Key, AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self
            .0
            .walk
            .next(|_, key, _| Key::decode(key).map_err(AccessError::Decode))?;
        Some(next.and_then(|key| key))
    }
}

/// An iterator over a map's values; see [`ShmReader::values`].
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct Values<'m, const N: usize, const K: usize, const V: usize, Key, Value>(
    pub(super) Iter<'m, N, K, V, Key, Value>,
);

impl<const N: usize, const K: usize, const V: usize, Key, Value> Iterator
    for Values<'_, N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    type Item = Result<Value, AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self
            .0
            .walk
            .next(|_, _, value| Value::decode(value).map_err(AccessError::Decode))?;
        Some(next.and_then(|value| value))
    }
}
