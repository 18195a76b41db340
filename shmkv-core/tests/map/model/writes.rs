//! The writing operations, each on the map and on its model, with the answers compared. A `bool` says
//! whether the operation changed the map.

use std::collections::HashMap;

use proptest::prop_assert_eq;
use proptest::test_runner::TestCaseError;
use shmkv_core::Exchange;

use super::step::{Expects, Seed};
use super::subject::{Outcome, Subject, failed};

impl<const N: usize, const K: usize, const V: usize> Subject<'_, N, K, V> {
    pub(crate) fn insert(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let answer = self.map().insert(key, value);
        if !self.has_space_for(index) {
            self.full(answer)?;
            return Ok(false);
        }
        prop_assert_eq!(answer.map_err(failed)?, self.expected(index));
        self.stored(index, value).map(|()| true)
    }

    pub(crate) fn set(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let answer = self.map().set(key, value);
        if !self.has_space_for(index) {
            self.full(answer)?;
            return Ok(false);
        }
        let version = answer.map_err(failed)?;
        self.stored(index, value)?;
        let stored = self.model.get(&index).map(|(_, version)| *version);
        prop_assert_eq!(stored, Some(version));
        Ok(true)
    }

    pub(crate) fn try_insert(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let answer = self.map().try_insert(key, value);
        if !self.has_space_for(index) {
            self.full(answer)?;
            return Ok(false);
        }
        let absent = self.expected(index).is_none();
        prop_assert_eq!(answer.map_err(failed)?, absent);
        if absent {
            self.stored(index, value)?;
        }
        Ok(absent)
    }

    pub(crate) fn replace(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let old = self.map().replace(key, value).map_err(failed)?;
        prop_assert_eq!(old, self.expected(index));
        if old.is_some() {
            self.stored(index, value)?;
        }
        Ok(old.is_some())
    }

    pub(crate) fn compare_exchange(
        &mut self,
        index: usize,
        expects: Expects,
        seed: Seed,
    ) -> Result<bool, TestCaseError> {
        let current = self.model.get(&index).copied();
        let expected = match expects {
            Expects::Current => current.map(|(_, version)| version),
            Expects::Old => self.versions.get(&index).map(|all| all[0]),
            Expects::Others(key) => self.model.get(&Self::index(key)).map(|(_, other)| *other),
        };
        let Some(expected) = expected else {
            return Ok(false);
        };
        let (key, value) = (Self::key(index), Self::value(seed));
        let answer = self.map().compare_exchange(key, expected, value);
        match (answer.map_err(failed)?, current) {
            (Exchange::Stored(version), Some((_, old))) if old == expected => {
                self.stored(index, value)?;
                prop_assert_eq!(Some(version), self.model.get(&index).map(|entry| entry.1));
                Ok(true)
            }
            (Exchange::Changed(None), None) => Ok(false),
            (Exchange::Changed(Some(now)), Some(there)) if there.1 != expected => {
                prop_assert_eq!((now.value, now.version), there);
                Ok(false)
            }
            (answer, there) => Err(failed(format!("{answer:?}, but the entry is {there:?}"))),
        }
    }

    pub(crate) fn update(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let mut seen = None;
        let change = |found: &mut [u8; V]| {
            seen = Some(*found);
            *found = value;
        };
        let new = self.map().update(key, change).map_err(failed)?;
        prop_assert_eq!(seen, self.expected(index));
        prop_assert_eq!(new, seen.map(|_| value));
        if seen.is_some() {
            self.stored(index, value)?;
        }
        Ok(seen.is_some())
    }

    pub(crate) fn get_or_insert_with(
        &mut self,
        index: usize,
        seed: Seed,
    ) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let answer = self.map().get_or_insert_with(key, || value);
        if !self.has_space_for(index) {
            self.full(answer)?;
            return Ok(false);
        }
        let there = self.expected(index);
        prop_assert_eq!(answer.map_err(failed)?, there.unwrap_or(value));
        if there.is_none() {
            self.stored(index, value)?;
        }
        Ok(there.is_none())
    }

    pub(crate) fn remove(&mut self, index: usize) -> Result<bool, TestCaseError> {
        let old = self.map().remove(Self::key(index)).map_err(failed)?;
        prop_assert_eq!(old, self.expected(index));
        self.model.remove(&index);
        prop_assert_eq!(self.reader.get(Self::key(index)).map_err(failed)?, None);
        Ok(old.is_some())
    }

    pub(crate) fn remove_if(&mut self, index: usize, remove: bool) -> Result<bool, TestCaseError> {
        let mut seen = None;
        let test = |found: &[u8; V]| {
            seen = Some(*found);
            remove
        };
        let old = self.map().remove_if(Self::key(index), test);
        let old = old.map_err(failed)?;
        prop_assert_eq!(seen, self.expected(index));
        prop_assert_eq!(old, seen.filter(|_| remove));
        if old.is_some() {
            self.model.remove(&index);
        }
        Ok(old.is_some())
    }

    pub(crate) fn retain(&mut self, divisor: usize) -> Outcome {
        let present: Vec<[u8; K]> = self.model.keys().copied().map(Self::key).collect();
        let mut asked: Vec<[u8; K]> = Vec::new();
        self.model.retain(|index, _| index % divisor != 0);
        let model: HashMap<[u8; K], [u8; V]> = self.entries();
        let keep = |key: &[u8; K], value: &[u8; V]| {
            asked.push(*key);
            model.get(key).is_some_and(|expected| expected == value)
        };
        self.map().retain(keep).map_err(failed)?;
        let sorted = |mut keys: Vec<[u8; K]>| {
            keys.sort_unstable();
            keys
        };
        prop_assert_eq!(sorted(asked), sorted(present), "expected each key once");
        Ok(())
    }
}
