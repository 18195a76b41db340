//! What libFuzzer and the tests do with hostile bytes.
//!
//! Each harness takes any bytes, panics if a promise is broken, and returns how far the
//! bytes got. The promises: nothing panics, work and output are bounded, and no text
//! from the library or the tool has a character that a terminal obeys.
//!
//! Imports go down only: `segment`, `tool` and `types` are the harnesses, all others
//! help them.
#![allow(dead_code, reason = "each fuzz target uses its own part")]

#[path = "../../../shmkv-core/tests/hostile/battery/mod.rs"]
mod battery;
pub(crate) mod depth;
pub(crate) mod input;
mod printable;
pub(crate) mod segment;
pub(crate) mod tool;
pub(crate) mod types;
