//! Shared by the test programs: tools that stop, kill, starve and observe real processes.
//!
//! A program includes it with `#[path = "../support/mod.rs"] mod support;`. It must have
//! `harness = false` and run its trials on one thread (`args.test_threads = Some(1)`): the tools fork,
//! and a fork copies only the calling thread, so a lock that another thread held would stay locked in
//! the child. Nothing here knows the map; each tool takes closures. The program `support_selftest`
//! (`selftest/`) proves each tool on a small dummy.
//!
//! | module | question that it lets a test ask |
//! |---|---|
//! | [`step`] | what does a survivor find after a process was killed or stopped at *this* instruction? |
//! | [`walk`] | and at each instruction in turn? |
//! | [`inject`] | what happens when *this* system call fails? |
//! | [`proc`] | what happens between processes, forked or executed? |
//! | [`seccomp`] | what if the kernel forbids a call? |
//! | [`supervise`] | do thousands of small trials all end, and none of them by a crash? |
//! | [`environment`] | what if a process has another user id, another PID namespace, a full `/dev/shm`? |
//! | [`history`] | could one map, used by one process at a time, have given these answers? ([`record`] collects them) |
//! | [`report`] | how much was tried, and with what result? |
#![allow(dead_code, unused_imports)] // each test program uses its own part

pub(crate) mod directory;
pub(crate) mod environment;
pub(crate) mod history;
pub(crate) mod inject;
pub(crate) mod proc;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod seccomp;
pub(crate) mod seed;
pub(crate) mod shared;
pub(crate) mod step;
pub(crate) mod supervise;
mod trace;
pub(crate) mod trail;
pub(crate) mod walk;
