//! The map: the public face of the table.
//!
//! Keys and values are encoded before a lock is taken and decoded after it has
//! been given back; no code of the user's ever runs in between. `reader` has
//! what needs no lock, over `lookup`; `prepared` that for one key; `writer` what takes
//! one, over `store`; `optimistic` what runs closures; `options` the ways to a handle.
//! `untyped` has them for programs that learn the types at run time.

mod iter;
mod lookup;
mod optimistic;
mod options;
mod prepared;
mod reader;
mod stats;
mod store;
mod typed;
mod untyped;
mod version;
mod writer;

pub use iter::{Iter, IterVersioned, Keys, Values};
pub use options::Options;
pub use prepared::Prepared;
pub use reader::ShmReader;
pub use stats::Stats;
pub use typed::{Map, Reader, Shape, StrMap, StrReader};
pub use untyped::{UntypedIter, UntypedMap, UntypedReader};
pub use version::{Exchange, Version, Versioned};
pub use writer::{ShmMap, unlink};
