//! A map, the model that it is compared with, and what every operation needs of both.

use std::cell::Cell;
use std::collections::HashMap;
use std::os::fd::AsFd as _;

use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::test_runner::TestCaseError;
use shmkv_core::{AccessError, ShmMap, ShmReader, Version};

use super::step::{Key, Seed};

pub(crate) type Outcome = Result<(), TestCaseError>;

pub(crate) struct Subject<'a, const N: usize, const K: usize, const V: usize> {
    /// Two handles, used in turn.
    maps: [ShmMap<N, K, V>; 2],
    pub(crate) reader: ShmReader<N, K, V>,
    turn: Cell<usize>,
    pub(crate) model: HashMap<usize, ([u8; V], Version)>,
    /// The versions that each key has had, including its last one.
    pub(crate) versions: HashMap<usize, Vec<Version>>,
    /// The map's version after the last step.
    pub(crate) version: u64,
    pub(crate) steps: usize,
    /// Counts the inserts that a full map refused.
    pub(crate) refused: &'a Cell<usize>,
}

/// The failure of a test case.
pub(crate) fn failed(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

impl<'a, const N: usize, const K: usize, const V: usize> Subject<'a, N, K, V> {
    /// How many keys are used: half as many again as fit, if `K` bytes can distinguish so many.
    pub(crate) const KEYS: usize = {
        let wanted = N + N / 2 + 2;
        if K == 1 && wanted > 256 { 256 } else { wanted }
    };
    /// After how many steps the whole map is checked, which takes longer for a large one.
    pub(crate) const CHECKED_EVERY: usize = if N < 1_000 { 1 } else { 16 };

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

    pub(crate) fn map(&self) -> &ShmMap<N, K, V> {
        self.turn.set(self.turn.get() + 1);
        &self.maps[self.turn.get() % 2]
    }

    pub(crate) fn index(key: Key) -> usize {
        usize::from(key) % Self::KEYS
    }

    /// The index in little-endian order, repeated with variations; all keys differ.
    pub(crate) fn key(index: usize) -> [u8; K] {
        std::array::from_fn(|i| index.to_le_bytes()[i % 4] ^ (i / 4) as u8)
    }

    pub(crate) fn value(seed: Seed) -> [u8; V] {
        std::array::from_fn(|i| seed.to_le_bytes()[i % 4].wrapping_add((i / 4) as u8))
    }

    /// Checks that the map refused an insert because it is full.
    pub(crate) fn full<T>(&self, answer: Result<T, AccessError>) -> Outcome {
        self.refused.set(self.refused.get() + 1);
        match answer {
            Err(AccessError::Full { capacity }) if capacity == N => Ok(()),
            Err(other) => Err(failed(other)),
            Ok(_) => Err(failed("stored in a full map")),
        }
    }

    pub(crate) fn has_space_for(&self, index: usize) -> bool {
        self.model.len() < N || self.model.contains_key(&index)
    }

    pub(crate) fn expected(&self, index: usize) -> Option<[u8; V]> {
        self.model.get(&index).map(|(value, _)| *value)
    }

    /// Records in the model that `index` has this value now, and checks that its version is new.
    pub(crate) fn stored(&mut self, index: usize, value: [u8; V]) -> Outcome {
        let seen = self
            .reader
            .get_versioned(Self::key(index))
            .map_err(failed)?;
        let Some(seen) = seen else {
            return Err(failed("a key that was just stored is absent"));
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

    pub(crate) fn entries(&self) -> HashMap<[u8; K], [u8; V]> {
        let entries = self.model.iter();
        entries
            .map(|(index, (value, _))| (Self::key(*index), *value))
            .collect()
    }
}
