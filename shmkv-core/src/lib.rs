#![doc = include_str!("../docs/front.md")]
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// The models use the lower layers only, and not all of those.
#![cfg_attr(loom, allow(dead_code, unreachable_pub, unused_imports))]

#[cfg(not(target_os = "linux"))]
compile_error!("shmkv needs Linux: open file description locks, futexes and memfd");
#[cfg(not(all(target_pointer_width = "64", target_has_atomic = "64")))]
compile_error!("shmkv needs a 64-bit platform with 64-bit atomics");

// The layers, lowest first. Imports run downwards: `tests/source/layers/table.rs` has the
// table, and the test `layers` checks it. The first group makes no system call and is also built under loom.
mod sync;

mod bytes;
mod layout;
mod lock;
mod table;

#[cfg(all(test, loom))]
mod models;

#[cfg(not(loom))]
mod codec;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod sys;

#[cfg(not(loom))]
mod segment;
#[cfg(not(loom))]
mod store;

#[cfg(not(loom))]
mod map;

#[cfg(not(loom))]
pub mod untyped;

// The derives, and this crate's own examples, call it by its name.
#[allow(unused_extern_crates)]
extern crate self as shmkv_core;

#[cfg(not(loom))]
#[doc(hidden)]
pub use codec::__private;
#[cfg(not(loom))]
pub use codec::{DecodeError, EncodeError, Pod, ShmKey, ShmStr, ShmValue, ToKey, ToValue};
#[cfg(not(loom))]
pub use error::{AccessError, CreateError, Error, NameError, OpenError};
#[cfg(not(loom))]
pub use map::{
    Map, Options, Prepared, Reader, Shape, ShmMap, ShmReader, StrMap, StrReader, unlink,
};
#[cfg(all(feature = "derive", not(loom)))]
pub use shmkv_derive::{ShmKey, ShmValue};
#[cfg(not(loom))]
pub use store::{Exchange, Stats, Version, Versioned};
#[cfg(not(loom))]
pub use table::Fault;

/// The types of a map as data: for programs that read or write maps whose types
/// they do not declare, such as tools and bindings.
///
/// A segment describes its key and value types. [`ParsedSchema`](schema::ParsedSchema)
/// is that description: it prints as the type was declared, names each
/// [`Difference`](schema::Difference) from the [`Schema`](schema::Schema) of a
/// type in this program, and translates between stored bytes and a
/// [`Value`](schema::Value).
///
/// ```
/// use shmkv_core::field::{ShmField, role::ValueRole};
/// use shmkv_core::schema::{ParsedSchema, Value};
///
/// let schema = ParsedSchema::from(<(u16, Option<bool>) as ShmField<ValueRole>>::SCHEMA);
/// assert_eq!(schema.to_string(), "(u16, Option<bool>)");
/// let value = schema.decode(&[7, 0, 1, 1])?;
/// assert_eq!(value, Value::List(vec![Value::Unsigned(7), Value::Bool(true)]));
/// # Ok::<(), shmkv_core::DecodeError>(())
/// ```
#[cfg(not(loom))]
pub mod schema {
    pub use crate::codec::{
        Difference, Field, ParsedField, ParsedSchema, ParsedVariant, Scalar, Schema, SchemaError,
        Value, Variant,
    };
}

/// Types as parts of keys and values: for encodings written by hand and for
/// functions that are generic over the types of a map.
///
/// [`ShmField`](field::ShmField) says how a type becomes a fixed number of
/// bytes, in a [`role`](field::role): as part of a key or of a value. The derives
/// [`ShmKey`] and [`ShmValue`] implement it.
#[cfg(not(loom))]
pub mod field {
    pub use crate::codec::{KeyFootprint, ShmField, ValueFootprint, role};
}

/// The iterators that [`ShmReader::iter`] and its relatives return.
#[cfg(not(loom))]
pub mod iter {
    pub use crate::map::{Iter, IterVersioned, Keys, Values};
}

#[cfg(not(loom))]
#[doc = include_str!("../docs/guide.md")]
pub mod guide {}
#[cfg(not(loom))]
#[doc = include_str!("../docs/guarantees.md")]
pub mod guarantees {}
#[cfg(not(loom))]
#[doc = include_str!("../docs/limits.md")]
pub mod limits {}
/// How the map works, and the arguments for its promises.
///
#[cfg(not(loom))]
#[doc = include_str!("../DESIGN.md")]
pub mod design {}
/// What bounds many cores, many processes and large maps: measured, and simulated.
///
#[cfg(not(loom))]
#[doc = include_str!("../SCALE.md")]
pub mod scale {}

// The examples of the README are compiled and run, too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(not(loom))]
static_assertions::assert_impl_all!(ShmMap<1, 8, 8>: Send, Sync);
#[cfg(not(loom))]
static_assertions::assert_impl_all!(ShmReader<1, 8, 8>: Send, Sync);
#[cfg(not(loom))]
static_assertions::assert_impl_all!(Error: std::error::Error, Send, Sync);
