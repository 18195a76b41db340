//! Are the answers of the single-key operations those of one map, used by one process at a time?
//!
//! Several processes run random operations on a few keys and log each operation, its answer and their
//! times; the checker in `support/history` then searches for an order that explains every answer about a
//! key. With and without processes that are killed. The checker must also catch maps that are broken on
//! purpose.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod store;
#[path = "../../support/mod.rs"]
mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use store::{Flaw, Map, Store};
use support::history::{self, Verdict};
use support::proc::{self, Child};
use support::record::Log;
use support::report::Report;
use support::seed::seed;
use support::shared::SharedWords;

/// What the reports are called.
const QUESTION: &str = "linearizable";

/// How many processes run at a time.
const LANES: usize = 4;
/// One shard.
const SMALL: usize = 10;
/// Four shards.
const SHARDED: usize = 4096;

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let trials = vec![
        Trial::test("small", || sound::<SMALL>("small", false)),
        Trial::test("small_killed", || sound::<SMALL>("small, killed", true)),
        Trial::test("sharded", || sound::<SHARDED>("sharded", false)),
        Trial::test("sharded_killed", || {
            sound::<SHARDED>("sharded, killed", true)
        }),
        Trial::test("stale_reads", || broken(Flaw::StaleReads)),
        Trial::test("lost_updates", || broken(Flaw::LostUpdates)),
        Trial::test("double_inserts", || broken(Flaw::DoubleInserts)),
        Trial::test("stale_removals", || broken(Flaw::StaleRemovals)),
        Trial::test("insert_gaps", || broken(Flaw::InsertGaps)),
    ];
    libtest_mimic::run(&args, trials).exit();
}

/// How to record one history.
#[derive(Clone, Copy)]
struct Plan {
    flaw: Flaw,
    killed: bool,
    per_lane: usize,
}

#[derive(Default)]
struct Tally {
    operations: usize,
    cut_off: usize,
    kills: usize,
    takeovers: u64,
    violations: Vec<String>,
}

/// Records a history of a new map.
fn record<const N: usize>(
    plan: Plan,
    random: &mut fastrand::Rng,
    tally: &mut Tally,
) -> Result<Log, Failed> {
    let map = Map::<N>::create_anonymous()?;
    let log = Log::new(LANES, plan.per_lane);
    let begin = SharedWords::new(1);
    let spawn = |lane: usize, random: &mut fastrand::Rng| {
        let seed = random.u64(..);
        proc::fork_child(|| {
            let mut random = fastrand::Rng::with_seed(seed);
            let store = Store::new(&map, plan.flaw);
            let log = log.lane(lane);
            while begin[0].load(SeqCst) == 0 {
                std::thread::yield_now();
            }
            while log.remaining() > 0 {
                // Unique, since each entry of the log is used once.
                let value = 1 + (lane * plan.per_lane + log.remaining()) as u64;
                store.step(&log, value, &mut random, plan.killed);
            }
            0
        })
    };
    let mut children: Vec<Child> = (0..LANES).map(|lane| spawn(lane, random)).collect();
    begin[0].store(1, SeqCst);
    let mut running = [true; LANES];
    while plan.killed && running.contains(&true) {
        std::thread::sleep(Duration::from_micros(random.u64(..4_000)));
        let lane = random.usize(..LANES);
        if !running[lane] {
            continue;
        }
        match children[lane].kill() {
            WaitStatus::Signaled(_, Signal::SIGKILL, _) => {
                tally.kills += 1;
                children[lane] = spawn(lane, random);
            }
            _ => running[lane] = false,
        }
    }
    for child in &children {
        if let Err(what) | Ok(what @ 1..) =
            child.exit_code(Duration::from_secs(60)).map_err(|_| 101)
        {
            tally
                .violations
                .push(format!("a process ended with {what}"));
        }
    }
    tally.takeovers += map.stats().takeovers;
    if plan.killed {
        map.clear()?;
    }
    tally
        .violations
        .extend(map.check().iter().map(ToString::to_string));
    Ok(log)
}

fn judge(log: &Log, tally: &mut Tally) -> Verdict {
    let verdict = history::check(&log.events());
    tally.operations += verdict.operations;
    tally.cut_off += verdict.cut_off;
    let found = verdict.violations.iter().map(ToString::to_string);
    tally.violations.extend(found);
    verdict
}

fn sound<const N: usize>(case: &str, killed: bool) -> Result<(), Failed> {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tally = Tally::default();
    let (histories, per_lane) = if killed { (12, 60_000) } else { (60, 8_000) };
    let plan = Plan {
        flaw: Flaw::None,
        killed,
        per_lane,
    };
    for _ in 0..histories {
        let log = record::<N>(plan, &mut random, &mut tally)?;
        judge(&log, &mut tally);
    }
    let mut report = Report::new(QUESTION, case)
        .count("operations", tally.operations)
        .count("histories", histories);
    if killed {
        report = report
            .count("kills", tally.kills)
            .count("operations cut off", tally.cut_off)
            .count("takeovers", tally.takeovers);
    }
    report.note("seed", seed).require(&tally.violations)?;
    if killed && (tally.kills == 0 || tally.cut_off == 0) {
        return Err("no kill interrupted an operation".into());
    }
    Ok(())
}

/// The checker must catch a map with a flaw within a few histories.
fn broken(flaw: Flaw) -> Result<(), Failed> {
    const HISTORIES: usize = 200;
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let plan = Plan {
        flaw,
        killed: false,
        per_lane: 4_000,
    };
    for tried in 1..=HISTORIES {
        let mut tally = Tally::default();
        let log = record::<SMALL>(plan, &mut random, &mut tally)?;
        if !tally.violations.is_empty() {
            return Err(format!(
                "the flaw is visible without the checker: {:?}",
                tally.violations
            )
            .into());
        }
        let verdict = judge(&log, &mut tally);
        if let Some(violation) = verdict.violations.first() {
            Report::new(QUESTION, &format!("broken map, {flaw:?}"))
                .count("keys caught, as expected", verdict.violations.len())
                .count("histories until then", tried)
                .count("operations explained before", violation.explained)
                .note("seed", seed)
                .print();
            return Ok(());
        }
    }
    Err(format!("{flaw:?} was not caught in {HISTORIES} histories, seed {seed}").into())
}
