#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// The models see the lower layers only, and not all of those.
#![cfg_attr(loom, allow(dead_code, unreachable_pub, unused_imports))]

#[cfg(not(target_os = "linux"))]
compile_error!("shmkv needs Linux: open file description locks, futexes and memfd");
#[cfg(not(all(target_pointer_width = "64", target_has_atomic = "64")))]
compile_error!("shmkv needs a 64-bit platform with 64-bit atomics");

// The layers, from the bottom up: `sync`, `sys`, `bytes`, `layout`, `table`,
// `lock`; beside them `codec`; on top `error`, `home`, `header`, `memory`,
// `durable`, `handle`, `birth`, `access`, `map`. Imports run downwards. Those that make no system call are
// also built under loom.
#[cfg(not(loom))]
mod access;
#[cfg(not(loom))]
mod birth;
mod bytes;
#[cfg(not(loom))]
mod codec;
#[cfg(not(loom))]
mod durable;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod handle;
#[cfg(not(loom))]
mod header;
#[cfg(not(loom))]
mod home;
mod layout;
mod lock;
#[cfg(not(loom))]
mod map;
#[cfg(not(loom))]
mod memory;
#[cfg(all(test, loom))]
mod models;
mod sync;
#[cfg(not(loom))]
mod sys;
mod table;

// The derives, and this crate's own examples, call it by its name.
#[allow(unused_extern_crates)]
extern crate self as shmkv_core;

#[cfg(not(loom))]
#[doc(hidden)]
pub use codec::__private;
#[cfg(not(loom))]
pub use codec::{
    DecodeError, Difference, EncodeError, Field, KeyFootprint, ParsedField, ParsedSchema,
    ParsedVariant, Pod, Scalar, Schema, SchemaError, ShmField, ShmKey, ShmStr, ShmValue, ToKey,
    ToValue, Value, ValueFootprint, Variant, role,
};
#[cfg(not(loom))]
pub use error::{AccessError, CreateError, Error, NameError, OpenError};
#[cfg(not(loom))]
pub use map::{
    Exchange, Iter, IterVersioned, Keys, Map, Options, Prepared, Reader, Shape, ShmMap, ShmReader,
    Stats, StrMap, StrReader, UntypedIter, UntypedMap, UntypedReader, Values, Version, Versioned,
    unlink,
};
#[cfg(all(feature = "derive", not(loom)))]
pub use shmkv_derive::{ShmKey, ShmValue};
#[cfg(not(loom))]
pub use table::Fault;

#[cfg(not(loom))]
static_assertions::assert_impl_all!(ShmMap<1, 8, 8>: Send, Sync);
#[cfg(not(loom))]
static_assertions::assert_impl_all!(ShmReader<1, 8, 8>: Send, Sync);
#[cfg(not(loom))]
static_assertions::assert_impl_all!(Error: std::error::Error, Send, Sync);
