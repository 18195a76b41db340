//! Where T1 to T3 let processes die: a small map in a state of known shape, and the questions to ask afterwards.
//!
//! A [`Lab`] holds one map with a read-write and a read-only handle. Its whole memory can be saved and put back
//! ([`Image`]), so that every death starts from the very same bytes, with the same keys in the same slots, and so that
//! one dead state can be handed to several survivors. What the kernel holds for a process is not in the memory and is
//! never put back: a writer that was killed stays dead.
//!
//! | module | holds |
//! |---|---|
//! | [`action`] | the operations |
//! | [`death`] | a death at each point of an operation |
//! | [`image`] | a copy of the map's memory, and the few words that the tests look at |
//! | [`lab`] | the map, its handles, its values, what a key's presence means |
//! | [`keys`] | keys that share a home bucket, found by trial |
//! | [`lifecycle`] | deaths while a map is created, opened, removed, flushed |
//! | [`queue`] | deaths of those who hold the lock or wait for it |
//! | [`scenario`] | operations to die in, with the contents before and after |
//! | [`survivor`] | what whoever comes after a death must find, and be able to do |
#![allow(dead_code)] // each test program uses its own part

pub(crate) mod action;
pub(crate) mod death;
pub(crate) mod image;
pub(crate) mod keys;
pub(crate) mod lab;
pub(crate) mod lifecycle;
pub(crate) mod queue;
pub(crate) mod scenario;
pub(crate) mod survivor;
