//! From values to bytes, by the schema alone.
//!
//! The schema may be hostile, and the value may be what a person typed.
//!
//! **Invariant.** The bytes are those that the type's own encoder writes. They go
//! to a private buffer of the type's size, through checked slices.

use std::time::{Duration, SystemTime};

use super::encode_leaf::{encode_bytes, encode_scalar, encode_text, expected, inconsistent};
use super::shape::sole_field;
use super::value::Value;
use crate::codec::count::Count;
use crate::codec::error::EncodeError;
use crate::codec::field::ShmField;
use crate::codec::field::role::ValueRole;
use crate::codec::length::length_width;
use crate::codec::schema::parsed::{ParsedField, ParsedSchema, ParsedVariant, is_positional};

/// What an `Option` is whose value may be `Null` itself.
const SOME_OR_NULL: &str = "null or a map with the field `Some`";

impl ParsedSchema {
    /// Encodes a value of this type, in [`size`](Self::size) bytes.
    ///
    /// The bytes are those that a program with the type itself would store. A type
    /// may have rules that its schema does not tell; those of the types of `std`
    /// are checked all the same.
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
    /// The value is not of this type, or does not fit. The error names the field
    /// and says what the type expects there.
    pub fn encode(&self, value: &Value) -> Result<Vec<u8>, EncodeError> {
        let mut out = vec![0; self.size()];
        self.encode_to(value, &mut out)?;
        Ok(out)
    }

    /// Encodes to `out`, which is zero and of the type's size.
    fn encode_to(&self, value: &Value, out: &mut [u8]) -> Result<(), EncodeError> {
        match self {
            Self::Scalar(scalar) => encode_scalar(*scalar, value, out),
            Self::NonZero(scalar) => {
                encode_scalar(*scalar, value, out)?;
                if out.iter().all(|byte| *byte == 0) {
                    return Err(expected("a nonzero number", value));
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
                _ => Err(expected_list(*len, value)),
            },
            Self::Option(inner) => {
                let (tag, payload) = out.split_at_mut_checked(1).ok_or_else(inconsistent)?;
                let value = match value {
                    Value::Null => return Ok(()),
                    Value::Map(fields) if inner.is_nullable() => match fields.as_slice() {
                        [(name, value)] if name == "Some" => value,
                        _ => return Err(expected(SOME_OR_NULL, value)),
                    },
                    _ if inner.is_nullable() => return Err(expected(SOME_OR_NULL, value)),
                    value => value,
                };
                tag.fill(1);
                inner.encode_to(value, payload)
            }
            Self::Tuple(items) => match value {
                Value::List(values) if values.len() == items.len() => {
                    let mut rest = out;
                    for (index, (item, value)) in items.iter().zip(values).enumerate() {
                        let part = rest.split_off_mut(..item.size());
                        item.encode_to(value, part.ok_or_else(inconsistent)?)
                            .map_err(|error| error.in_field(&index.to_string()))?;
                    }
                    Ok(())
                }
                _ => Err(expected_list(items.len(), value)),
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
                split_elements_mut(max, len, len, out)?.copy_from_slice(text.as_bytes());
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
                encode_elements(element, items, split_elements_mut(max, len, bytes, out)?)
            }
        }
    }

    /// Checks the rules of those types of `std` that have more than their schema.
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

/// Encodes the fields of a struct or variant. Errors name a field with `prefix`
/// in front.
fn encode_fields(
    fields: &[ParsedField],
    value: &Value,
    out: &mut [u8],
    prefix: &str,
) -> Result<(), EncodeError> {
    let mut encode = |field: &ParsedField, value: &Value| {
        let part = out.get_mut(field.offset..);
        let part = part.and_then(|rest| rest.get_mut(..field.schema.size()));
        part.ok_or_else(inconsistent)
            .and_then(|part| field.schema.encode_to(value, part))
            .map_err(|error| error.in_field(&format!("{prefix}{}", field.name)))
    };
    if let Some(field) = sole_field(fields) {
        return encode(field, value);
    }
    if is_positional(fields) {
        let Value::List(values) = value else {
            return Err(expected_list(fields.len(), value));
        };
        if values.len() != fields.len() {
            return Err(expected_list(fields.len(), value));
        }
        return fields
            .iter()
            .zip(values)
            .try_for_each(|(field, value)| encode(field, value));
    }
    let Value::Map(values) = value else {
        let what = format!("a map with the fields {}", field_names(fields));
        return Err(expected(&what, value));
    };
    for (name, _) in values {
        if !fields.iter().any(|field| field.name == *name) {
            let known = field_names(fields);
            let error = EncodeError::Invalid(format!("unknown field, expected one of {known}"));
            return Err(error.in_field(&format!("{prefix}{name}")));
        }
    }
    for field in fields {
        match values.iter().find(|(name, _)| *name == field.name) {
            Some((_, value)) => encode(field, value)?,
            None if field.schema.is_nullable() => encode(field, &Value::Null)?,
            None => {
                let error = EncodeError::Invalid("missing field".to_owned());
                return Err(error.in_field(&format!("{prefix}{}", field.name)));
            }
        }
    }
    Ok(())
}

fn encode_variant(
    enum_name: &str,
    tag_width: usize,
    variants: &[ParsedVariant],
    value: &Value,
    out: &mut [u8],
) -> Result<(), EncodeError> {
    let (name, content) = match value {
        Value::Text(name) => (name, None),
        Value::Map(fields) => match fields.as_slice() {
            [(name, content)] => (name, Some(content)),
            _ => return Err(expected(&format!("a variant of enum `{enum_name}`"), value)),
        },
        _ => return Err(expected(&format!("a variant of enum `{enum_name}`"), value)),
    };
    let Some(variant) = variants.iter().find(|variant| variant.name == *name) else {
        let known = first_names(variants.iter().map(|variant| variant.name.as_str()));
        return Err(EncodeError::Invalid(format!(
            "unknown variant {name:?} of enum `{enum_name}`, expected one of {known}"
        )));
    };
    let tag = variant.tag.to_le_bytes();
    let (tag, beyond) = tag.split_at_checked(tag_width).ok_or_else(inconsistent)?;
    if beyond.iter().any(|byte| *byte != 0) {
        return Err(inconsistent());
    }
    out.get_mut(..tag_width)
        .ok_or_else(inconsistent)?
        .copy_from_slice(tag);
    match content {
        None if variant.fields.is_empty() => Ok(()),
        None => {
            let error = EncodeError::Invalid(
                "expected the fields of the variant, found only its name".to_owned(),
            );
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
        let part = rest.split_off_mut(..size).ok_or_else(inconsistent)?;
        element
            .encode_to(item, part)
            .map_err(|error| error.in_element(index))?;
    }
    Ok(())
}

/// Writes the length `len` of a string or vector of up to `max` elements, and
/// returns the `bytes` of its elements.
fn split_elements_mut(
    max: usize,
    len: usize,
    bytes: usize,
    out: &mut [u8],
) -> Result<&mut [u8], EncodeError> {
    let width = length_width(max);
    let (prefix, rest) = out.split_at_mut_checked(width).ok_or_else(inconsistent)?;
    for (byte, of_len) in prefix.iter_mut().zip(len.to_le_bytes()) {
        *byte = of_len;
    }
    rest.get_mut(..bytes).ok_or_else(inconsistent)
}

/// The error for a value that is not a list of `len` elements.
#[cold]
fn expected_list(len: usize, found: &Value) -> EncodeError {
    expected(&format!("a list of {}", Count(len, "element")), found)
}

/// The names of the first eight fields, in a list.
fn field_names(fields: &[ParsedField]) -> String {
    first_names(fields.iter().map(|field| field.name.as_str()))
}

/// The first eight names, in a list.
fn first_names<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let mut listed: Vec<_> = names.by_ref().take(8).collect();
    if names.next().is_some() {
        listed.push("…");
    }
    listed.join(", ")
}
