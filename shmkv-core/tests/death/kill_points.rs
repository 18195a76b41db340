//! T1: a process is killed at every instruction of every operation, and whoever comes next finds the map sound.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
#[path = "../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

use crash::keys::Keys;
use crash::scenario::{self, Scenario, ShardedLab, SmallLab};
use crash::{death, lifecycle, queue};
use support::report::Report;
use support::step;

static POINTS: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1); // every test here forks
    let trials = vec![
        Trial::test("single_shard", single_shard),
        Trial::test("several_shards", several_shards),
        Trial::test("first_write", first_write),
        Trial::test("waiters", waiters),
        Trial::test("names", names),
    ];
    let conclusion = libtest_mimic::run(&args, trials);
    let points = POINTS.load(Ordering::Relaxed);
    Report::new("T1", "in total")
        .count("kill points", points)
        .print();
    conclusion.exit();
}

/// Operations up to this length are killed at every instruction: all but one.
const LONGEST: usize = 4_000;
/// The same for the large map, which takes a survivor longer to examine.
const LONGEST_SHARDED: usize = 500;

fn single_shard() -> Result<(), Failed> {
    let lab = SmallLab::new();
    let keys = Keys::find(&lab);
    for scenario in scenario::small(&lab, &keys) {
        die_everywhere(&scenario, LONGEST, |scenario| scenario.run())?;
    }
    Ok(())
}

fn several_shards() -> Result<(), Failed> {
    let lab = ShardedLab::new();
    for scenario in scenario::sharded(&lab) {
        die_everywhere(&scenario, LONGEST_SHARDED, |scenario| scenario.run())?;
    }
    Ok(())
}

/// A process that has never written registers first. Every test child is a fork of a writer, so it is one.
fn first_write() -> Result<(), Failed> {
    let lab = SmallLab::new();
    let keys = Keys::find(&lab);
    let scenarios = scenario::small(&lab, &keys);
    let mut insert = scenarios.into_iter().nth(1).ok_or("no such case")?;
    assert_eq!(insert.name, "insert/new, displaced");
    insert.name = "first write of a forked child".into();
    die_everywhere(&insert, LONGEST, |scenario| scenario.run_first())?;
    insert.name = "open and first write, by instruction".into();
    die_everywhere(&insert, LONGEST, |scenario| {
        step::begin();
        let handle = scenario.lab.another(Duration::from_secs(1));
        scenario.action.run(&handle, &scenario.before);
    })
}

fn waiters() -> Result<(), Failed> {
    let lab = SmallLab::new();
    let keys = Keys::find(&lab);
    for scenario in scenario::small(&lab, &keys) {
        if !matches!(
            &*scenario.name,
            "insert/new, displaced" | "remove/displaced"
        ) {
            continue;
        }
        let waits = queue::holder_dies(&scenario, &death::plan());
        POINTS.fetch_add(waits.tally.points, Ordering::Relaxed);
        Report::new(
            "T1",
            &format!("{}, another sleeps on the lock", scenario.name),
        )
        .count("kill points", waits.tally.points)
        .time("longest wait after the death", waits.worst)
        .require(&waits.tally.violations)?;
        let tally = queue::waiter_dies(&scenario, &death::plan());
        POINTS.fetch_add(tally.points, Ordering::Relaxed);
        tally.report("T1", &format!("{}, the waiter dies", scenario.name))?;
    }
    Ok(())
}

/// At each system call.
fn names() -> Result<(), Failed> {
    for (case, tally) in lifecycle::named().into_iter().chain(lifecycle::filed()) {
        POINTS.fetch_add(tally.points, Ordering::Relaxed);
        tally.report("T1", case)?;
    }
    Ok(())
}

/// Kills the operation at each point, and prints what came of it.
fn die_everywhere<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    longest: usize,
    op: impl Fn(&Scenario<'_, N, V>),
) -> Result<(), Failed> {
    let (watch, tally) = death::everywhere(scenario, longest, op);
    POINTS.fetch_add(tally.points, Ordering::Relaxed);
    Report::new("T1", &scenario.name)
        .count("kill points", tally.points)
        .count("dead states", watch.states())
        .count("recoveries", watch.takeovers)
        .note("of length", tally.length)
        .require(&tally.violations)
}
