//! Proves that `step` and `walk` handle operations that sleep in a system call.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::dummy::{Outcome, ensure, futex_wait, futex_wake};
use crate::support::shared::SharedWords;
use crate::support::step::{self, Plan, Stop};
use crate::support::walk;

pub(crate) fn step_kills_a_futex_sleeper() -> Outcome {
    // Sleeps for good: the walk must end there.
    let sleep = |words: &SharedWords| {
        words[1].store(1, Relaxed);
        futex_wait(&words[0], None);
        words[2].store(1, Relaxed);
    };
    let mut sleepers = 0;
    let check = |_, words: &SharedWords| {
        sleepers += words[1].load(Relaxed);
        if words[2].load(Relaxed) == 0 {
            Ok(())
        } else {
            Err("the operation went on after its sleep".to_owned())
        }
    };
    let tally = walk::for_each_kill_point(&Plan::default(), || SharedWords::new(3), sleep, check);
    ensure(tally.asleep == 1 && sleepers > 1, format!("{tally:?}"))?;
    tally.report("support", "step/asleep for good")?;

    // Sleeps for a slice, as the writer lock does: killed before, during and after the sleep.
    let slice = |words: &SharedWords| {
        futex_wait(&words[0], Some(Duration::from_millis(12)));
        words[2].store(1, Relaxed);
    };
    let mut awake = 0;
    let check = |_, words: &SharedWords| {
        awake += words[2].load(Relaxed);
        Ok(())
    };
    let tally = walk::for_each_kill_point(&Plan::default(), || SharedWords::new(3), slice, check);
    ensure(tally.asleep == 1 && awake > 0, format!("{tally:?}"))?;
    tally.report("support", "step/asleep for a slice")
}

pub(crate) fn step_survives_a_long_sleep() -> Outcome {
    let words = SharedWords::new(2);
    let stop = step::run_stepped(100_000, || {
        futex_wait(&words[0], None);
        words[1].store(1, Relaxed);
    });
    let Stop::Asleep(sleeper) = stop else {
        return Err(format!("not asleep: {stop:?}").into());
    };
    ensure(
        futex_wake(&words[0]) == 1,
        "expected one sleeper on the futex",
    )?;
    ensure(
        matches!(sleeper.resume(), Stop::Finished(_)),
        "expected the woken operation to end",
    )?;
    ensure(
        words[1].load(Relaxed) == 1,
        "expected the store after the sleep",
    )
}
