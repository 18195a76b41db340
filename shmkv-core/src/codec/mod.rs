//! How Rust types become the fixed number of bytes that a map stores.
//!
//! A map keeps each key in exactly `K` bytes and each value in exactly `V`.
//! This module decides what those bytes are and what describes them:
//!
//! | item | question it answers |
//! |---|---|
//! | [`ShmField`] | how many bytes, which ones, what do they mean |
//! | [`ShmKey`], [`ShmValue`] | may this type be a whole key or value of that size |
//! | [`ToKey`], [`ToValue`] | what may a caller pass where the map wants one |
//! | [`Schema`], [`ParsedSchema`] | is the type in the segment the type in this program |
//! | [`Value`] | what is in the bytes, for a program without the type |
//!
//! **Invariant.** The bytes depend on the type's declaration and nothing else:
//! little-endian, packed, in declaration order, unused bytes zero. Two equal
//! keys therefore have equal bytes, and two programs that agree on the schema
//! agree on every byte, whatever compiler built them. (A [`Pod`] keeps its own
//! bytes.)
//!
//! Nothing here touches the operating system or a segment: the map hands in
//! private buffers. Bytes to decode may come from a hostile process, so a
//! decoder answers any bytes with a value or a [`DecodeError`].

mod adapter;
mod by_schema;
mod compound;
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

/// What the macros of this crate expand to. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use super::adapter::{Adapter, MaxLen, With, encode_text};
    pub use super::derived::{Opaque, Probe, greatest, packed, reserve, tag};
    pub use super::parts::{Parts, PartsMut};
    pub use super::pod::{decode_pod, encode_pod, pod_bytes};
    pub use std::string::String;
}
