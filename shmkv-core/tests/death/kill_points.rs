//! Does the next process find the map sound when a process is killed at any instruction of any
//! operation?
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
#[path = "../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

use crash::keys::Keys;
use crash::scenario::{self, Scenario, ShardedLab, SmallLab};
use crash::{lifecycle, points, waiters};
use support::report::Report;
use support::step;

/// What the reports of kills between two instructions are called.
const QUESTION: &str = "killed at every instruction";

static POINTS: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1); // every test here forks
    let trials = vec![
        Trial::test("single_shard", single_shard),
        Trial::test("several_shards", several_shards),
        Trial::test("first_write", first_write),
        Trial::test("waiters", waiters_proceed),
        Trial::test("names", names),
    ];
    let conclusion = libtest_mimic::run(&args, trials);
    let points = POINTS.load(Ordering::Relaxed);
    Report::new(QUESTION, "in total")
        .count("kill points", points)
        .print();
    conclusion.exit();
}

/// Operations of up to this many instructions are killed at each of them. One is longer.
const LONGEST: usize = 4_000;
/// The same for the large map, whose checks take a survivor longer.
const LONGEST_SHARDED: usize = 500;

fn single_shard() -> Result<(), Failed> {
    let lab = SmallLab::new();
    let keys = Keys::find(&lab);
    for scenario in scenario::small(&lab, &keys) {
        kill_everywhere(&scenario, LONGEST, |scenario| scenario.run())?;
    }
    Ok(())
}

fn several_shards() -> Result<(), Failed> {
    let lab = ShardedLab::new();
    for scenario in scenario::sharded(&lab) {
        kill_everywhere(&scenario, LONGEST_SHARDED, |scenario| scenario.run())?;
    }
    Ok(())
}

/// The first write of a process registers it. Every child here is a fork of a writer, and not yet
/// registered itself.
fn first_write() -> Result<(), Failed> {
    let lab = SmallLab::new();
    let keys = Keys::find(&lab);
    let scenarios = scenario::small(&lab, &keys);
    let mut insert = scenarios.into_iter().nth(1).ok_or("no such case")?;
    assert_eq!(insert.name, "insert/new, displaced");
    insert.name = "first write of a forked child".into();
    kill_everywhere(&insert, LONGEST, |scenario| scenario.run_first())?;
    insert.name = "open and first write, by instruction".into();
    kill_everywhere(&insert, LONGEST, |scenario| {
        step::begin();
        let handle = scenario.lab.another(Duration::from_secs(1));
        scenario.action.run(&handle, &scenario.before);
    })
}

fn waiters_proceed() -> Result<(), Failed> {
    let lab = SmallLab::new();
    let keys = Keys::find(&lab);
    for scenario in scenario::small(&lab, &keys) {
        if !matches!(
            &*scenario.name,
            "insert/new, displaced" | "remove/displaced"
        ) {
            continue;
        }
        let waits = waiters::kill_holder(&scenario, &points::plan());
        POINTS.fetch_add(waits.tally.points, Ordering::Relaxed);
        Report::new(
            QUESTION,
            &format!("{}, another process sleeps on the lock", scenario.name),
        )
        .count("kill points", waits.tally.points)
        .time("longest wait after the death", waits.worst)
        .require(&waits.tally.violations)?;
        let tally = waiters::kill_waiter(&scenario, &points::plan());
        POINTS.fetch_add(tally.points, Ordering::Relaxed);
        tally.report(
            "killed at every system call",
            &format!("{}, the waiter", scenario.name),
        )?;
    }
    Ok(())
}

/// Creation, opening, removal and flush, killed at each system call.
fn names() -> Result<(), Failed> {
    for (case, tally) in lifecycle::named().into_iter().chain(lifecycle::in_file()) {
        POINTS.fetch_add(tally.points, Ordering::Relaxed);
        tally.report("killed at every system call", case)?;
    }
    Ok(())
}

/// Kills the operation at each point, and prints the figures.
fn kill_everywhere<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    longest: usize,
    op: impl Fn(&Scenario<'_, N, V>),
) -> Result<(), Failed> {
    let (watch, tally) = points::kill_everywhere(scenario, longest, op);
    POINTS.fetch_add(tally.points, Ordering::Relaxed);
    Report::new(QUESTION, &scenario.name)
        .count("kill points", tally.points)
        .count("dead states", watch.states())
        .count("recoveries", watch.takeovers)
        .note("of length", tally.length)
        .require(&tally.violations)
}
