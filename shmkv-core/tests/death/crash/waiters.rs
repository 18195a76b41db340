//! A process that waits for the lock proceeds, wherever the holder or another waiter is killed.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::action::NEW;
use super::lab::{Model, value};
use super::scenario::{SMALL, Scenario, stamps};
use crate::support::proc::{self, Child};
use crate::support::step::{Plan, Stop, Stopped};
use crate::support::trail::Trail;
use crate::support::walk::{self, Tally};

type Small<'l> = Scenario<'l, SMALL, 256>;

/// Far longer than a waiter needs; the promised bound is 50 ms on an idle machine.
const LONG: Duration = Duration::from_secs(5);
/// After this many violations the walk ends.
const ENOUGH: usize = 3;
/// The key that the waiter stores.
const WANTED: u64 = 1 << 50;

/// The result of the holder's deaths.
#[derive(Default)]
pub(crate) struct Waits {
    pub(crate) tally: Tally,
    /// The longest that a waiter needed after the death.
    pub(crate) worst: Duration,
}

/// The first and the last point of the operation at which it holds the lock.
fn held_at(scenario: &Small<'_>, plan: &Plan) -> (usize, usize) {
    scenario.reset();
    let mut held = Vec::new();
    let observe = |point| {
        if scenario.lab.image().held() > 0 {
            held.push(point);
        }
        Ok(())
    };
    walk::for_each_stop_point(plan, || scenario.run(), observe);
    let ends = held.first().copied().zip(held.last().copied());
    ends.expect("an operation that takes the lock")
}

/// After a death without a wake-up, the waiter sleeps out its slice of 10 to 20 ms. So only one
/// instruction in this many is tried until [`WELL_BEFORE`] instructions before the unlock.
const STRIDE: usize = 8;
const WELL_BEFORE: usize = 60;

/// Kills the holder of a lock on which another process sleeps: from the moment that it has the lock, and
/// at each instruction from shortly before the unlock to the end.
pub(crate) fn kill_holder(scenario: &Small<'_>, plan: &Plan) -> Waits {
    let (held, last_held) = held_at(scenario, plan);
    let start = || {
        scenario.reset();
        let Stop::At(holder) = plan.run_to(held, || scenario.run()) else {
            panic!("the holder did not get to point {held}");
        };
        let waiter = proc::fork_child(|| i32::from(insert_wanted(scenario).is_err()));
        assert!(
            fell_asleep(scenario, &waiter),
            "the waiter does not sleep on the lock"
        );
        (holder, waiter)
    };
    let (holder, waiter) = start();
    let (_, trail) = Trail::follow(holder, usize::MAX);
    let trail = trail.expect("a holder does not sleep");
    drop(waiter);
    let mut waits = Waits::default();
    let dense = last_held - WELL_BEFORE;
    let points = (held..dense).step_by(STRIDE).chain(dense..=trail.last());
    for point in points {
        let (holder, waiter) = start();
        let Some(holder) = trail.advance(holder, point) else {
            panic!("the holder went another way to point {point}");
        };
        holder.kill();
        let start = Instant::now();
        let outcome = waiter.exit_code(LONG);
        waits.worst = waits.worst.max(start.elapsed());
        waits.tally.points += 1;
        let found = match outcome {
            Ok(0) => in_order(scenario),
            other => Err(format!("the waiter: {other:?}")),
        };
        if let Err(violation) = found {
            let violation = format!("at {point}: {violation}");
            waits.tally.violations.push(violation);
            if waits.tally.violations.len() == ENOUGH {
                break; // each may have cost LONG
            }
        }
    }
    waits.tally.length = trail.last();
    waits
}

/// Kills a waiter at each system call of its wait, and asleep; the holder then continues and finishes.
pub(crate) fn kill_waiter(scenario: &Small<'_>, plan: &Plan) -> Tally {
    let (held, _) = held_at(scenario, plan);
    let impatient = scenario.lab.another(Duration::from_millis(25));
    let holder: RefCell<Option<Stopped>> = RefCell::new(None);
    let setup = || {
        holder.replace(None); // kills the previous holder
        scenario.reset();
        holder.replace(plan.run_to(held, || scenario.run()).stopped());
    };
    let check = |_, (): &()| {
        let holder = holder.take().expect("a holder");
        if !matches!(holder.resume(), Stop::Finished(_)) {
            return Err("the holder did not finish".into());
        }
        let takeovers = scenario.lab.reader.stats().takeovers;
        insert_wanted(scenario)?;
        if scenario.lab.reader.stats().takeovers != takeovers {
            return Err("a takeover, though the holder lived".into());
        }
        in_order(scenario)
    };
    let wait = |(): &()| {
        let refused = impatient.insert(WANTED, value(WANTED, NEW));
        assert!(refused.is_err(), "the holder is stopped");
    };
    walk::for_each_kill_point(&Plan::syscalls(), setup, wait, check)
}

fn insert_wanted(scenario: &Small<'_>) -> Result<(), String> {
    let inserted = scenario.lab.map.insert(WANTED, value(WANTED, NEW));
    inserted.map_err(|e| format!("insert: {e}"))?;
    Ok(())
}

/// Waits until the child has marked the lock and sleeps in the kernel; false if that never happens.
fn fell_asleep(scenario: &Small<'_>, child: &Child) -> bool {
    let stat = format!("/proc/{}/stat", child.pid());
    let start = Instant::now();
    while start.elapsed() < LONG {
        let state = std::fs::read_to_string(&stat).unwrap_or_default();
        let state = state.rsplit_once(") ").map_or("", |(_, rest)| rest);
        if state.starts_with('S') && scenario.lab.image().has_waiters() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// Checks that the waiter's operation has taken effect, the holder's has or has not, and that the map is
/// unlocked and without faults.
fn in_order(scenario: &Small<'_>) -> Result<(), String> {
    let lab = scenario.lab;
    let seen = stamps(&lab.read(&lab.reader, scenario.keys().chain([WANTED]))?);
    let with_wanted = |mut model: Model| {
        model.insert(WANTED, NEW);
        model
    };
    let outcomes = [stamps(&scenario.before), scenario.after.clone()].map(with_wanted);
    if !outcomes.contains(&seen) {
        return Err("the contents are neither old nor new".into());
    }
    if lab.image().held() > 0 {
        return Err("the lock is still held".into());
    }
    match lab.reader.check().first() {
        Some(fault) => Err(fault.to_string()),
        None if lab.reader.len() != seen.len() => Err("len is wrong".into()),
        None => Ok(()),
    }
}
