//! Does a third process find the map sound when the process that recovers from a death is killed as well?
//!
//! The first death is tried in each state that recovery can distinguish; its memory is kept and given to
//! one recovering process after the other. A recovery has thousands of instructions, and there are dozens
//! of states to recover from. So by default the recovering process is killed after each instruction that
//! changes the map's memory and at many of the others; if `SHMKV_EVERY_INSTRUCTION` is set, at all of
//! them, which takes many minutes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
#[path = "../support/mod.rs"]
mod support;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::{Arguments, Failed, Trial};

use crash::action::Action;
use crash::keys::Keys;
use crash::points;
use crash::scenario::{self, Scenario, ShardedLab, SmallLab};
use crash::survivor::before_recovery;
use support::report::Report;
use support::walk::Tally;

/// What the reports are called.
const QUESTION: &str = "killed again during recovery";

static POINTS: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1); // every test here forks
    let trials = vec![
        Trial::test("single_shard", single_shard),
        Trial::test("several_shards", several_shards),
    ];
    let conclusion = libtest_mimic::run(&args, trials);
    let points = POINTS.load(Ordering::Relaxed);
    Report::new(QUESTION, "in total")
        .count("kill points in recovery", points)
        .print();
    conclusion.exit();
}

/// Recoveries of up to this many instructions are killed at each of them: none, unless
/// `SHMKV_EVERY_INSTRUCTION` is set.
const LONGEST: usize = 0;

/// The scenarios after whose deaths a process does nothing but recover.
const FIRST: [&str; 4] = [
    "insert/new, two hops",
    "insert/update, displaced",
    "remove/two hops",
    "clear",
];

fn single_shard() -> Result<(), Failed> {
    let lab = SmallLab::new();
    let keys = Keys::find(&lab);
    for scenario in scenario::small(&lab, &keys) {
        let name = &*scenario.name;
        if FIRST.contains(&name) {
            kill_twice(&scenario, Action::Nothing)?;
        }
        // And after these a process recovers in the course of a change of its own.
        match name {
            "insert/new, two hops" => kill_twice(&scenario, Action::Insert(scenario.bystander))?,
            "remove/two hops" => kill_twice(&scenario, Action::Clear)?,
            _ => {}
        }
    }
    Ok(())
}

fn several_shards() -> Result<(), Failed> {
    let lab = ShardedLab::new();
    for scenario in scenario::sharded(&lab) {
        if scenario.name == "sharded/remove" {
            kill_twice(&scenario, Action::Insert(scenario.subject))?;
        }
    }
    Ok(())
}

/// Kills the scenario's operation in each distinct state, and then everywhere the `second` operation,
/// which recovers.
fn kill_twice<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    second: Action,
) -> Result<(), Failed> {
    let mut all = Tally::default();
    let (states, _) = points::states(scenario, |scenario| scenario.run());
    // Only states that differ in a lock, a counter or a tag.
    let mut known = HashSet::new();
    let states = states
        .into_iter()
        .filter(|(_, image)| known.insert(image.skeleton().to_vec()));
    let (mut tried, mut takeovers) = (0, 0);
    for (point, expected) in states {
        scenario.reset();
        points::plan().kill_at(point, || scenario.run());
        let dead = scenario.lab.image();
        if dead != expected {
            let violation = format!("at {point}: a death left other bytes than a stop");
            all.violations.push(violation);
        }
        let seen = before_recovery(scenario)?;
        if dead.held() == 0 {
            continue; // the lock is not held, so there is nothing to recover from
        }
        tried += 1;
        let recovery = scenario.successor(dead, seen, second);
        let (watch, tally) = points::kill_everywhere(&recovery, LONGEST, |recovery| recovery.run());
        takeovers += watch.takeovers;
        all.points += tally.points;
        all.length = all.length.max(tally.length);
        let violations = tally.violations.into_iter();
        all.violations
            .extend(violations.map(|it| format!("first death at {point}, second {it}")));
    }
    POINTS.fetch_add(all.points, Ordering::Relaxed);
    Report::new(QUESTION, &format!("{}, then {second:?}", scenario.name))
        .count("dead states", tried)
        .count("kill points in recovery", all.points)
        .count("second recoveries", takeovers)
        .note("longest of length", all.length)
        .require(&all.violations)
}
