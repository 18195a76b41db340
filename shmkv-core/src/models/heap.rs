//! A small table on the heap, and which values may be read from it.
//!
//! Two buckets of eight slots. A value is two words, the number of its commit and that
//! number's complement, so that every read can check that its value is whole and
//! belongs to its version.

use std::sync::OnceLock;

use rapidhash::v3::RapidSecrets;

use crate::layout::{Bucket, Fixed, Shard, Shared};
use crate::sync::{AtomicU64, Ordering::Relaxed};
use crate::table::{Change, Condition, Entries, Exclusive, Guess, Spot, Table};

/// The largest table that has two buckets.
pub(super) type Small<'m> = Table<'m, Fixed<9, 8, 16>>;

/// A key.
pub(super) type Key = [u8; 8];

/// The words of the table.
#[derive(Default)]
pub(super) struct Heap {
    shared: Shared,
    shards: [Shard; 1],
    buckets: [Bucket; 2],
    slots: [[[AtomicU64; 4]; 8]; 2],
}

impl Heap {
    /// The table, over these words.
    pub(super) fn table(&self) -> Small<'_> {
        let slots = self.slots.as_flattened().as_flattened();
        Table::new(
            Fixed,
            &self.shared,
            &self.shards,
            &self.buckets,
            slots,
            secrets(),
        )
    }

    /// The shard's words.
    pub(super) fn shard(&self) -> &Shard {
        &self.shards[0]
    }

    /// Looks up a key as a map does; checks that the value is whole, and returns its
    /// version. `Some(None)`: the key is absent. `None`: a writer interfered, and the
    /// result is inconclusive.
    pub(super) fn get(&self, key: Key) -> Option<Option<u64>> {
        let table = self.table();
        let hash = table.hash(&key);
        let mut value = [0; 16];
        let found = table
            .get(hash, &key, &mut value[..])
            .or_else(|_| table.get_along(hash, &key, &mut value[..]));
        match found {
            Ok(found) => Some(whole(found, value)),
            Err(_) => self.get_slow(key),
        }
    }

    /// As [`get`](Self::get), with the validated search from the start.
    pub(super) fn get_slow(&self, key: Key) -> Option<Option<u64>> {
        let table = self.table();
        let mut value = [0; 16];
        let found = table
            .get_slow(table.hash(&key), &key, &mut value[..])
            .ok()?;
        Some(whole(found, value))
    }

    /// As [`get`](Self::get), by way of a `Prepared`: first in the slot where the key was
    /// found `last`.
    pub(super) fn get_prepared(
        &self,
        last: &mut Option<(Spot, u64)>,
        key: Key,
    ) -> Option<Option<u64>> {
        let table = self.table();
        let mut value = [0; 16];
        let hash = table.hash(&key);
        if let Some((spot, version)) = *last
            && let Ok(found) = table.get_again(spot, version, hash, &mut value[..])
        {
            return Some(whole(found, value));
        }
        if let Some(spot) = table.seek(hash)
            && let Ok(Some(version)) = table.get_at(spot, hash, &key, &mut value[..])
        {
            *last = Some((spot, version));
            return Some(whole(Some(version), value));
        }
        self.get(key)
    }

    /// The keys and versions in one bucket; checks that the values are whole. `None`: a
    /// writer interfered.
    pub(super) fn entries(&self, bucket: usize) -> Option<Vec<(Key, u64)>> {
        let mut entries = Entries::default();
        self.table().entries(bucket, &mut entries).ok()?;
        let mut all = Vec::new();
        while let Some(entry) = entries.pop(8, 16, |version, key, value| {
            assert_eq!(value, value_of(version), "a torn value");
            (key.try_into().expect("eight bytes"), version)
        }) {
            all.push(entry);
        }
        Some(all)
    }

    /// Stores a value under a key; returns its version.
    pub(super) fn put(&self, held: Exclusive<'_>, key: Key) -> u64 {
        self.put_guessed(held, self.guess(key), key)
    }

    /// The hint for an update of a key, found without the lock.
    pub(super) fn guess(&self, key: Key) -> Option<Guess> {
        let table = self.table();
        let hash = table.hash(&key);
        table.guess(hash, false).or_else(|| table.guess_along(hash))
    }

    /// As [`put`](Self::put), with a hint found before the lock was taken.
    pub(super) fn put_guessed(&self, held: Exclusive<'_>, guess: Option<Guess>, key: Key) -> u64 {
        let table = self.table();
        let next = self.shard().next.load(Relaxed) + 1;
        let change = Change {
            hash: table.hash(&key),
            key: &key,
            value: &value_of(next),
            condition: Condition::Always,
        };
        let stored = guess
            .and_then(|guess| table.store_as_guessed(held, change, guess, &mut ()))
            .unwrap_or_else(|| table.store(held, change, &mut ()).expect("room"));
        assert_eq!(stored.version, Some(next));
        next
    }

    /// Removes a key.
    pub(super) fn remove(&self, held: Exclusive<'_>, key: Key) {
        let table = self.table();
        table.remove(held, table.hash(&key), &key, None, &mut ());
    }

    /// The number of the last commit, while no thread writes.
    pub(super) fn last(&self) -> u64 {
        self.shard().next.load(Relaxed)
    }
}

/// The lock of the only shard, for models that have one writer and need none.
pub(super) fn held() -> Exclusive<'static> {
    Exclusive::of_locked(0)
}

/// Stores these keys.
pub(super) fn put_all(heap: &Heap, keys: &[Key]) {
    for &key in keys {
        heap.put(held(), key);
    }
}

/// The value of this version: two words that belong together.
fn value_of(version: u64) -> [u8; 16] {
    let mut value = [0; 16];
    value[..8].copy_from_slice(&version.to_ne_bytes());
    value[8..].copy_from_slice(&(!version).to_ne_bytes());
    value
}

/// The version that was found, if any; checks that its value is whole.
fn whole(found: Option<u64>, value: [u8; 16]) -> Option<u64> {
    if let Some(version) = found {
        assert_eq!(value, value_of(version), "a torn value");
    }
    found
}

/// Checks what a reader sees of one key.
///
/// The key goes through `states` in this order. Each state that is seen must be in the
/// list, and none may come before one that was seen or known earlier.
pub(super) struct Observer {
    states: Vec<Option<u64>>,
    at: usize,
}

impl Observer {
    /// For a key that goes through these states.
    pub(super) fn new(states: &[Option<u64>]) -> Self {
        let states = states.to_vec();
        Self { states, at: 0 }
    }

    /// Checks a state that was seen, by an operation that began after the earlier ones had
    /// returned.
    pub(super) fn saw(&mut self, seen: Option<u64>) {
        let later = self.states[self.at..].iter().position(|&s| s == seen);
        let Some(later) = later else {
            panic!("saw {seen:?} at {} of {:?}", self.at, self.states);
        };
        self.at += later;
    }

    /// From now on, states before the first `changes` changes must not be seen: these
    /// were complete before the next operation begins.
    pub(super) fn knows(&mut self, changes: usize) {
        self.at = self.at.max(changes);
    }

    /// Whether the last state was seen.
    pub(super) fn is_at_end(&self) -> bool {
        self.at + 1 == self.states.len()
    }

    /// Looks up the key, and checks what is seen.
    pub(super) fn get(&mut self, heap: &Heap, key: Key) {
        if let Some(seen) = heap.get(key) {
            self.saw(seen);
        }
    }

    /// As [`get`](Self::get), with the validated search from the start.
    pub(super) fn get_slow(&mut self, heap: &Heap, key: Key) {
        if let Some(seen) = heap.get_slow(key) {
            self.saw(seen);
        }
    }

    /// As [`get`](Self::get), by way of a `Prepared`.
    pub(super) fn get_prepared(&mut self, heap: &Heap, last: &mut Option<(Spot, u64)>, key: Key) {
        if let Some(seen) = heap.get_prepared(last, key) {
            self.saw(seen);
        }
    }

    /// Scans the bucket that the key is in, if it is present, and checks what is seen.
    pub(super) fn find(&mut self, heap: &Heap, bucket: usize, key: Key) {
        if let Some(all) = heap.entries(bucket) {
            let mut found = all.iter().filter(|(other, _)| *other == key);
            self.saw(found.next().map(|(_, version)| *version));
            assert!(found.next().is_none(), "a key was seen twice");
        }
    }
}

/// Keys with the home buckets and tags that the models need.
pub(super) struct Keys {
    /// Home bucket 0.
    pub(super) a: Key,
    /// Same home, tag and class as `a`.
    pub(super) b: Key,
    /// Home bucket 0; tags other than `a`'s.
    pub(super) others: [Key; 7],
    /// Home bucket 1; a tag other than `a`'s.
    pub(super) next_door: Key,
}

/// The keys, found by trying, once.
pub(super) fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let heap = Heap::default();
        let table = heap.table();
        let at_home = || {
            (1_u64..)
                .map(u64::to_ne_bytes)
                .filter(|key| table.place(table.hash(key)).home == 0)
        };
        let a = at_home().next().expect("a key");
        let of_a = table.place(table.hash(&a));
        let mut next_door = (1_u64..).map(u64::to_ne_bytes).filter(|key| {
            table.place(table.hash(key)).home == 1 && table.place(table.hash(key)).tag != of_a.tag
        });
        let b = at_home().skip(1).find(|key| {
            let place = table.place(table.hash(key));
            place.tag == of_a.tag && place.class == of_a.class
        });
        let mut others = at_home().filter(|key| table.place(table.hash(key)).tag != of_a.tag);
        Keys {
            a,
            b: b.expect("another key"),
            next_door: next_door.next().expect("another bucket's key"),
            others: std::array::from_fn(|_| others.next().expect("enough keys")),
        }
    })
}

fn secrets() -> &'static RapidSecrets {
    static SECRETS: OnceLock<RapidSecrets> = OnceLock::new();
    SECRETS.get_or_init(|| RapidSecrets::seed(7))
}
