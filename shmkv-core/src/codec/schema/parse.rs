//! Reading a schema that another program wrote.
//!
//! The bytes are hostile until proven otherwise.
//!
//! **Invariant.** The parser never panics and allocates at most in proportion to
//! the blob, because it bounds its length, its depth and the number of its
//! parts. It accepts only parts that lie inside their type, ascend and do not
//! overlap. The result is therefore safe to print and to decode bytes with.

use super::error::SchemaError;
use super::parsed::{ParsedField, ParsedSchema, ParsedVariant};
use super::tree::Scalar;
use super::wire::{self, MAX_BLOB, MAX_DEPTH, MAX_NODES};

impl ParsedSchema {
    /// Reads the descriptions of a map's keys and values from the bytes that its
    /// segment stores.
    ///
    /// ```
    /// use shmkv_core::schema::{ParsedSchema, Scalar, Schema};
    ///
    /// let blob = Schema::to_blob(&Schema::Scalar(Scalar::U64), &Schema::Text { capacity: 64 })?;
    /// let (key, value) = ParsedSchema::from_blob(&blob)?;
    /// assert_eq!(format!("{key} => {value}"), "u64 => text(64)");
    /// # Ok::<(), shmkv_core::schema::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The bytes are not what
    /// [`Schema::to_blob`](crate::schema::Schema::to_blob) writes; the
    /// [`SchemaError`] says where they part. Any bytes are safe to pass.
    pub fn from_blob(blob: &[u8]) -> Result<(Self, Self), SchemaError> {
        if blob.len() > MAX_BLOB {
            return Err(SchemaError::TooLarge);
        }
        let mut parser = Parser {
            rest: blob,
            nodes: 0,
        };
        let found = parser.take_byte()?;
        if found != wire::VERSION {
            let expected = wire::VERSION;
            return Err(SchemaError::Version { expected, found });
        }
        let key = parser.parse_schema(0)?;
        let value = parser.parse_schema(0)?;
        match parser.rest.len() {
            0 => Ok((key, value)),
            count => Err(SchemaError::Trailing { count }),
        }
    }
}

/// Consumes a blob from its front.
struct Parser<'a> {
    rest: &'a [u8],
    nodes: usize,
}

impl Parser<'_> {
    fn parse_schema(&mut self, depth: usize) -> Result<ParsedSchema, SchemaError> {
        self.count_node()?;
        if depth >= MAX_DEPTH {
            return Err(SchemaError::TooLarge);
        }
        let kind = self.take_byte()?;
        let schema = match kind {
            wire::BYTES => ParsedSchema::Bytes {
                len: self.take_u32()?,
            },
            wire::TEXT => ParsedSchema::Text {
                capacity: self.take_u32()?,
            },
            wire::POD | wire::STRUCT => {
                let name = self.take_name()?;
                let size = self.take_u32()?;
                let fields = self.parse_fields(0, size, depth)?;
                if kind == wire::POD {
                    ParsedSchema::Pod { name, size, fields }
                } else {
                    ParsedSchema::Struct { name, size, fields }
                }
            }
            wire::ARRAY => ParsedSchema::Array {
                len: self.take_u32()?,
                element: Box::new(self.parse_schema(depth + 1)?),
            },
            wire::OPTION => ParsedSchema::Option(Box::new(self.parse_schema(depth + 1)?)),
            wire::TUPLE => {
                let count = self.take_count()?;
                let items = (0..count).map(|_| self.parse_schema(depth + 1));
                ParsedSchema::Tuple(items.collect::<Result<_, _>>()?)
            }
            wire::ENUM => {
                let name = self.take_name()?;
                let size = self.take_u32()?;
                let tag_width = usize::from(self.take_byte()?);
                if !matches!(tag_width, 1 | 2 | 4) || tag_width > size {
                    return Err(SchemaError::BadSize);
                }
                let count = self.take_count()?;
                let variants = (0..count).map(|_| self.parse_variant(tag_width, size, depth));
                ParsedSchema::Enum {
                    name,
                    size,
                    tag_width,
                    variants: variants.collect::<Result<_, _>>()?,
                }
            }
            wire::STRING => ParsedSchema::String {
                max_len: self.take_u32()?,
            },
            wire::VEC => ParsedSchema::Vec {
                max_len: self.take_u32()?,
                element: Box::new(self.parse_schema(depth + 1)?),
            },
            _ => Self::parse_scalar(kind)?,
        };
        if schema.size() > u32::MAX as usize {
            return Err(SchemaError::BadSize);
        }
        Ok(schema)
    }

    fn parse_scalar(kind: u8) -> Result<ParsedSchema, SchemaError> {
        let integer = |scalar: &Scalar| (*scalar as u8) <= Scalar::I128 as u8;
        wire::scalar_of(kind)
            .map(ParsedSchema::Scalar)
            .or_else(|| {
                let scalar = wire::scalar_of(kind ^ wire::NON_ZERO).filter(integer)?;
                Some(ParsedSchema::NonZero(scalar))
            })
            .ok_or(SchemaError::UnknownKind { kind })
    }

    /// One variant of an enum, whose fields lie between `start`, where the tag
    /// ends, and `size`.
    fn parse_variant(
        &mut self,
        start: usize,
        size: usize,
        depth: usize,
    ) -> Result<ParsedVariant, SchemaError> {
        self.count_node()?;
        Ok(ParsedVariant {
            name: self.take_name()?,
            tag: self.take_array().map(u32::from_le_bytes)?,
            fields: self.parse_fields(start, size, depth)?,
        })
    }

    /// The fields of a type of `size` bytes, from offset `end` on. They ascend
    /// and do not overlap, so no byte is decoded twice on one level.
    fn parse_fields(
        &mut self,
        mut end: usize,
        size: usize,
        depth: usize,
    ) -> Result<Vec<ParsedField>, SchemaError> {
        let count = self.take_count()?;
        let field = |_| {
            let field = ParsedField {
                name: self.take_name()?,
                offset: self.take_u32()?,
                schema: self.parse_schema(depth + 1)?,
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

    fn count_node(&mut self) -> Result<(), SchemaError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(SchemaError::TooLarge);
        }
        Ok(())
    }

    fn take_name(&mut self) -> Result<String, SchemaError> {
        let len = usize::from(self.take_byte()?);
        let bytes = self.take_bytes(len)?;
        let name = core::str::from_utf8(bytes).map_err(|_| SchemaError::BadName)?;
        Ok(name.to_owned())
    }

    fn take_count(&mut self) -> Result<usize, SchemaError> {
        Ok(usize::from(u16::from_le_bytes(self.take_array()?)))
    }

    fn take_u32(&mut self) -> Result<usize, SchemaError> {
        usize::try_from(u32::from_le_bytes(self.take_array()?)).map_err(|_| SchemaError::BadSize)
    }

    fn take_byte(&mut self) -> Result<u8, SchemaError> {
        self.take_array().map(|[byte]: [u8; 1]| byte)
    }

    fn take_array<const LEN: usize>(&mut self) -> Result<[u8; LEN], SchemaError> {
        let (head, tail) = self
            .rest
            .split_first_chunk()
            .ok_or(SchemaError::Truncated)?;
        self.rest = tail;
        Ok(*head)
    }

    fn take_bytes(&mut self, len: usize) -> Result<&[u8], SchemaError> {
        let (head, tail) = self
            .rest
            .split_at_checked(len)
            .ok_or(SchemaError::Truncated)?;
        self.rest = tail;
        Ok(head)
    }
}
