//! What the bytes of a key or value mean.
//!
//! | file | role |
//! |---|---|
//! | `tree` | [`Schema`], the constant tree that a program carries |
//! | `wire` | the same as the bytes that a segment stores, and their hash |
//! | `parsed` | [`ParsedSchema`], the owned tree that a segment's bytes describe |
//! | `parse` | from those bytes, which may be hostile, to that tree |
//! | `display` | schemas as text |
//! | `diff` | where the type in a segment differs from the one in the program |
//!
//! **Invariant.** A schema holds declared names, offsets and sizes only. It
//! holds no module or crate path, so a struct that two programs declare is one
//! type. It holds nothing that rustc's layout decides, with one exception: the
//! offsets inside a [`Pod`](crate::Pod), which define it.

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
