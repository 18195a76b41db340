//! The map and its model, and the two compared.

use std::cell::Cell;
use std::collections::HashMap;
use std::os::fd::AsFd as _;

use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::test_runner::TestCaseError;
use shmkv_core::{AccessError, Exchange, ShmMap, ShmReader, Version};

use super::step::{Expects, Key, Seed, Step};

type Outcome = Result<(), TestCaseError>;

pub(crate) struct Subject<'a, const N: usize, const K: usize, const V: usize> {
    /// Two handles, used in turn.
    maps: [ShmMap<N, K, V>; 2],
    reader: ShmReader<N, K, V>,
    turn: Cell<usize>,
    model: HashMap<usize, ([u8; V], Version)>,
    /// The versions that a key has had, the last one included.
    versions: HashMap<usize, Vec<Version>>,
    /// The map's version after the last step.
    version: u64,
    steps: usize,
    /// Counts what a full map refused.
    refused: &'a Cell<usize>,
}

/// What any operation answers, as far as it goes wrong.
fn failed(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

impl<'a, const N: usize, const K: usize, const V: usize> Subject<'a, N, K, V> {
    /// Half as many keys again as fit, as far as `K` bytes can tell them apart.
    const KEYS: usize = {
        let wanted = N + N / 2 + 2;
        if K == 1 && wanted > 256 { 256 } else { wanted }
    };
    /// A check of everything takes as long as the map is large.
    const CHECKED_EVERY: usize = if N < 1_000 { 1 } else { 16 };

    pub(crate) fn new(refused: &'a Cell<usize>) -> Result<Self, TestCaseError> {
        let map = ShmMap::create_anonymous().map_err(failed)?;
        let fd = || map.as_fd().try_clone_to_owned().map_err(failed);
        let other = ShmMap::from_fd(fd()?).map_err(failed)?;
        let reader = ShmMap::<N, K, V>::options().from_fd_read_only(fd()?);
        Ok(Self {
            maps: [map, other],
            reader: reader.map_err(failed)?,
            turn: Cell::new(0),
            model: HashMap::new(),
            versions: HashMap::new(),
            version: 0,
            steps: 0,
            refused,
        })
    }

    fn map(&self) -> &ShmMap<N, K, V> {
        self.turn.set(self.turn.get() + 1);
        &self.maps[self.turn.get() % 2]
    }

    fn index(key: Key) -> usize {
        usize::from(key) % Self::KEYS
    }

    /// Little-endian, then the same bytes again and again; all keys differ.
    fn key(index: usize) -> [u8; K] {
        std::array::from_fn(|i| index.to_le_bytes()[i % 4] ^ (i / 4) as u8)
    }

    fn value(seed: Seed) -> [u8; V] {
        std::array::from_fn(|i| seed.to_le_bytes()[i % 4].wrapping_add((i / 4) as u8))
    }

    pub(crate) fn run(mut self, steps: &[Step]) -> Outcome {
        for step in steps {
            let changes = self.step(step)?;
            let version = self.reader.version();
            match changes {
                Some(true) => prop_assert!(version > self.version, "{version} after a change"),
                Some(false) => prop_assert_eq!(version, self.version, "no change"),
                None => prop_assert!(version >= self.version),
            }
            self.version = version;
            self.steps += 1;
            prop_assert_eq!(self.map().len(), self.model.len());
            prop_assert_eq!(self.reader.is_empty(), self.model.is_empty());
            if self.steps.is_multiple_of(Self::CHECKED_EVERY) {
                prop_assert_eq!(self.reader.check(), vec![]);
            }
        }
        prop_assert_eq!(self.map().capacity(), N);
        prop_assert_eq!(self.reader.check(), vec![]);
        self.walk()
    }

    /// Does one step; tells whether it changed the map, or `None` if it may count as a change without being one.
    fn step(&mut self, step: &Step) -> Result<Option<bool>, TestCaseError> {
        let before = self.model.len();
        match *step {
            Step::Insert(key, seed) => self.insert(Self::index(key), seed).map(Some),
            Step::Set(key, seed) => self.set(Self::index(key), seed).map(Some),
            Step::TryInsert(key, seed) => self.try_insert(Self::index(key), seed).map(Some),
            Step::Replace(key, seed) => self.replace(Self::index(key), seed).map(Some),
            Step::CompareExchange(key, expects, seed) => self
                .compare_exchange(Self::index(key), expects, seed)
                .map(Some),
            Step::Update(key, seed) => self.update(Self::index(key), seed).map(Some),
            Step::GetOrInsertWith(key, seed) => {
                self.get_or_insert_with(Self::index(key), seed).map(Some)
            }
            Step::Remove(key) => self.remove(Self::index(key)).map(Some),
            Step::RemoveIf(key, remove) => self.remove_if(Self::index(key), remove).map(Some),
            Step::Again(key, seed) => {
                let index = Self::index(key);
                let removed = self.remove(index)?;
                Ok(Some(self.insert(index, seed)? || removed))
            }
            Step::Get(key) => self.get(Self::index(key)).map(|()| Some(false)),
            Step::GetMany(keys) => self.get_many(keys).map(|()| Some(false)),
            Step::Walk => self.walk().map(|()| Some(false)),
            Step::Retain(divisor) => {
                self.retain(usize::from(divisor))?;
                Ok(Some(self.model.len() != before))
            }
            Step::Clear => {
                self.map().clear().map_err(failed)?;
                self.model.clear();
                Ok((before > 0).then_some(true))
            }
            Step::Fill(key, share) => {
                let mut changed = false;
                for index in Self::some(key, share) {
                    changed |= self.insert(index, index as Seed)?;
                }
                Ok(Some(changed))
            }
            Step::Drain(key, share) => {
                for index in Self::some(key, share) {
                    self.remove(index)?;
                }
                Ok(Some(self.model.len() != before))
            }
        }
    }

    /// Some of all keys, from one on.
    fn some(from: Key, share: u8) -> impl Iterator<Item = usize> {
        let many = 1 + Self::KEYS * usize::from(share) / 256;
        (0..many).map(move |i| (Self::index(from) + i) % Self::KEYS)
    }

    /// Where the model says that there is no room, the map must say so.
    fn full<T>(&self, answer: Result<T, AccessError>) -> Outcome {
        self.refused.set(self.refused.get() + 1);
        match answer {
            Err(AccessError::Full { capacity }) if capacity == N => Ok(()),
            Err(other) => Err(failed(other)),
            Ok(_) => Err(failed("stored in a full map")),
        }
    }

    fn has_room_for(&self, index: usize) -> bool {
        self.model.len() < N || self.model.contains_key(&index)
    }

    fn expected(&self, index: usize) -> Option<[u8; V]> {
        self.model.get(&index).map(|(value, _)| *value)
    }

    /// Notes that `index` has this value now; its version must be a new one.
    fn stored(&mut self, index: usize, value: [u8; V]) -> Outcome {
        let seen = self
            .reader
            .get_versioned(Self::key(index))
            .map_err(failed)?;
        let Some(seen) = seen else {
            return Err(failed("stored, but absent"));
        };
        prop_assert_eq!(seen.value, value);
        let versions = self.versions.entry(index).or_default();
        prop_assert!(
            versions.last().is_none_or(|last| *last < seen.version),
            "version {} after {:?}",
            seen.version,
            versions.last()
        );
        versions.push(seen.version);
        self.model.insert(index, (value, seen.version));
        Ok(())
    }

    fn insert(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let answer = self.map().insert(key, value);
        if !self.has_room_for(index) {
            self.full(answer)?;
            return Ok(false);
        }
        prop_assert_eq!(answer.map_err(failed)?, self.expected(index));
        self.stored(index, value).map(|()| true)
    }

    fn set(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let answer = self.map().set(key, value);
        if !self.has_room_for(index) {
            self.full(answer)?;
            return Ok(false);
        }
        let version = answer.map_err(failed)?;
        self.stored(index, value)?;
        let stored = self.model.get(&index).map(|(_, version)| *version);
        prop_assert_eq!(stored, Some(version));
        Ok(true)
    }

    fn try_insert(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let answer = self.map().try_insert(key, value);
        if !self.has_room_for(index) {
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

    fn replace(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let old = self.map().replace(key, value).map_err(failed)?;
        prop_assert_eq!(old, self.expected(index));
        if old.is_some() {
            self.stored(index, value)?;
        }
        Ok(old.is_some())
    }

    fn compare_exchange(
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
            (answer, there) => Err(failed(format!("{answer:?} where {there:?} was"))),
        }
    }

    fn update(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
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

    fn get_or_insert_with(&mut self, index: usize, seed: Seed) -> Result<bool, TestCaseError> {
        let (key, value) = (Self::key(index), Self::value(seed));
        let answer = self.map().get_or_insert_with(key, || value);
        if !self.has_room_for(index) {
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

    fn remove(&mut self, index: usize) -> Result<bool, TestCaseError> {
        let old = self.map().remove(Self::key(index)).map_err(failed)?;
        prop_assert_eq!(old, self.expected(index));
        self.model.remove(&index);
        prop_assert_eq!(self.reader.get(Self::key(index)).map_err(failed)?, None);
        Ok(old.is_some())
    }

    fn remove_if(&mut self, index: usize, remove: bool) -> Result<bool, TestCaseError> {
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

    fn get(&self, index: usize) -> Outcome {
        let key = Self::key(index);
        let expected = self.expected(index);
        prop_assert_eq!(self.map().get(key).map_err(failed)?, expected);
        prop_assert_eq!(self.reader.get(key).map_err(failed)?, expected);
        let there = self.reader.contains_key(key).map_err(failed)?;
        prop_assert_eq!(there, expected.is_some());
        let prepared = self.reader.prepare(key).map_err(failed)?;
        prop_assert_eq!(prepared.get().map_err(failed)?, expected);
        prop_assert_eq!(prepared.is_present().map_err(failed)?, expected.is_some());
        let again = prepared.get_versioned().map_err(failed)?;
        let again = again.map(|seen| (seen.value, seen.version));
        prop_assert_eq!(again, self.model.get(&index).copied());
        let seen = self.map().get_versioned(key).map_err(failed)?;
        let seen = seen.map(|seen| (seen.value, seen.version));
        prop_assert_eq!(seen, self.model.get(&index).copied());
        Ok(())
    }

    fn get_many(&self, keys: [Key; 5]) -> Outcome {
        let indices = keys.map(Self::index);
        let found = self.map().get_many(indices.map(Self::key));
        let expected = indices.map(|index| self.expected(index));
        prop_assert_eq!(found.map_err(failed)?, expected);
        // More than are waited for at once.
        let many: Vec<_> = (0..45).map(|i| Self::key(indices[i % 5])).collect();
        let mut values = vec![None; 3];
        self.reader
            .get_many_into(&many, &mut values)
            .map_err(failed)?;
        prop_assert_eq!(values, expected.repeat(9));
        Ok(())
    }

    fn retain(&mut self, divisor: usize) -> Outcome {
        let kept: Vec<[u8; K]> = self.model.keys().copied().map(Self::key).collect();
        let mut left: Vec<[u8; K]> = Vec::new();
        self.model.retain(|index, _| index % divisor != 0);
        let model: HashMap<[u8; K], [u8; V]> = self.entries();
        let keep = |key: &[u8; K], value: &[u8; V]| {
            left.push(*key);
            model.get(key).is_some_and(|expected| expected == value)
        };
        self.map().retain(keep).map_err(failed)?;
        let sorted = |mut keys: Vec<[u8; K]>| {
            keys.sort_unstable();
            keys
        };
        prop_assert_eq!(sorted(left), sorted(kept), "asked about each once");
        Ok(())
    }

    fn entries(&self) -> HashMap<[u8; K], [u8; V]> {
        let entries = self.model.iter();
        entries
            .map(|(index, (value, _))| (Self::key(*index), *value))
            .collect()
    }

    /// Entries, keys and values, each once.
    fn walk(&self) -> Outcome {
        let expected = self.entries();
        let entries: Vec<_> = self
            .reader
            .iter()
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        prop_assert_eq!(entries.len(), expected.len());
        let found: HashMap<_, _> = entries.into_iter().collect();
        prop_assert_eq!(&found, &expected);
        let mut keys: Vec<_> = self
            .map()
            .keys()
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        let mut values: Vec<_> = self
            .map()
            .values()
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        let (mut all_keys, mut all_values): (Vec<_>, Vec<_>) = expected.into_iter().unzip();
        keys.sort_unstable();
        all_keys.sort_unstable();
        prop_assert_eq!(keys, all_keys);
        values.sort_unstable();
        all_values.sort_unstable();
        prop_assert_eq!(values, all_values);
        Ok(())
    }
}
