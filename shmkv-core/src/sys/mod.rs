//! The only door to the operating system.
//!
//! Objects and their names, mappings, futexes, and the liveness of writers.
//! The layers above see safe functions and `std::io::Error`; the four files that
//! need `unsafe` say why. `nix` types stay inside.

mod fork;
pub(crate) mod futex;
mod host;
mod huge_pages;
mod liveness;
mod mapping;
mod object;

pub(crate) use host::{Deadline, boot_id, now, random_seed};
pub(crate) use liveness::{NotRegistered, Registration, count_alive, is_alive};
pub(crate) use mapping::{Atomics, Mapping};
pub(crate) use object::{Object, ReserveError};
