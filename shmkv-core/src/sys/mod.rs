//! The operating system: objects, mappings, futexes, the liveness of writers. No other
//! module calls libc or `nix`; `segment` handles names through `std::fs`.
//!
//! `segment` and `store` call it; `table` and `lock` never do, so that they run under
//! loom. Callers see safe functions and `std::io::Error`; `nix` types stay inside. Four
//! files contain `unsafe` code and say why: `fork`, `futex`, `liveness`, `mapping`.

mod fork;
pub(crate) mod futex;
mod host;
mod huge_pages;
mod liveness;
mod mapping;
mod object;

pub(crate) use host::{Deadline, boot_id, now, random_seed};
pub(crate) use liveness::{NotRegistered, Registration, count_alive, is_alive};
pub(crate) use mapping::Mapping;
pub(crate) use object::{Object, ReserveError};
