//! Reading a schema that another program wrote.
//!
//! The bytes are hostile until proven otherwise. The parser bounds size, depth
//! and number of nodes, checks that every part lies inside its whole, and
//! allocates in proportion to the blob's length at most. It cannot panic. What
//! it returns is safe to print and to interpret bytes with.

use super::error::SchemaError;
use super::parsed::{ParsedField, ParsedSchema, ParsedVariant};
use super::tree::Scalar;
use super::wire::{self, MAX_BLOB, MAX_DEPTH, MAX_NODES};

impl ParsedSchema {
    /// Reads the key's and the value's description.
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
    /// The bytes are not what [`Schema::to_blob`](crate::schema::Schema::to_blob) writes. Any bytes are safe to
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
