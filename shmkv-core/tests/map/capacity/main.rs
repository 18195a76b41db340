//! Does a map hold exactly as many entries as promised, whatever the keys, the hash seed and the other
//! writers?
//!
//! Every new map has a random seed for its hash, so each map made here arranges the same keys differently.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod equal;
#[path = "../../support/mod.rs"]
mod support;
mod two_processes;

use std::fmt::Debug;

use equal::{equal, message};
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

/// Fills `maps` maps with each kind of keys.
fn capacity<const N: usize>(maps: usize) -> Result<(), Failed> {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut filled, mut entries) = (0, 0);
    let mut violations = Vec::new();
    for _ in 0..maps {
        let salt = random.u64(..);
        let kinds = [
            fill::<N, 8, u64>(|i| i, salt),
            // Times an odd factor: as good as random, and all different.
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

fn text(i: u64) -> ShmStr<64> {
    ShmStr::new(&format!("sensor/hall-{}/{i}", i % 10)).expect("a short text")
}

/// 56 equal bytes, then a number.
fn long_prefix(i: u64) -> [u8; 64] {
    let mut key = [b'x'; 64];
    key[56..].copy_from_slice(&i.to_be_bytes());
    key
}

/// Fills a map, exchanges keys while it is full, empties it and fills it again. Returns the number of
/// entries stored.
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
    is_full(&map, &key(n))?;
    for _ in 0..n.min(500) {
        let (i, j) = (random.usize(..N), random.usize(..N));
        let (here, new) = (present[i], absent[j]);
        // A present key can still be changed, and a removal makes space for one new key.
        equal("update", &map.insert(key(here), here)?, &Some(here))?;
        is_full(&map, &key(new))?;
        equal("remove", &map.remove(key(here))?, &Some(here))?;
        equal(
            "insert after remove",
            &map.try_insert(key(new), new)?,
            &true,
        )?;
        (present[i], absent[j]) = (new, here);
    }
    is_full(&map, &key(absent[0]))?;
    for (keys, there) in [(&present, true), (&absent, false)] {
        for &i in keys {
            equal("get", &map.get(key(i))?, &there.then_some(i))?;
        }
    }
    equal("iteration", &map.iter().count(), &N)?;
    equal("check", &map.check(), &vec![])?;
    // Emptied and filled again: the first round has left nothing that takes up space.
    map.retain(|_, _| false)?;
    equal("emptied", &map.len(), &0)?;
    for i in 0..n {
        equal("insert, second round", &map.insert(key(n + i), i)?, &None)?;
    }
    is_full(&map, &key(0))?;
    equal("check", &map.check(), &vec![])?;
    Ok(2 * N + N.min(500))
}

/// Checks that a full map refuses a new key, in every way to add one, and does not change.
fn is_full<const N: usize, const K: usize, Key>(
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
            other => {
                return Err(
                    format!("inserting {new:?} into a full map, N = {N}: {other:?}").into(),
                );
            }
        }
    }
    equal("replace", &map.replace(new, 1)?, &None)?;
    equal("absent", &map.get(new)?, &None)?;
    equal("len", &map.len(), &N)?;
    equal("version", &map.version(), &version)
}
