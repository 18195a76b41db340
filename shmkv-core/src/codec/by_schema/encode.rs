//! Values to bytes, by the schema alone: exactly those that the type's own
//! encoder writes.
//!
//! The schema may be hostile, the value is what somebody typed. Everything is
//! written to a private buffer of the type's size, through checked slices.

use std::time::{Duration, SystemTime};

use super::shape::alone;
use super::value::Value;
use crate::codec::error::EncodeError;
use crate::codec::field::ShmField;
use crate::codec::field::role::ValueRole;
use crate::codec::length::length_width;
use crate::codec::schema::parsed::{ParsedField, ParsedSchema, ParsedVariant, positional};
use crate::codec::schema::tree::Scalar;

impl ParsedSchema {
    /// The bytes of a value of this type.
    ///
    /// They are those that a program with the type itself would store. What a
    /// type demands beyond its schema is not known here; for the types of `std`
    /// it is checked all the same.
    ///
    /// ```
    /// use shmkv_core::schema::{ParsedSchema, Scalar, Schema, Value};
    ///
    /// let celsius = ParsedSchema::from(&Schema::Scalar(Scalar::I16));
    /// assert_eq!(celsius.encode(&Value::Text("-2".into()))?, [0xfe, 0xff]);
    /// let error = celsius.encode(&Value::Unsigned(40_000)).unwrap_err();
    /// assert_eq!(error.to_string(), "expected i16, found 40000");
    /// # Ok::<(), shmkv_core::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The value is not of this type, or does not fit.
    pub fn encode(&self, value: &Value) -> Result<Vec<u8>, EncodeError> {
        let mut out = vec![0; self.size()];
        self.write(value, &mut out)?;
        Ok(out)
    }

    /// Writes to `out`, which is zero and of the type's size.
    fn write(&self, value: &Value, out: &mut [u8]) -> Result<(), EncodeError> {
        match self {
            Self::Scalar(scalar) => encode_scalar(*scalar, value, out),
            Self::NonZero(scalar) => {
                encode_scalar(*scalar, value, out)?;
                if out.iter().all(|byte| *byte == 0) {
                    return Err(expected("a number other than zero", value));
                }
                Ok(())
            }
            Self::Bytes { .. } => encode_bytes(value, out),
            Self::Text { capacity } => encode_text(value, *capacity, out),
            Self::Pod { fields, .. } if fields.is_empty() => encode_bytes(value, out),
            Self::Pod { fields, .. } | Self::Struct { fields, .. } => {
                encode_fields(fields, value, out, "")?;
                self.check_std(out)
            }
            Self::Array { element, len } => match value {
                Value::List(items) if items.len() == *len => encode_elements(element, items, out),
                _ => Err(expected(&format!("a list of {len}"), value)),
            },
            Self::Option(inner) => {
                let (tag, payload) = out.split_at_mut_checked(1).ok_or_else(contradiction)?;
                let value = match value {
                    Value::Null => return Ok(()),
                    Value::Map(fields) if inner.is_nullable() => match fields.as_slice() {
                        [(name, value)] if name == "Some" => value,
                        _ => return Err(expected("`Some` or nothing", value)),
                    },
                    _ if inner.is_nullable() => {
                        return Err(expected("a map of `Some`, or nothing", value));
                    }
                    value => value,
                };
                tag.fill(1);
                inner.write(value, payload)
            }
            Self::Tuple(items) => match value {
                Value::List(values) if values.len() == items.len() => {
                    let mut rest = out;
                    for (index, (item, value)) in items.iter().zip(values).enumerate() {
                        let part = rest.split_off_mut(..item.size());
                        item.write(value, part.ok_or_else(contradiction)?)
                            .map_err(|error| error.in_field(&index.to_string()))?;
                    }
                    Ok(())
                }
                _ => Err(expected(&format!("a list of {}", items.len()), value)),
            },
            Self::Enum {
                name,
                tag_width,
                variants,
                ..
            } => encode_variant(name, *tag_width, variants, value, out),
            Self::String { max_len } => {
                let Value::Text(text) = value else {
                    return Err(expected("text", value));
                };
                let (len, max) = (text.len(), *max_len);
                if len > max {
                    return Err(EncodeError::TooLong { len, max });
                }
                counted(max, len, len, out)?.copy_from_slice(text.as_bytes());
                Ok(())
            }
            Self::Vec { element, max_len } => {
                let Value::List(items) = value else {
                    return Err(expected("a list", value));
                };
                let (len, max) = (items.len(), *max_len);
                if len > max {
                    return Err(EncodeError::TooMany { len, max });
                }
                let bytes = len.saturating_mul(element.size());
                encode_elements(element, items, counted(max, len, bytes, out)?)
            }
        }
    }

    /// Whether the types of `std` that have limits of their own keep them.
    fn check_std(&self, bytes: &[u8]) -> Result<(), EncodeError> {
        fn check<T: ShmField<ValueRole>>(
            schema: &ParsedSchema,
            bytes: &[u8],
        ) -> Result<(), EncodeError> {
            if *schema != ParsedSchema::from(T::SCHEMA) {
                return Ok(());
            }
            let decoded = T::decode(bytes).map(drop);
            decoded.map_err(|error| EncodeError::Invalid(error.to_string()))
        }
        match self {
            Self::Struct { name, .. } if name == "Duration" => check::<Duration>(self, bytes),
            Self::Struct { name, .. } if name == "SystemTime" => check::<SystemTime>(self, bytes),
            _ => Ok(()),
        }
    }
}

/// Fields of a struct or a variant; `of` stands before their names in errors.
fn encode_fields(
    fields: &[ParsedField],
    value: &Value,
    out: &mut [u8],
    of: &str,
) -> Result<(), EncodeError> {
    let mut encode = |field: &ParsedField, value: &Value| {
        let part = out.get_mut(field.offset..);
        let part = part.and_then(|rest| rest.get_mut(..field.schema.size()));
        part.ok_or_else(contradiction)
            .and_then(|part| field.schema.write(value, part))
            .map_err(|error| error.in_field(&format!("{of}{}", field.name)))
    };
    if let Some(field) = alone(fields) {
        return encode(field, value);
    }
    if positional(fields) {
        let Value::List(values) = value else {
            return Err(expected(&format!("a list of {}", fields.len()), value));
        };
        if values.len() != fields.len() {
            return Err(expected(&format!("a list of {}", fields.len()), value));
        }
        return fields
            .iter()
            .zip(values)
            .try_for_each(|(field, value)| encode(field, value));
    }
    let Value::Map(values) = value else {
        let names = some(fields.iter().map(|field| field.name.as_str()));
        return Err(expected(&format!("a map of the fields {names}"), value));
    };
    for (name, _) in values {
        if !fields.iter().any(|field| field.name == *name) {
            let error = EncodeError::Invalid("there is no such field".to_owned());
            return Err(error.in_field(&format!("{of}{name}")));
        }
    }
    for field in fields {
        match values.iter().find(|(name, _)| *name == field.name) {
            Some((_, value)) => encode(field, value)?,
            None if field.schema.is_nullable() => encode(field, &Value::Null)?,
            None => {
                let error = EncodeError::Invalid("the field is missing".to_owned());
                return Err(error.in_field(&format!("{of}{}", field.name)));
            }
        }
    }
    Ok(())
}

fn encode_variant(
    of: &str,
    tag_width: usize,
    variants: &[ParsedVariant],
    value: &Value,
    out: &mut [u8],
) -> Result<(), EncodeError> {
    let (name, content) = match value {
        Value::Text(name) => (name, None),
        Value::Map(fields) => match fields.as_slice() {
            [(name, content)] => (name, Some(content)),
            _ => return Err(expected(&format!("a variant of `{of}`"), value)),
        },
        _ => return Err(expected(&format!("a variant of `{of}`"), value)),
    };
    let Some(variant) = variants.iter().find(|variant| variant.name == *name) else {
        let known = some(variants.iter().map(|variant| variant.name.as_str()));
        return Err(EncodeError::Invalid(format!(
            "`{of}` has no variant {name:?}, it has {known}"
        )));
    };
    let tag = variant.tag.to_le_bytes();
    let (tag, beyond) = tag.split_at_checked(tag_width).ok_or_else(contradiction)?;
    if beyond.iter().any(|byte| *byte != 0) {
        return Err(contradiction());
    }
    out.get_mut(..tag_width)
        .ok_or_else(contradiction)?
        .copy_from_slice(tag);
    match content {
        None if variant.fields.is_empty() => Ok(()),
        None => {
            let error = EncodeError::Invalid("its fields are missing".to_owned());
            Err(error.in_field(name))
        }
        Some(content) => encode_fields(&variant.fields, content, out, &format!("{name}.")),
    }
}

fn encode_elements(
    element: &ParsedSchema,
    items: &[Value],
    out: &mut [u8],
) -> Result<(), EncodeError> {
    let (size, mut rest) = (element.size(), out);
    for (index, item) in items.iter().enumerate() {
        let part = rest.split_off_mut(..size).ok_or_else(contradiction)?;
        element
            .write(item, part)
            .map_err(|error| error.in_element(index))?;
    }
    Ok(())
}

fn encode_scalar(scalar: Scalar, value: &Value, out: &mut [u8]) -> Result<(), EncodeError> {
    fn put<T: ShmField<ValueRole>>(number: Option<T>, out: &mut [u8]) -> Option<()> {
        number?.encode(out).ok()
    }
    fn integer<T: TryFrom<u128> + TryFrom<i128> + core::str::FromStr>(value: &Value) -> Option<T> {
        match value {
            Value::Unsigned(number) => T::try_from(*number).ok(),
            Value::Signed(number) => T::try_from(*number).ok(),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
    /// The nearest number, but no infinity that was not meant.
    fn float<T: core::str::FromStr + Into<f64> + Copy>(value: &Value) -> Option<T> {
        let text = match value {
            Value::Unsigned(number) => number.to_string(),
            Value::Signed(number) => number.to_string(),
            Value::F32(number) => number.to_string(),
            Value::F64(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            _ => return None,
        };
        let number: T = text.parse().ok()?;
        let finite = text.contains(|character: char| character.is_ascii_digit());
        (!finite || number.into().is_finite()).then_some(number)
    }
    let done = match (scalar, value) {
        (Scalar::U8, _) => put(integer::<u8>(value), out),
        (Scalar::U16, _) => put(integer::<u16>(value), out),
        (Scalar::U32, _) => put(integer::<u32>(value), out),
        (Scalar::U64, _) => put(integer::<u64>(value), out),
        (Scalar::U128, _) => put(integer::<u128>(value), out),
        (Scalar::I8, _) => put(integer::<i8>(value), out),
        (Scalar::I16, _) => put(integer::<i16>(value), out),
        (Scalar::I32, _) => put(integer::<i32>(value), out),
        (Scalar::I64, _) => put(integer::<i64>(value), out),
        (Scalar::I128, _) => put(integer::<i128>(value), out),
        // As it is, whichever of the many that are not numbers it may be.
        (Scalar::F32, Value::F32(number)) => put(Some(*number), out),
        (Scalar::F64, Value::F64(number)) => put(Some(*number), out),
        (Scalar::F32, _) => put(float::<f32>(value), out),
        (Scalar::F64, _) => put(float::<f64>(value), out),
        (Scalar::Bool, Value::Bool(value)) => put(Some(*value), out),
        (Scalar::Char, Value::Text(text)) => {
            let mut characters = text.chars();
            let only = characters.next().filter(|_| characters.next().is_none());
            put(only, out)
        }
        (Scalar::Bool | Scalar::Char, _) => None,
    };
    done.ok_or_else(|| expected(&scalar.to_string(), value))
}

fn encode_bytes(value: &Value, out: &mut [u8]) -> Result<(), EncodeError> {
    let bytes = match value {
        Value::Bytes(bytes) => Some(bytes.clone()),
        Value::Text(text) => from_hex(text),
        Value::List(items) => items.iter().map(byte).collect(),
        _ => None,
    };
    match bytes {
        Some(bytes) if bytes.len() == out.len() => {
            out.copy_from_slice(&bytes);
            Ok(())
        }
        Some(bytes) => Err(EncodeError::Invalid(format!(
            "expected {} bytes, found {}",
            out.len(),
            bytes.len()
        ))),
        None => {
            let what = format!("{} bytes as hexadecimal 0x…", out.len());
            Err(expected(&what, value))
        }
    }
}

fn byte(value: &Value) -> Option<u8> {
    match value {
        Value::Unsigned(number) => u8::try_from(*number).ok(),
        Value::Signed(number) => u8::try_from(*number).ok(),
        _ => None,
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.strip_prefix("0x")?.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    rest.is_empty()
        .then(|| pairs.iter().map(byte).collect())
        .flatten()
}

fn encode_text(value: &Value, capacity: usize, out: &mut [u8]) -> Result<(), EncodeError> {
    let Value::Text(text) = value else {
        return Err(expected("text", value));
    };
    if let Some(at) = text.bytes().position(|byte| byte == 0) {
        return Err(EncodeError::InteriorNul { at });
    }
    // One byte is for the NUL at the end.
    let (len, max) = (text.len(), capacity.saturating_sub(1));
    match out.get_mut(..len) {
        Some(part) if len < capacity => {
            part.copy_from_slice(text.as_bytes());
            Ok(())
        }
        _ => Err(EncodeError::TooLong { len, max }),
    }
}

/// Writes the length `len` of a string or vector, and hands out the `bytes` of
/// its elements.
fn counted(max: usize, len: usize, bytes: usize, out: &mut [u8]) -> Result<&mut [u8], EncodeError> {
    let width = length_width(max);
    let (prefix, rest) = out.split_at_mut_checked(width).ok_or_else(contradiction)?;
    for (byte, of_len) in prefix.iter_mut().zip(len.to_le_bytes()) {
        *byte = of_len;
    }
    rest.get_mut(..bytes).ok_or_else(contradiction)
}

/// The first few of many names.
fn some<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let mut listed: Vec<_> = names.by_ref().take(8).collect();
    if names.next().is_some() {
        listed.push("…");
    }
    listed.join(", ")
}

#[cold]
fn expected(what: &str, found: &Value) -> EncodeError {
    EncodeError::Invalid(format!("expected {what}, found {}", found.describe()))
}

/// Only with a schema that was made by hand; see `decode`.
#[cold]
fn contradiction() -> EncodeError {
    EncodeError::Invalid("the schema contradicts itself".to_owned())
}
