//! Proves the tools of `support` on small dummies: what they must catch is caught, what is right passes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod history;
mod processes;
mod register;
#[path = "../mod.rs"]
mod support;

use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU64, fence};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use nix::libc;
use support::proc::{self, SegmentName};
use support::report::Report;
use support::shared::SharedWords;
use support::step::{self, Plan, Stop};
use support::walk::{self, Tally};

type Outcome = Result<(), Failed>;

fn main() {
    if let Some(role) = proc::role() {
        std::process::exit(processes::run_role(&role));
    }
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let trials = vec![
        Trial::test(
            "step_catches_a_broken_protocol",
            step_catches_a_broken_protocol,
        ),
        Trial::test(
            "step_accepts_a_right_protocol",
            step_accepts_a_right_protocol,
        ),
        Trial::test("step_kills_a_futex_sleeper", step_kills_a_futex_sleeper),
        Trial::test("step_survives_a_long_sleep", step_survives_a_long_sleep),
        Trial::test("step_stops_and_resumes", step_stops_and_resumes),
        Trial::test("step_begins_when_told", step_begins_when_told),
        Trial::test("step_costs", step_costs),
        Trial::test("step_forwards_signals", step_forwards_signals),
        Trial::test("step_walks_rep_and_vdso", step_walks_rep_and_vdso),
        Trial::test("step_kills_at_system_calls", step_kills_at_system_calls),
        Trial::test("step_kills_twice", step_kills_twice),
        Trial::test(
            "step_samples_a_long_operation",
            step_samples_a_long_operation,
        ),
        Trial::test("inject_fails_each_call", processes::inject_fails_each_call),
        Trial::test(
            "inject_reports_deaths_and_sleeps",
            processes::inject_reports_deaths_and_sleeps,
        ),
        Trial::test("proc_children", processes::proc_children),
        Trial::test("proc_worlds", processes::proc_worlds),
        Trial::test("history_by_hand", history::by_hand),
        Trial::test("history_by_force", history::by_force),
        Trial::test("history_of_processes", register::of_processes),
    ];
    libtest_mimic::run(&args, trials).exit();
}

fn ensure(right: bool, what: impl Into<String>) -> Outcome {
    if right {
        Ok(())
    } else {
        Err(what.into().into())
    }
}

// ---- step: a record of two words that must always be equal; the words are [0] and [1] ----

fn pair(words: &SharedWords) -> Result<(), String> {
    let (a, b) = (words[0].load(Relaxed), words[1].load(Relaxed));
    if a == b {
        Ok(())
    } else {
        Err(format!("torn: {a} and {b}"))
    }
}

/// Right: prepare the spare copy, publish it by one store to [0], as the map does. Copies at [2..4] and [4..6].
fn publish(words: &SharedWords) {
    let spare = 1 - words[0].load(Relaxed);
    let at = usize::try_from(2 + 2 * spare).expect("small");
    words[at].store(7, Relaxed);
    words[at + 1].store(7, Relaxed);
    words[0].store(spare, Release);
}

fn published(words: &SharedWords) -> Result<(), String> {
    let at = usize::try_from(2 + 2 * words[0].load(Relaxed)).expect("small");
    let (a, b) = (words[at].load(Relaxed), words[at + 1].load(Relaxed));
    if a == b && (a == 0 || a == 7) {
        Ok(())
    } else {
        Err(format!("torn: {a} and {b}"))
    }
}

fn store_both(words: &SharedWords) {
    words[0].store(7, Relaxed);
    fence(SeqCst);
    words[1].store(7, Relaxed);
}

fn step_catches_a_broken_protocol() -> Outcome {
    let tally = walk::for_each_kill_point(
        &Plan::default(),
        || SharedWords::new(2),
        store_both,
        |_, words| pair(words),
    );
    let torn = tally.violations.len();
    Report::new("support", "step/two stores")
        .count("kill points", tally.points)
        .count("torn, as it must be", torn)
        .print();
    ensure(torn > 0 && torn < tally.points, format!("{tally:?}"))
}

fn step_accepts_a_right_protocol() -> Outcome {
    let mut outcomes = [0, 0];
    let check = |_, words: &SharedWords| {
        outcomes[usize::try_from(words[0].load(Relaxed)).expect("0 or 1")] += 1;
        published(words)
    };
    let tally = walk::for_each_kill_point(&Plan::default(), || SharedWords::new(6), publish, check);
    ensure(
        outcomes[0] > 0 && outcomes[1] > 0,
        "must see the old and the new state",
    )?;
    tally.report("support", "step/one publishing store")
}

// ---- step: system calls that sleep ----

fn futex_wait(word: &AtomicU64, timeout: Option<Duration>) {
    let timeout = timeout.map(|time| libc::timespec {
        tv_sec: time.as_secs().cast_signed(),
        tv_nsec: i64::from(time.subsec_nanos()),
    });
    let timeout = timeout
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the word is mapped and aligned, the time-out null or valid.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, 0, timeout) };
}

fn futex_wake(word: &AtomicU64) -> i64 {
    // SAFETY: the word is mapped and aligned.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) }
}

fn step_kills_a_futex_sleeper() -> Outcome {
    // Sleeps for good: the walk ends there.
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
            Err("woke".to_owned())
        }
    };
    let tally = walk::for_each_kill_point(&Plan::default(), || SharedWords::new(3), sleep, check);
    ensure(tally.asleep == 1 && sleepers > 1, format!("{tally:?}"))?;
    tally.report("support", "step/asleep for good")?;

    // Sleeps for a slice, as the writer lock does: killed before, in it, and after.
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

fn step_survives_a_long_sleep() -> Outcome {
    let words = SharedWords::new(2);
    let stop = step::run_stepped(100_000, || {
        futex_wait(&words[0], None);
        words[1].store(1, Relaxed);
    });
    let Stop::Asleep(sleeper) = stop else {
        return Err(format!("not asleep: {stop:?}").into());
    };
    ensure(futex_wake(&words[0]) == 1, "the sleeper is on the futex")?;
    ensure(
        matches!(sleeper.resume(), Stop::Finished(_)),
        "it finishes once woken",
    )?;
    ensure(words[1].load(Relaxed) == 1, "and did the rest")
}

fn step_stops_and_resumes() -> Outcome {
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
        "every point seen, the operation done",
    )?;
    let Stop::At(stopped) = step::run_stepped(3, || publish(&words)) else {
        return Err("too short".into());
    };
    let Stop::At(stopped) = stopped.step_to(5) else {
        return Err("too short".into());
    };
    ensure(
        matches!(stopped.resume(), Stop::Finished(_)) && words[0].load(Relaxed) == 0,
        "resumed to the end",
    )?;
    tally.report_stops("support", "step/stopped", worst)
}

static CAUGHT: AtomicU64 = AtomicU64::new(0);

fn step_begins_when_told() -> Outcome {
    let op = |words: &SharedWords| {
        words[1].store(1, Relaxed); // the warm-up: never killed before this
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
    ensure(outcomes[0] > 0 && outcomes[1] > 0, "before and after")?;
    tally.report("support", "step/warmed up")
}

/// What a walk over an operation of the map's size costs.
fn step_costs() -> Outcome {
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

fn step_forwards_signals() -> Outcome {
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

fn step_walks_rep_and_vdso() -> Outcome {
    let words = SharedWords::new(64);
    let copy = |words: &SharedWords| {
        let source = [0x55u8; 256];
        // SAFETY: 256 bytes on either side, not overlapping; nobody else runs.
        unsafe {
            std::arch::asm!("rep movsb", inout("rcx") 256usize => _, inout("rsi") source.as_ptr() => _,
                inout("rdi") words.as_ptr() => _, options(nostack));
        };
    };
    let Stop::At(stopped) = step::run_stepped(200, || copy(&words)) else {
        return Err("rep counts as one".into());
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
        return Err("vdso".into());
    };
    Report::new("support", "step/rep movsb, clock_gettime")
        .count("words copied at 200", copied)
        .note("clock", length)
        .print();
    Ok(())
}

fn step_kills_at_system_calls() -> Outcome {
    let create = |name: &SegmentName| {
        std::fs::write(name.path().with_extension("tmp"), b"whole").unwrap();
        std::fs::rename(name.path().with_extension("tmp"), name.path()).unwrap();
    };
    let mut there = 0;
    let check = |_, name: &SegmentName| {
        let _ = std::fs::remove_file(name.path().with_extension("tmp"));
        match std::fs::read(name.path()) {
            Ok(bytes) if bytes != b"whole" => Err("half".to_owned()),
            Ok(_) => {
                there += 1;
                Ok(())
            }
            Err(_) => Ok(()),
        }
    };
    let tally = walk::for_each_kill_point(&Plan::syscalls(), SegmentName::unique, create, check);
    ensure(there > 0 && tally.length >= 8, format!("{tally:?}"))?;
    ensure(proc::leftovers().is_empty(), "leftovers")?;
    tally.report("support", "step/at system calls")
}

/// An undo log of one word: [1] is the value, [2] its double, [0] says "under way". `recover` restores [2] from [1].
fn half_way(words: &SharedWords) {
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

/// Wrong: says "done" before it is, so a second death hides the first.
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
    let firsts = walk::distinct_points(&plan, || SharedWords::new(3), half_way, image);
    assert_eq!(firsts.len(), 5, "each store shows: {firsts:?}");
    walk::for_each_double_kill(
        (&plan, &firsts),
        || SharedWords::new(3),
        half_way,
        &plan,
        recovery,
        |_, _, words| {
            recovery(words); // the third process is not killed
            let (value, double) = (words[1].load(SeqCst), words[2].load(SeqCst));
            if double == 2 * value {
                Ok(())
            } else {
                Err(format!("{double} is not twice {value}"))
            }
        },
    )
}

fn step_kills_twice() -> Outcome {
    ensure(
        !kill_twice(recover_too_early).violations.is_empty(),
        "a second death must show",
    )?;
    kill_twice(recover).report("support", "step/killed again in recovery")
}

fn step_samples_a_long_operation() -> Outcome {
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
