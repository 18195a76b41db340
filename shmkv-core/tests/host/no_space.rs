//! Is a map that cannot fit refused before anything is taken?
//!
//! To reserve until the file system is full, and then to fail, would leave the
//! whole machine without shared memory for a moment; where `/dev/shm` is as large
//! as the memory, it would wake the OOM killer.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use shmkv_core::{CreateError, Map};
use support::inject::{self, Ended};
use support::report::Report;
use support::world;

/// What the map's file system has: room for one map of this size and not for two.
const SIZE: usize = 4 << 20;
type Fits = Map<40_000, u64, u64>;
type TooLarge = Map<400_000, u64, u64>;

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let trial = Trial::test("refused_before_anything_is_reserved", || {
        let child = world::fork_with_tmpfs("/dev/shm", SIZE, refused);
        match child.exit_code(Duration::from_secs(20))? {
            0 => Ok(()),
            failed => Err(format!("check {failed} failed").into()),
        }
    });
    // Mounting a small file system is for root.
    let trial = trial.with_ignored_flag(!world::is_root());
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
    Report::new("no room", "create")
        .count("calls", run.calls.len())
        .count("reservations", reserved)
        .print();
    match (run.ended, reserved) {
        (Ended::Returned(0), 0) => 0,
        (Ended::Returned(0), _) => 2,
        _ => 1,
    }
}
