//! Fails one system call of an operation after another, and checks that nothing is left behind.

use std::collections::BTreeSet;
use std::error::Error;

use libtest_mimic::Failed;
use nix::errno::Errno;
use nix::libc;
use shmkv_core::{ShmMap, ShmReader};

use super::maps::{KEY, Large, LargeReader, Map, Reader, VALUE};
use crate::support::inject::{self, Call, Coverage, Ended};

/// What an operation opened.
pub(crate) enum Opened {
    Map(Map),
    Reader(Reader),
    Large(Large),
    LargeReader(LargeReader),
    Nothing,
}

pub(crate) type Outcome = Result<Opened, Box<dyn Error>>;

impl From<Map> for Opened {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<Large> for Opened {
    fn from(map: Large) -> Self {
        Self::Large(map)
    }
}

/// What this process holds that an operation could leave behind.
#[derive(Debug)]
struct Holdings {
    descriptors: BTreeSet<String>,
    /// How many segments are mapped.
    mappings: usize,
    /// Bytes of private mappings that are neither heap nor stack: a writer keeps its id in one, and an
    /// aligned mapping leaves reserved addresses around it.
    private: u64,
}

impl Holdings {
    fn now() -> Self {
        let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
        let descriptors = descriptors.filter_map(|entry| {
            let path = entry.unwrap().path();
            let target = std::fs::read_link(&path).ok()?; // the descriptor that reads the directory is closed
            let is_own = target.starts_with("/proc");
            (!is_own).then(|| format!("{} to {}", path.display(), target.display()))
        });
        let descriptors = descriptors.collect();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let mappings = maps
            .lines()
            .filter(|line| line.contains("shmkv-test-") || line.contains("memfd:shmkv"));
        let private = maps.lines().filter_map(|line| {
            // address-address permissions offset device inode path
            let mut fields = line.split_whitespace();
            let (start, end) = fields.next()?.split_once('-')?;
            let length = |it| u64::from_str_radix(it, 16).ok();
            let unnamed = matches!(fields.next()?, "rw-p" | "---p") && fields.count() == 3;
            unnamed.then_some(length(end)? - length(start)?)
        });
        Self {
            descriptors,
            mappings: mappings.count(),
            private: private.sum(),
        }
    }
}

const FAILED: i32 = 1;
const LEAKED_DESCRIPTOR: i32 = 2;
const LEAKED_MAPPING: i32 = 4;
const LEAKED_MEMORY: i32 = 8;
const UNUSABLE: i32 = 16;

fn use_map<const N: usize>(map: ShmMap<N, 8, 16>) -> i32 {
    let inserted = map.insert(KEY, VALUE);
    let usable = inserted.is_ok() && matches!(map.get(KEY), Ok(Some(VALUE)));
    if usable && map.check().is_empty() {
        0
    } else {
        UNUSABLE
    }
}

fn use_reader<const N: usize>(reader: ShmReader<N, 8, 16>) -> i32 {
    if reader.get(KEY).is_ok() { 0 } else { UNUSABLE }
}

/// Uses and drops what an operation opened, and compares what is held then with what was held before.
fn aftermath(outcome: Outcome, before: &Holdings) -> i32 {
    let mut code = 0;
    match outcome {
        Ok(Opened::Map(map)) => code |= use_map(map),
        Ok(Opened::Large(map)) => code |= use_map(map),
        Ok(Opened::Reader(reader)) => code |= use_reader(reader),
        Ok(Opened::LargeReader(reader)) => code |= use_reader(reader),
        Ok(Opened::Nothing) => {}
        Err(error) => {
            assert!(!error.to_string().is_empty());
            code |= FAILED;
        }
    }
    let after = Holdings::now();
    let leaked = after.descriptors.difference(&before.descriptors);
    code |= if leaked.count() > 0 {
        LEAKED_DESCRIPTOR
    } else {
        0
    };
    code |= if after.mappings > before.mappings {
        LEAKED_MAPPING
    } else {
        0
    };
    code |= if after.private > before.private {
        LEAKED_MEMORY
    } else {
        0
    };
    code
}

/// The errors with which a call is made to fail.
fn errnos(call: Call) -> Vec<Errno> {
    let mut errnos = vec![Errno::ENOMEM, Errno::EACCES, Errno::EINTR, Errno::ENOSYS];
    match call.name() {
        Some("close" | "munmap") => return vec![],
        Some("openat") => errnos.extend([Errno::EMFILE, Errno::EOPNOTSUPP, Errno::ENOENT]),
        Some("fcntl") => errnos.extend([Errno::EAGAIN, Errno::EINVAL]),
        Some("fallocate" | "pwrite64") => errnos.extend([Errno::ENOSPC, Errno::EOPNOTSUPP]),
        Some("linkat" | "link") => errnos.extend([Errno::EEXIST, Errno::ENOENT]),
        Some("madvise") => errnos.extend([
            Errno::EINVAL,
            Errno::EAGAIN,
            Errno::EFAULT,
            Errno::EHWPOISON,
        ]),
        Some("memfd_create") => errnos.push(Errno::EINVAL),
        // The test itself makes this call, to install its filter.
        None if call.0 == libc::SYS_prctl => return vec![],
        _ => {}
    }
    errnos
}

/// Fails each call of `operate`. `verify` is told whether the operation reported a failure, and which call
/// failed.
pub(crate) fn each_call<S>(
    case: &str,
    setup: impl Fn() -> S,
    operate: impl Fn(&S) -> Outcome,
    verify: impl Fn(&S, bool, Call) -> Result<(), String>,
) -> Result<(), Failed> {
    /// The kernel may refuse at any moment to collapse pages into a huge one, which the map
    /// then asks for again. A run with another number of these calls is repeated, the first
    /// one until two agree.
    const MORE_TRIES: usize = 20;
    let mut coverage = Coverage::default();
    let mut failures = 0;
    let list = || {
        let state = setup();
        let _as_below = Holdings::now(); // so that the heap is in the same state as in the runs below
        // Only the calls of the operation count: what it opened is neither used nor dropped.
        let run = inject::list_calls(|| {
            let outcome = operate(&state);
            let failed = outcome.is_err();
            std::mem::forget(outcome);
            i32::from(failed)
        });
        assert_eq!(run.ended, Ended::Returned(0), "without a failing call");
        run.calls
    };
    let mut calls = list();
    for _ in 0..MORE_TRIES {
        let again = list();
        if again == calls {
            break;
        }
        calls = again;
    }
    for (n, &call) in calls.iter().enumerate() {
        for errno in errnos(call) {
            let mut more = 0..MORE_TRIES;
            let (state, run) = loop {
                let state = setup();
                let before = Holdings::now();
                let run = inject::fail_nth(n, errno, || aftermath(operate(&state), &before));
                if run.failed == Some(call) || more.next().is_none() {
                    break (state, run);
                }
            };
            assert_eq!(
                run.failed,
                Some(call),
                "the operation made other calls than before"
            );
            *coverage.failed.entry(call).or_default() += 1;
            let verdict = match run.ended {
                Ended::Returned(code) if code & !FAILED == 0 => {
                    failures += usize::from(code == FAILED);
                    verify(&state, code == FAILED, call)
                }
                Ended::Returned(code) => Err(format!(
                    "something was left behind or is unusable: {code:#b}"
                )),
                ended => Err(format!("{ended:?}")),
            };
            if let Err(why) = verdict {
                let violation = format!("call {n} ({call}) failing with {errno:?}: {why}");
                coverage.violations.push(violation);
            }
        }
    }
    assert!(failures > 0, "no failing call made the operation fail");
    let total = coverage.total();
    let case = format!(
        "{case}, {failures} errors and {} fallbacks",
        total - failures
    );
    coverage.report("every system call failed", &case)
}

pub(crate) fn ensure(right: bool, what: &str) -> Result<(), String> {
    if right { Ok(()) } else { Err(what.to_owned()) }
}
