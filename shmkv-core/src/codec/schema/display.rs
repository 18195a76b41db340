//! Schemas as text: as a person would declare the types.
//!
//! **Invariant.** Names are escaped, because they may come from a hostile segment
//! and end on a terminal.

use core::fmt::{self, Write};

use super::parsed::{ParsedField, ParsedSchema, is_positional};
use super::tree::{Scalar, Schema};

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Bool => "bool",
            Self::Char => "char",
        })
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ParsedSchema::from(self).fmt(f)
    }
}

impl fmt::Display for ParsedSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::NonZero(scalar) => write!(f, "NonZero<{scalar}>"),
            Self::Bytes { len } => write!(f, "[u8; {len}]"),
            Self::Text { capacity } => write!(f, "text({capacity})"),
            Self::Pod { name, size, fields } => {
                write!(f, "pod({size})")?;
                if !name.is_empty() {
                    write!(f, " {}", Name(name))?;
                }
                write_fields(f, fields)
            }
            Self::Array { element, len } => write!(f, "[{element}; {len}]"),
            Self::Option(inner) => write!(f, "Option<{inner}>"),
            Self::Tuple(items) => {
                f.write_char('(')?;
                write_separated(f, items, |f, item| item.fmt(f))?;
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
            Self::Struct { name, fields, .. } => {
                Name(name).fmt(f)?;
                write_fields(f, fields)
            }
            Self::Enum { name, variants, .. } => {
                write!(f, "enum {} {{ ", Name(name))?;
                write_separated(f, variants, |f, variant| {
                    Name(&variant.name).fmt(f)?;
                    write_fields(f, &variant.fields)
                })?;
                f.write_str(" }")
            }
            Self::String { max_len } => write!(f, "String({max_len})"),
            Self::Vec { element, max_len } => write!(f, "Vec<{element}>({max_len})"),
        }
    }
}

/// A name with everything escaped that is not printable.
pub(in crate::codec) struct Name<'a>(pub(in crate::codec) &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_debug().fmt(f)
    }
}

/// Writes fields as their type declares them: nothing, `(u8, u16)` or
/// ` { at: u64 }`.
fn write_fields(f: &mut fmt::Formatter<'_>, fields: &[ParsedField]) -> fmt::Result {
    if fields.is_empty() {
        Ok(())
    } else if is_positional(fields) {
        f.write_char('(')?;
        write_separated(f, fields, |f, field| write!(f, "{}", field.schema))?;
        f.write_char(')')
    } else {
        f.write_str(" { ")?;
        write_separated(f, fields, |f, field| {
            write!(f, "{}: {}", Name(&field.name), field.schema)
        })?;
        f.write_str(" }")
    }
}

fn write_separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}
