//! [`Value`]: a key or value as data, for programs that do not have its type.
//!
//! The model is that of JSON, with exact numbers and with bytes, so that a tool
//! can print any value and understand what people type. `decode` makes such
//! values of bytes, and `encode` makes the bytes again.

use core::fmt;

use crate::codec::count::Count;

/// A key or a value as [`ParsedSchema::decode`](crate::schema::ParsedSchema::decode)
/// returns it and [`ParsedSchema::encode`](crate::schema::ParsedSchema::encode)
/// takes it.
///
/// | type | value |
/// |---|---|
/// | integers | `Unsigned`, `Signed` |
/// | `f32`, `f64` | `F32`, `F64` |
/// | `bool` | `Bool` |
/// | `char`, text, `String` | `Text` |
/// | `[u8; N]`, plain old data without known fields | `Bytes` |
/// | other arrays, tuples, `Vec` | `List` |
/// | `Option` | `Null`, or the value inside |
/// | `Option` of a type that may be `Null` itself | `Null`, or `Map` with the one name `Some` |
/// | struct with named fields | `Map` of its fields, in declaration order |
/// | tuple struct of one field | the value of that field |
/// | other tuple structs, unit struct | `List` |
/// | variant without fields | `Text`, its name |
/// | other variants | `Map` with its name alone, to what a struct of its fields would be |
///
/// `encode` accepts more than `decode` returns: numbers and bytes (`0x01ff`) as
/// `Text`, bytes as a `List`, a number as any kind of number that holds it, and a
/// `Map` that leaves out fields that are `Null`.
///
/// ```
/// use shmkv_core::schema::{ParsedSchema, Scalar, Schema, Value};
///
/// let schema = ParsedSchema::from(&Schema::Option(&Schema::Scalar(Scalar::U8)));
/// assert_eq!(schema.decode(&[1, 7])?, Value::Unsigned(7));
/// assert_eq!(schema.decode(&[0, 0])?, Value::Null);
/// assert_eq!(schema.encode(&Value::Text("7".into()))?, [1, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A `bool`.
    Bool(bool),
    /// A number of an unsigned type.
    Unsigned(u128),
    /// A number of a signed type.
    Signed(i128),
    /// A number of type `f32`.
    F32(f32),
    /// A number of type `f64`.
    F64(f64),
    /// Text, a character, or the name of a variant.
    Text(String),
    /// Bytes without further meaning.
    Bytes(Vec<u8>),
    /// Values in order.
    List(Vec<Value>),
    /// Values with names, in order.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The value in a few words, for an error message.
    pub(super) fn describe(&self) -> impl fmt::Display {
        const SHORT: usize = 40;
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            Self::Signed(value) => value.to_string(),
            Self::F32(value) => value.to_string(),
            Self::F64(value) => value.to_string(),
            Self::Text(text) => match text.char_indices().nth(SHORT) {
                Some((end, _)) => format!("{:?}…", &text[..end]),
                None => format!("{text:?}"),
            },
            Self::Bytes(bytes) => Count(bytes.len(), "byte").to_string(),
            Self::List(items) => format!("a list of {}", Count(items.len(), "element")),
            Self::Map(fields) => match fields.as_slice() {
                [(name, _)] => format!("a map with the field `{}`", name.escape_debug()),
                _ => format!("a map with {}", Count(fields.len(), "field")),
            },
        }
    }
}
