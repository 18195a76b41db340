//! What the bytes of a key or value mean.
//!
//! [`Schema`] is the form that a program carries: a constant tree, built by the
//! derive. `wire` lays it down as bytes that a segment keeps in its header, and
//! hashes them. [`ParsedSchema`] is the form that another program reads from
//! there, by `parse`; `display` prints it, and `diff` says where two of them part.
//!
//! **Invariant.** A schema holds declared names, offsets and sizes only. It
//! never holds a module or crate path, so a struct declared in two programs is
//! the same type, and nothing that rustc's layout decides, except the offsets
//! inside a [`Pod`](crate::Pod), which are its definition.

pub(super) mod diff;
pub(super) mod display;
pub(super) mod error;
pub(super) mod parse;
pub(super) mod parsed;
#[cfg(test)]
pub(super) mod tests;
pub(super) mod tree;
pub(super) mod wire;

pub use diff::Difference;
pub use error::SchemaError;
pub use parsed::{ParsedField, ParsedSchema, ParsedVariant};
pub use tree::{Field, Scalar, Schema, Variant};
