//! Does a batch of reads answer as the same reads one by one, whatever its length?

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use shmkv_core::{AccessError, EncodeError, Map, StrMap, pod};

/// Large enough that `get_many` prefetches.
type Many = StrMap<20_000, 16, 256>;

fn filled<const N: usize, const V: usize>(entries: usize) -> StrMap<N, 16, V> {
    let map = StrMap::create_anonymous().unwrap();
    for i in (0..2 * entries).step_by(2) {
        let (key, value) = (format!("key {i}"), format!("value {i}"));
        map.insert(&key, &value).unwrap();
    }
    map
}

/// Lengths around the numbers of keys that are prefetched at once.
const LENGTHS: [usize; 11] = [0, 1, 15, 16, 17, 31, 32, 33, 64, 65, 100];

#[test]
fn every_length() {
    check_lengths::<100, 16>(&filled(50));
    check_lengths::<20_000, 256>(&filled(50));
}

/// In a full map, where one key in twenty is not in its home bucket.
#[test]
fn every_key_of_a_full_map() {
    let map: Many = filled(20_000);
    let keys: Vec<String> = (0..40_000).map(|i| format!("key {i}")).collect();
    let mut found = Vec::new();
    map.get_many_into(&keys.iter().collect::<Vec<_>>(), &mut found)
        .unwrap();
    for (i, (key, value)) in keys.iter().zip(&found).enumerate() {
        let expected = (i % 2 == 0).then(|| format!("value {i}"));
        assert_eq!(value.as_deref(), expected.as_deref(), "{key}");
    }
}

fn check_lengths<const N: usize, const V: usize>(map: &StrMap<N, 16, V>) {
    let mut found = Vec::new();
    for length in LENGTHS {
        let keys: Vec<String> = (0..length).map(|i| format!("key {i}")).collect();
        map.get_many_into(&keys.iter().collect::<Vec<_>>(), &mut found)
            .unwrap();
        assert_eq!(found.len(), length);
        for (i, value) in found.iter().enumerate() {
            let expected = (i % 2 == 0).then(|| format!("value {i}"));
            assert_eq!(value.as_deref(), expected.as_deref(), "{i} of {length}");
        }
    }
}

/// Reads keys that are not copied first, while a writer moves their entries between slots and removes some.
#[test]
fn beside_a_writer() {
    let map = Map::<20_000, [u8; 16], pod!([u64; 32])>::create_anonymous().unwrap();
    let keys: Vec<[u8; 16]> = (0..500_u128).map(u128::to_ne_bytes).collect();
    for key in &keys {
        map.insert(key, [0; 32]).unwrap();
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut found, mut rounds) = (Vec::new(), 0);
            let mut last = vec![0; keys.len()];
            while !done.load(Relaxed) || rounds == 0 {
                map.get_many_into(&keys, &mut found).unwrap();
                for (i, (value, last)) in found.iter().zip(&mut last).enumerate() {
                    let Some(value) = value else {
                        assert_eq!(i % 5, 0, "key {i}, which was never removed, is absent");
                        continue;
                    };
                    assert!(value.iter().all(|word| *word == value[0]), "{value:?}");
                    assert!(value[0] >= *last, "{value:?} after {last}");
                    *last = value[0];
                }
                rounds += 1;
            }
        });
        let change = |turn: usize| {
            let key = &keys[turn % keys.len()];
            if turn.is_multiple_of(5) && (turn / keys.len()).is_multiple_of(2) {
                map.remove(key).map(drop)
            } else {
                map.set(key, [turn as u64; 32]).map(drop)
            }
        };
        let failed = (0..100_000).find(|turn| change(*turn).is_err());
        done.store(true, Relaxed);
        assert_eq!(failed, None);
        reader.join().unwrap();
    });
}

/// An invalid key ends the batch; the keys before it have been read.
#[test]
fn an_invalid_key_at_any_position() {
    check_invalid_keys::<100, 16>(&filled(50));
    check_invalid_keys::<20_000, 256>(&filled(50));
}

fn check_invalid_keys<const N: usize, const V: usize>(map: &StrMap<N, 16, V>) {
    let long = "a key of more than 15 bytes";
    for length in LENGTHS {
        for wrong in 0..length {
            let mut keys: Vec<String> = (0..length).map(|i| format!("key {i}")).collect();
            long.clone_into(&mut keys[wrong]);
            let mut found = vec![None; 7];
            let answer = map.get_many_into(&keys.iter().collect::<Vec<_>>(), &mut found);
            assert!(matches!(
                answer,
                Err(AccessError::Key(EncodeError::TooLong { len: 27, max: 15 }))
            ));
            assert_eq!(found.len(), length);
            for (i, value) in found.iter().enumerate() {
                let expected = (i % 2 == 0 && i < wrong).then(|| format!("value {i}"));
                assert_eq!(value.as_deref(), expected.as_deref(), "{i}, wrong {wrong}");
            }
        }
    }
    assert!(map.get_many(["key 0", long]).is_err());
}
