//! [`SchemaError`]: why bytes do not describe a map's types, or types cannot be
//! described.

use thiserror::Error;

use crate::codec::count::Count;

/// Why bytes do not describe a map's types, or types cannot be described.
///
/// ```
/// use shmkv_core::schema::{ParsedSchema, SchemaError};
///
/// // Format version 1, a key of kind `u64`, and no value.
/// let error = ParsedSchema::from_blob(&[1, 4]).unwrap_err();
/// assert_eq!(error, SchemaError::Truncated);
/// assert_eq!(
///     error.to_string(),
///     "expected the rest of the schema, found the end of its bytes"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The schema is in another version of the format.
    #[error("expected a schema in format version {expected}, found version {found}")]
    Version {
        /// The version that this library reads and writes.
        expected: u8,
        /// The version in the bytes.
        found: u8,
    },
    /// The bytes end before the schema does.
    #[error("expected the rest of the schema, found the end of its bytes")]
    Truncated,
    /// Bytes are left after the schema.
    #[error("expected the end of the schema, found {}", Count(*count, "more byte"))]
    Trailing {
        /// How many bytes are left.
        count: usize,
    },
    /// A byte that should be a kind of type is none.
    #[error("expected a kind of type in the schema, found {kind:#04x}")]
    UnknownKind {
        /// The byte.
        kind: u8,
    },
    /// A name is not UTF-8.
    #[error("expected a UTF-8 name in the schema, found other bytes")]
    BadName,
    /// A part overlaps another or lies outside its type, or a size is impossible.
    #[error(
        "inconsistent schema: a part overlaps another, lies outside its type, or has an impossible size"
    )]
    BadSize,
    /// The schema exceeds the limits of the format.
    #[error(
        "schema too large: at most 64 KiB, 8192 types, fields and variants, 32 levels, names of 255 bytes"
    )]
    TooLarge,
}
