//! A small table on the heap, and which values may be read from it.
//!
//! Two buckets of eight slots. A value is two words, the number of its change and that
//! number's complement, so that every read can check that its value is whole and
//! belongs to its version.

use std::sync::OnceLock;

use rapidhash::v3::RapidSecrets;

use crate::layout::{Bucket, Control, Fixed, Shard};
use crate::lock::Held;
use crate::sync::{AtomicU64, Ordering::Relaxed};
use crate::table::{BucketIndex, Change, Condition, Entries, Lookup, SlotIndex, Table, UpdateHint};

/// The largest table that has two buckets.
pub(super) type Small<'m> = Table<'m, Fixed<9, 8, 16>>;

/// A key.
pub(super) type Key = [u8; 8];

/// The words of the table.
#[derive(Default)]
pub(super) struct Heap {
    control: Control,
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
            &self.control,
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
        let mut found = table.find_in_home_bucket(hash, &key, &mut value[..]);
        if found == Lookup::Inconclusive {
            found = table.find_on_path(hash, &key, &mut value[..]);
        }
        match found {
            Lookup::Inconclusive => self.get_validated(key),
            found => whole(found, value),
        }
    }

    /// As [`get`](Self::get), with the validated lookup from the start.
    pub(super) fn get_validated(&self, key: Key) -> Option<Option<u64>> {
        let table = self.table();
        let mut value = [0; 16];
        let found = table.find_validated(table.hash(&key), &key, &mut value[..]);
        whole(found, value)
    }

    /// As [`get`](Self::get), by way of a `Prepared`: first in the slot where the key was
    /// found `last`.
    pub(super) fn get_prepared(
        &self,
        last: &mut Option<(SlotIndex, u64)>,
        key: Key,
    ) -> Option<Option<u64>> {
        let table = self.table();
        let mut value = [0; 16];
        let hash = table.hash(&key);
        if let Some((slot, version)) = *last {
            let found = table.reread_slot(slot, version, hash, &mut value[..]);
            if found != Lookup::Inconclusive {
                return whole(found, value);
            }
        }
        if let Some(slot) = table.hint_slot(hash)
            && let Lookup::Found(version) = table.find_in_slot(slot, hash, &key, &mut value[..])
        {
            *last = Some((slot, version));
            return whole(Lookup::Found(version), value);
        }
        self.get(key)
    }

    /// The keys and versions in one bucket; checks that the values are whole. `None`: a
    /// writer interfered.
    pub(super) fn entries(&self, bucket: usize) -> Option<Vec<(Key, u64)>> {
        let mut entries = Entries::default();
        let table = self.table();
        let bucket = table.buckets().nth(bucket)?;
        table.scan_bucket(bucket, &mut entries).ok()?;
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
    pub(super) fn put(&self, held: Held<'_>, key: Key) -> u64 {
        self.put_hinted(held, self.hint(key), key)
    }

    /// The hint for an update of a key, found without the lock.
    pub(super) fn hint(&self, key: Key) -> Option<UpdateHint> {
        let table = self.table();
        let hash = table.hash(&key);
        table
            .hint_update(hash, false)
            .or_else(|| table.hint_update_on_path(hash))
    }

    /// As [`put`](Self::put), with a hint found before the lock was taken.
    pub(super) fn put_hinted(&self, held: Held<'_>, hint: Option<UpdateHint>, key: Key) -> u64 {
        let table = self.table();
        let next = self.shard().issued.load(Relaxed) + 1;
        let change = Change {
            hash: table.hash(&key),
            key: &key,
            value: &value_of(next),
            condition: Condition::Always,
        };
        let stored = hint
            .and_then(|hint| table.store_hinted(held, change, hint, &mut ()))
            .unwrap_or_else(|| table.store(held, change, &mut ()).expect("room"));
        assert_eq!(stored.version, Some(next));
        next
    }

    /// Removes a key.
    pub(super) fn remove(&self, held: Held<'_>, key: Key) {
        let table = self.table();
        table.remove(held, table.hash(&key), &key, None, &mut ());
    }

    /// The number of the last change, while no thread writes.
    pub(super) fn last(&self) -> u64 {
        self.shard().issued.load(Relaxed)
    }
}

/// The lock of the only shard, for models that have one writer and need none.
pub(super) fn held() -> Held<'static> {
    Held::by_the_only_writer(0)
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

/// The version that was found, if any, once its value has been checked to be whole. The
/// outer `None`: the lookup was inconclusive, which says nothing.
fn whole(found: Lookup, value: [u8; 16]) -> Option<Option<u64>> {
    match found {
        Lookup::Found(version) => {
            assert_eq!(value, value_of(version), "a torn value");
            Some(Some(version))
        }
        Lookup::Absent => Some(None),
        Lookup::Inconclusive => None,
    }
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
    pub(super) fn get_validated(&mut self, heap: &Heap, key: Key) {
        if let Some(seen) = heap.get_validated(key) {
            self.saw(seen);
        }
    }

    /// As [`get`](Self::get), by way of a `Prepared`.
    pub(super) fn get_prepared(
        &mut self,
        heap: &Heap,
        last: &mut Option<(SlotIndex, u64)>,
        key: Key,
    ) {
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
        let hash = |key: &Key| table.hash(key);
        let at_home = |bucket: BucketIndex| {
            let keys = (1_u64..).map(u64::to_ne_bytes);
            keys.filter(move |key| table.home(table.hash(key)) == bucket)
        };
        let mut buckets = table.buckets();
        let first = buckets.next().expect("a bucket");
        let second = buckets.next().expect("another bucket");
        let a = at_home(first).next().expect("a key");
        let other_tag = |key: &Key| hash(key).tag() != hash(&a).tag();
        let like_a = |key: &Key| !other_tag(key) && hash(key).class() == hash(&a).class();
        let b = at_home(first).skip(1).find(like_a);
        let mut next_door = at_home(second).filter(other_tag);
        let mut others = at_home(first).filter(other_tag);
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
