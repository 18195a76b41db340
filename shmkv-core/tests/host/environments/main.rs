//! Does the map keep its promises between processes of every kind?
//!
//! A holder of the lock is caught in the act: a process that does nothing but write large values is stopped again and
//! again until it stands inside its critical section. Then it is killed, or not, and others look. No user code ever runs
//! under the lock, so there is no gentler way.
//!
//! Process ids are reused, and mean nothing in another namespace. No test here needs to make that happen: the map stores
//! no process id, asks for none and compares none. A writer's id is a number that the segment counts up, and whether its
//! owner lives is asked of a lock that the kernel drops with the owner's address space. `exec` is the proof (`holders`):
//! the process id of the holder lives on, and yet its lock is taken over.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod forks;
mod full;
mod holders;
mod passing;
mod stage;
#[path = "../../support/mod.rs"]
mod support;

use libtest_mimic::{Arguments, Trial};
use support::proc;

fn main() {
    if let Some(role) = proc::role() {
        std::process::exit(stage::play(&role));
    }
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    // Namespaces and other users are for root.
    let root = support::world::is_root();
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
            "read_locks_keep_nobody_alive",
            holders::read_locks_keep_nobody_alive,
        ),
        Trial::test("full_maps", full::full_maps),
        Trial::test("exec_ends_a_claim", holders::exec_ends_a_claim),
        Trial::test("closed_descriptors", holders::closed_descriptors),
        Trial::test("stolen_descriptors", holders::stolen_descriptors),
        Trial::test("two_handles", holders::two_handles),
        Trial::test("threads", holders::threads),
        Trial::test(
            "idle_children_of_the_dead",
            forks::idle_children_of_the_dead,
        ),
        Trial::test("forked_while_registering", forks::forked_while_registering),
        Trial::test("forked_writers", forks::forked_writers),
        Trial::test("passed_descriptors", passing::passed_descriptors),
        Trial::test("inherited_descriptors", passing::inherited_descriptors),
        Trial::test("other_users", passing::other_users).with_ignored_flag(!root),
        Trial::test("names_that_change_hands", passing::names_that_change_hands),
        Trial::test("open_or_create_races", passing::open_or_create_races),
    ];
    libtest_mimic::run(&args, trials).exit();
}
