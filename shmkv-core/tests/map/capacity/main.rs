//! Does a map hold exactly as many entries as it says, whatever the keys, the seed and the company?
//!
//! Every new map draws a new seed for its hash, so each map made here is another arrangement of the same keys.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

#[path = "../../support/mod.rs"]
mod support;
mod two_processes;

use std::fmt::Debug;

use libtest_mimic::{Arguments, Failed, Trial};
use shmkv_core::{AccessError, ShmKey, ShmMap, ShmStr};
use support::report::Report;
use support::seed::seed;

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let mut trials = vec![
        Trial::test("capacity_1", || capacity::<1>(300)),
        Trial::test("capacity_7", || capacity::<7>(300)),
        Trial::test("capacity_8", || capacity::<8>(300)),
        Trial::test("capacity_10", || capacity::<10>(300)),
        Trial::test("capacity_1000", || capacity::<1_000>(20)),
        Trial::test("capacity_4095", || capacity::<4_095>(6)),
        Trial::test("capacity_4096", || capacity::<4_096>(6)),
        Trial::test("capacity_100000", || capacity::<100_000>(1)),
    ];
    trials.extend(two_processes::trials());
    libtest_mimic::run(&args, trials).exit();
}

/// Fills `maps` maps of each kind of key.
fn capacity<const N: usize>(maps: usize) -> Result<(), Failed> {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut filled, mut entries) = (0, 0);
    let mut violations = Vec::new();
    for _ in 0..maps {
        let salt = random.u64(..);
        let kinds = [
            fill::<N, 8, u64>(|i| i, salt),
            // An odd factor: as good as random, and all different.
            fill::<N, 8, u64>(|i| (i ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15), salt),
            fill::<N, 64, [u8; 64]>(long_prefix, salt),
            fill::<N, 64, ShmStr<64>>(text, salt),
        ];
        for outcome in kinds {
            match outcome {
                Ok(stored) => {
                    filled += 1;
                    entries += stored;
                }
                Err(failed) => violations.push(message(&failed)),
            }
        }
    }
    Report::new("capacity", &format!("N = {N}"))
        .count("maps filled", filled)
        .count("entries stored", entries)
        .note("seed", seed)
        .require(&violations)
}

fn message(failed: &Failed) -> String {
    failed.message().unwrap_or("failed").to_owned()
}

fn text(i: u64) -> ShmStr<64> {
    ShmStr::new(&format!("sensor/hall-{}/{i}", i % 10)).expect("a short text")
}

/// 56 bytes alike, then a number.
fn long_prefix(i: u64) -> [u8; 64] {
    let mut key = [b'x'; 64];
    key[56..].copy_from_slice(&i.to_be_bytes());
    key
}

fn fill<const N: usize, const K: usize, Key>(
    key: impl Fn(u64) -> Key,
    salt: u64,
) -> Result<usize, Failed>
where
    Key: ShmKey<K> + Debug,
{
    let map = ShmMap::<N, K, 8, Key, u64>::create_anonymous()?;
    let mut random = fastrand::Rng::with_seed(salt);
    let n = N as u64;
    for i in 0..n {
        equal("insert", &map.insert(key(i), i)?, &None)?;
    }
    // The keys that are present: any N of the first 2 N.
    let mut present: Vec<u64> = (0..n).collect();
    let mut absent: Vec<u64> = (n..2 * n).collect();
    full(&map, &key(n))?;
    for _ in 0..n.min(500) {
        let (i, j) = (random.usize(..N), random.usize(..N));
        let (here, new) = (present[i], absent[j]);
        // What is there can still be changed, and in place of one removed there is room for one.
        equal("update", &map.insert(key(here), here)?, &Some(here))?;
        full(&map, &key(new))?;
        equal("remove", &map.remove(key(here))?, &Some(here))?;
        equal("room again", &map.try_insert(key(new), new)?, &true)?;
        (present[i], absent[j]) = (new, here);
    }
    full(&map, &key(absent[0]))?;
    for (keys, there) in [(&present, true), (&absent, false)] {
        for &i in keys {
            equal("get", &map.get(key(i))?, &there.then_some(i))?;
        }
    }
    equal("iteration", &map.iter().count(), &N)?;
    equal("check", &map.check(), &vec![])?;
    // Empty and full again: what the first round left behind takes no room.
    map.retain(|_, _| false)?;
    equal("emptied", &map.len(), &0)?;
    for i in 0..n {
        equal("second round", &map.insert(key(n + i), i)?, &None)?;
    }
    full(&map, &key(0))?;
    equal("check", &map.check(), &vec![])?;
    Ok(2 * N + N.min(500))
}

/// A full map refuses a new key, in every way there is to add one, and is the same afterwards.
fn full<const N: usize, const K: usize, Key>(
    map: &ShmMap<N, K, 8, Key, u64>,
    new: &Key,
) -> Result<(), Failed>
where
    Key: ShmKey<K> + Debug,
{
    let version = map.version();
    let answers = [
        map.insert(new, 1).map(|_| ()),
        map.try_insert(new, 1).map(|_| ()),
        map.get_or_insert_with(new, || 1).map(|_| ()),
    ];
    for answer in answers {
        match answer {
            Err(AccessError::Full { capacity }) if capacity == N => {}
            other => return Err(format!("N = {N}, full, but inserting {new:?}: {other:?}").into()),
        }
    }
    equal("replace", &map.replace(new, 1)?, &None)?;
    equal("absent", &map.get(new)?, &None)?;
    equal("len", &map.len(), &N)?;
    equal("version", &map.version(), &version)
}

fn equal<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Result<(), Failed> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: {found:?} instead of {expected:?}").into())
}
