//! Every operation of a map, on a segment that may hold any bytes.
//!
//! `bit_flips` uses it, which knows what each answer should be, `hostile`, which only requires that there
//! is an answer, and the fuzz targets in `shmkv-examples/fuzz`. Nothing here forks, prints or asserts:
//! [`read`] and [`write`] record in [`Seen`](seen::Seen) what the map answered, and the caller judges.
//!
//! | module | holds |
//! |---|---|
//! | [`exercise`] | one segment of any bytes, opened, read and written in every way |
//! | [`format`] | the layout of a segment |
//! | [`known`] | what an undamaged segment holds |
//! | [`read`], [`write`] | every reading and every writing operation |
//! | [`seen`] | the answers that an undamaged segment would not have given |
#![allow(dead_code)] // each test program uses its own part

pub(crate) mod exercise;
pub(crate) mod format;
pub(crate) mod known;
pub(crate) mod read;
pub(crate) mod seen;
pub(crate) mod write;
