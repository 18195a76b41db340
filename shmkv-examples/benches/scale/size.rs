//! Time and memory of large maps, and how long a dead writer delays the others.
//!
//! Two kinds of death are measured. Real ones: a process that updates or clears the map
//! is killed. And planted ones, for the worst case, which no kill hits reliably: the
//! state that a process leaves if it dies at the first instruction of clearing a full
//! shard is written into the segment. Then random updates visit all shards; the slowest
//! updates are those that had to recover one. (A time is that of the whole update, with
//! page faults and whatever else the machine does.)

use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use shmkv_core::{AccessError, ShmMap};

use crate::figures::{Sample, head, row, time};
use crate::outcome::Outcome;
use crate::process::{Helper, Name, ended};
use crate::seed::SEED;
use crate::tail;

/// Offsets of the shards and their words in the segment; see the `layout` of
/// `shmkv-core`.
const SHARDS_AT: u64 = 1024;
const SHARD_LEN: u64 = 256;
const LOCK_AT: u64 = 0;
const INTENT_AT: u64 = 32;
const TAKEOVERS_AT: u64 = 40;
/// A lock whose holder is dead, and an intent to change the whole shard.
const ABANDONED: u32 = (1 << 30) - 1;
const ALL: u64 = 1 << 63;
/// How many dead holders are planted.
const PLANTED: u64 = 64;

/// The i-th key. A bijection, so that no key occurs twice.
fn key(i: u64) -> [u8; 8] {
    let x = (i ^ SEED).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x ^ x >> 32)
        .wrapping_mul(0xd6e8_feb8_6659_fd93)
        .to_ne_bytes()
}

fn timed<R>(what: &str, work: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let done = work();
    row(&[what, &time(start.elapsed().as_nanos() as u64)]);
    done
}

/// The memory of this process's page tables, in bytes.
fn page_tables() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmPTE:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.ok_or("no VmPTE in /proc/self/status")?.parse::<u64>()? * 1024)
}

/// Updates random entries, and returns how long each update took.
fn update<const N: usize, const V: usize>(map: &ShmMap<N, 8, V>, times: usize) -> Outcome<Sample> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut sample = Sample::default();
    for _ in 0..times {
        let key = key(random.u64(..N as u64));
        let start = Instant::now();
        black_box(map.insert(key, [1; V])?);
        sample.add(start.elapsed().as_nanos() as u64);
    }
    Ok(sample)
}

/// Random updates that visit all shards.
const TOUR: usize = 30_000;

/// How often a lock of a dead holder was taken over.
fn takeovers(file: &File, shards: u64) -> Outcome<u64> {
    let mut sum = 0;
    for shard in 0..shards {
        let mut word = [0; 8];
        file.read_exact_at(&mut word, SHARDS_AT + shard * SHARD_LEN + TAKEOVERS_AT)?;
        sum += u64::from_ne_bytes(word);
    }
    Ok(sum)
}

/// Plants dead holders, and recovers through a new handle, which has no page mapped yet.
fn planted<const N: usize, const V: usize>(
    file: &File,
    name: &str,
    intent: u64,
    what: &str,
) -> Outcome {
    let (shards, _) = tail::dimensions(N as u64);
    let before = takeovers(file, shards)?;
    for i in 0..PLANTED {
        let at = SHARDS_AT + i * (shards / PLANTED) * SHARD_LEN;
        file.write_all_at(&intent.to_ne_bytes(), at + INTENT_AT)?;
        file.write_all_at(&ABANDONED.to_ne_bytes(), at + LOCK_AT)?;
    }
    let mut sample = update(&ShmMap::<N, 8, V>::open(name)?, TOUR)?;
    let met = takeovers(file, shards)? - before;
    // Of the slowest updates, as many as there were recoveries.
    let at = |rank: u64| 1.0 - rank as f64 / TOUR as f64;
    let [median, most] = [sample.at(at(met / 2)), sample.at(1.0)].map(time);
    row(&[
        &format!("{what}, {met} planted"),
        &format!("{median}, max {most}"),
    ]);
    Ok(())
}

/// Kills a process that does `work`, several times, and recovers.
fn killed<const N: usize, const V: usize>(
    map: &ShmMap<N, 8, V>,
    file: &File,
    name: &str,
    work: &str,
    delays: &[u64],
) -> Outcome {
    let (shards, _) = tail::dimensions(N as u64);
    let (mut gone, mut slowest) = (Sample::default(), Sample::default());
    let before = takeovers(file, shards)?;
    for delay in delays {
        let mut helper = Helper::start(&["size", &N.to_string(), &V.to_string(), work, name])?;
        thread::sleep(Duration::from_millis(*delay));
        let start = Instant::now();
        helper.kill()?;
        gone.add(start.elapsed().as_nanos() as u64);
        slowest.add(update(map, TOUR)?.at(1.0));
    }
    let met = takeovers(file, shards)? - before;
    let [gone, median, most] = [gone.at(0.5), slowest.at(0.5), slowest.at(1.0)].map(time);
    let kills = delays.len();
    let cells = format!("{median}, max {most}; the kernel took {gone}");
    row(&[&format!("{work}, {met} of {kills} kills"), &cells]);
    Ok(())
}

/// Inserts into a full map, which take all locks and fail as `Full`.
fn full<const N: usize, const V: usize>(map: &ShmMap<N, 8, V>) -> Outcome {
    let mut sample = Sample::default();
    for i in 0..200 {
        let start = Instant::now();
        let refused = map.insert(key(N as u64 + i), [0; V]);
        sample.add(start.elapsed().as_nanos() as u64);
        if !matches!(refused, Err(AccessError::Full { .. })) {
            return Err("an insert into a full map did not fail as `Full`".into());
        }
    }
    let [median, most] = [sample.at(0.5), sample.at(1.0)].map(time);
    row(&[
        "an insert that fails as `Full`",
        &format!("{median}, max {most}"),
    ]);
    Ok(())
}

fn measure<const N: usize, const V: usize>(check: bool) -> Outcome {
    println!("\nN = {N}, K = 8, V = {V}:\n");
    head(&["", ""]);
    let name = Name::new("size");
    let map = timed("create", || ShmMap::<N, 8, V>::create(&name.0))?;
    let file = File::options()
        .read(true)
        .write(true)
        .open(format!("/dev/shm{}", name.0))?;
    row(&["bytes", &file.metadata()?.len().to_string()]);
    let start = Instant::now();
    thread::scope(|scope| -> Outcome {
        let half = |range: std::ops::Range<u64>| -> Result<(), AccessError> {
            for i in range {
                map.insert(key(i), [0; V])?;
            }
            Ok(())
        };
        let (middle, end) = (N as u64 / 2, N as u64);
        let other = scope.spawn(move || half(middle..end));
        half(0..middle)?;
        Ok(other.join().map_err(|_| "a thread panicked")??)
    })?;
    row(&[
        "filled by two threads",
        &time(start.elapsed().as_nanos() as u64),
    ]);
    row(&[
        "page tables of a process, bytes",
        &page_tables()?.to_string(),
    ]);
    timed("`len`", || black_box(map.len()));
    timed("`version`", || black_box(map.version()));
    timed("`stats`", || black_box(map.stats()));
    if check {
        timed("`check`", || black_box(map.check().len()));
    }
    let mut usual = update(&map, TOUR)?;
    let [median, p99] = [usual.at(0.5), usual.at(0.99)].map(time);
    row(&["an update", &format!("{median}, p99 {p99}")]);
    full(&map)?;
    planted::<N, V>(
        &file,
        &name.0,
        ALL,
        "recovery of a full shard that was being cleared",
    )?;
    planted::<N, V>(
        &file,
        &name.0,
        0,
        "recovery of a full shard after a change of one key",
    )?;
    killed(
        &map,
        &file,
        &name.0,
        "updating",
        &[60, 70, 80, 90, 100, 110, 120, 130],
    )?;
    let all = timed_clear(&map)?;
    row(&["`clear`", &time(all)]);
    for i in 0..N as u64 / 4 {
        map.insert(key(i), [0; V])?;
    }
    let delays = [1, 2, 3, 4, 5].map(|part| part * all / 10 / 1_000_000);
    killed(&map, &file, &name.0, "clearing", &delays)?;
    timed("unmapped and freed", || map.destroy())?;
    Ok(())
}

fn timed_clear<const N: usize, const V: usize>(map: &ShmMap<N, 8, V>) -> Outcome<u64> {
    let start = Instant::now();
    map.clear()?;
    Ok(start.elapsed().as_nanos() as u64)
}

pub(crate) fn run() -> Outcome {
    measure::<1_000_000, 64>(true)?;
    measure::<10_000_000, 64>(true)?;
    measure::<100_000_000, 0>(false)
}

pub(crate) fn run_huge() -> Outcome {
    let meminfo = fs::read_to_string("/proc/meminfo")?;
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib = kib.ok_or("no MemAvailable in /proc/meminfo")?;
    if kib.parse::<u64>()? < 16 << 20 {
        println!("LEFT OUT: needs 16 GiB of free memory");
        return Ok(());
    }
    measure::<100_000_000, 64>(false)
}

/// The main function of a process that will be killed.
pub(crate) fn child(words: &[&str]) -> Outcome {
    match words {
        ["1000000", "64", rest @ ..] => work::<1_000_000, 64>(rest),
        ["10000000", "64", rest @ ..] => work::<10_000_000, 64>(rest),
        ["100000000", "64", rest @ ..] => work::<100_000_000, 64>(rest),
        ["100000000", "0", rest @ ..] => work::<100_000_000, 0>(rest),
        _ => Err(format!("no size is called {words:?}").into()),
    }
}

fn work<const N: usize, const V: usize>(words: &[&str]) -> Outcome {
    let [work, name] = words else {
        return Err("a task of `size` has a size and two more arguments".into());
    };
    let map = ShmMap::<N, 8, V>::open(name)?;
    let end = ended();
    while !end.load(Relaxed) {
        if *work == "clearing" {
            map.clear()?;
        } else {
            update(&map, 1_000)?;
        }
    }
    Ok(())
}
