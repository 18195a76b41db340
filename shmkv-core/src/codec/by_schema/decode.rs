//! Bytes to values, by the schema alone.
//!
//! Schema and bytes both come from a segment, so both may be hostile. Every part
//! is taken by a checked slice, and work and memory are bounded by a [`Budget`] in
//! proportion to the bytes: a schema of deep wrappers, long names, or lists of
//! nothing can claim far more parts than there are bytes.

use core::ffi::CStr;

use super::shape::{alone, counted, too_short};
use super::value::Value;
use crate::codec::error::DecodeError;
use crate::codec::field::ShmField;
use crate::codec::field::role::ValueRole;
use crate::codec::length::{length_width, number};
use crate::codec::schema::parsed::{ParsedField, ParsedSchema, positional};
use crate::codec::schema::tree::Scalar;

impl ParsedSchema {
    /// The value of this type that `bytes` hold.
    ///
    /// ```
    /// use shmkv_core::schema::{ParsedSchema, Scalar, Schema, Value};
    ///
    /// let pair = Schema::Tuple(&[&Schema::Scalar(Scalar::U16), &Schema::Text { capacity: 8 }]);
    /// let pair = ParsedSchema::from(&pair);
    /// let value = pair.decode(b"\x01\x02boiler\0\0")?;
    /// assert_eq!(
    ///     value,
    ///     Value::List(vec![Value::Unsigned(513), Value::Text("boiler".into())])
    /// );
    /// assert_eq!(pair.encode(&value)?, b"\x01\x02boiler\0\0");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Nothing of this type has these bytes, or there are not
    /// [`size`](Self::size) of them. Any bytes are safe to pass. A value of more
    /// than some million parts is refused too.
    pub fn decode(&self, bytes: &[u8]) -> Result<Value, DecodeError> {
        let (expected, found) = (self.size(), bytes.len());
        if expected != found {
            return Err(DecodeError::WrongLength { expected, found });
        }
        Decoder(Budget::of(bytes)).value(self, bytes)
    }
}

/// How much work is left. A part costs 1; one without bytes of its own, of which
/// there may be any number, costs [`OF_NOTHING`](Budget::OF_NOTHING).
struct Budget(usize);

impl Budget {
    /// What each byte pays for, so that parts without bytes are about as many as bytes.
    const OF_NOTHING: usize = 16;
    /// Bytes of a name that cost as much as a part. A value has copies of its names.
    const NAME: usize = 8;

    /// Enough for every type that a program would declare: each byte may be
    /// wrapped several times.
    fn of(bytes: &[u8]) -> Self {
        Self(
            bytes
                .len()
                .saturating_mul(Self::OF_NOTHING)
                .clamp(1 << 16, 1 << 24),
        )
    }

    fn spend(&mut self, parts: usize) -> Result<(), DecodeError> {
        match self.0.checked_sub(parts) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(DecodeError::Invalid("too many parts".to_owned())),
        }
    }
}

struct Decoder(Budget);

impl Decoder {
    /// `bytes` are as many as the type has.
    fn value(&mut self, schema: &ParsedSchema, bytes: &[u8]) -> Result<Value, DecodeError> {
        self.0.spend(if bytes.is_empty() {
            Budget::OF_NOTHING
        } else {
            1
        })?;
        match schema {
            ParsedSchema::Scalar(scalar) => decode_scalar(*scalar, bytes),
            ParsedSchema::NonZero(scalar) => match decode_scalar(*scalar, bytes)? {
                Value::Unsigned(0) | Value::Signed(0) => Err(DecodeError::OutOfRange {
                    expected: "a number other than zero",
                    found: 0,
                }),
                value => Ok(value),
            },
            ParsedSchema::Bytes { .. } => Ok(Value::Bytes(bytes.to_vec())),
            ParsedSchema::Text { capacity } => match CStr::from_bytes_until_nul(bytes) {
                Ok(stored) => text(stored.to_bytes()),
                Err(_) => Err(DecodeError::Unterminated {
                    capacity: *capacity,
                }),
            },
            ParsedSchema::Pod { fields, .. } if fields.is_empty() => {
                Ok(Value::Bytes(bytes.to_vec()))
            }
            ParsedSchema::Pod { fields, .. } | ParsedSchema::Struct { fields, .. } => {
                self.fields(fields, bytes, "")
            }
            ParsedSchema::Array { element, len } => {
                let size = bytes.len().checked_div(*len).unwrap_or(0);
                self.elements(element, *len, size, bytes)
            }
            ParsedSchema::Option(inner) => match bytes.split_first() {
                Some((0, _)) => Ok(Value::Null),
                Some((1, payload)) => {
                    let value = self.value(inner, payload)?;
                    Ok(if inner.is_nullable() {
                        Value::Map(vec![("Some".to_owned(), value)])
                    } else {
                        value
                    })
                }
                tag => Err(DecodeError::OutOfRange {
                    expected: "an option's tag (0 or 1)",
                    found: tag.map_or(0, |(tag, _)| u64::from(*tag)),
                }),
            },
            ParsedSchema::Tuple(items) => {
                let (mut values, mut rest) = (Vec::new(), bytes);
                for (index, item) in items.iter().enumerate() {
                    let part = rest.split_off(..self.size(item)?).ok_or_else(too_short)?;
                    let value = self.value(item, part);
                    values.push(value.map_err(|error| error.in_field(&index.to_string()))?);
                }
                Ok(Value::List(values))
            }
            ParsedSchema::Enum {
                name,
                tag_width,
                variants,
                ..
            } => {
                let tag = number(bytes.get(..*tag_width).ok_or_else(too_short)?);
                let mut known = variants.iter();
                let found = known.position(|variant| u64::from(variant.tag) == tag);
                // Types with so many variants that the search counts are rare.
                self.0.spend(found.unwrap_or(variants.len()) / 64)?;
                let variant = found.and_then(|index| variants.get(index)).ok_or_else(|| {
                    DecodeError::Invalid(format!("no variant of `{name}` has the tag {tag}"))
                })?;
                self.0.spend(variant.name.len() / Budget::NAME)?;
                let name = variant.name.clone();
                if variant.fields.is_empty() {
                    return Ok(Value::Text(name));
                }
                let fields = self.fields(&variant.fields, bytes, &format!("{name}."))?;
                Ok(Value::Map(vec![(name, fields)]))
            }
            ParsedSchema::String { max_len } => text(counted(*max_len, 1, bytes)?.1),
            ParsedSchema::Vec { element, max_len } => {
                let size = self.size(element)?;
                let (len, elements) = counted(*max_len, size, bytes)?;
                self.elements(element, len, size, elements)
            }
        }
    }

    /// Fields of a struct or a variant; `of` stands before their names in errors.
    fn fields(
        &mut self,
        fields: &[ParsedField],
        bytes: &[u8],
        of: &str,
    ) -> Result<Value, DecodeError> {
        let mut decode = |field: &ParsedField| {
            self.0.spend(field.name.len() / Budget::NAME)?;
            let size = self.size(&field.schema)?;
            let part = bytes.get(field.offset..).and_then(|rest| rest.get(..size));
            part.ok_or_else(too_short)
                .and_then(|part| self.value(&field.schema, part))
                .map_err(|error| error.in_field(&format!("{of}{}", field.name)))
        };
        if let Some(field) = alone(fields) {
            return decode(field);
        }
        if positional(fields) {
            let values: Result<_, _> = fields.iter().map(decode).collect();
            return values.map(Value::List);
        }
        let named = |field: &ParsedField| Ok((field.name.clone(), decode(field)?));
        let values: Result<_, _> = fields.iter().map(named).collect();
        values.map(Value::Map)
    }

    fn elements(
        &mut self,
        element: &ParsedSchema,
        len: usize,
        size: usize,
        bytes: &[u8],
    ) -> Result<Value, DecodeError> {
        let (mut values, mut rest) = (Vec::new(), bytes);
        for index in 0..len {
            let part = rest.split_off(..size).ok_or_else(too_short)?;
            let value = self.value(element, part);
            values.push(value.map_err(|error| error.in_element(index))?);
        }
        Ok(Value::List(values))
    }

    /// As [`ParsedSchema::size`], paid for.
    fn size(&mut self, schema: &ParsedSchema) -> Result<usize, DecodeError> {
        self.0.spend(1)?;
        Ok(match schema {
            ParsedSchema::Array { element, len } => self.size(element)?.saturating_mul(*len),
            ParsedSchema::Option(inner) => self.size(inner)?.saturating_add(1),
            ParsedSchema::Tuple(items) => {
                let mut size = 0_usize;
                for item in items {
                    size = size.saturating_add(self.size(item)?);
                }
                size
            }
            ParsedSchema::Vec { element, max_len } => {
                let elements = self.size(element)?.saturating_mul(*max_len);
                length_width(*max_len).saturating_add(elements)
            }
            leaf => leaf.size(),
        })
    }
}

fn decode_scalar(scalar: Scalar, bytes: &[u8]) -> Result<Value, DecodeError> {
    fn read<T: ShmField<ValueRole>, U: From<T>>(
        bytes: &[u8],
        value: impl FnOnce(U) -> Value,
    ) -> Result<Value, DecodeError> {
        T::decode(bytes).map(|read| value(read.into()))
    }
    match scalar {
        Scalar::U8 => read::<u8, _>(bytes, Value::Unsigned),
        Scalar::U16 => read::<u16, _>(bytes, Value::Unsigned),
        Scalar::U32 => read::<u32, _>(bytes, Value::Unsigned),
        Scalar::U64 => read::<u64, _>(bytes, Value::Unsigned),
        Scalar::U128 => read::<u128, _>(bytes, Value::Unsigned),
        Scalar::I8 => read::<i8, _>(bytes, Value::Signed),
        Scalar::I16 => read::<i16, _>(bytes, Value::Signed),
        Scalar::I32 => read::<i32, _>(bytes, Value::Signed),
        Scalar::I64 => read::<i64, _>(bytes, Value::Signed),
        Scalar::I128 => read::<i128, _>(bytes, Value::Signed),
        Scalar::F32 => read::<f32, _>(bytes, Value::F32),
        Scalar::F64 => read::<f64, _>(bytes, Value::F64),
        Scalar::Bool => read::<bool, _>(bytes, Value::Bool),
        Scalar::Char => read::<char, _>(bytes, Value::Text),
    }
}

fn text(bytes: &[u8]) -> Result<Value, DecodeError> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Ok(Value::Text(text.to_owned())),
        Err(error) => Err(DecodeError::NotUtf8 {
            valid_up_to: error.valid_up_to(),
        }),
    }
}
