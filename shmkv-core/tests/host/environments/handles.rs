//! Several handles, or several threads, in one process.

use std::thread;

use libtest_mimic::Failed;
use shmkv_core::Map as TypedMap;

use super::cases::{ensure, run_cases};
use super::process::write_on;
use super::segment::{KEY, LONG, OTHER, Segment, value};
use crate::support::proc::fork_child;

/// Each handle is a writer of its own, and dropping one does not end the registration of the other. (With
/// POSIX record locks it would: closing any descriptor of a file drops all locks of the process on it.)
fn independent() -> Result<(), String> {
    let segment = Segment::new();
    let (first, second) = (segment.open(), segment.open());
    first
        .insert(KEY, value(1))
        .map_err(|error| error.to_string())?;
    second
        .insert(OTHER, value(2))
        .map_err(|error| error.to_string())?;
    ensure(
        segment.registered().len() == 2,
        "expected two registrations",
    )?;
    ensure(
        second.get(KEY).is_ok_and(|it| it == Some(value(1))),
        "the second handle does not read what the first wrote",
    )?;
    drop(first);
    ensure(segment.registered().len() == 1, "expected one registration")?;
    second
        .insert(KEY, value(3))
        .map_err(|error| error.to_string())?;
    drop(second);
    segment.only_registered(&[], "after both handles were dropped")
}

/// A process is killed while it holds the lock through one handle; its other handle has never written.
fn one_of_two_holds() -> Result<(), String> {
    let segment = Segment::new();
    let writer = fork_child(|| {
        let (_idle, busy) = (segment.open(), segment.open());
        write_on(&busy)
    });
    segment.stop_in_lock(&writer);
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

/// Threads of one process that count together, through one handle or a handle each, lose no count.
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
