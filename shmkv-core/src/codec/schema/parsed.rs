//! [`ParsedSchema`]: the description of a type as an owned tree, read from a
//! segment by `parse` or copied from a program's constant [`Schema`].

use super::tree::{Field, Scalar, Schema, Variant};
use crate::codec::length::length_width;

/// The description of a type, read from a segment.
///
/// It prints as the type was declared. Two types are the same exactly if their
/// schemas are equal.
///
/// ```
/// use shmkv_core::schema::{ParsedSchema, Scalar, Schema};
///
/// let found = ParsedSchema::from(&Schema::Option(&Schema::Scalar(Scalar::U16)));
/// assert_eq!(found.to_string(), "Option<u16>");
/// assert_eq!(found.size(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are those of `Schema`")]
pub enum ParsedSchema {
    /// See [`Schema::Scalar`].
    Scalar(Scalar),
    /// See [`Schema::NonZero`].
    NonZero(Scalar),
    /// See [`Schema::Bytes`].
    Bytes { len: usize },
    /// See [`Schema::Text`].
    Text { capacity: usize },
    /// See [`Schema::Pod`].
    Pod {
        name: String,
        size: usize,
        fields: Vec<ParsedField>,
    },
    /// See [`Schema::Array`].
    Array {
        element: Box<ParsedSchema>,
        len: usize,
    },
    /// See [`Schema::Option`].
    Option(Box<ParsedSchema>),
    /// See [`Schema::Tuple`].
    Tuple(Vec<ParsedSchema>),
    /// See [`Schema::Struct`].
    Struct {
        name: String,
        size: usize,
        fields: Vec<ParsedField>,
    },
    /// See [`Schema::Enum`].
    Enum {
        name: String,
        size: usize,
        tag_width: usize,
        variants: Vec<ParsedVariant>,
    },
    /// See [`Schema::String`].
    String { max_len: usize },
    /// See [`Schema::Vec`].
    Vec {
        element: Box<ParsedSchema>,
        max_len: usize,
    },
}

/// One field of a struct or of a variant; see [`Field`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of `Field`")]
pub struct ParsedField {
    pub name: String,
    pub offset: usize,
    pub schema: ParsedSchema,
}

/// One variant of an enum; see [`Variant`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of `Variant`")]
pub struct ParsedVariant {
    pub name: String,
    pub tag: u32,
    pub fields: Vec<ParsedField>,
}

impl ParsedSchema {
    /// The size in bytes of every value of the type.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Scalar(scalar) | Self::NonZero(scalar) => scalar.size(),
            Self::Bytes { len } => *len,
            Self::Text { capacity } => *capacity,
            Self::Pod { size, .. } | Self::Struct { size, .. } | Self::Enum { size, .. } => *size,
            Self::Array { element, len } => element.size().saturating_mul(*len),
            Self::Option(inner) => inner.size().saturating_add(1),
            Self::Tuple(items) => items.iter().map(Self::size).fold(0, usize::saturating_add),
            Self::String { max_len } => length_width(*max_len).saturating_add(*max_len),
            Self::Vec { element, max_len } => {
                length_width(*max_len).saturating_add(element.size().saturating_mul(*max_len))
            }
        }
    }
}

impl From<&Schema> for ParsedSchema {
    /// Copies a constant schema.
    fn from(schema: &Schema) -> Self {
        let fields = |fields: &[Field]| fields.iter().map(ParsedField::from).collect();
        match *schema {
            Schema::Scalar(scalar) => Self::Scalar(scalar),
            Schema::NonZero(scalar) => Self::NonZero(scalar),
            Schema::Bytes { len } => Self::Bytes { len },
            Schema::Text { capacity } => Self::Text { capacity },
            Schema::Pod {
                name,
                size,
                fields: parts,
            } => Self::Pod {
                name: name.to_owned(),
                size,
                fields: fields(parts),
            },
            Schema::Array { element, len } => Self::Array {
                element: Box::new(element.into()),
                len,
            },
            Schema::Option(inner) => Self::Option(Box::new(inner.into())),
            Schema::Tuple(items) => Self::Tuple(items.iter().map(|item| (*item).into()).collect()),
            Schema::Struct {
                name,
                size,
                fields: parts,
            } => Self::Struct {
                name: name.to_owned(),
                size,
                fields: fields(parts),
            },
            Schema::Enum {
                name,
                size,
                tag_width,
                variants,
            } => Self::Enum {
                name: name.to_owned(),
                size,
                tag_width,
                variants: variants.iter().map(ParsedVariant::from).collect(),
            },
            Schema::String { max_len } => Self::String { max_len },
            Schema::Vec { element, max_len } => Self::Vec {
                element: Box::new(element.into()),
                max_len,
            },
        }
    }
}

impl From<&Field> for ParsedField {
    fn from(field: &Field) -> Self {
        Self {
            name: field.name.to_owned(),
            offset: field.offset,
            schema: field.schema.into(),
        }
    }
}

impl From<&Variant> for ParsedVariant {
    fn from(variant: &Variant) -> Self {
        Self {
            name: variant.name.to_owned(),
            tag: variant.tag,
            fields: variant.fields.iter().map(ParsedField::from).collect(),
        }
    }
}

/// Whether the fields are those of a tuple struct: named `0`, `1`, ….
pub(in crate::codec) fn is_positional(fields: &[ParsedField]) -> bool {
    let numbered = |(index, field): (usize, &ParsedField)| field.name == index.to_string();
    fields.iter().enumerate().all(numbered)
}
