//! Loops that kill or stop one operation at each of its points (see [`step`](super::step)).
//!
//! - [`for_each_kill_point`]: a fresh state for each point, a survivor's `check` after each death.
//! - [`for_each_double_kill`]: kills the recovery at each of its points, after each distinct state
//!   that a first death left.
//! - [`for_each_stop_point`]: stops one child at each point in turn; the cost is linear.
//!
//! A point at which the child sleeps inside a system call (the lock's futex) counts as well: one extra
//! run kills it asleep, another one after it woke. A sleep beyond the plan's patience ends the walk,
//! since no instruction follows.
//!
//! Each kill point starts from a fresh state; that is what "killed at this instruction" means. An
//! operation of n points would cost n²/2 steps without the short cuts of [`trail`](super::trail). A
//! `check` that fails adds a violation to the [`Tally`], and the walk continues, to show all of them.

use std::collections::HashSet;
use std::time::Duration;

use super::report::Report;
use super::step::{Plan, Stop};
use super::trail::Trail;

/// More steps than any operation under test takes.
const RUNAWAY: usize = 20_000_000;

/// The result of a walk over the points of an operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// How many deaths (or stops) were checked, including those asleep and the one after the last
    /// instruction.
    pub(crate) points: usize,
    /// How many of them died asleep inside a system call.
    pub(crate) asleep: usize,
    /// How many points the whole operation has, tried or not.
    pub(crate) length: usize,
    /// How many steps the walk took.
    pub(crate) steps: usize,
    /// What `check` found wrong.
    pub(crate) violations: Vec<String>,
}

impl Tally {
    fn note(&mut self, at: impl std::fmt::Display, found: Result<(), String>) {
        self.points += 1;
        if let Err(violation) = found {
            self.violations.push(format!("at {at}: {violation}"));
        }
    }

    /// Prints the figures of a walk that killed; an error if there was a violation.
    pub(crate) fn report(&self, question: &str, case: &str) -> Result<(), libtest_mimic::Failed> {
        self.line(Report::new(question, case).count("kill points", self.points))
            .require(&self.violations)
    }

    /// The same for a walk that stopped; `worst` is the longest read at any point.
    pub(crate) fn report_stops(
        &self,
        question: &str,
        case: &str,
        worst: Duration,
    ) -> Result<(), libtest_mimic::Failed> {
        let report = Report::new(question, case)
            .count("stop points", self.points)
            .time("worst read", worst);
        self.line(report).require(&self.violations)
    }

    fn line(&self, report: Report) -> Report {
        let report = if self.asleep > 0 {
            report.count("of them asleep", self.asleep)
        } else {
            report
        };
        report.note("of length", self.length)
    }
}

/// Kills `op` at each point of the plan. For each point, `setup` makes a fresh state in this process,
/// `op` runs on it in a child that is killed, and `check(point, state)` runs here, as the survivor.
pub(crate) fn for_each_kill_point<S>(
    plan: &Plan,
    mut setup: impl FnMut() -> S,
    op: impl Fn(&S),
    mut check: impl FnMut(usize, &S) -> Result<(), String>,
) -> Tally {
    let mut tally = Tally::default();
    let state = setup();
    let (whole, trail) = Trail::record(plan, RUNAWAY, || op(&state));
    tally.length = match whole {
        Stop::Finished(length) => length,
        Stop::Asleep(stopped) => stopped.point(),
        Stop::At(_) => panic!("an operation of more than {RUNAWAY} steps"),
    };
    tally.steps = tally.length;
    drop(state);
    for i in plan.points(tally.length) {
        if let Some(trail) = &trail {
            let state = setup();
            let near = trail.run_to(plan, i.min(trail.last()), || op(&state));
            match near.map(|stopped| stopped.step_to(i)) {
                Some(Stop::At(stopped)) => {
                    stopped.kill();
                    tally.note(i, check(i, &state));
                    continue;
                }
                Some(Stop::Finished(length)) => {
                    tally.note(format_args!("{length}, finished"), check(length, &state));
                    return tally;
                }
                Some(Stop::Asleep(_)) | None => {} // not the way of the recorded run
            }
        }
        let state = setup();
        match plan.run_to(i, || op(&state)) {
            Stop::At(stopped) => {
                let slept = stopped.slept();
                stopped.kill();
                tally.steps += i;
                tally.note(i, check(i, &state));
                if slept {
                    let state = setup();
                    let stop = plan.start(|| op(&state)).drive(i, true);
                    tally.asleep += usize::from(matches!(stop, Stop::Asleep(_)));
                    drop(stop); // kills the child
                    tally.note(format_args!("{i}, asleep"), check(i, &state));
                }
            }
            Stop::Asleep(stopped) => {
                let point = stopped.point();
                stopped.kill();
                tally.asleep += 1;
                tally.note(
                    format_args!("{point}, asleep for good"),
                    check(point, &state),
                );
                return tally;
            }
            Stop::Finished(length) => {
                tally.length = length;
                tally.note(format_args!("{length}, finished"), check(length, &state));
                return tally;
            }
        }
    }
    assert!(
        tally.length > plan.exhaustive_up_to,
        "the operation grew from run to run"
    );
    tally
}

/// Stops one child at each point of `op` in turn and calls `observe(point)` while it is stopped there,
/// or asleep.
pub(crate) fn for_each_stop_point(
    plan: &Plan,
    op: impl FnOnce(),
    mut observe: impl FnMut(usize) -> Result<(), String>,
) -> Tally {
    let mut tally = Tally::default();
    let mut stopped = plan.start(op);
    loop {
        let point = stopped.point();
        tally.note(point, observe(point));
        match stopped.drive(point + plan.stride.max(1), true) {
            Stop::At(next) => stopped = next,
            Stop::Finished(length) => {
                (tally.length, tally.steps) = (length, length);
                return tally;
            }
            Stop::Asleep(sleeper) => {
                tally.asleep += 1;
                tally.note(format_args!("{point}, asleep"), observe(sleeper.point()));
                match sleeper.step_to(point + 1) {
                    Stop::At(next) => stopped = next,
                    Stop::Asleep(_) | Stop::Finished(_) => {
                        (tally.length, tally.steps) = (point, point);
                        return tally;
                    }
                }
            }
        }
        assert!(point < RUNAWAY, "an operation of more than {RUNAWAY} steps");
    }
}

/// The points of `op` at which `image` returns something new: one for each visible store. `image` must
/// leave out what differs from run to run.
pub(crate) fn distinct_points<S>(
    plan: &Plan,
    setup: impl FnOnce() -> S,
    op: impl FnOnce(&S),
    image: impl Fn(&S) -> Vec<u8>,
) -> Vec<usize> {
    let state = setup();
    let mut seen = HashSet::new();
    let mut points = Vec::new();
    for_each_stop_point(
        plan,
        || op(&state),
        |point| {
            if seen.insert(image(&state)) {
                points.push(point);
            }
            Ok(())
        },
    );
    points
}

/// Kills `first` at each of `first_points` (of `first_plan`, with which [`distinct_points`] found them),
/// then `recover` at each point of `plan`, each time from a fresh state.
pub(crate) fn for_each_double_kill<S>(
    (first_plan, first_points): (&Plan, &[usize]),
    mut setup: impl FnMut() -> S,
    first: impl Fn(&S),
    plan: &Plan,
    recover: impl Fn(&S),
    mut check: impl FnMut(usize, usize, &S) -> Result<(), String>,
) -> Tally {
    let mut all = Tally::default();
    for &i in first_points {
        let dead = || {
            let state = setup();
            first_plan.kill_at(i, || first(&state));
            state
        };
        let one = for_each_kill_point(plan, dead, &recover, |j, state| check(i, j, state));
        all.points += one.points;
        all.asleep += one.asleep;
        all.length = all.length.max(one.length);
        all.steps += one.steps + i * one.points;
        all.violations.extend(
            one.violations
                .into_iter()
                .map(|violation| format!("first death at {i}, second {violation}")),
        );
    }
    all
}
