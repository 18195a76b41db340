//! An insert into a full map needs the locks of all shards, of which one is held by a stopped process.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use shmkv_core::{AccessError, ShmMap};

use super::cases::{ensure, run_cases};
use super::segment::LONG;
use crate::support::proc::{Child, SegmentName, fork_child};

/// Four shards.
const N: usize = 4096;
const SHARDS: usize = 4;
/// The length of a value. Copying it takes most of a write.
const V: usize = 4096;
type Map = ShmMap<N, 8, V>;

/// How long the insert that needs all locks waits.
const PATIENT: Duration = Duration::from_secs(3);
/// Far longer than it may keep other writers waiting, and much shorter than [`PATIENT`].
const SHORT: Duration = Duration::from_millis(500);

fn key(i: usize) -> [u8; 8] {
    (i as u64).to_le_bytes()
}

/// Which locks are held.
fn held(file: &File) -> [bool; SHARDS] {
    std::array::from_fn(|shard| {
        let mut word = [0; 4];
        file.read_exact_at(&mut word, 1024 + 256 * shard as u64)
            .unwrap();
        u32::from_ne_bytes(word) & ((1 << 30) - 1) != 0
    })
}

/// Stops `writer` while it holds the lock of the last shard.
fn stop_in_last_lock(file: &File, writer: &Child) -> Result<(), String> {
    let mut random = fastrand::Rng::with_seed(7);
    let start = Instant::now();
    while start.elapsed() < LONG {
        std::thread::sleep(Duration::from_micros(random.u64(50..400)));
        writer.stop();
        if held(file)[SHARDS - 1] {
            return Ok(());
        }
        writer.cont();
    }
    Err("the writer was never stopped while it held the last lock".to_owned())
}

/// Which of some keys can be written: those of the shards that are not locked.
fn writable(map: &Map) -> Result<Vec<usize>, String> {
    let mut found = Vec::new();
    for i in 0..12 {
        match map.set(key(i), [1; V]) {
            Ok(_) => found.push(i),
            Err(AccessError::LockTimeout { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(found)
}

fn inserted_beside_a_stopped_holder() -> Result<(), String> {
    let name = SegmentName::unique();
    let map = Map::create(name.as_str()).unwrap();
    for i in 0..N {
        map.set(key(i), [0; V]).unwrap();
    }
    let file = File::open(name.path()).unwrap();
    let writer = fork_child(|| {
        loop {
            for i in 0..N {
                map.set(key(i), [2; V]).unwrap();
            }
        }
    });
    stop_in_last_lock(&file, &writer)?;
    let impatient = Map::options()
        .lock_timeout(SHORT)
        .open(name.as_str())
        .unwrap();
    let before = writable(&impatient)?;
    ensure(!before.is_empty(), "one stopped holder stops all writers")?;
    let patient = Map::options()
        .lock_timeout(PATIENT)
        .open(name.as_str())
        .unwrap();
    std::thread::scope(|scope| {
        let one_too_many = scope.spawn(|| patient.insert(key(N), [3; V]));
        let mut rounds = 0;
        while !one_too_many.is_finished() {
            for i in &before {
                impatient
                    .set(key(*i), [1; V])
                    .map_err(|error| format!("key {i}, round {rounds}: {error}"))?;
            }
            rounds += 1;
        }
        ensure(rounds > 0, "no other write succeeded meanwhile")?;
        match one_too_many.join() {
            // Either the new key is in the locked shard, or that shard must be tried as well.
            Ok(Err(AccessError::LockTimeout { .. })) => Ok(()),
            other => Err(format!("the insert answered {other:?}")),
        }
    })?;
    writer.cont();
    let answer = patient.insert(key(N), [3; V]);
    ensure(
        matches!(answer, Err(AccessError::Full { capacity: N })),
        "expected the map to be full",
    )?;
    writer.kill();
    Ok(())
}

pub(crate) fn full_maps() -> Result<(), Failed> {
    let insert = &inserted_beside_a_stopped_holder;
    run_cases(
        "full maps",
        &[("an insert beside a stopped holder", insert)],
    )
}
