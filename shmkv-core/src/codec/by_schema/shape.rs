//! What the shape of a [`Value`](super::value::Value) follows from.

use crate::codec::error::DecodeError;
use crate::codec::length::{length_width, number};
use crate::codec::schema::parsed::{ParsedField, ParsedSchema};

impl ParsedSchema {
    /// Whether a value of this type may be `Null`, so that an `Option` of it has
    /// to say which one it means.
    pub(super) fn is_nullable(&self) -> bool {
        match self {
            Self::Option(_) => true,
            Self::Struct { fields, .. } | Self::Pod { fields, .. } => {
                alone(fields).is_some_and(|field| field.schema.is_nullable())
            }
            _ => false,
        }
    }
}

/// The field of a tuple struct of one field.
pub(super) fn alone(fields: &[ParsedField]) -> Option<&ParsedField> {
    match fields {
        [field] if field.name == "0" => Some(field),
        _ => None,
    }
}

/// The length of a string or vector, and the bytes of that many elements.
pub(super) fn counted(
    max: usize,
    size: usize,
    bytes: &[u8],
) -> Result<(usize, &[u8]), DecodeError> {
    let (prefix, rest) = bytes
        .split_at_checked(length_width(max))
        .ok_or_else(too_short)?;
    let len = usize::try_from(number(prefix)).unwrap_or(usize::MAX);
    if len > max {
        return Err(DecodeError::TooLong { len, max });
    }
    let elements = rest.get(..len.saturating_mul(size)).ok_or_else(too_short)?;
    Ok((len, elements))
}

/// Cannot happen with a schema from `from_blob`, which checks that every part
/// lies inside its whole; one made by hand may contradict itself.
#[cold]
pub(super) fn too_short() -> DecodeError {
    DecodeError::Invalid("the schema contradicts itself".to_owned())
}
