//! Reading a schema that another program wrote.
//!
//! The bytes are hostile until proven otherwise. The parser bounds size, depth
//! and number of nodes, checks that every part lies inside its whole, and
//! allocates in proportion to the blob's length at most. It cannot panic. What
//! it returns is safe to print and to interpret bytes with.

use thiserror::Error;

use super::wire::{self, MAX_BLOB, MAX_DEPTH, MAX_NODES};
use super::{Field, Scalar, Schema, Variant, length_width};

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

/// The description of a type, read from a segment.
///
/// It prints as the type was declared, and decides by [`PartialEq`] whether two
/// types are the same.
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
    /// Reads the key's and the value's description.
    ///
    /// ```
    /// use shmkv_core::{ParsedSchema, Scalar, Schema};
    ///
    /// let blob = Schema::to_blob(&Schema::Scalar(Scalar::U64), &Schema::Text { capacity: 64 })?;
    /// let (key, value) = ParsedSchema::from_blob(&blob)?;
    /// assert_eq!(format!("{key} => {value}"), "u64 => text(64)");
    /// # Ok::<(), shmkv_core::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The bytes are not what [`Schema::to_blob`] writes. Any bytes are safe to
    /// pass.
    pub fn from_blob(blob: &[u8]) -> Result<(Self, Self), SchemaError> {
        if blob.len() > MAX_BLOB {
            return Err(SchemaError::TooLarge);
        }
        let mut reader = Reader {
            rest: blob,
            nodes: 0,
        };
        let found = reader.byte()?;
        if found != wire::VERSION {
            let expected = wire::VERSION;
            return Err(SchemaError::Version { expected, found });
        }
        let key = reader.schema(0)?;
        let value = reader.schema(0)?;
        match reader.rest.len() {
            0 => Ok((key, value)),
            count => Err(SchemaError::Trailing { count }),
        }
    }

    /// Bytes that the type takes.
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
    /// The owned twin of a constant schema.
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

/// Takes a blob apart from the front.
struct Reader<'a> {
    rest: &'a [u8],
    nodes: usize,
}

impl Reader<'_> {
    fn schema(&mut self, depth: usize) -> Result<ParsedSchema, SchemaError> {
        self.node()?;
        if depth >= MAX_DEPTH {
            return Err(SchemaError::TooLarge);
        }
        let kind = self.byte()?;
        let schema = match kind {
            wire::BYTES => ParsedSchema::Bytes { len: self.u32()? },
            wire::TEXT => ParsedSchema::Text {
                capacity: self.u32()?,
            },
            wire::POD | wire::STRUCT => {
                let name = self.name()?;
                let size = self.u32()?;
                let fields = self.fields(0, size, depth)?;
                if kind == wire::POD {
                    ParsedSchema::Pod { name, size, fields }
                } else {
                    ParsedSchema::Struct { name, size, fields }
                }
            }
            wire::ARRAY => ParsedSchema::Array {
                len: self.u32()?,
                element: Box::new(self.schema(depth + 1)?),
            },
            wire::OPTION => ParsedSchema::Option(Box::new(self.schema(depth + 1)?)),
            wire::TUPLE => {
                let count = self.count()?;
                let items = (0..count).map(|_| self.schema(depth + 1));
                ParsedSchema::Tuple(items.collect::<Result<_, _>>()?)
            }
            wire::ENUM => {
                let name = self.name()?;
                let size = self.u32()?;
                let tag_width = usize::from(self.byte()?);
                if !matches!(tag_width, 1 | 2 | 4) || tag_width > size {
                    return Err(SchemaError::BadSize);
                }
                let count = self.count()?;
                let variants = (0..count).map(|_| self.variant(tag_width, size, depth));
                ParsedSchema::Enum {
                    name,
                    size,
                    tag_width,
                    variants: variants.collect::<Result<_, _>>()?,
                }
            }
            wire::STRING => ParsedSchema::String {
                max_len: self.u32()?,
            },
            wire::VEC => ParsedSchema::Vec {
                max_len: self.u32()?,
                element: Box::new(self.schema(depth + 1)?),
            },
            _ => Self::scalar(kind)?,
        };
        if schema.size() > u32::MAX as usize {
            return Err(SchemaError::BadSize);
        }
        Ok(schema)
    }

    fn scalar(kind: u8) -> Result<ParsedSchema, SchemaError> {
        let integer = |scalar: &Scalar| (*scalar as u8) <= Scalar::I128 as u8;
        wire::scalar(kind)
            .map(ParsedSchema::Scalar)
            .or_else(|| {
                let scalar = wire::scalar(kind ^ wire::NON_ZERO).filter(integer)?;
                Some(ParsedSchema::NonZero(scalar))
            })
            .ok_or(SchemaError::UnknownKind { kind })
    }

    /// One variant of an enum: its fields stand from `start` to `size`.
    fn variant(
        &mut self,
        start: usize,
        size: usize,
        depth: usize,
    ) -> Result<ParsedVariant, SchemaError> {
        self.node()?;
        Ok(ParsedVariant {
            name: self.name()?,
            tag: self.number().map(u32::from_le_bytes)?,
            fields: self.fields(start, size, depth)?,
        })
    }

    /// Fields of a whole that has `size` bytes, from byte `end` on. They ascend
    /// and do not overlap, so no byte is read twice on one level.
    fn fields(
        &mut self,
        mut end: usize,
        size: usize,
        depth: usize,
    ) -> Result<Vec<ParsedField>, SchemaError> {
        let count = self.count()?;
        let field = |_| {
            let field = ParsedField {
                name: self.name()?,
                offset: self.u32()?,
                schema: self.schema(depth + 1)?,
            };
            if field.offset < end {
                return Err(SchemaError::BadSize);
            }
            end = field.offset.saturating_add(field.schema.size());
            if end > size {
                return Err(SchemaError::BadSize);
            }
            Ok(field)
        };
        (0..count).map(field).collect()
    }

    fn node(&mut self) -> Result<(), SchemaError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(SchemaError::TooLarge);
        }
        Ok(())
    }

    fn name(&mut self) -> Result<String, SchemaError> {
        let len = usize::from(self.byte()?);
        let bytes = self.take(len)?;
        let name = core::str::from_utf8(bytes).map_err(|_| SchemaError::BadName)?;
        Ok(name.to_owned())
    }

    fn count(&mut self) -> Result<usize, SchemaError> {
        Ok(usize::from(u16::from_le_bytes(self.number()?)))
    }

    fn u32(&mut self) -> Result<usize, SchemaError> {
        usize::try_from(u32::from_le_bytes(self.number()?)).map_err(|_| SchemaError::BadSize)
    }

    fn byte(&mut self) -> Result<u8, SchemaError> {
        self.number().map(|[byte]: [u8; 1]| byte)
    }

    fn number<const LEN: usize>(&mut self) -> Result<[u8; LEN], SchemaError> {
        let (head, tail) = self
            .rest
            .split_first_chunk()
            .ok_or(SchemaError::Truncated)?;
        self.rest = tail;
        Ok(*head)
    }

    fn take(&mut self, len: usize) -> Result<&[u8], SchemaError> {
        let (head, tail) = self
            .rest
            .split_at_checked(len)
            .ok_or(SchemaError::Truncated)?;
        self.rest = tail;
        Ok(head)
    }
}
