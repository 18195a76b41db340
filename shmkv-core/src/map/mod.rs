//! The typed map: the public face of a store.
//!
//! `handle` has the structs; every method stands in the file of its verb. Keys and values
//! are encoded before a lock is taken and decoded after it has been given back, so no code
//! of the user's ever runs under a lock.

mod encode;
mod get;
mod get_many;
mod handle;
mod insert;
mod inspect;
mod iter;
mod open;
mod options;
mod prepared;
mod remove;
mod update;

pub use self::handle::{Map, Reader, Shape, ShmMap, ShmReader, StrMap, StrReader};
pub use self::iter::{Iter, IterVersioned, Keys, Values};
pub use self::open::unlink;
pub use self::options::Options;
pub use self::prepared::Prepared;
