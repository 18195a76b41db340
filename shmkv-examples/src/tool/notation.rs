//! Keys and values as they are typed and printed: JSON, or text without quotes.
//!
//! **Invariant.** What is printed for a value stands for the same value when it is
//! typed.

use shmkv_core::schema::{ParsedSchema, Value};

use super::escape::is_printable;
use super::json::{self, Json};
use crate::failure::Failure;

/// A value: text without quotes if it can be typed so, everything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Text(text)
            if !text.is_empty()
                && !text.starts_with(['"', ' '])
                && !text.ends_with(' ')
                && text != "null"
                && text.chars().all(is_printable) =>
        {
            text.clone()
        }
        _ => Json(value).to_string(),
    }
}

/// The bytes of the typed key or value.
pub(super) fn encode(schema: &ParsedSchema, typed: &str) -> Result<Vec<u8>, Failure> {
    Ok(schema.encode(&parse(schema, typed)?)?)
}

/// The value that was typed where one of type `schema` is expected.
fn parse(schema: &ParsedSchema, typed: &str) -> Result<Value, Failure> {
    let literal = || Value::Text(typed.to_owned());
    if let Some(optional) = is_text(schema) {
        return Ok(match json::parse(typed) {
            Ok(value @ Value::Text(_)) if typed.trim_start().starts_with('"') => value,
            Ok(Value::Null) if optional => Value::Null,
            _ => literal(),
        });
    }
    match json::parse(typed) {
        Ok(value) => Ok(value),
        // The name of a variant, `NaN` or bytes, without quotes.
        Err(_) if !typed.trim_start().starts_with(['{', '[', '"']) => Ok(literal()),
        Err(error) => Err(format!("not JSON: {error}").into()),
    }
}

/// Whether a value of this type is text: `Some(true)` if it may also be `null`.
fn is_text(schema: &ParsedSchema) -> Option<bool> {
    match schema {
        ParsedSchema::Text { .. } | ParsedSchema::String { .. } => Some(false),
        ParsedSchema::Scalar(shmkv_core::schema::Scalar::Char) => Some(false),
        ParsedSchema::Option(inner) => is_text(inner).filter(|optional| !optional).map(|_| true),
        ParsedSchema::Struct { fields, .. } => match fields.as_slice() {
            [field] if field.name == "0" => is_text(&field.schema),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shmkv_core::schema::{Scalar, Schema};

    const TEXT: Schema = Schema::Text { capacity: 64 };

    #[test]
    fn what_is_printed_can_be_typed() {
        let float = Schema::Scalar(Scalar::F64);
        let texts = [
            "boiler",
            "7",
            "null",
            "",
            " a ",
            "\"a\"",
            "\"",
            "a b",
            "{}",
            "\x1b[2J",
            "é",
            "NaN",
            "-1",
            "[1]",
            "\"\\u0041\"",
            "a\nb",
            "'",
            "\\n",
        ];
        for schema in [
            &TEXT,
            &Schema::Option(&TEXT),
            &Schema::String { max_len: 64 },
        ] {
            let schema = ParsedSchema::from(schema);
            for text in texts {
                let value = Value::Text(text.into());
                let typed = plain(&value);
                assert!(typed.chars().all(is_printable));
                assert_eq!(parse(&schema, &typed).unwrap(), value, "{typed}");
            }
        }
        let optional = ParsedSchema::from(&Schema::Option(&TEXT));
        assert_eq!(parse(&optional, "null").unwrap(), Value::Null);
        for number in [1.5, f64::INFINITY, 1e300, -0.0] {
            let schema = ParsedSchema::from(&float);
            let typed = plain(&Value::F64(number));
            let bytes = encode(&schema, &typed).unwrap();
            assert_eq!(bytes, number.to_le_bytes(), "{typed}");
        }
    }

    #[test]
    fn text_needs_no_quotes() {
        let text = ParsedSchema::from(&TEXT);
        let bytes = ParsedSchema::from(&Schema::Bytes { len: 2 });
        assert_eq!(parse(&text, "7").unwrap(), Value::Text("7".into()));
        assert_eq!(parse(&text, "\"7\"").unwrap(), Value::Text("7".into()));
        assert_eq!(encode(&bytes, "0x01ff").unwrap(), [1, 255]);
        assert_eq!(encode(&bytes, "[1, 255]").unwrap(), [1, 255]);
        let error = encode(&bytes, "[1, 255").unwrap_err();
        assert!(error.to_string().starts_with("not JSON"), "{error}");
    }
}
