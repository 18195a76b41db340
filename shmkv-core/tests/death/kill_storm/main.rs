//! Does the map stay sound while writers and readers in many processes are killed and stopped at random, as
//! fast as the machine allows?
//!
//! Each process has a lane. When it is killed, another process takes over its lane, forked with an
//! inherited handle or executed with a handle of its own. `writer.rs` and `reader.rs` say what must hold.
//! The capacity is exactly the number of keys in use, so the map is never full. `SHMKV_TEST_SEED` repeats
//! the kills and operations, though not the machine's scheduling.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod board;
mod reader;
#[path = "../../support/mod.rs"]
mod support;
mod value;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use board::{Board, LANES, WRITERS, Word};
use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use reader::Checker;
use support::proc::{self, Child, SegmentName};
use support::report::Report;
use support::seed::seed;
use support::shared::unnamed_file;
use value::{Map, OWN, Origin, Reader};
use writer::Writer;

/// One shard, few keys, hardly any free slots.
const SMALL: usize = 40;
/// Four shards.
const SHARDED: usize = 4096;
/// What the reports are called.
const QUESTION: &str = "killed at random";

/// How long each storm lasts.
const STORM: Duration = Duration::from_secs(5);
/// The lane whose reader uses the writers' handle; the other readers have read-only ones.
const WRITABLE_READER: usize = WRITERS;

fn main() {
    if let Some(role) = proc::role() {
        let args: Vec<String> = std::env::args().collect();
        std::process::exit(match role.as_str() {
            "small" => run_role::<SMALL>(&args[1..]),
            "sharded" => run_role::<SHARDED>(&args[1..]),
            other => panic!("no role {other}"),
        });
    }
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let trials = vec![
        Trial::test("small", || storm::<SMALL>("small", 6)),
        Trial::test("sharded", || storm::<SHARDED>("sharded", 24)),
    ];
    libtest_mimic::run(&args, trials).exit();
}

/// What every process of a storm works with.
struct Storm<'a, const N: usize> {
    map: Option<&'a Map<N>>,
    reader: &'a Reader<N>,
    board: &'a Board,
    hot: u64,
}

impl<const N: usize> Storm<'_, N> {
    /// What the process in `lane` does until it is killed or the storm ends.
    fn run(&self, lane: usize, seed: u64) -> i32 {
        let random = fastrand::Rng::with_seed(seed);
        let (board, hot) = (self.board, self.hot);
        let shared = (N - WRITERS) as u64;
        if lane < WRITERS {
            let map = self.map.expect("a writable handle");
            let mut writer = Writer {
                map,
                board,
                lane,
                random,
                shared,
                hot,
            };
            return writer.run();
        }
        let writable = (lane == WRITABLE_READER).then_some(self.map).flatten();
        let mut checker = Checker {
            map: writable.map_or(self.reader, |map| map),
            board,
            lane,
            random,
            shared,
            hot,
            newest: HashMap::new(),
        };
        checker.run()
    }
}

/// A process that was executed: it opens everything by name.
fn run_role<const N: usize>(args: &[String]) -> i32 {
    let [lane, seed, hot, name, board] = args else {
        panic!("roles have five arguments: {args:?}");
    };
    let lane: usize = lane.parse().expect("a lane");
    let board = Board::open(Path::new(board));
    let reader = Reader::<N>::open(name).expect("open read-only");
    let map = (lane <= WRITABLE_READER).then(|| Map::<N>::open(name).expect("open"));
    let storm = Storm {
        map: map.as_ref(),
        reader: &reader,
        board: &board,
        hot: hot.parse().expect("a number of keys"),
    };
    storm.run(lane, seed.parse().expect("a seed"))
}

/// What the storm did, besides what the board counts.
#[derive(Default)]
struct Tally {
    kills: usize,
    stops: usize,
    executed: usize,
    /// How often all processes were dead at once.
    all_dead: usize,
    problems: Vec<String>,
}

fn storm<const N: usize>(case: &str, hot: u64) -> Result<(), Failed> {
    let seed = seed();
    println!("{QUESTION}: {case}: seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let name = SegmentName::unique();
    let (_file, path) = unnamed_file();
    let board = Board::open(&path);
    let map = Map::<N>::create(name.as_str())?;
    let reader = Reader::<N>::open(name.as_str())?;
    let storm = Storm {
        map: Some(&map),
        reader: &reader,
        board: &board,
        hot,
    };
    let mut tally = Tally::default();
    let spawn = |lane: usize, random: &mut fastrand::Rng, tally: &mut Tally| {
        let seed = random.u64(..);
        if random.u8(..8) > 0 {
            return proc::fork_child(|| storm.run(lane, seed));
        }
        tally.executed += 1;
        let numbers = [lane as u64, seed, hot].map(|number| number.to_string());
        let path = path.to_string_lossy();
        let [lane, seed, hot] = &numbers;
        proc::spawn_role(case, &[lane, seed, hot, name.as_str(), &path])
    };
    let mut children: Vec<Child> = (0..LANES)
        .map(|lane| spawn(lane, &mut random, &mut tally))
        .collect();

    let start = Instant::now();
    while start.elapsed() < STORM {
        pass_time(random.u64(..2_000));
        // Several at once, often all: a process that is killed while it waits for a CPU still has to wait.
        let first = random.usize(..LANES);
        let many = if random.u8(..3) == 0 {
            LANES
        } else {
            random.usize(1..=LANES)
        };
        let victims = (0..many).map(|i| (first + i) % LANES);
        if random.u8(..8) == 0 {
            // Stopped wherever it is; then it continues, or is killed where it stopped.
            children[first].signal(Signal::SIGSTOP);
            tally.stops += 1;
            pass_time(random.u64(..4_000));
            if random.bool() {
                children[first].cont();
                continue;
            }
        }
        for lane in victims.clone() {
            children[lane].signal(Signal::SIGKILL);
        }
        for lane in victims.clone() {
            match children[lane].wait() {
                WaitStatus::Signaled(_, Signal::SIGKILL, _) => tally.kills += 1,
                other => tally.problems.push(format!("lane {lane} ended: {other:?}")),
            }
        }
        if many == LANES {
            tally.all_dead += 1;
            tally.problems.extend(repaired(&map)?);
        }
        for lane in victims {
            children[lane] = spawn(lane, &mut random, &mut tally);
        }
    }
    board.stop();
    for (lane, child) in children.iter().enumerate() {
        if child.exit_code(Duration::from_secs(30)) != Ok(0) {
            tally.problems.push(format!("lane {lane} did not finish"));
        }
    }
    tally.problems.extend(end(&map, &board)?);
    report(case, seed, &map, &board, &tally)
}

fn pass_time(micros: u64) {
    std::thread::sleep(Duration::from_micros(micros));
}

/// While no other process lives: repairs what the dead ones left, by one write per shard, and checks
/// the map against itself.
fn repaired<const N: usize>(map: &Map<N>) -> Result<Vec<String>, Failed> {
    // Keys that no process uses: their removal repairs the shard and changes nothing. 300 of them reach
    // each of four shards.
    for absent in 0..300 {
        map.remove(2 * OWN + absent)?;
    }
    let mut problems: Vec<String> = map.check().iter().map(ToString::to_string).collect();
    let entries: Vec<_> = map.iter().collect::<Result<_, _>>()?;
    if map.len() != entries.len() {
        problems.push(format!("{} entries, len {}", entries.len(), map.len()));
    }
    for (key, found) in &entries {
        problems.extend(value::origin(*key, found).err());
    }
    Ok(problems)
}

/// Fills the map after the storm.
fn end<const N: usize>(map: &Map<N>, board: &Board) -> Result<Vec<String>, Failed> {
    let mut problems = repaired(map)?;
    // With every key present the map is exactly full.
    for lane in 0..WRITERS {
        let change = board.get(lane, Word::OwnBegun) + 1;
        let origin = Origin {
            writer: lane,
            change,
        };
        let key = OWN + lane as u64;
        map.insert(key, value::value(key, origin))?;
    }
    for key in 0..(N - WRITERS) as u64 {
        let origin = Origin {
            writer: 0,
            change: 0,
        };
        map.insert(key, value::value(key, origin))?;
    }
    if map.len() != N || map.iter().count() != N || map.insert(2 * OWN, [0; 32]).is_ok() {
        problems.push(format!("{} entries when full, of {N}", map.len()));
    }
    problems.extend(map.check().iter().map(ToString::to_string));
    Ok(problems)
}

fn report<const N: usize>(
    case: &str,
    seed: u64,
    map: &Map<N>,
    board: &Board,
    tally: &Tally,
) -> Result<(), Failed> {
    let takeovers = map.stats().takeovers;
    let (reads, checks) = (board.sum(Word::Reads), board.sum(Word::OwnChecks));
    let wrong = board.sum(Word::Wrong) + tally.problems.len() as u64;
    let bad = [board.sum(Word::Torn), board.sum(Word::Lost), wrong];
    Report::new(QUESTION, case)
        .count("kills", tally.kills)
        .count("stops", tally.stops)
        .count("executed", tally.executed)
        .count("takeovers", takeovers)
        .count("checks while all were dead", tally.all_dead)
        .count("writes", board.sum(Word::Writes))
        .count("reads", reads)
        .count("own-key checks", checks)
        .count(
            "own-key checks void after a clear",
            board.sum(Word::OwnExcused),
        )
        .count("reads given up", board.sum(Word::Contended))
        .note("torn =", bad[0])
        .note("lost =", bad[1])
        .note("wrong =", bad[2])
        .note("seed", seed)
        .print();
    if bad != [0; 3] {
        return Err(format!("see above; {}", tally.problems.join("\n")).into());
    }
    if tally.kills < 100 || tally.all_dead == 0 || takeovers == 0 || reads == 0 || checks == 0 {
        return Err("too few kills, takeovers, reads or checks".into());
    }
    Ok(())
}
