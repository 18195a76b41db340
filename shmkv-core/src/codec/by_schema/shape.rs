//! What reading and writing values ask of a schema: which values may be `Null`,
//! which structs are their only field, and where the elements of a string or
//! vector lie.

use crate::codec::error::DecodeError;
use crate::codec::length::{length_width, little_endian};
use crate::codec::schema::parsed::{ParsedField, ParsedSchema};

impl ParsedSchema {
    /// Whether a value of this type may be `Null`. An `Option` of it then needs
    /// another shape, or its `None` and its `Some(Null)` would look alike.
    pub(super) fn is_nullable(&self) -> bool {
        match self {
            Self::Option(_) => true,
            Self::Struct { fields, .. } | Self::Pod { fields, .. } => {
                sole_field(fields).is_some_and(|field| field.schema.is_nullable())
            }
            _ => false,
        }
    }
}

/// The field of a tuple struct that has only one; its value stands for the
/// struct's.
pub(super) fn sole_field(fields: &[ParsedField]) -> Option<&ParsedField> {
    match fields {
        [field] if field.name == "0" => Some(field),
        _ => None,
    }
}

/// Splits the bytes of a string or vector of up to `max` elements into its
/// length and the bytes of that many elements of `size` bytes.
pub(super) fn split_elements(
    max: usize,
    size: usize,
    bytes: &[u8],
) -> Result<(usize, &[u8]), DecodeError> {
    let (prefix, rest) = bytes
        .split_at_checked(length_width(max))
        .ok_or_else(inconsistent)?;
    let len = usize::try_from(little_endian(prefix)).unwrap_or(usize::MAX);
    if len > max {
        return Err(DecodeError::TooLong { len, max });
    }
    let elements = rest
        .get(..len.saturating_mul(size))
        .ok_or_else(inconsistent)?;
    Ok((len, elements))
}

/// The error for a part that lies outside its type. `from_blob` refuses such
/// schemas; only one put together by hand can have it.
#[cold]
pub(super) fn inconsistent() -> DecodeError {
    DecodeError::Invalid(INCONSISTENT.to_owned())
}

/// The message of that error.
pub(super) const INCONSISTENT: &str = "inconsistent schema: a part lies outside its type";
