//! Does the map keep its promises between processes in every environment: other namespaces, other users,
//! fork and exec?
//!
//! To get a holder of the lock, a trial stops a process that does nothing but write large values, again and
//! again, until the process is stopped while it holds the lock. Then other processes check the map, before
//! or after the holder is killed. No user code ever runs under the lock, so a test cannot hold it otherwise.
//!
//! Process ids are reused, and mean nothing in another namespace. No test here needs to provoke that: the
//! map stores no process id, asks for none and compares none. A writer's id is a number that the segment
//! counts up, and whether its owner is alive is asked of a lock that the kernel drops with the owner's
//! address space. `exec` proves it (`holders`): the process id of the holder stays, yet its lock is taken
//! over.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod cases;
mod descriptors;
mod forks;
mod full;
mod handles;
mod holders;
mod passing;
mod process;
mod segment;
#[path = "../../support/mod.rs"]
mod support;

use libtest_mimic::{Arguments, Trial};
use support::proc;

fn main() {
    if let Some(role) = proc::role() {
        std::process::exit(process::run_role(&role));
    }
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    // Namespaces and other users need root.
    let root = support::environment::is_root();
    let trials = vec![
        Trial::test("killed_holders", holders::killed_holders),
        Trial::test("stopped_holders", holders::stopped_holders),
        Trial::test(
            "killed_holders_elsewhere",
            holders::killed_holders_elsewhere,
        )
        .with_ignored_flag(!root),
        Trial::test(
            "stopped_holders_elsewhere",
            holders::stopped_holders_elsewhere,
        )
        .with_ignored_flag(!root),
        Trial::test(
            "a_read_lock_is_no_registration",
            holders::a_read_lock_is_no_registration,
        ),
        Trial::test("full_maps", full::full_maps),
        Trial::test(
            "exec_ends_a_registration",
            holders::exec_ends_a_registration,
        ),
        Trial::test("closed_descriptors", descriptors::closed_descriptors),
        Trial::test("replaced_descriptors", descriptors::replaced_descriptors),
        Trial::test("two_handles", handles::two_handles),
        Trial::test("threads", handles::threads),
        Trial::test(
            "idle_children_of_a_killed_writer",
            forks::idle_children_of_a_killed_writer,
        ),
        Trial::test("forked_while_registering", forks::forked_while_registering),
        Trial::test("forked_writers", forks::forked_writers),
        Trial::test("passed_descriptors", passing::passed_descriptors),
        Trial::test("inherited_descriptors", passing::inherited_descriptors),
        Trial::test("other_users", passing::other_users).with_ignored_flag(!root),
        Trial::test("reused_names", passing::reused_names),
        Trial::test("open_or_create_races", passing::open_or_create_races),
    ];
    libtest_mimic::run(&args, trials).exit();
}
