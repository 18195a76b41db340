//! T2: whoever recovers from a death is killed too, at every instruction of its recovery, and the third process finds the
//! map sound.
//!
//! The first death is tried in each state that recovery can tell apart; its memory is kept, and handed to one recovering
//! process after the other. A recovery has thousands of instructions, and there are dozens of states to recover from. So
//! by default it is killed after each instruction that changes the map's memory and at many of the others; at all of
//! them if `SHMKV_EVERY_INSTRUCTION` is set, which takes many minutes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
#[path = "../support/mod.rs"]
mod support;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::{Arguments, Failed, Trial};

use crash::action::Action;
use crash::death;
use crash::keys::Keys;
use crash::scenario::{self, Scenario, ShardedLab, SmallLab};
use crash::survivor::before_recovery;
use support::report::Report;
use support::walk::Tally;

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
    Report::new("T2", "in total")
        .count("kill points in recovery", points)
        .print();
    conclusion.exit();
}

/// Recoveries up to this length are killed at every instruction: none, unless `SHMKV_EVERY_INSTRUCTION` is set.
const LONGEST: usize = 0;

/// Whose deaths are recovered from by a process that does nothing else: recovery alone.
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
            die_twice(&scenario, Action::Nothing)?;
        }
        // And by one that goes on to change the map, of which it has half to repair.
        match name {
            "insert/new, two hops" => die_twice(&scenario, Action::Insert(scenario.bystander))?,
            "remove/two hops" => die_twice(&scenario, Action::Clear)?,
            _ => {}
        }
    }
    Ok(())
}

fn several_shards() -> Result<(), Failed> {
    let lab = ShardedLab::new();
    for scenario in scenario::sharded(&lab) {
        if scenario.name == "sharded/remove" {
            die_twice(&scenario, Action::Insert(scenario.subject))?;
        }
    }
    Ok(())
}

/// Kills the scenario's operation in each distinct state, and then the second one, which recovers, everywhere.
fn die_twice<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    second: Action,
) -> Result<(), Failed> {
    let mut all = Tally::default();
    let (states, _) = death::states(scenario, |scenario| scenario.run());
    // A lock, a counter or a tag has changed.
    let mut known = HashSet::new();
    let states = states
        .into_iter()
        .filter(|(_, image)| known.insert(image.skeleton().to_vec()));
    let (mut tried, mut takeovers) = (0, 0);
    for (point, expected) in states {
        scenario.reset();
        death::plan().kill_at(point, || scenario.run());
        let dead = scenario.lab.image();
        if dead != expected {
            let violation = format!("at {point}: a death leaves other bytes than a stop");
            all.violations.push(violation);
        }
        let seen = before_recovery(scenario)?;
        if dead.held() == 0 {
            continue; // before the lock, or after: there is nothing to recover from
        }
        tried += 1;
        let recovery = scenario.upon(dead, seen, second);
        let (watch, tally) = death::everywhere(&recovery, LONGEST, |recovery| recovery.run());
        takeovers += watch.takeovers;
        all.points += tally.points;
        all.length = all.length.max(tally.length);
        let violations = tally.violations.into_iter();
        all.violations
            .extend(violations.map(|it| format!("first death at {point}, second {it}")));
    }
    POINTS.fetch_add(all.points, Ordering::Relaxed);
    Report::new("T2", &format!("{}, then {second:?}", scenario.name))
        .count("dead states", tried)
        .count("kill points in recovery", all.points)
        .count("second recoveries", takeovers)
        .note("longest of length", all.length)
        .require(&all.violations)
}
