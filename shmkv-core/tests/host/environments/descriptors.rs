//! Descriptors of a map that are closed, or replaced by another file's, while the map is open.

use std::fs::{File, OpenOptions};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use shmkv_core::AccessError;

use super::cases::{ensure, run_cases};
use super::holders::{forked, with_nothing_open};
use super::process::close_everything;
use super::segment::{KEY, LONG, OTHER, Segment, value};
use crate::support::proc::fork_child;
use crate::support::shared::SharedWords;

/// The registration outlasts the descriptor.
fn closed_after_registering() -> Result<(), String> {
    let segment = Segment::new();
    let writer = with_nothing_open(&segment);
    segment.stop_in_lock(&writer);
    ensure(
        segment.registered() == [segment.holder()],
        "the registration has ended",
    )
}

/// The first write of a forked child registers it as a writer. Without a descriptor it fails.
fn closed_before_registering() -> Result<(), String> {
    let segment = Segment::new();
    let map = segment.open();
    let mine = segment.registered();
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
        .and_then(|code| ensure(code == 0, "the child failed"))?;
    segment.only_registered(&mine, "after the refused registration")
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

/// Opens the file several times, so that one has the number that the map's descriptor had.
fn replace_descriptors(path: &std::path::Path) -> Vec<File> {
    let open = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap()
    };
    (0..8).map(|_| open()).collect()
}

/// A process whose descriptor is closed, or refers to another file, cannot tell whether a writer is alive. It
/// must treat every writer as alive.
fn replaced(by: Option<&std::path::Path>) -> Result<(), String> {
    let segment = Segment::new();
    let words = SharedWords::new(2);
    let holder = forked(&segment);
    segment.stop_in_lock(&holder);
    let id = segment.holder();

    let waiter = fork_child(|| {
        let map = segment.open_impatient();
        let times_out = || {
            matches!(
                map.insert(OTHER, value(1)),
                Err(AccessError::LockTimeout { .. })
            )
        };
        assert!(times_out(), "a live holder"); // and registers this process
        close_everything();
        let files = by.map(replace_descriptors);
        assert!(times_out(), "a live holder, without a descriptor");
        words[0].store(1, SeqCst);
        while words[1].load(SeqCst) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(times_out(), "a dead holder, without a descriptor");
        std::mem::forget((map, files)); // they may have the same descriptor
        0
    });
    let start = Instant::now();
    while words[0].load(SeqCst) == 0 {
        ensure(
            start.elapsed() < LONG && waiter.wait_timeout(Duration::ZERO).is_none(),
            "the waiter without a descriptor ended, or hangs",
        )?;
        thread::sleep(Duration::from_millis(1));
    }
    ensure(
        segment.holder() == id,
        "the lock of a live holder was taken over",
    )?;
    holder.kill();
    words[1].store(1, SeqCst);
    waiter
        .exit_code(LONG)
        .and_then(|code| ensure(code == 0, "the waiter without a descriptor failed"))?;
    ensure(
        segment.holder() == id,
        "the lock was taken over without knowing that the holder is dead",
    )?;
    segment.is_taken_over_by(&segment.open())
}

/// And a forked child cannot register, since its descriptor refers to another file.
fn replaced_before_registering() -> Result<(), String> {
    let (segment, other) = (Segment::new(), Segment::new());
    let map = segment.open();
    let mine = segment.registered();
    let path = other.name.path();
    let child = fork_child(|| {
        close_everything();
        let files = replace_descriptors(&path);
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
        .and_then(|code| ensure(code == 0, "the child failed"))?;
    segment.only_registered(&mine, "after the refused registration")?;
    other.only_registered(&[], "in the other segment")
}

pub(crate) fn replaced_descriptors() -> Result<(), Failed> {
    let other = Segment::new();
    let path = other.name.path();
    run_cases(
        "replaced descriptors",
        &[
            ("closed", &|| replaced(None)),
            ("a device", &|| replaced(Some("/dev/null".as_ref()))),
            ("another segment", &|| replaced(Some(&path))),
            ("before the first write", &replaced_before_registering),
        ],
    )
}
