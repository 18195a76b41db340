//! Is a map that does not fit refused before anything is reserved?
//!
//! A creation that reserved memory until the file system is full, and then failed,
//! would leave the whole machine without shared memory for a moment; where
//! `/dev/shm` is as large as the memory, it would trigger the OOM killer.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use shmkv_core::{CreateError, Map};
use support::environment;
use support::inject::{self, Ended};
use support::report::Report;

/// The size of the file system: enough for the one map, not for the other.
const SIZE: usize = 4 << 20;
type Fits = Map<40_000, u64, u64>;
type TooLarge = Map<400_000, u64, u64>;

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trial = Trial::test("refused_before_anything_is_reserved", || {
        let child = environment::fork_with_tmpfs("/dev/shm", SIZE, refused);
        match child.exit_code(Duration::from_secs(20))? {
            0 => Ok(()),
            failed => Err(format!("check {failed} failed").into()),
        }
    });
    // Mounting a small file system needs root.
    let trial = trial.with_ignored_flag(!environment::is_root());
    libtest_mimic::run(&arguments, vec![trial]).exit();
}

/// 0, or the number of the check that failed.
fn refused() -> i32 {
    let _fits = Fits::create("/shmkv-fits").expect("a map that fits");
    let run = inject::list_calls(|| match TooLarge::create("/shmkv-too-large") {
        Err(CreateError::NoSpace { .. }) => 0,
        other => panic!("{other:?}"),
    });
    let reserved = run
        .calls
        .iter()
        .filter(|call| call.name() == Some("fallocate"));
    let reserved = reserved.count();
    Report::new("no space", "create")
        .count("system calls", run.calls.len())
        .count("reservations", reserved)
        .print();
    match (run.ended, reserved) {
        (Ended::Returned(0), 0) => 0,
        (Ended::Returned(0), _) => 2,
        _ => 1,
    }
}
