//! Iterating over a map while other processes change it: `iter`, `iter_versioned`, `keys`,
//! `values`.

use std::fmt;
use std::marker::PhantomData;

use super::encode::versioned;
use super::handle::{ShmMap, ShmReader};
use crate::codec::{ShmKey, ShmValue};
use crate::error::AccessError;
use crate::layout::Fixed;
use crate::store::{Scan, Versioned};

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Iterates over the entries, in no particular order.
    ///
    /// # Consistency
    ///
    /// Weakly consistent: an entry that lives during the whole iteration is returned
    /// exactly once, with a value that it had at some moment of it. An entry that is
    /// inserted or removed meanwhile may or may not be returned, and one that is removed
    /// and inserted again may be returned twice.
    ///
    /// # Errors
    ///
    /// Each entry can be an error: [`Decode`](AccessError::Decode) if its bytes are not a key
    /// and a value, and those of [`get`](Self::get) if writers keep changing a bucket. Such a
    /// bucket is skipped, and the iteration goes on.
    ///
    /// ```
    /// # use shmkv_core::Map;
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// let squares = Map::<100, u32, u64>::create_anonymous()?;
    /// for n in 1..=3 {
    ///     squares.insert(n, u64::from(n * n))?;
    /// }
    /// let mut sum = 0;
    /// for entry in &squares {
    ///     let (_, square) = entry?;
    ///     sum += square;
    /// }
    /// assert_eq!(sum, 14);
    /// # Ok(())
    /// # }
    /// ```
    pub fn iter(&self) -> Iter<'_, N, K, V, Key, Value> {
        Iter {
            scan: Scan::new(&self.store),
            types: PhantomData,
        }
    }

    /// Iterates over the entries and their versions, as [`iter`](Self::iter) does.
    pub fn iter_versioned(&self) -> IterVersioned<'_, N, K, V, Key, Value> {
        IterVersioned(self.iter())
    }

    /// Iterates over the keys, as [`iter`](Self::iter) does.
    pub fn keys(&self) -> Keys<'_, N, K, V, Key, Value> {
        Keys(self.iter())
    }

    /// Iterates over the values, as [`iter`](Self::iter) does.
    pub fn values(&self) -> Values<'_, N, K, V, Key, Value> {
        Values(self.iter())
    }
}

impl<'m, const N: usize, const K: usize, const V: usize, Key, Value> IntoIterator
    for &'m ShmReader<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    type Item = Result<(Key, Value), AccessError>;
    type IntoIter = Iter<'m, N, K, V, Key, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'m, const N: usize, const K: usize, const V: usize, Key, Value> IntoIterator
    for &'m ShmMap<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    type Item = Result<(Key, Value), AccessError>;
    type IntoIter = Iter<'m, N, K, V, Key, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// An iterator over a map's entries; see [`ShmReader::iter`].
#[must_use = "iterators are lazy"]
pub struct Iter<'m, const N: usize, const K: usize, const V: usize, Key, Value> {
    scan: Scan<'m, Fixed<N, K, V>>,
    types: PhantomData<fn() -> (Key, Value)>,
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> Iter<'_, N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    fn next_versioned(&mut self) -> Option<Result<(Key, Versioned<Value>), AccessError>> {
        let next = self.scan.next(|version, key, value| {
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
    Iter<'m, N, K, V, Key, Value>,
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
    Iter<'m, N, K, V, Key, Value>,
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
            .scan
            .next(|_, key, _| Key::decode(key).map_err(AccessError::Decode))?;
        Some(next.and_then(|key| key))
    }
}

/// An iterator over a map's values; see [`ShmReader::values`].
#[derive(Debug)]
#[must_use = "iterators are lazy"]
pub struct Values<'m, const N: usize, const K: usize, const V: usize, Key, Value>(
    Iter<'m, N, K, V, Key, Value>,
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
            .scan
            .next(|_, _, value| Value::decode(value).map_err(AccessError::Decode))?;
        Some(next.and_then(|value| value))
    }
}
