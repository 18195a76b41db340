//! Values of types that this program does not have, by their schemas alone.
//!
//! | file | role |
//! |---|---|
//! | `value` | [`Value`], any key or value as data |
//! | `decode` | from bytes to a [`Value`] |
//! | `encode`, `encode_leaf` | from a [`Value`] to bytes |
//! | `show` | from bytes to text |
//! | `shape` | what all of them ask of a schema |
//!
//! **Invariant.** Bytes and values are those of the type itself: what `decode`
//! makes of its bytes, `encode` turns back into the same bytes. Schemas and bytes
//! may be hostile: any of them yield a value, text or an error, in time and
//! memory that are bounded by the number of bytes.

mod decode;
mod encode;
mod encode_leaf;
mod shape;
mod show;
#[cfg(test)]
mod tests;
mod value;

pub use value::Value;
