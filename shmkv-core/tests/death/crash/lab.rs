//! The map in which processes are killed, its values, and how to read all of it.
//!
//! A value is computed from a *stamp* and its key: each of its words depends on both, so a mixture of two
//! values, or the value of another key, is not valid. Values of both sizes in use have at least two words.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use shmkv_core::{Fault, ShmMap, ShmReader};

use super::image::Image;

/// Keys, and the stamps of their values.
pub(crate) type Model = BTreeMap<u64, u64>;
/// Keys, and the stamps and versions of their values.
pub(crate) type Seen = BTreeMap<u64, (u64, u64)>;

/// A key that is never inserted.
pub(crate) const ABSENT: u64 = u64::MAX;

pub(crate) type LabMap<const N: usize, const V: usize> = ShmMap<N, 8, V, u64, [u8; V]>;
pub(crate) type LabReader<const N: usize, const V: usize> = ShmReader<N, 8, V, u64, [u8; V]>;

/// A map with a read-write and a read-only handle, and access to its bytes.
pub(crate) struct Lab<const N: usize, const V: usize> {
    pub(crate) map: LabMap<N, V>,
    /// Opened before any death; it maps the memory read-only.
    pub(crate) reader: LabReader<N, V>,
    file: File,
    len: usize,
}

impl<const N: usize, const V: usize> Lab<N, V> {
    /// A new, empty map, with this process registered as a writer.
    pub(crate) fn new() -> Self {
        let map = LabMap::create_anonymous().expect("create");
        assert_eq!(map.remove(ABSENT).expect("register"), None);
        let descriptor = || map.as_fd().try_clone_to_owned().expect("dup");
        let options = LabMap::<N, V>::options();
        let reader = options.from_fd_read_only(descriptor()).expect("open");
        let file = File::from(descriptor());
        let len = file.metadata().expect("fstat").len() as usize;
        Self {
            map,
            reader,
            file,
            len,
        }
    }

    /// One more handle, with this lock timeout.
    pub(crate) fn another(&self, lock_timeout: Duration) -> LabMap<N, V> {
        let descriptor = self.map.as_fd().try_clone_to_owned().expect("dup");
        let options = LabMap::<N, V>::options().lock_timeout(lock_timeout);
        options.from_fd(descriptor).expect("open")
    }

    /// Saves the map's memory.
    pub(crate) fn image(&self) -> Image {
        let mut bytes = vec![0; self.len];
        self.file.read_exact_at(&mut bytes, 0).expect("pread");
        let stats = self.reader.stats();
        Image {
            bytes,
            shards: stats.shards,
            buckets: stats.buckets,
        }
    }

    /// Puts the map's memory back.
    pub(crate) fn restore(&self, image: &Image) {
        self.file.write_all_at(&image.bytes, 0).expect("pwrite");
    }

    /// Empties the map and fills it with `model`.
    pub(crate) fn fill(&self, model: &Model) {
        self.map.clear().expect("clear");
        self.add(model.iter().map(|(key, stamp)| (*key, *stamp)));
    }

    /// Inserts the entries in this order.
    pub(crate) fn add(&self, entries: impl IntoIterator<Item = (u64, u64)>) {
        for (key, stamp) in entries {
            self.map.insert(key, value(key, stamp)).expect("insert");
        }
    }

    /// The entries of `keys`, read in every way there is. An error if the ways disagree, or if the map
    /// holds anything else.
    pub(crate) fn read(
        &self,
        handle: &LabReader<N, V>,
        keys: impl Iterator<Item = u64>,
    ) -> Result<Seen, String> {
        let mut seen = Seen::new();
        for key in keys {
            let found = handle.get_versioned(key).map_err(|e| format!("get: {e}"))?;
            let contained = handle.contains_key(key).map_err(|e| e.to_string())?;
            if contained != found.is_some() {
                return Err(format!("contains_key({key}) is {contained}"));
            }
            if let Some(found) = found {
                let stamp = stamp_of(key, &found.value)?;
                seen.insert(key, (stamp, found.version.get()));
            }
        }
        let mut count = 0;
        for entry in handle.iter() {
            let (key, value) = entry.map_err(|e| format!("iter: {e}"))?;
            let stamp = stamp_of(key, &value)?;
            if seen.get(&key).map(|it| it.0) != Some(stamp) {
                return Err(format!("iteration gives key {key}, stamp {stamp}"));
            }
            count += 1;
        }
        if count != seen.len() {
            return Err(format!(
                "iteration gives {count} entries, get {}",
                seen.len()
            ));
        }
        Ok(seen)
    }
}

/// The value of `key` with this stamp.
pub(crate) fn value<const V: usize>(key: u64, stamp: u64) -> [u8; V] {
    let mut bytes = [0; V];
    for (i, word) in bytes.as_chunks_mut().0.iter_mut().enumerate() {
        *word = word_of(key, stamp, i as u64).to_ne_bytes();
    }
    bytes
}

/// The first word is the stamp itself; the others depend on the stamp, the key and their position.
fn word_of(key: u64, stamp: u64, i: u64) -> u64 {
    if i == 0 {
        return stamp;
    }
    (stamp ^ key.rotate_left(32) ^ i << 56)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(29)
}

/// The stamp of a value; an error if it is not a value of `key`.
pub(crate) fn stamp_of<const V: usize>(key: u64, bytes: &[u8; V]) -> Result<u64, String> {
    let (first, _) = bytes
        .split_first_chunk()
        .ok_or("a value shorter than a word")?;
    let stamp = u64::from_ne_bytes(*first);
    if *bytes == value(key, stamp) {
        Ok(stamp)
    } else {
        Err(format!("key {key} has a torn value, stamp {stamp}"))
    }
}

/// An error if there is a fault that a dead writer cannot leave.
pub(crate) fn all_harmless(faults: &[Fault]) -> Result<(), String> {
    match faults.iter().find(|fault| !fault.is_harmless()) {
        Some(fault) => Err(format!("before recovery: {fault}")),
        None => Ok(()),
    }
}
