//! Processes that fork, with and without exec, inside and outside the lock.

use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use nix::unistd::Pid;
use shmkv_core::AccessError;

use super::cases::{ensure, run_cases};
use super::process::{Orphan, fork_idler, spawn_idler, write_on};
use super::segment::{KEY, LONG, Map, OTHER, Segment, value};
use crate::support::proc::{Child, fork_child};
use crate::support::shared::SharedWords;

/// Waits until the child sets the word `at`.
fn wait_for(words: &SharedWords, at: usize, child: &Child) -> Result<(), String> {
    let start = Instant::now();
    while words[at].load(SeqCst) == 0 {
        let runs = child.wait_timeout(Duration::ZERO).is_none();
        ensure(
            runs && start.elapsed() < LONG,
            "the child did not get ready",
        )?;
        thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

fn orphan(words: &SharedWords, at: usize) -> Orphan {
    Orphan(Pid::from_raw(words[at].load(SeqCst) as i32))
}

/// When a writer forks its children.
#[derive(Clone, Copy)]
enum ForkedWhen {
    /// Before its first write: the children inherit only the handle.
    Unregistered,
    /// Between two writes.
    OutOfTheLock,
    /// While another thread writes, most likely under the lock.
    InTheLock,
}

const IDLERS: usize = 30;

/// A writer is killed while it holds the lock; its children, which have never written, live on.
fn survived_by_children(when: ForkedWhen) -> Result<(), String> {
    let segment = Segment::new();
    let words = SharedWords::new(1 + IDLERS);
    let writer = fork_child(|| {
        let map = segment.open();
        let fork_all = || {
            for word in &words[1..] {
                word.store(fork_idler().as_raw() as u64, SeqCst);
            }
            words[0].store(1, SeqCst);
        };
        match when {
            ForkedWhen::Unregistered => fork_all(),
            ForkedWhen::OutOfTheLock => {
                map.insert(KEY, value(0)).unwrap();
                fork_all();
            }
            ForkedWhen::InTheLock => {}
        }
        thread::scope(|scope| {
            scope.spawn(|| write_on(&map));
            if let ForkedWhen::InTheLock = when {
                fork_all();
            }
        });
        0
    });
    wait_for(&words, 0, &writer)?;
    let children: Vec<Orphan> = (1..=IDLERS).map(|at| orphan(&words, at)).collect();
    segment.stop_in_lock(&writer);
    segment.is_respected()?;
    writer.kill();
    ensure(children.iter().all(Orphan::is_alive), "a child has ended")?;
    segment.only_registered(&[], "children of a dead writer")?;
    segment.is_taken_over_by(&segment.open())
}

/// The child has executed another program, as the child of a shell or a server does.
fn survived_by_a_program() -> Result<(), String> {
    let segment = Segment::new();
    let words = SharedWords::new(1);
    let writer = fork_child(|| {
        let map = segment.open();
        map.insert(KEY, value(0)).unwrap();
        words[0].store(u64::from(spawn_idler()), SeqCst);
        write_on(&map)
    });
    wait_for(&words, 0, &writer)?;
    let program = orphan(&words, 0);
    segment.stop_in_lock(&writer);
    segment.is_respected()?;
    writer.kill();
    ensure(program.is_alive(), "the program has ended")?;
    segment.only_registered(&[], "a program executed by a dead writer")?;
    segment.is_taken_over_by(&segment.open())
}

pub(crate) fn idle_children_of_a_killed_writer() -> Result<(), Failed> {
    run_cases(
        "idle children of a dead writer",
        &[
            ("forked before the first write", &|| {
                survived_by_children(ForkedWhen::Unregistered)
            }),
            ("forked out of the lock", &|| {
                survived_by_children(ForkedWhen::OutOfTheLock)
            }),
            ("forked in the lock", &|| {
                survived_by_children(ForkedWhen::InTheLock)
            }),
            ("forked and executed", &survived_by_a_program),
        ],
    )
}

const CHILDREN: usize = 150;

/// One thread registers handle after handle while another forks: no child inherits a registration that is
/// being made.
fn forked_meanwhile() -> Result<(), String> {
    let segment = Segment::new();
    let words = SharedWords::new(1 + CHILDREN);
    let parent = fork_child(|| {
        thread::scope(|scope| {
            scope.spawn(|| {
                loop {
                    let map = segment.open();
                    map.remove([0; 8]).unwrap(); // registers and changes nothing
                }
            });
            for word in &words[1..] {
                word.store(fork_idler().as_raw() as u64, SeqCst);
            }
            words[0].store(1, SeqCst);
        });
        0
    });
    wait_for(&words, 0, &parent)?;
    let children: Vec<Orphan> = (1..=CHILDREN).map(|at| orphan(&words, at)).collect();
    parent.kill();
    ensure(children.iter().all(Orphan::is_alive), "a child has ended")?;
    segment.only_registered(&[], "children of a dead writer")?;
    segment
        .open()
        .insert(OTHER, value(1))
        .map_err(|error| error.to_string())?;
    Ok(())
}

pub(crate) fn forked_while_registering() -> Result<(), Failed> {
    run_cases(
        "forked while registering",
        &[("150 children", &forked_meanwhile)],
    )
}

/// A child that writes through an inherited handle has an id of its own, whose registration ends with it.
fn registers_itself() -> Result<(), String> {
    let segment = Segment::new();
    let map = segment.open();
    map.insert(KEY, value(1))
        .map_err(|error| error.to_string())?;
    let (mine, before) = (segment.registered(), map.stats().writers);
    ensure(mine.len() == 1, "expected one writer")?;
    let child = fork_child(|| {
        // Reading does not register it.
        assert_eq!(map.get(KEY).unwrap(), Some(value(1)));
        assert_eq!(segment.registered(), mine);
        map.insert(OTHER, value(2)).unwrap();
        let both = segment.registered();
        assert!(both.len() == 2 && both.contains(&mine[0]), "{both:?}");
        0
    });
    child
        .exit_code(LONG)
        .and_then(|code| ensure(code == 0, "the child failed"))?;
    ensure(
        map.stats().writers == before + 1,
        "expected one more registration",
    )?;
    segment.only_registered(&mine, "after the child has ended")?;
    let found = map.get(OTHER).map_err(|error| error.to_string())?;
    ensure(
        found == Some(value(2)),
        "the parent does not read what the child wrote",
    )
}

/// The child is killed while it holds the lock; the parent takes over through the handle that the child
/// inherited.
fn the_child_dies() -> Result<(), String> {
    let segment = Segment::new();
    let map = segment.open();
    map.insert(KEY, value(1))
        .map_err(|error| error.to_string())?;
    let child = fork_child(|| write_on(&map));
    segment.stop_in_lock(&child);
    segment.is_respected()?;
    child.kill();
    segment.is_taken_over_by(&map)
}

/// The parent is stopped while it holds the lock, then killed. Through the inherited handle, the child first
/// waits, then takes over.
fn the_parent_dies() -> Result<(), String> {
    let segment = Segment::new();
    let words = SharedWords::new(3);
    let parent = fork_child(|| {
        let map = segment.open_impatient();
        map.insert(KEY, value(1)).unwrap();
        let child = fork_successor(&segment, &map, &words);
        words[0].store(child.as_raw() as u64, SeqCst);
        write_on(&map)
    });
    wait_for(&words, 0, &parent)?;
    let successor = orphan(&words, 0);
    segment.stop_in_lock(&parent);
    let holder = segment.holder();
    words[1].store(1, SeqCst);
    let start = Instant::now();
    while words[2].load(SeqCst) != 1 {
        ensure(
            start.elapsed() < LONG && successor.is_alive(),
            "the child does not wait",
        )?;
        thread::sleep(Duration::from_micros(200));
    }
    ensure(
        segment.holder() == holder,
        "the lock of a live holder was taken over",
    )?;
    parent.kill();
    words[1].store(2, SeqCst);
    while words[2].load(SeqCst) != 2 {
        ensure(
            start.elapsed() < LONG && successor.is_alive(),
            "the child does not take over",
        )?;
        thread::sleep(Duration::from_micros(200));
    }
    let map = segment.open();
    ensure(map.stats().takeovers == 1, "expected one takeover")?;
    let found = map.get(OTHER).map_err(|error| error.to_string())?;
    ensure(
        found == Some(value(9)),
        "the value that the child wrote is missing",
    )
}

/// The child of [`the_parent_dies`]: at stage 1 its insert must time out, at stage 2 it must succeed.
fn fork_successor(segment: &Segment, map: &Map, words: &SharedWords) -> Pid {
    // SAFETY: the process is single-threaded here.
    match unsafe { nix::unistd::fork() }.expect("fork") {
        nix::unistd::ForkResult::Parent { child } => child,
        nix::unistd::ForkResult::Child => {
            let stage = |at| {
                while words[1].load(SeqCst) < at {
                    thread::sleep(Duration::from_micros(200));
                }
            };
            nix::unistd::alarm::set(120);
            stage(1);
            let answer = map.insert(OTHER, value(9));
            if matches!(answer, Err(AccessError::LockTimeout { .. }))
                && segment.registered().len() == 2
            {
                words[2].store(1, SeqCst);
            }
            stage(2);
            if map.insert(OTHER, value(9)).is_ok() {
                words[2].store(2, SeqCst);
            }
            // SAFETY: `_exit` has no precondition.
            unsafe { nix::libc::_exit(0) }
        }
    }
}

pub(crate) fn forked_writers() -> Result<(), Failed> {
    run_cases(
        "forked writers",
        &[
            ("a child registers itself", &registers_itself),
            ("a child dies in the lock", &the_child_dies),
            ("a parent dies in the lock", &the_parent_dies),
        ],
    )
}
