//! Holders of the lock that die, stand still, become another program, or close what they should not.

use std::fs::{File, OpenOptions};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use shmkv_core::{AccessError, Map as TypedMap};

use super::stage::{KEY, LONG, OTHER, Segment, ensure, run_cases, value, write_on};
use super::support::proc::{Child, fork_child, spawn_role};
use super::support::shared::SharedWords;
use super::support::world;

/// Starts a writer on a segment.
type Start = fn(&Segment) -> Child;

fn forked(segment: &Segment) -> Child {
    fork_child(|| write_on(&segment.open()))
}

fn executed(segment: &Segment) -> Child {
    spawn_role("writer", &[segment.name()])
}

/// PID 1 of a namespace of its own.
fn in_pid_namespace(segment: &Segment) -> Child {
    world::fork_in_pid_namespace(|| write_on(&segment.open()))
}

/// Another thread than the first is the one that holds the lock.
fn threaded(segment: &Segment) -> Child {
    fork_child(|| {
        let map = segment.open();
        thread::scope(|scope| {
            scope.spawn(|| write_on(&map));
        });
        0
    })
}

/// Every descriptor beyond the standard three is closed after the first write, as daemons do.
fn with_nothing_open(segment: &Segment) -> Child {
    fork_child(|| {
        let map = segment.open();
        map.insert(KEY, value(0)).unwrap();
        close_everything();
        write_on(&map)
    })
}

fn close_everything() {
    // SAFETY: takes numbers. What is closed here belongs to this process, which drops none of it.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
    assert_eq!(closed, 0, "close_range");
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
        segment.catch(&writer);
        writer.kill();
        segment.is_taken_over_by(map)?;
    }
    // And by one who sees other process ids than the dead one did.
    if world::is_root() {
        let writer = start(&segment);
        segment.catch(&writer);
        writer.kill();
        let next = world::fork_in_pid_namespace(|| {
            let taken = segment.is_taken_over_by(&segment.open());
            taken.map_or_else(|why| panic!("{why}"), |()| 0)
        });
        next.exit_code(LONG)
            .and_then(|code| ensure(code == 0, "in another namespace"))?;
    }
    Ok(())
}

pub(crate) fn killed_holders() -> Result<(), Failed> {
    all_killed("holder killed", HERE)
}

/// A read lock on the byte of a dead holder's id needs no right to write.
pub(crate) fn read_locks_keep_nobody_alive() -> Result<(), Failed> {
    run_cases("read locks", &[("on a dead holder's byte", &read_locked)])
}

fn read_locked() -> Result<(), String> {
    let segment = Segment::new();
    let next = segment.open();
    let writer = forked(&segment);
    segment.catch(&writer);
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
    // The kernel lets go of the dead one's lock a moment after its death.
    let deadline = Instant::now() + LONG;
    while fcntl(&file, FcntlArg::F_OFD_SETLK(&byte)).is_err() {
        ensure(Instant::now() < deadline, "the dead one's lock is gone")?;
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
    segment.catch(&writer);
    segment.is_respected()?;
    // As often as it is asked, and from wherever.
    segment.is_respected()?;
    if world::is_root() {
        let elsewhere = world::fork_in_pid_namespace(|| {
            segment
                .is_respected()
                .map_or_else(|why| panic!("{why}"), |()| 0)
        });
        elsewhere
            .exit_code(LONG)
            .and_then(|code| ensure(code == 0, "from another namespace"))?;
    }
    writer.cont();
    waiting
        .insert(OTHER, value(3))
        .map_err(|error| format!("after SIGCONT: {error}"))?;
    ensure(
        waiting.stats().takeovers == 0,
        "a living one's lock was taken over",
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

/// A thread writes while another one executes a new program: the process id stays, the claim must not.
fn executes() -> Result<(), String> {
    let segment = Segment::new();
    let map = segment.open();
    let mine = segment.living();
    let start = Instant::now();
    for delay in (1_000..).step_by(37) {
        let process = spawn_role("becomes-idle", &[segment.name(), &delay.to_string()]);
        let arguments = format!("/proc/{}/cmdline", process.pid());
        while !std::fs::read_to_string(&arguments).is_ok_and(|it| it.contains("idle-now")) {
            ensure(start.elapsed() < LONG, "it never becomes idle")?;
            thread::sleep(Duration::from_micros(200));
        }
        segment.only_live(&mine, "its claim lives on")?;
        if segment.holder() != 0 {
            segment.is_taken_over_by(&map)?;
            return ensure(
                process.wait_timeout(Duration::ZERO).is_none(),
                "it is dead anyway",
            );
        }
        ensure(start.elapsed() < LONG, "never executed inside the lock")?;
    }
    Ok(())
}

pub(crate) fn exec_ends_a_claim() -> Result<(), Failed> {
    run_cases("exec", &[("in the lock", &executes)])
}

fn closed_after_registering() -> Result<(), String> {
    let segment = Segment::new();
    let writer = with_nothing_open(&segment);
    segment.catch(&writer);
    // Its id, and nobody else's, whatever it has closed.
    ensure(segment.living() == [segment.holder()], "its claim has gone")
}

/// A forked child is a writer of its own, from its first write on; without a descriptor it cannot become one.
fn closed_before_registering() -> Result<(), String> {
    let segment = Segment::new();
    let map = segment.open();
    let mine = segment.living();
    let child = fork_child(|| {
        close_everything();
        let refused = map.insert(OTHER, value(1));
        assert!(
            matches!(refused, Err(AccessError::Io { .. })),
            "{:?}",
            refused.err()
        );
        assert!(map.get(KEY).unwrap().is_some());
        0
    });
    child
        .exit_code(LONG)
        .and_then(|code| ensure(code == 0, "in the child"))?;
    segment.only_live(&mine, "a claim is left")
}

pub(crate) fn closed_descriptors() -> Result<(), Failed> {
    run_cases(
        "closed descriptors",
        &[
            ("after the first write", &closed_after_registering),
            ("before the first write", &closed_before_registering),
        ],
    )
}

/// Opens files until one has the number that the map's descriptor had.
fn steal(path: &std::path::Path) -> Vec<File> {
    let open = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap()
    };
    (0..8).map(|_| open()).collect()
}

/// A process whose descriptor is gone, or another file's, cannot tell who is alive: for it everybody is.
fn stolen(by: Option<&std::path::Path>) -> Result<(), String> {
    let segment = Segment::new();
    let words = SharedWords::new(2);
    let holder = forked(&segment);
    segment.catch(&holder);
    let id = segment.holder();

    let blind = fork_child(|| {
        let map = segment.open_impatient();
        let times_out = || {
            matches!(
                map.insert(OTHER, value(1)),
                Err(AccessError::LockTimeout { .. })
            )
        };
        assert!(times_out(), "a living holder"); // and registers
        close_everything();
        let files = by.map(steal);
        assert!(times_out(), "a living holder, without a descriptor");
        words[0].store(1, SeqCst);
        while words[1].load(SeqCst) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(times_out(), "a dead holder, without a descriptor");
        std::mem::forget((map, files)); // whose descriptor is whose?
        0
    });
    let start = Instant::now();
    while words[0].load(SeqCst) == 0 {
        ensure(
            start.elapsed() < LONG && blind.wait_timeout(Duration::ZERO).is_none(),
            "the blind one",
        )?;
        thread::sleep(Duration::from_millis(1));
    }
    ensure(segment.holder() == id, "taken from the living")?;
    holder.kill();
    words[1].store(1, SeqCst);
    blind
        .exit_code(LONG)
        .and_then(|code| ensure(code == 0, "the blind one"))?;
    ensure(
        segment.holder() == id,
        "taken over by one who could not know",
    )?;
    segment.is_taken_over_by(&segment.open())
}

/// And a forked child cannot become a writer: the file that it would claim a byte of is another.
fn stolen_before_registering() -> Result<(), String> {
    let (segment, other) = (Segment::new(), Segment::new());
    let map = segment.open();
    let mine = segment.living();
    let path = other.name.path();
    let child = fork_child(|| {
        close_everything();
        let files = steal(&path);
        let refused = map.insert(OTHER, value(1));
        assert!(
            matches!(refused, Err(AccessError::Io { .. })),
            "{:?}",
            refused.err()
        );
        assert!(map.get(OTHER).unwrap().is_none());
        std::mem::forget(files);
        0
    });
    child
        .exit_code(LONG)
        .and_then(|code| ensure(code == 0, "in the child"))?;
    segment.only_live(&mine, "a claim is left")?;
    other.only_live(&[], "a claim of another segment is left")
}

pub(crate) fn stolen_descriptors() -> Result<(), Failed> {
    let other = Segment::new();
    let path = other.name.path();
    run_cases(
        "stolen descriptors",
        &[
            ("closed", &|| stolen(None)),
            ("a device", &|| stolen(Some("/dev/null".as_ref()))),
            ("another segment", &|| stolen(Some(&path))),
            ("before the first write", &stolen_before_registering),
        ],
    )
}

/// Each handle is a writer of its own; dropping one leaves the other's claim alone. (POSIX record locks would not: closing
/// any descriptor of a file drops all locks that the process has on it.)
fn independent() -> Result<(), String> {
    let segment = Segment::new();
    let (first, second) = (segment.open(), segment.open());
    first
        .insert(KEY, value(1))
        .map_err(|error| error.to_string())?;
    second
        .insert(OTHER, value(2))
        .map_err(|error| error.to_string())?;
    ensure(segment.living().len() == 2, "two handles, two claims")?;
    ensure(
        second.get(KEY).is_ok_and(|it| it == Some(value(1))),
        "what the first wrote",
    )?;
    drop(first);
    ensure(segment.living().len() == 1, "the claim that is left")?;
    second
        .insert(KEY, value(3))
        .map_err(|error| error.to_string())?;
    drop(second);
    segment.only_live(&[], "no handle, no claim")
}

/// A process dies holding a lock through one handle, while its other handle had never written.
fn one_of_two_holds() -> Result<(), String> {
    let segment = Segment::new();
    let writer = fork_child(|| {
        let (_idle, busy) = (segment.open(), segment.open());
        write_on(&busy)
    });
    segment.catch(&writer);
    segment.is_respected()?;
    writer.kill();
    segment.is_taken_over_by(&segment.open())
}

pub(crate) fn two_handles() -> Result<(), Failed> {
    run_cases(
        "two handles in one process",
        &[
            ("both write", &independent),
            ("one holds the lock", &one_of_two_holds),
        ],
    )
}

const THREADS: u64 = 4;
const ROUNDS: u64 = 2_000;

/// Threads of one process, through one handle or one each, count together: not one count is lost.
fn counted(handle_each: bool) -> Result<(), String> {
    let child = fork_child(|| {
        let map = TypedMap::<8, u32, u64>::create_anonymous().unwrap();
        map.insert(0, 0).unwrap();
        thread::scope(|scope| {
            for i in 0..THREADS as u32 {
                let map = &map;
                scope.spawn(move || {
                    use std::os::fd::AsFd as _;
                    let fd = map.as_fd().try_clone_to_owned().unwrap();
                    let own = TypedMap::<8, u32, u64>::from_fd(fd).unwrap();
                    let map = if handle_each { &own } else { map };
                    for _ in 0..ROUNDS {
                        map.update(0, |count| *count += 1).unwrap();
                        map.insert(1 + i, 0).unwrap();
                        map.remove(1 + i).unwrap();
                    }
                });
            }
        });
        let right = map.get(0).unwrap() == Some(THREADS * ROUNDS) && map.len() == 1;
        i32::from(!right || !map.check().is_empty())
    });
    child
        .exit_code(LONG)
        .and_then(|code| ensure(code == 0, "a count was lost"))
}

pub(crate) fn threads() -> Result<(), Failed> {
    run_cases(
        "threads",
        &[
            ("one handle", &|| counted(false)),
            ("a handle each", &|| counted(true)),
        ],
    )
}
