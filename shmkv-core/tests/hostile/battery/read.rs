//! Every reading operation.

use std::hint::black_box;

use shmkv_core::{ShmReader, ShmStr};

use super::format::{KEY, VALUE};
use super::known::Known;
use super::seen::Seen;

pub(crate) type Reader<const N: usize> = ShmReader<N, KEY, VALUE, ShmStr<KEY>, ShmStr<VALUE>>;

/// A key that is never inserted.
pub(super) const ABSENT: &str = "absent";

/// Runs every reading operation; those that differ only in what they return, only if `thorough`. Calls
/// `beat` often.
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

/// Iterates, over at most as many entries as there are slots.
pub(super) fn iterate<const N: usize>(map: &Reader<N>, known: &Known, seen: &mut Seen) {
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
