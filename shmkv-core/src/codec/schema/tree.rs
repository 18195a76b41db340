//! The description of a type as a program carries it: a constant tree, built by
//! the derive.

use crate::codec::length::length_width;

/// A number, `bool` or `char`.
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
    /// Bytes that it takes.
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

/// The description of a type: what the derive generates and
/// [`ShmField::SCHEMA`](crate::field::ShmField::SCHEMA) holds.
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
    /// An integer other than zero.
    NonZero(Scalar),
    /// Bytes without further meaning.
    Bytes {
        /// How many.
        len: usize,
    },
    /// UTF-8 that ends at the first NUL.
    Text {
        /// Bytes, the NUL among them.
        capacity: usize,
    },
    /// The memory of a plain-old-data type.
    Pod {
        /// Declared name, empty if not known.
        name: &'static str,
        /// Bytes.
        size: usize,
        /// Its fields, as far as they are known.
        fields: &'static [Field],
    },
    /// Elements one after the other.
    Array {
        /// One of them.
        element: &'static Schema,
        /// How many.
        len: usize,
    },
    /// One byte, 0 or 1, and the value or zeros.
    Option(&'static Schema),
    /// Fields without names, one after the other.
    Tuple(&'static [&'static Schema]),
    /// Fields with names.
    Struct {
        /// Declared name.
        name: &'static str,
        /// Bytes, reserved ones among them.
        size: usize,
        /// In declaration order.
        fields: &'static [Field],
    },
    /// A tag and the fields of one variant.
    Enum {
        /// Declared name.
        name: &'static str,
        /// Bytes, reserved ones among them.
        size: usize,
        /// Bytes of the tag: 1, 2 or 4.
        tag_width: usize,
        /// In declaration order.
        variants: &'static [Variant],
    },
    /// A length and then UTF-8.
    String {
        /// Bytes of text that fit.
        max_len: usize,
    },
    /// A length and then elements.
    Vec {
        /// One of them.
        element: &'static Schema,
        /// Elements that fit.
        max_len: usize,
    },
}

/// One field of a struct or of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Declared name; `0`, `1`, … in a tuple struct.
    pub name: &'static str,
    /// First byte, counted from the start of the struct or enum. Fields stand
    /// in the order of their offsets and do not overlap.
    pub offset: usize,
    /// Its type.
    pub schema: &'static Schema,
}

impl Field {
    /// A field at the start.
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
    /// The number that stands for it.
    pub tag: u32,
    /// In declaration order; offsets count from the start of the enum.
    pub fields: &'static [Field],
}

impl Schema {
    /// Whether encoding such a type leaves its memory as it is, on a machine
    /// that is little-endian, if it also takes as many bytes there.
    pub(in crate::codec) const fn is_memory(&self) -> bool {
        match self {
            Self::Scalar(_) | Self::NonZero(_) | Self::Bytes { .. } | Self::Pod { .. } => true,
            Self::Array { element, .. } => element.is_memory(),
            _ => false,
        }
    }

    /// Bytes that the type takes.
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
