//! Does a prepared key, which remembers the slot of its entry, always answer as the map does, whatever has
//! become of that slot?

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use shmkv_core::{Map, Prepared, pod};

/// Two buckets of seven entries: keys move between them and reuse each other's slots.
const SMALL: usize = 9;
/// Several shards, nearly full.
const LARGE: usize = 5_000;

/// Makes random changes through one handle. After each, looks up some keys prepared through another one,
/// which remember slots from long ago.
fn follow<const N: usize>(names: u32, steps: usize) {
    let name = format!("/shmkv-prepared-{}-{N}", std::process::id());
    let writer = Map::<N, u32, [u8; 40]>::create(&name).unwrap();
    let reader = Map::<N, u32, [u8; 40]>::open_read_only(&name).unwrap();
    writer.unlink().unwrap();
    let prepared: Vec<_> = (0..names).map(|key| reader.prepare(key).unwrap()).collect();
    let mut expected = HashMap::new();
    let mut rng = fastrand::Rng::with_seed(N as u64);
    for step in 0..steps {
        let key = rng.u32(..names);
        match rng.u32(..100) {
            0 if rng.u32(..100) == 0 => {
                writer.clear().unwrap();
                expected.clear();
            }
            0..40 => {
                assert_eq!(writer.remove(key).unwrap(), expected.remove(&key));
            }
            _ if expected.len() < N || expected.contains_key(&key) => {
                let value = rng.u64(..).to_ne_bytes().repeat(5).try_into().unwrap();
                assert_eq!(
                    writer.insert(key, value).unwrap(),
                    expected.insert(key, value)
                );
            }
            _ => {}
        }
        for key in [key, rng.u32(..names), rng.u32(..names)] {
            let found = prepared[key as usize].get().unwrap();
            assert_eq!(found, expected.get(&key).copied(), "{key} at step {step}");
        }
        if step % 1000 == 0 {
            check(&prepared, &expected);
        }
    }
    check(&prepared, &expected);
}

fn check<const N: usize>(
    prepared: &[Prepared<'_, N, 4, 40, u32, [u8; 40]>],
    expected: &HashMap<u32, [u8; 40]>,
) {
    for (key, prepared) in (0..).zip(prepared) {
        assert_eq!(
            prepared.get().unwrap(),
            expected.get(&key).copied(),
            "{key}"
        );
        assert_eq!(prepared.clone().get().unwrap(), expected.get(&key).copied());
    }
}

#[test]
fn answers_as_the_map() {
    follow::<SMALL>(20, 40_000);
    follow::<LARGE>(9_000, 120_000);
}

/// Threads share prepared keys, and so what those remember, while a writer changes the map.
#[test]
fn shared_by_threads() {
    let map = Map::<SMALL, u32, pod!([u64; 8])>::create_anonymous().unwrap();
    for key in 0..9 {
        map.insert(key, [0; 8]).unwrap();
    }
    let prepared: Vec<_> = (0..9).map(|key| map.prepare(key).unwrap()).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers = [(); 2].map(|()| {
            scope.spawn(|| {
                let (mut last, mut rounds) = ([0; 9], 0_u64);
                while !done.load(Relaxed) || rounds == 0 {
                    for (prepared, last) in prepared.iter().zip(&mut last) {
                        let value = prepared.get().unwrap().unwrap();
                        assert!(value.iter().all(|word| *word == value[0]), "{value:?}");
                        assert!(value[0] >= *last, "{value:?} after {last}");
                        *last = value[0];
                    }
                    rounds += 1;
                }
                rounds
            })
        });
        let failed = (1..100_000).find(|turn| map.insert(*turn as u32 % 9, [*turn; 8]).is_err());
        done.store(true, Relaxed);
        assert_eq!(failed, None);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}
