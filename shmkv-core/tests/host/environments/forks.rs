//! Fork, with and without exec, in and out of the lock.

use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use nix::unistd::Pid;
use shmkv_core::AccessError;

use super::stage::{
    KEY, LONG, OTHER, Orphan, Segment, ensure, fork_idler, run_cases, spawn_idler, value, write_on,
};
use super::support::proc::{Child, fork_child};
use super::support::shared::SharedWords;

/// Waits until `ready` of the child's words are set.
fn wait_for(words: &SharedWords, at: usize, child: &Child) -> Result<(), String> {
    let start = Instant::now();
    while words[at].load(SeqCst) == 0 {
        let runs = child.wait_timeout(Duration::ZERO).is_none();
        ensure(
            runs && start.elapsed() < LONG,
            "the child is not getting ready",
        )?;
        thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

fn orphan(words: &SharedWords, at: usize) -> Orphan {
    Orphan(Pid::from_raw(words[at].load(SeqCst) as i32))
}

/// How the children of a writer come to be.
#[derive(Clone, Copy)]
enum Birth {
    /// Before the first write: there is nothing to inherit but the handle.
    Unregistered,
    /// Between two writes.
    OutOfTheLock,
    /// While another thread writes, most likely under the lock.
    InTheLock,
}

const IDLERS: usize = 30;

/// A writer dies in its critical section; children that it forked live on and have never written.
fn survived_by_children(birth: Birth) -> Result<(), String> {
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
        match birth {
            Birth::Unregistered => fork_all(),
            Birth::OutOfTheLock => {
                map.insert(KEY, value(0)).unwrap();
                fork_all();
            }
            Birth::InTheLock => {}
        }
        thread::scope(|scope| {
            scope.spawn(|| write_on(&map));
            if let Birth::InTheLock = birth {
                fork_all();
            }
        });
        0
    });
    wait_for(&words, 0, &writer)?;
    let children: Vec<Orphan> = (1..=IDLERS).map(|at| orphan(&words, at)).collect();
    segment.catch(&writer);
    segment.is_respected()?;
    writer.kill();
    ensure(
        children.iter().all(Orphan::is_alive),
        "the children live on",
    )?;
    segment.only_live(&[], "a child keeps the claim")?;
    segment.is_taken_over_by(&segment.open())
}

/// The child has executed another program, as a shell's or a server's does.
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
    segment.catch(&writer);
    segment.is_respected()?;
    writer.kill();
    ensure(program.is_alive(), "the program lives on")?;
    segment.only_live(&[], "the program keeps the claim")?;
    segment.is_taken_over_by(&segment.open())
}

pub(crate) fn idle_children_of_the_dead() -> Result<(), Failed> {
    run_cases(
        "idle children of a dead writer",
        &[
            ("forked before the first write", &|| {
                survived_by_children(Birth::Unregistered)
            }),
            ("forked out of the lock", &|| {
                survived_by_children(Birth::OutOfTheLock)
            }),
            ("forked in the lock", &|| {
                survived_by_children(Birth::InTheLock)
            }),
            ("forked and executed", &survived_by_a_program),
        ],
    )
}

const BIRTHS: usize = 150;

/// One thread registers handle after handle, another forks: no child gets hold of a claim that is being made.
fn born_meanwhile() -> Result<(), String> {
    let segment = Segment::new();
    let words = SharedWords::new(1 + BIRTHS);
    let parent = fork_child(|| {
        thread::scope(|scope| {
            scope.spawn(|| {
                loop {
                    let map = segment.open();
                    map.remove([0; 8]).unwrap(); // registers, and does nothing else
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
    let children: Vec<Orphan> = (1..=BIRTHS).map(|at| orphan(&words, at)).collect();
    parent.kill();
    ensure(
        children.iter().all(Orphan::is_alive),
        "the children live on",
    )?;
    segment.only_live(&[], "children keep claims")?;
    segment
        .open()
        .insert(OTHER, value(1))
        .map_err(|error| error.to_string())?;
    Ok(())
}

pub(crate) fn forked_while_registering() -> Result<(), Failed> {
    run_cases(
        "forked while registering",
        &[("150 children", &born_meanwhile)],
    )
}

/// A child writes through the handle that it inherited: under an id of its own, which ends with it.
fn registers_itself() -> Result<(), String> {
    let segment = Segment::new();
    let map = segment.open();
    map.insert(KEY, value(1))
        .map_err(|error| error.to_string())?;
    let (mine, before) = (segment.living(), map.stats().writers);
    ensure(mine.len() == 1, "one writer")?;
    let child = fork_child(|| {
        // Reading makes no writer of it.
        assert_eq!(map.get(KEY).unwrap(), Some(value(1)));
        assert_eq!(segment.living(), mine);
        map.insert(OTHER, value(2)).unwrap();
        let both = segment.living();
        assert!(both.len() == 2 && both.contains(&mine[0]), "{both:?}");
        0
    });
    child
        .exit_code(LONG)
        .and_then(|code| ensure(code == 0, "in the child"))?;
    ensure(map.stats().writers == before + 1, "one more has registered")?;
    segment.only_live(&mine, "only the parent's claim is left")?;
    let found = map.get(OTHER).map_err(|error| error.to_string())?;
    ensure(found == Some(value(2)), "what the child wrote")
}

/// The child dies in its critical section; the parent takes over through the very handle that the child inherited.
fn the_child_dies() -> Result<(), String> {
    let segment = Segment::new();
    let map = segment.open();
    map.insert(KEY, value(1))
        .map_err(|error| error.to_string())?;
    let child = fork_child(|| write_on(&map));
    segment.catch(&child);
    segment.is_respected()?;
    child.kill();
    segment.is_taken_over_by(&map)
}

/// The parent stands still in its critical section, then dies; the child, through the inherited handle, waits, then takes
/// over.
fn the_parent_dies() -> Result<(), String> {
    let segment = Segment::new();
    let words = SharedWords::new(3);
    let parent = fork_child(|| {
        let map = segment.open_impatient();
        map.insert(KEY, value(1)).unwrap();
        let child = fork_heir(&segment, &map, &words);
        words[0].store(child.as_raw() as u64, SeqCst);
        write_on(&map)
    });
    wait_for(&words, 0, &parent)?;
    let heir = orphan(&words, 0);
    segment.catch(&parent);
    let holder = segment.holder();
    words[1].store(1, SeqCst);
    let start = Instant::now();
    while words[2].load(SeqCst) != 1 {
        ensure(
            start.elapsed() < LONG && heir.is_alive(),
            "the heir does not wait",
        )?;
        thread::sleep(Duration::from_micros(200));
    }
    ensure(segment.holder() == holder, "taken from the living")?;
    parent.kill();
    words[1].store(2, SeqCst);
    while words[2].load(SeqCst) != 2 {
        ensure(
            start.elapsed() < LONG && heir.is_alive(),
            "the heir does not take over",
        )?;
        thread::sleep(Duration::from_micros(200));
    }
    let map = segment.open();
    ensure(map.stats().takeovers == 1, "one takeover")?;
    let found = map.get(OTHER).map_err(|error| error.to_string())?;
    ensure(found == Some(value(9)), "what the heir wrote")
}

/// The child of [`the_parent_dies`]: at stage 1 it must be told to wait, at stage 2 it must succeed.
fn fork_heir(segment: &Segment, map: &super::stage::Map, words: &SharedWords) -> Pid {
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
            let told = map.insert(OTHER, value(9));
            if matches!(told, Err(AccessError::LockTimeout { .. })) && segment.living().len() == 2 {
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
