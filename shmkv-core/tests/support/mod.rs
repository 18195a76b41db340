//! What the test programs share: ways to stop, kill, starve and watch real processes.
//!
//! Include it with `mod support;` from a test program that has `harness = false` and runs its trials on one thread
//! (`args.test_threads = Some(1)`): every module here forks, and a fork copies only the calling thread. Nothing in here
//! knows the map; each tool takes closures. `support_selftest.rs` proves each tool on a small dummy.
//!
//! | module | question it lets a test ask |
//! |---|---|
//! | [`step`] | what does a survivor see when a process is killed or stopped at *this* instruction? |
//! | [`walk`] | and at each instruction in turn? (T1 to T3) |
//! | [`inject`] | what happens when *this* system call fails? |
//! | [`proc`] | what happens between processes, forked or executed anew? |
//! | [`seccomp`] | and if the kernel forbids a call? |
//! | [`supervise`] | do all of these thousands of small trials end, and none of them by a crash? |
//! | [`world`] | and if one has another uid, another PID namespace, a full `/dev/shm`? |
//! | [`history`] | could one map, used by one process at a time, have given these answers? ([`record`] collects them) |
//! | [`report`] | how much was tried, and what came of it? |
#![allow(dead_code, unused_imports)] // each test program uses its own part

pub(crate) mod directory;
pub(crate) mod history;
pub(crate) mod inject;
pub(crate) mod proc;
pub(crate) mod record;
pub(crate) mod report;
mod search;
pub(crate) mod seccomp;
pub(crate) mod seed;
pub(crate) mod shared;
pub(crate) mod step;
pub(crate) mod supervise;
mod trace;
pub(crate) mod trail;
pub(crate) mod walk;
pub(crate) mod world;
