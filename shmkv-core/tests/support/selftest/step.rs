//! Proves `step` and the loops of `walk`: a broken protocol is caught, a correct one passes.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU64, fence};
use std::time::{Duration, Instant};

use nix::libc;

use crate::dummy::{Outcome, ensure, publish, published};
use crate::support::report::Report;
use crate::support::shared::SharedWords;
use crate::support::step::{self, Plan, Stop};
use crate::support::walk;

/// Whether words 0 and 1 are equal, as they must always be.
fn pair(words: &SharedWords) -> Result<(), String> {
    let (a, b) = (words[0].load(Relaxed), words[1].load(Relaxed));
    if a == b {
        Ok(())
    } else {
        Err(format!("torn: {a} and {b}"))
    }
}

/// A broken protocol: a kill between the stores leaves the words different.
fn store_both(words: &SharedWords) {
    words[0].store(7, Relaxed);
    fence(SeqCst);
    words[1].store(7, Relaxed);
}

pub(crate) fn step_catches_a_broken_protocol() -> Outcome {
    let tally = walk::for_each_kill_point(
        &Plan::default(),
        || SharedWords::new(2),
        store_both,
        |_, words| pair(words),
    );
    let torn = tally.violations.len();
    Report::new("support", "step/two stores")
        .count("kill points", tally.points)
        .count("torn, as expected", torn)
        .print();
    ensure(torn > 0 && torn < tally.points, format!("{tally:?}"))
}

pub(crate) fn step_accepts_a_correct_protocol() -> Outcome {
    let mut outcomes = [0, 0];
    let check = |_, words: &SharedWords| {
        outcomes[usize::try_from(words[0].load(Relaxed)).expect("0 or 1")] += 1;
        published(words)
    };
    let tally = walk::for_each_kill_point(&Plan::default(), || SharedWords::new(6), publish, check);
    ensure(
        outcomes[0] > 0 && outcomes[1] > 0,
        "expected the old state and the new one",
    )?;
    tally.report("support", "step/one publishing store")
}

pub(crate) fn step_stops_and_resumes() -> Outcome {
    let words = SharedWords::new(6);
    let (mut stops, mut worst) = (0, Duration::ZERO);
    let tally = walk::for_each_stop_point(
        &Plan::default(),
        || publish(&words),
        |_| {
            stops += 1;
            let start = Instant::now();
            let read = published(&words);
            worst = worst.max(start.elapsed());
            read
        },
    );
    ensure(
        stops == tally.points && words[0].load(Relaxed) == 1,
        "expected every point, and the end of the operation",
    )?;
    let Stop::At(stopped) = step::run_stepped(3, || publish(&words)) else {
        return Err("too short".into());
    };
    let Stop::At(stopped) = stopped.step_to(5) else {
        return Err("too short".into());
    };
    ensure(
        matches!(stopped.resume(), Stop::Finished(_)) && words[0].load(Relaxed) == 0,
        "expected the resumed operation to end",
    )?;
    tally.report_stops("support", "step/stopped", worst)
}

static CAUGHT: AtomicU64 = AtomicU64::new(0);

pub(crate) fn step_starts_at_the_marker() -> Outcome {
    let op = |words: &SharedWords| {
        words[1].store(1, Relaxed); // the warm-up: no kill comes before this store
        step::begin();
        words[0].store(1, Relaxed);
    };
    let mut outcomes = [0, 0];
    let check = |_, words: &SharedWords| {
        outcomes[usize::try_from(words[0].load(Relaxed)).expect("0 or 1")] += 1;
        if words[1].load(Relaxed) == 1 {
            Ok(())
        } else {
            Err("killed in the warm-up".to_owned())
        }
    };
    let tally = walk::for_each_kill_point(
        &Plan::default().warmed_up(),
        || SharedWords::new(2),
        op,
        check,
    );
    ensure(
        outcomes[0] > 0 && outcomes[1] > 0,
        "expected the old state and the new one",
    )?;
    tally.report("support", "step/warmed up")
}

/// Prints what a walk over an operation as long as the map's costs.
pub(crate) fn step_costs() -> Outcome {
    let op = |words: &SharedWords| (0..100).for_each(|i| words[0].store(i, SeqCst));
    let start = Instant::now();
    let tally =
        walk::for_each_kill_point(&Plan::default(), || SharedWords::new(1), op, |_, _| Ok(()));
    let whole = start.elapsed();
    let start = Instant::now();
    for _ in 0..200 {
        Plan::default().kill_at(0, || {});
    }
    let report =
        Report::new("support", "step/cost").time("of a fork and a kill", start.elapsed() / 200);
    report
        .note("of length", tally.length)
        .time("whole walk", whole)
        .print();
    Ok(())
}

pub(crate) fn step_forwards_signals() -> Outcome {
    extern "C" fn caught(_: libc::c_int) {
        CAUGHT.store(1, Relaxed);
    }
    let words = SharedWords::new(1);
    let handler: extern "C" fn(libc::c_int) = caught;
    let stop = step::run_stepped(1_000_000, || {
        // SAFETY: the handler stores to an atomic only.
        unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
        // SAFETY: no precondition.
        unsafe { libc::raise(libc::SIGUSR1) };
        words[0].store(CAUGHT.load(Relaxed), Relaxed);
    });
    ensure(
        matches!(stop, Stop::Finished(_)) && words[0].load(Relaxed) == 1,
        format!("{stop:?}"),
    )
}

pub(crate) fn step_walks_rep_and_vdso() -> Outcome {
    let words = SharedWords::new(64);
    let copy = |words: &SharedWords| {
        let source = [0x55u8; 256];
        // SAFETY: 256 bytes each, not overlapping; no other process accesses the words.
        unsafe {
            std::arch::asm!("rep movsb", inout("rcx") 256usize => _, inout("rsi") source.as_ptr() => _,
                inout("rdi") words.as_ptr() => _, options(nostack));
        };
    };
    let Stop::At(stopped) = step::run_stepped(200, || copy(&words)) else {
        return Err("all iterations of `rep movsb` counted as one point".into());
    };
    let copied = words.iter().filter(|word| word.load(Relaxed) != 0).count();
    ensure(
        (1..32).contains(&copied),
        format!("{copied} words in the middle of the copy"),
    )?;
    stopped.kill();
    let stop = step::run_stepped(1_000_000, || {
        std::hint::black_box(Instant::now());
    });
    let Stop::Finished(length) = stop else {
        return Err("a call into the vDSO did not end".into());
    };
    Report::new("support", "step/rep movsb, clock_gettime")
        .count("words copied at 200", copied)
        .note("clock", length)
        .print();
    Ok(())
}
