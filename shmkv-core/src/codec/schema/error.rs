//! Why bytes are not the description of a map's types.

use thiserror::Error;

/// Why bytes are not the description of a map's types.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// It was written in another version of the format.
    #[error("schema format version {found} where {expected} was expected")]
    Version {
        /// The version that this library writes.
        expected: u8,
        /// The version that is there.
        found: u8,
    },
    /// The bytes end before the description does.
    #[error("the schema ends early")]
    Truncated,
    /// Bytes are left after the description.
    #[error("{count} bytes follow the schema")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// A kind that does not exist.
    #[error("{kind:#04x} is not a kind of type")]
    UnknownKind {
        /// The byte that is there.
        kind: u8,
    },
    /// A name is not UTF-8.
    #[error("a name in the schema is not UTF-8")]
    BadName,
    /// A part that lies outside its whole, or an impossible size.
    #[error("the sizes in the schema contradict each other")]
    BadSize,
    /// More than the format allows.
    #[error("the schema is too large: at most 64 KiB, 8192 parts, 32 levels")]
    TooLarge,
}
