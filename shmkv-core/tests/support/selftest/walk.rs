//! Proves the walks over long operations: by system call, with a second death, sampled.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

use crate::dummy::{Outcome, ensure};
use crate::support::proc::{self, SegmentName};
use crate::support::report::Report;
use crate::support::shared::SharedWords;
use crate::support::step::Plan;
use crate::support::walk::{self, Tally};

pub(crate) fn step_kills_at_system_calls() -> Outcome {
    let create = |name: &SegmentName| {
        std::fs::write(name.path().with_extension("tmp"), b"whole").unwrap();
        std::fs::rename(name.path().with_extension("tmp"), name.path()).unwrap();
    };
    let mut created = 0;
    let check = |_, name: &SegmentName| {
        let _ = std::fs::remove_file(name.path().with_extension("tmp"));
        match std::fs::read(name.path()) {
            Ok(bytes) if bytes != b"whole" => Err("the file is incomplete".to_owned()),
            Ok(_) => {
                created += 1;
                Ok(())
            }
            Err(_) => Ok(()),
        }
    };
    let tally = walk::for_each_kill_point(&Plan::syscalls(), SegmentName::unique, create, check);
    ensure(created > 0 && tally.length >= 8, format!("{tally:?}"))?;
    ensure(proc::leftovers().is_empty(), "files were left behind")?;
    tally.report("support", "step/at system calls")
}

/// Word 2 must be twice word 1; word 0 is 1 while this is not so. [`recover`] repairs word 2.
fn set_both(words: &SharedWords) {
    words[0].store(1, SeqCst);
    words[1].store(9, SeqCst);
    words[2].store(18, SeqCst);
    words[0].store(0, SeqCst);
}

fn recover(words: &SharedWords) {
    if words[0].load(SeqCst) == 1 {
        words[2].store(2 * words[1].load(SeqCst), SeqCst);
        words[0].store(0, SeqCst);
    }
}

/// Broken: clears the mark before the repair, so a second death hides the first.
fn recover_too_early(words: &SharedWords) {
    if words[0].swap(0, SeqCst) == 1 {
        words[2].store(2 * words[1].load(SeqCst), SeqCst);
    }
}

fn image(words: &SharedWords) -> Vec<u8> {
    words
        .iter()
        .flat_map(|word| word.load(SeqCst).to_ne_bytes())
        .collect()
}

fn kill_twice(recovery: fn(&SharedWords)) -> Tally {
    let plan = Plan::default();
    let firsts = walk::distinct_points(&plan, || SharedWords::new(3), set_both, image);
    assert_eq!(firsts.len(), 5, "expected one point per store: {firsts:?}");
    walk::for_each_double_kill(
        (&plan, &firsts),
        || SharedWords::new(3),
        set_both,
        &plan,
        recovery,
        |_, _, words| {
            recovery(words); // the third process, which is not killed
            let (value, double) = (words[1].load(SeqCst), words[2].load(SeqCst));
            if double == 2 * value {
                Ok(())
            } else {
                Err(format!("{double} is not twice {value}"))
            }
        },
    )
}

pub(crate) fn step_kills_twice() -> Outcome {
    ensure(
        !kill_twice(recover_too_early).violations.is_empty(),
        "expected a violation after a second death",
    )?;
    kill_twice(recover).report("support", "step/killed again in recovery")
}

pub(crate) fn step_samples_a_long_operation() -> Outcome {
    let plan = Plan {
        exhaustive_up_to: 100,
        samples: 30,
        seed: fastrand::u64(..),
        ..Plan::default()
    };
    let long = |words: &SharedWords| (0..2_000).for_each(|i| words[0].store(i, SeqCst));
    let start = Instant::now();
    let tally = walk::for_each_kill_point(&plan, || SharedWords::new(1), long, |_, _| Ok(()));
    let rate = tally.steps as f64 / start.elapsed().as_secs_f64();
    let report = Report::new("support", "step/sampled")
        .count("kill points", tally.points)
        .note("of length", tally.length);
    report
        .note("seed", plan.seed)
        .count("steps/s", format_args!("{rate:.0}"))
        .print();
    ensure(
        tally.points == 30 && tally.length > 2_000,
        format!("{tally:?}"),
    )
}
