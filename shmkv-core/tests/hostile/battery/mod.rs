//! Every operation of a map, on a segment that may hold anything.
//!
//! Used by `bit_flips`, which knows what each answer should be, and by `hostile`, which only asks that there is one.
//! Nothing here forks, prints or asserts, so a fuzzer can call it too: [`reads`] and [`writes`] note in [`Seen`] what
//! the map said, and the caller judges.
#![allow(dead_code)] // each test program uses its own part

pub(crate) mod exercise;
pub(crate) mod format;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

use shmkv_core::{AccessError, ShmReader, ShmStr};

use format::{KEY, VALUE};
pub(crate) use write::writes;

pub(crate) type Reader<const N: usize> = ShmReader<N, KEY, VALUE, ShmStr<KEY>, ShmStr<VALUE>>;

/// What the entries of a segment should be. A value names its key and the round in which it was written, so that a
/// value of another key, or one that nobody wrote, shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    entries: BTreeMap<String, u64>,
    last: u64,
}

impl Known {
    /// The value of `key` in round `round`.
    pub(crate) fn value(key: &str, round: u64) -> String {
        format!("{key}={round}")
    }

    /// Takes `key` with a value that was read from a good segment.
    pub(crate) fn learn(&mut self, key: &str, value: &str) {
        let round = round_of(key, value).expect("a value of this key");
        self.last = self.last.max(round);
        self.entries.insert(key.to_owned(), round);
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// A new value for `key`, which counts as written from here on.
    fn next(&mut self, key: &str) -> String {
        self.last += 1;
        Self::value(key, self.last)
    }
}

/// The round in which `value` was written, if it was written for `key`.
fn round_of(key: &str, value: &str) -> Option<u64> {
    value.strip_prefix(key)?.strip_prefix('=')?.parse().ok()
}

/// What the map said that it would not have said of a good segment.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Typed errors.
    pub(crate) errors: Vec<String>,
    /// Errors that say a living writer holds the lock.
    pub(crate) timeouts: usize,
    /// Keys that should be there and were said not to be.
    pub(crate) hidden: BTreeSet<String>,
    /// Keys with a value that they had once, or not any more.
    pub(crate) older: BTreeSet<String>,
    /// Lengths, versions, and what follows from them, that do not fit.
    pub(crate) figures: Vec<String>,
    /// Entries of nothing but zeros: slots that were never written and yet said to live.
    pub(crate) phantoms: usize,
    /// A value of another key, or one that nobody wrote.
    pub(crate) foreign: Vec<String>,
    /// What must not be, whatever the bytes: more entries than slots.
    pub(crate) endless: Vec<String>,
}

impl Seen {
    pub(crate) fn is_right(&self) -> bool {
        self.errors.is_empty() && !self.is_damaged() && self.foreign.is_empty()
    }

    /// Whether some answer was not the one of a good segment.
    pub(crate) fn is_damaged(&self) -> bool {
        let right = self.hidden.is_empty() && self.older.is_empty() && self.figures.is_empty();
        !right || self.phantoms > 0
    }

    fn error(&mut self, operation: &str, error: &AccessError) {
        self.timeouts += usize::from(matches!(error, AccessError::LockTimeout { .. }));
        self.errors.push(format!("{operation}: {error}"));
    }

    /// Notes only whether there was an error.
    fn note<R>(&mut self, answer: Result<R, AccessError>) {
        if let Err(error) = answer {
            self.error("", &error);
        }
    }

    fn figure(&mut self, right: bool, what: &str) {
        if !right {
            self.figures.push(what.to_owned());
        }
    }

    /// Judges what was found for `key`.
    fn value(&mut self, known: &Known, key: &str, found: Option<&str>) {
        let expected = known.entries.get(key).copied();
        let Some(found) = found else {
            if expected.is_some() {
                self.hidden.insert(key.to_owned());
            }
            return;
        };
        match round_of(key, found) {
            Some(round) if Some(round) == expected => {}
            Some(round) if round <= known.last => {
                self.older.insert(key.to_owned());
            }
            _ => self.foreign.push(format!("{key:?} has {found:?}")),
        }
    }

    /// Judges the answer of a lookup.
    fn lookup(
        &mut self,
        known: &Known,
        operation: &str,
        key: &str,
        answer: Result<Option<impl AsRef<str>>, AccessError>,
    ) {
        match answer {
            Ok(found) => self.value(known, key, found.as_ref().map(AsRef::as_ref)),
            Err(error) => self.error(operation, &error),
        }
    }

    /// Judges whether `key` was said to be there.
    fn presence(
        &mut self,
        known: &Known,
        operation: &str,
        key: &str,
        answer: Result<bool, AccessError>,
    ) {
        match (answer, known.entries.contains_key(key)) {
            (Ok(found), there) if found == there => {}
            (Ok(false), _) => {
                self.hidden.insert(key.to_owned());
            }
            (Ok(true), _) => {
                self.older.insert(key.to_owned());
            }
            (Err(error), _) => self.error(operation, &error),
        }
    }
}

/// A key that no segment here ever holds.
const ABSENT: &str = "absent";

/// Every reading operation; with `thorough`, those too that differ only in what they return. `beat` is called often.
pub(crate) fn reads<const N: usize>(
    map: &Reader<N>,
    known: &Known,
    thorough: bool,
    seen: &mut Seen,
    beat: &impl Fn(u64),
) {
    let keys = known.keys();
    for key in keys.iter().map(String::as_str).chain([ABSENT]) {
        beat(1);
        seen.lookup(known, "get", key, map.get(key));
    }
    beat(2);
    iterate(map, known, seen);
    beat(3);
    let len = map.len();
    if len > N {
        seen.endless.push(format!("len() is {len}"));
    }
    seen.figure(len == keys.len(), "len");
    seen.figure(map.is_empty() == keys.is_empty(), "is_empty");
    black_box((map.version(), map.stats(), map.check()));
    black_box(format!("{map:?}"));
    if !thorough {
        return;
    }
    if let [first, .., last] = &*keys {
        beat(4);
        for key in [first, last] {
            let found = map.get_versioned(key);
            seen.lookup(
                known,
                "get_versioned",
                key,
                found.map(|it| it.map(|it| it.value)),
            );
            seen.presence(known, "contains_key", key, map.contains_key(key));
        }
        beat(5);
        match map.get_many([&**first, ABSENT, &**last]) {
            Ok([a, b, c]) => {
                seen.value(known, first, a.as_deref());
                seen.value(known, ABSENT, b.as_deref());
                seen.value(known, last, c.as_deref());
            }
            Err(error) => seen.error("get_many", &error),
        }
        match map.prepare(&**last) {
            Ok(prepared) => {
                let found = prepared.get_versioned();
                let found = found.map(|it| it.map(|it| it.value));
                seen.lookup(known, "get, prepared", last, found);
            }
            Err(error) => seen.error("prepare", &error),
        }
    }
    let most = map.stats().buckets * 8;
    beat(6);
    let keys = map.keys().take(most + 1).count();
    beat(7);
    let values = map.values().take(most + 1).count();
    if keys > most || values > most {
        seen.endless
            .push("more keys or values than slots".to_owned());
    }
}

/// Iterates, at most once for every slot there is.
fn iterate<const N: usize>(map: &Reader<N>, known: &Known, seen: &mut Seen) {
    let most = map.stats().buckets * 8;
    let mut missing = known.entries.clone();
    for (i, entry) in map.iter().enumerate() {
        if i == most {
            seen.endless
                .push("iter() gives more entries than slots".to_owned());
            break;
        }
        match entry {
            Ok((key, value)) if key.is_empty() && value.is_empty() => seen.phantoms += 1,
            Ok((key, value)) => {
                missing.remove(key.as_str());
                seen.value(known, &key, Some(&value));
            }
            Err(error) => seen.error("iter", &error),
        }
    }
    seen.hidden.extend(missing.into_keys());
}
