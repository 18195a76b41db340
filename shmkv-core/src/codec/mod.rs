//! How Rust types become the fixed number of bytes that a map stores.
//!
//! A map stores each key in exactly `K` bytes and each value in exactly `V`. This
//! module decides what those bytes are, and describes them:
//!
//! | item | answers |
//! |---|---|
//! | [`ShmField`] | how many bytes a type takes, which ones, and what they mean |
//! | [`ShmKey`], [`ShmValue`] | whether a type can be a whole key or value of that size |
//! | [`ToKey`], [`ToValue`] | what callers may pass for a key or a value |
//! | [`Schema`], [`ParsedSchema`] | whether the type in the segment is the type in the program |
//! | [`Value`] | what the bytes mean to a program without the type |
//!
//! **Invariant.** The bytes depend on the type's declaration only: little-endian,
//! packed, in declaration order, unused bytes zero. So equal keys have equal bytes,
//! and two programs that agree on the schema agree on every byte, whatever compiler
//! built them. (A [`Pod`] keeps the bytes of its memory.)
//!
//! Nothing here makes a system call, touches a segment, or imports from the rest of
//! the crate: the map passes private buffers. Bytes to decode may come from a
//! hostile process, so a decoder returns a value or a [`DecodeError`] for any bytes.
//!
//! Imports run one way: `count`, `length` ← `error`, `schema` ← `parts` ← `field` ←
//! `whole`, `derived` ← the encodings (`scalar`, `compound`, `text`, `time`, `net`,
//! `pod`) ← `adapter`. `by_schema` needs `schema` and `field`; no file here needs
//! `by_schema`.

mod adapter;
mod by_schema;
mod compound;
mod count;
mod derived;
mod error;
mod field;
mod length;
mod net;
mod parts;
mod pod;
mod scalar;
mod schema;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod whole;

pub use by_schema::Value;
pub use error::{DecodeError, EncodeError};
pub use field::{ShmField, role};
pub use pod::Pod;
pub use schema::{
    Difference, Field, ParsedField, ParsedSchema, ParsedVariant, Scalar, Schema, SchemaError,
    Variant,
};
pub use text::ShmStr;
pub use whole::{KeyFootprint, ShmKey, ShmValue, ToKey, ToValue, ValueFootprint};

/// What derived code and the macros of this crate call. Not part of the public
/// interface.
#[doc(hidden)]
pub mod __private {
    pub use super::adapter::{Adapter, MaxLen, With, encode_text};
    pub use super::derived::{Opaque, Probe, greatest, packed, reserve, tag};
    pub use super::parts::{Parts, PartsMut};
    pub use super::pod::{decode_pod, encode_pod, pod_bytes};
    pub use std::string::String;
}
