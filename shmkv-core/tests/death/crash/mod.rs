//! What the programs that kill a process at chosen points share: a small map in a known state, the
//! operations to kill, and the checks that a survivor makes.
//!
//! A [`Lab`](lab::Lab) holds one map with a read-write and a read-only handle. Its whole memory can be
//! saved and put back ([`Image`](image::Image)), so every death starts from the very same bytes, with
//! the same keys in the same slots, and one dead state can be given to several survivors. What the
//! kernel holds for a process is not in the memory and is never put back: a killed writer stays dead.
//!
//! | module | holds |
//! |---|---|
//! | [`action`] | the operations |
//! | [`image`] | a copy of the map's memory, and the few words that the tests read |
//! | [`keys`] | keys that share a home bucket, found by trial |
//! | [`lab`] | the map, its handles, its values |
//! | [`lifecycle`] | deaths while a map is created, opened, removed or flushed |
//! | [`points`] | a death at each point of an operation |
//! | [`scenario`] | operations to kill, with the contents before and after |
//! | [`survivor`] | what a survivor must find, and be able to do |
//! | [`waiters`] | deaths of a lock's holder, and of a process that waits for it |
#![allow(dead_code)] // each test program uses its own part

pub(crate) mod action;
pub(crate) mod image;
pub(crate) mod keys;
pub(crate) mod lab;
pub(crate) mod lifecycle;
pub(crate) mod points;
pub(crate) mod scenario;
pub(crate) mod survivor;
pub(crate) mod waiters;
