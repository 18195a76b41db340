//! The operations in which a process is killed, and what each does to the contents of the map.

use std::hint::black_box;

use shmkv_core::{AccessError, Exchange};

use super::lab::{ABSENT, LabMap, Model, Seen, stamp_of, value};

/// The stamp of what an action stores.
pub(crate) const NEW: u64 = 0x00ff_00ff_00ff_00ff;

/// One operation, on the key that it names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Insert(u64),
    TryInsert(u64),
    Replace(u64),
    Update(u64),
    GetOrInsertWith(u64),
    /// With the version that the key has at the start.
    CompareExchange(u64),
    /// With the version of another key.
    CompareExchangeStale(u64),
    Remove(u64),
    RemoveIf(u64),
    /// Of a new key, when the map is full.
    InsertFull(u64),
    /// Keeps every other entry.
    Retain,
    Clear,
    /// Locks a shard, finds nothing to do, and unlocks it.
    Nothing,
}

impl Action {
    /// Whether every run executes the same instructions. Iteration allocates, and what an allocation
    /// executes depends on earlier ones.
    pub(crate) fn is_repeatable(self) -> bool {
        !matches!(self, Self::Retain | Self::InsertFull(_))
    }

    /// Applies the operation to a model of the contents.
    pub(crate) fn apply(self, model: &mut Model) {
        match self {
            Self::Insert(key)
            | Self::TryInsert(key)
            | Self::Replace(key)
            | Self::Update(key)
            | Self::GetOrInsertWith(key)
            | Self::CompareExchange(key) => {
                model.insert(key, NEW);
            }
            Self::Remove(key) | Self::RemoveIf(key) => {
                model.remove(&key);
            }
            Self::Retain => model.retain(|_, stamp| is_kept(*stamp)),
            Self::Clear => model.clear(),
            Self::CompareExchangeStale(_) | Self::InsertFull(_) | Self::Nothing => {}
        }
    }

    /// Runs the operation on a map that holds `before`; panics if its answer is wrong.
    pub(crate) fn run<const N: usize, const V: usize>(self, map: &LabMap<N, V>, before: &Seen) {
        let version_of = |key: u64| map.get_versioned(key).unwrap().unwrap().version;
        match self {
            Self::Insert(key) => {
                black_box(map.insert(key, value(key, NEW)).unwrap());
            }
            Self::TryInsert(key) => assert!(map.try_insert(key, value(key, NEW)).unwrap()),
            Self::Replace(key) => assert!(map.replace(key, value(key, NEW)).unwrap().is_some()),
            Self::Update(key) => {
                let new = map.update(key, |bytes| *bytes = value(key, NEW)).unwrap();
                assert!(new.is_some());
            }
            Self::GetOrInsertWith(key) => {
                let found = map.get_or_insert_with(key, || value(key, NEW)).unwrap();
                assert_eq!(stamp_of(key, &found), Ok(NEW));
            }
            Self::CompareExchange(key) => {
                let version = version_of(key);
                assert_eq!(version.get(), before[&key].1);
                let outcome = map.compare_exchange(key, version, value(key, NEW));
                assert!(matches!(outcome, Ok(Exchange::Stored(_))));
            }
            Self::CompareExchangeStale(key) => {
                let (other, _) = before.iter().find(|(other, _)| **other != key).unwrap();
                let outcome = map.compare_exchange(key, version_of(*other), value(key, NEW));
                assert!(matches!(outcome, Ok(Exchange::Changed(Some(_)))));
            }
            Self::Remove(key) => assert!(map.remove(key).unwrap().is_some()),
            Self::RemoveIf(key) => assert!(map.remove_if(key, |_| true).unwrap().is_some()),
            Self::InsertFull(key) => {
                let refused = map.insert(key, value(key, NEW));
                assert!(matches!(refused, Err(AccessError::Full { .. })));
            }
            Self::Retain => {
                let stamp = |bytes: &[u8; V]| bytes.first_chunk().map(|it| u64::from_ne_bytes(*it));
                map.retain(|_, bytes| stamp(bytes).is_some_and(is_kept))
                    .unwrap();
            }
            Self::Clear => map.clear().unwrap(),
            Self::Nothing => assert!(map.remove(ABSENT).unwrap().is_none()),
        }
    }
}

fn is_kept(stamp: u64) -> bool {
    stamp.is_multiple_of(2)
}
