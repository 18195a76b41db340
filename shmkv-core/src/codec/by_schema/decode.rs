//! From bytes to values, by the schema alone.
//!
//! Schema and bytes both come from a segment, so both may be hostile.
//!
//! **Invariant.** Checked slices take every part, and a [`Budget`] in proportion
//! to the bytes bounds work and memory. Without it, a schema of deep wrappers, long
//! names or lists of empty elements could claim far more parts than there are
//! bytes.

use core::ffi::CStr;

use super::shape::{inconsistent, sole_field, split_elements};
use super::value::Value;
use crate::codec::error::DecodeError;
use crate::codec::field::ShmField;
use crate::codec::field::role::ValueRole;
use crate::codec::length::{length_width, little_endian};
use crate::codec::schema::parsed::{ParsedField, ParsedSchema, is_positional};
use crate::codec::schema::tree::Scalar;

impl ParsedSchema {
    /// Decodes a value of this type.
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
    /// No value of this type has these bytes, `bytes` is not [`size`](Self::size)
    /// long, or the value has far more parts than bytes or more than a few
    /// million. Any bytes are safe to pass.
    pub fn decode(&self, bytes: &[u8]) -> Result<Value, DecodeError> {
        let (expected, found) = (self.size(), bytes.len());
        if expected != found {
            return Err(DecodeError::WrongLength { expected, found });
        }
        Decoder(Budget::for_bytes(bytes)).decode(self, bytes)
    }
}

/// The work that is left. A part costs 1. A part without bytes costs
/// [`EMPTY_PART`](Budget::EMPTY_PART), since a schema may claim any number of them.
struct Budget(usize);

impl Budget {
    /// The cost of a part without bytes, and what each byte adds to the budget:
    /// there may be about as many such parts as bytes.
    const EMPTY_PART: usize = 16;
    /// Bytes of a name that cost as much as a part, since values copy names.
    const NAME: usize = 8;

    /// Enough for any type that a program would declare: each byte may be inside
    /// several wrappers.
    fn for_bytes(bytes: &[u8]) -> Self {
        Self(
            bytes
                .len()
                .saturating_mul(Self::EMPTY_PART)
                .clamp(1 << 16, 1 << 24),
        )
    }

    fn spend(&mut self, parts: usize) -> Result<(), DecodeError> {
        match self.0.checked_sub(parts) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(DecodeError::Invalid(
                "too many parts for the number of bytes".to_owned(),
            )),
        }
    }
}

struct Decoder(Budget);

impl Decoder {
    /// Decodes a value from exactly as many bytes as its type has.
    fn decode(&mut self, schema: &ParsedSchema, bytes: &[u8]) -> Result<Value, DecodeError> {
        self.0.spend(if bytes.is_empty() {
            Budget::EMPTY_PART
        } else {
            1
        })?;
        match schema {
            ParsedSchema::Scalar(scalar) => decode_scalar(*scalar, bytes),
            ParsedSchema::NonZero(scalar) => match decode_scalar(*scalar, bytes)? {
                Value::Unsigned(0) | Value::Signed(0) => Err(DecodeError::OutOfRange {
                    expected: "a nonzero number",
                    found: 0,
                }),
                value => Ok(value),
            },
            ParsedSchema::Bytes { .. } => Ok(Value::Bytes(bytes.to_vec())),
            ParsedSchema::Text { capacity } => match CStr::from_bytes_until_nul(bytes) {
                Ok(stored) => decode_text(stored.to_bytes()),
                Err(_) => Err(DecodeError::Unterminated {
                    capacity: *capacity,
                }),
            },
            ParsedSchema::Pod { fields, .. } if fields.is_empty() => {
                Ok(Value::Bytes(bytes.to_vec()))
            }
            ParsedSchema::Pod { fields, .. } | ParsedSchema::Struct { fields, .. } => {
                self.decode_fields(fields, bytes, "")
            }
            ParsedSchema::Array { element, len } => {
                let size = bytes.len().checked_div(*len).unwrap_or(0);
                self.decode_elements(element, *len, size, bytes)
            }
            ParsedSchema::Option(inner) => match bytes.split_first() {
                Some((0, _)) => Ok(Value::Null),
                Some((1, payload)) => {
                    let value = self.decode(inner, payload)?;
                    Ok(if inner.is_nullable() {
                        Value::Map(vec![("Some".to_owned(), value)])
                    } else {
                        value
                    })
                }
                tag => Err(DecodeError::OutOfRange {
                    expected: "the tag of an option (0 or 1)",
                    found: tag.map_or(0, |(tag, _)| u64::from(*tag)),
                }),
            },
            ParsedSchema::Tuple(items) => {
                let (mut values, mut rest) = (Vec::new(), bytes);
                for (index, item) in items.iter().enumerate() {
                    let part = rest
                        .split_off(..self.size_of(item)?)
                        .ok_or_else(inconsistent)?;
                    let value = self.decode(item, part);
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
                let tag = little_endian(bytes.get(..*tag_width).ok_or_else(inconsistent)?);
                let mut known = variants.iter();
                let found = known.position(|variant| u64::from(variant.tag) == tag);
                // Free for enums of up to 64 variants.
                self.0.spend(found.unwrap_or(variants.len()) / 64)?;
                let variant = found.and_then(|index| variants.get(index)).ok_or_else(|| {
                    DecodeError::Invalid(format!("expected a tag of enum `{name}`, found {tag}"))
                })?;
                self.0.spend(variant.name.len() / Budget::NAME)?;
                let name = variant.name.clone();
                if variant.fields.is_empty() {
                    return Ok(Value::Text(name));
                }
                let fields = self.decode_fields(&variant.fields, bytes, &format!("{name}."))?;
                Ok(Value::Map(vec![(name, fields)]))
            }
            ParsedSchema::String { max_len } => decode_text(split_elements(*max_len, 1, bytes)?.1),
            ParsedSchema::Vec { element, max_len } => {
                let size = self.size_of(element)?;
                let (len, elements) = split_elements(*max_len, size, bytes)?;
                self.decode_elements(element, len, size, elements)
            }
        }
    }

    /// Decodes the fields of a struct or variant. Errors name a field with
    /// `prefix` in front.
    fn decode_fields(
        &mut self,
        fields: &[ParsedField],
        bytes: &[u8],
        prefix: &str,
    ) -> Result<Value, DecodeError> {
        let mut decode = |field: &ParsedField| {
            self.0.spend(field.name.len() / Budget::NAME)?;
            let size = self.size_of(&field.schema)?;
            let part = bytes.get(field.offset..).and_then(|rest| rest.get(..size));
            part.ok_or_else(inconsistent)
                .and_then(|part| self.decode(&field.schema, part))
                .map_err(|error| error.in_field(&format!("{prefix}{}", field.name)))
        };
        if let Some(field) = sole_field(fields) {
            return decode(field);
        }
        if is_positional(fields) {
            let values: Result<_, _> = fields.iter().map(decode).collect();
            return values.map(Value::List);
        }
        let named = |field: &ParsedField| Ok((field.name.clone(), decode(field)?));
        let values: Result<_, _> = fields.iter().map(named).collect();
        values.map(Value::Map)
    }

    fn decode_elements(
        &mut self,
        element: &ParsedSchema,
        len: usize,
        size: usize,
        bytes: &[u8],
    ) -> Result<Value, DecodeError> {
        let (mut values, mut rest) = (Vec::new(), bytes);
        for index in 0..len {
            let part = rest.split_off(..size).ok_or_else(inconsistent)?;
            let value = self.decode(element, part);
            values.push(value.map_err(|error| error.in_element(index))?);
        }
        Ok(Value::List(values))
    }

    /// The size of a type, which takes a walk that the budget pays for.
    fn size_of(&mut self, schema: &ParsedSchema) -> Result<usize, DecodeError> {
        self.0.spend(1)?;
        Ok(match schema {
            ParsedSchema::Array { element, len } => self.size_of(element)?.saturating_mul(*len),
            ParsedSchema::Option(inner) => self.size_of(inner)?.saturating_add(1),
            ParsedSchema::Tuple(items) => {
                let mut size = 0_usize;
                for item in items {
                    size = size.saturating_add(self.size_of(item)?);
                }
                size
            }
            ParsedSchema::Vec { element, max_len } => {
                let elements = self.size_of(element)?.saturating_mul(*max_len);
                length_width(*max_len).saturating_add(elements)
            }
            leaf => leaf.size(),
        })
    }
}

fn decode_scalar(scalar: Scalar, bytes: &[u8]) -> Result<Value, DecodeError> {
    fn decode_as<T: ShmField<ValueRole>, U: From<T>>(
        bytes: &[u8],
        value: impl FnOnce(U) -> Value,
    ) -> Result<Value, DecodeError> {
        T::decode(bytes).map(|decoded| value(decoded.into()))
    }
    match scalar {
        Scalar::U8 => decode_as::<u8, _>(bytes, Value::Unsigned),
        Scalar::U16 => decode_as::<u16, _>(bytes, Value::Unsigned),
        Scalar::U32 => decode_as::<u32, _>(bytes, Value::Unsigned),
        Scalar::U64 => decode_as::<u64, _>(bytes, Value::Unsigned),
        Scalar::U128 => decode_as::<u128, _>(bytes, Value::Unsigned),
        Scalar::I8 => decode_as::<i8, _>(bytes, Value::Signed),
        Scalar::I16 => decode_as::<i16, _>(bytes, Value::Signed),
        Scalar::I32 => decode_as::<i32, _>(bytes, Value::Signed),
        Scalar::I64 => decode_as::<i64, _>(bytes, Value::Signed),
        Scalar::I128 => decode_as::<i128, _>(bytes, Value::Signed),
        Scalar::F32 => decode_as::<f32, _>(bytes, Value::F32),
        Scalar::F64 => decode_as::<f64, _>(bytes, Value::F64),
        Scalar::Bool => decode_as::<bool, _>(bytes, Value::Bool),
        Scalar::Char => decode_as::<char, _>(bytes, Value::Text),
    }
}

fn decode_text(bytes: &[u8]) -> Result<Value, DecodeError> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Ok(Value::Text(text.to_owned())),
        Err(error) => Err(DecodeError::NotUtf8 {
            valid_up_to: error.valid_up_to(),
        }),
    }
}
