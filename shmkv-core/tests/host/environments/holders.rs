//! Holders of the lock that are killed or stopped, or execute another program.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::cases::{ensure, run_cases};
use super::process::{close_everything, write_on};
use super::segment::{KEY, LONG, OTHER, Segment, value};
use crate::support::environment;
use crate::support::proc::{Child, fork_child, spawn_role};

/// Starts a writer on a segment.
type Start = fn(&Segment) -> Child;

pub(super) fn forked(segment: &Segment) -> Child {
    fork_child(|| write_on(&segment.open()))
}

fn executed(segment: &Segment) -> Child {
    spawn_role("writer", &[segment.name()])
}

/// The writer is PID 1 of a namespace of its own.
fn in_pid_namespace(segment: &Segment) -> Child {
    environment::fork_in_pid_namespace(|| write_on(&segment.open()))
}

/// The holder of the lock is not the first thread.
fn threaded(segment: &Segment) -> Child {
    fork_child(|| {
        let map = segment.open();
        thread::scope(|scope| {
            scope.spawn(|| write_on(&map));
        });
        0
    })
}

/// Closes every descriptor beyond the standard three after its first write, as daemons do.
pub(super) fn with_nothing_open(segment: &Segment) -> Child {
    fork_child(|| {
        let map = segment.open();
        map.insert(KEY, value(0)).unwrap();
        close_everything();
        write_on(&map)
    })
}

const HERE: &[(&str, Start)] = &[
    ("forked", forked),
    ("executed", executed),
    ("threaded", threaded),
    ("closed descriptors", with_nothing_open),
];
/// Needs root.
const ELSEWHERE: &[(&str, Start)] = &[("in another PID namespace", in_pid_namespace)];

fn killed(start: Start) -> Result<(), String> {
    let segment = Segment::new();
    let (registered, fresh) = (segment.open(), segment.open());
    registered
        .insert(OTHER, value(0))
        .map_err(|error| error.to_string())?;
    for map in [&registered, &fresh] {
        let writer = start(&segment);
        segment.stop_in_lock(&writer);
        writer.kill();
        segment.is_taken_over_by(map)?;
    }
    // And by a process that sees other process ids than the dead one did.
    if environment::is_root() {
        let writer = start(&segment);
        segment.stop_in_lock(&writer);
        writer.kill();
        let next = environment::fork_in_pid_namespace(|| {
            let taken = segment.is_taken_over_by(&segment.open());
            taken.map_or_else(|why| panic!("{why}"), |()| 0)
        });
        next.exit_code(LONG)
            .and_then(|code| ensure(code == 0, "the check in another namespace failed"))?;
    }
    Ok(())
}

pub(crate) fn killed_holders() -> Result<(), Failed> {
    all_killed("holder killed", HERE)
}

/// A process without write permission can take a read lock on the byte of a dead holder's id. It must not
/// keep the holder alive.
pub(crate) fn a_read_lock_is_no_registration() -> Result<(), Failed> {
    run_cases("read locks", &[("on a dead holder's byte", &read_locked)])
}

fn read_locked() -> Result<(), String> {
    let segment = Segment::new();
    let next = segment.open();
    let writer = forked(&segment);
    segment.stop_in_lock(&writer);
    let holder = segment.holder();
    writer.kill();
    let path = format!("/dev/shm{}", segment.name());
    let file = File::open(path).map_err(|error| error.to_string())?;
    let byte = libc::flock {
        l_type: libc::F_RDLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: (1 << 62) + i64::from(holder),
        l_len: 1,
        l_pid: 0,
    };
    // The kernel releases the dead writer's lock a moment after its death.
    let deadline = Instant::now() + LONG;
    while fcntl(&file, FcntlArg::F_OFD_SETLK(&byte)).is_err() {
        ensure(
            Instant::now() < deadline,
            "the kernel did not release the dead writer's lock",
        )?;
        thread::yield_now();
    }
    segment.is_taken_over_by(&next)
}

pub(crate) fn killed_holders_elsewhere() -> Result<(), Failed> {
    all_killed("holder killed elsewhere", ELSEWHERE)
}

fn all_killed(what: &str, starts: &[(&'static str, Start)]) -> Result<(), Failed> {
    let cases: Vec<_> = starts
        .iter()
        .map(|&(name, start)| (name, move || killed(start)))
        .collect();
    let cases: Vec<_> = cases
        .iter()
        .map(|(name, run)| (*name, run as &dyn Fn() -> _))
        .collect();
    run_cases(what, &cases)
}

fn stopped(start: Start) -> Result<(), String> {
    let segment = Segment::new();
    let waiting = segment.open();
    let writer = start(&segment);
    segment.stop_in_lock(&writer);
    segment.is_respected()?;
    // Every time, and in other namespaces.
    segment.is_respected()?;
    if environment::is_root() {
        let elsewhere = environment::fork_in_pid_namespace(|| {
            segment
                .is_respected()
                .map_or_else(|why| panic!("{why}"), |()| 0)
        });
        elsewhere
            .exit_code(LONG)
            .and_then(|code| ensure(code == 0, "the check in another namespace failed"))?;
    }
    writer.cont();
    waiting
        .insert(OTHER, value(3))
        .map_err(|error| format!("after SIGCONT: {error}"))?;
    ensure(
        waiting.stats().takeovers == 0,
        "the lock of a live holder was taken over",
    )
}

pub(crate) fn stopped_holders() -> Result<(), Failed> {
    all_stopped("holder stopped", HERE)
}

pub(crate) fn stopped_holders_elsewhere() -> Result<(), Failed> {
    all_stopped("holder stopped elsewhere", ELSEWHERE)
}

fn all_stopped(what: &str, starts: &[(&'static str, Start)]) -> Result<(), Failed> {
    let cases: Vec<_> = starts
        .iter()
        .map(|&(name, start)| (name, move || stopped(start)))
        .collect();
    let cases: Vec<_> = cases
        .iter()
        .map(|(name, run)| (*name, run as &dyn Fn() -> _))
        .collect();
    run_cases(what, &cases)
}

/// A thread writes while another one executes a new program: the process id stays, the registration must
/// not.
fn executes() -> Result<(), String> {
    let segment = Segment::new();
    let map = segment.open();
    let mine = segment.registered();
    let start = Instant::now();
    for delay in (1_000..).step_by(37) {
        let process = spawn_role("becomes-idle", &[segment.name(), &delay.to_string()]);
        let arguments = format!("/proc/{}/cmdline", process.pid());
        while !std::fs::read_to_string(&arguments).is_ok_and(|it| it.contains("idle-now")) {
            ensure(start.elapsed() < LONG, "the process never becomes idle")?;
            thread::sleep(Duration::from_micros(200));
        }
        segment.only_registered(&mine, "after exec")?;
        if segment.holder() != 0 {
            segment.is_taken_over_by(&map)?;
            return ensure(
                process.wait_timeout(Duration::ZERO).is_none(),
                "the process has ended",
            );
        }
        ensure(
            start.elapsed() < LONG,
            "the program was never executed inside the lock",
        )?;
    }
    Ok(())
}

pub(crate) fn exec_ends_a_registration() -> Result<(), Failed> {
    run_cases("exec", &[("in the lock", &executes)])
}
