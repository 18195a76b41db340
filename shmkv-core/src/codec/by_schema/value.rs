//! A value of a type that this program does not have.
//!
//! The model is that of JSON, with exact numbers and with bytes, so that a tool
//! can print any value and understand what people type. `schema::decode` makes
//! such a value out of bytes, and `schema::encode` makes the bytes again.

use core::fmt;

/// A key or a value as [`ParsedSchema::decode`](crate::schema::ParsedSchema::decode)
/// finds it and [`ParsedSchema::encode`](crate::schema::ParsedSchema::encode) takes it.
///
/// | type | value |
/// |---|---|
/// | integers | `Unsigned`, `Signed` |
/// | `f32`, `f64` | `F32`, `F64` |
/// | `bool` | `Bool` |
/// | `char`, text, `String` | `Text` |
/// | `[u8; N]`, memory without known fields | `Bytes` |
/// | other arrays, tuples, `Vec` | `List` |
/// | `Option` | `Null`, or what is in it |
/// | `Option` of what may be `Null` itself | `Null`, or `Map` of `Some` alone |
/// | struct with names | `Map` of its fields, in declaration order |
/// | tuple struct of one field | that field |
/// | other tuple structs, unit struct | `List` |
/// | variant without fields | `Text`, its name |
/// | other variants | `Map` of its name alone, to what a struct would be |
///
/// `encode` understands more than `decode` makes: numbers and `Bytes` (`0x01ff`)
/// also as `Text`, bytes also as `List`, numbers of any kind that hold the same
/// number, and a `Map` without those of its fields that are `Null`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number of an unsigned type.
    Unsigned(u128),
    /// A number of a signed type.
    Signed(i128),
    /// A number of the type `f32`.
    F32(f32),
    /// A number of the type `f64`.
    F64(f64),
    /// Text, a character, a name.
    Text(String),
    /// Bytes without further meaning.
    Bytes(Vec<u8>),
    /// Values in their order.
    List(Vec<Value>),
    /// Values with names, in their order.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// What it is, in few words, for an error message.
    pub(super) fn describe(&self) -> impl fmt::Display {
        const SHORT: usize = 40;
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            Self::Signed(value) => value.to_string(),
            Self::F32(value) => value.to_string(),
            Self::F64(value) => value.to_string(),
            Self::Text(text) => match text.char_indices().nth(SHORT) {
                Some((end, _)) => format!("{:?}…", &text[..end]),
                None => format!("{text:?}"),
            },
            Self::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Map(fields) => match fields.as_slice() {
                [(name, _)] => format!("a map of `{}`", name.escape_debug()),
                _ => format!("a map of {} fields", fields.len()),
            },
        }
    }
}
