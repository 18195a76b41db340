//! [`Schema`]: the description of a type as a program carries it, a constant
//! tree that the derive builds and the compiler checks and hashes.

use crate::codec::length::length_width;

/// A number, `bool` or `char`. Stored little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is the type that it is named after")]
pub enum Scalar {
    U8 = 1,
    U16 = 2,
    U32 = 3,
    U64 = 4,
    U128 = 5,
    I8 = 6,
    I16 = 7,
    I32 = 8,
    I64 = 9,
    I128 = 10,
    F32 = 11,
    F64 = 12,
    Bool = 13,
    Char = 14,
}

impl Scalar {
    /// The size in bytes, from 1 to 16.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 | Self::Char => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
            Self::U128 | Self::I128 => 16,
        }
    }
}

/// The description of a type: what the derives generate and
/// [`ShmField::SCHEMA`](crate::field::ShmField::SCHEMA) holds.
///
/// All sizes, lengths and offsets count bytes, except the `len` of an array and
/// the `max_len` of a vector, which count elements.
///
/// ```
/// use shmkv_core::field::{ShmField, role::KeyRole};
///
/// let schema = <[Option<u32>; 4] as ShmField<KeyRole>>::SCHEMA;
/// assert_eq!(schema.to_string(), "[Option<u32>; 4]");
/// assert_eq!(schema.size(), 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schema {
    /// A number, `bool` or `char`.
    Scalar(Scalar),
    /// An integer other than zero, as wide as the scalar.
    NonZero(Scalar),
    /// Bytes without further meaning.
    Bytes {
        /// Their number.
        len: usize,
    },
    /// UTF-8 that ends at the first NUL.
    Text {
        /// The size, including the NUL.
        capacity: usize,
    },
    /// The memory of a plain-old-data type.
    Pod {
        /// Declared name; empty if unknown.
        name: &'static str,
        /// The size.
        size: usize,
        /// The fields; none if unknown.
        fields: &'static [Field],
    },
    /// A fixed number of elements, one after another.
    Array {
        /// The type of an element.
        element: &'static Schema,
        /// The number of elements.
        len: usize,
    },
    /// One byte, 0 or 1, and then the value or zeros: 1 more than the value.
    Option(&'static Schema),
    /// Fields without names, one after another.
    Tuple(&'static [&'static Schema]),
    /// Fields with names.
    Struct {
        /// Declared name.
        name: &'static str,
        /// The size, including reserved bytes.
        size: usize,
        /// The fields in declaration order.
        fields: &'static [Field],
    },
    /// A tag, and then the fields of the variant that it selects.
    Enum {
        /// Declared name.
        name: &'static str,
        /// The size, including the tag and reserved bytes.
        size: usize,
        /// The size of the tag: 1, 2 or 4.
        tag_width: usize,
        /// The variants in declaration order.
        variants: &'static [Variant],
    },
    /// A length in 1, 2 or 4 bytes, and then that many bytes of UTF-8.
    String {
        /// The longest text.
        max_len: usize,
    },
    /// A length in 1, 2 or 4 bytes, and then that many elements.
    Vec {
        /// The type of an element.
        element: &'static Schema,
        /// The greatest number of elements.
        max_len: usize,
    },
}

/// One field of a struct or of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Declared name; `0`, `1`, … in a tuple struct.
    pub name: &'static str,
    /// Offset in bytes from the start of the struct or enum. The fields of one
    /// type ascend and do not overlap.
    pub offset: usize,
    /// The type of the field.
    pub schema: &'static Schema,
}

impl Field {
    /// A field at offset 0.
    #[must_use]
    pub const fn new(name: &'static str, schema: &'static Schema) -> Self {
        Self {
            name,
            offset: 0,
            schema,
        }
    }
}

/// One variant of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// Declared name.
    pub name: &'static str,
    /// The tag that selects the variant.
    pub tag: u32,
    /// The fields in declaration order. Their offsets count from the start of
    /// the enum.
    pub fields: &'static [Field],
}

impl Schema {
    /// Whether a value of the type has the same bytes in memory as it has
    /// encoded, on a little-endian machine and if both have the same size.
    pub(in crate::codec) const fn is_memory(&self) -> bool {
        match self {
            Self::Scalar(_) | Self::NonZero(_) | Self::Bytes { .. } | Self::Pod { .. } => true,
            Self::Array { element, .. } => element.is_memory(),
            _ => false,
        }
    }

    /// The size in bytes of every value of the type.
    #[must_use]
    pub const fn size(&self) -> usize {
        match *self {
            Self::Scalar(scalar) | Self::NonZero(scalar) => scalar.size(),
            Self::Bytes { len } => len,
            Self::Text { capacity } => capacity,
            Self::Pod { size, .. } | Self::Struct { size, .. } | Self::Enum { size, .. } => size,
            Self::Array { element, len } => element.size().saturating_mul(len),
            Self::Option(inner) => inner.size().saturating_add(1),
            Self::Tuple(items) => {
                let mut size = 0_usize;
                let mut rest = items;
                while let [item, tail @ ..] = rest {
                    size = size.saturating_add(item.size());
                    rest = tail;
                }
                size
            }
            Self::String { max_len } => length_width(max_len).saturating_add(max_len),
            Self::Vec { element, max_len } => {
                length_width(max_len).saturating_add(element.size().saturating_mul(max_len))
            }
        }
    }
}
