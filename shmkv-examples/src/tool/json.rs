//! JSON, with numbers that keep all their digits.
//!
//! JSON has no numbers for `"NaN"`, `"inf"` and `"-inf"`: they are strings. So are
//! bytes: `"0x01ff"`. Everything that is not printable is escaped, so that a terminal
//! obeys none of it.

use std::fmt::{self, Write};

use shmkv_core::schema::Value;

use super::escape::is_printable;

/// A value as JSON, on one line.
pub(super) struct Json<'a>(pub(super) &'a Value);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => value.fmt(f),
            Value::Unsigned(number) => number.fmt(f),
            Value::Signed(number) => number.fmt(f),
            // `Debug` is the shortest text that parses to the same number, and is JSON.
            Value::F32(number) if number.is_finite() => write!(f, "{number:?}"),
            Value::F64(number) if number.is_finite() => write!(f, "{number:?}"),
            Value::F32(number) => write!(f, "\"{number}\""),
            Value::F64(number) => write!(f, "\"{number}\""),
            Value::Text(text) => quoted(text, f),
            Value::Bytes(bytes) => {
                f.write_str("\"0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_char('"')
            }
            Value::List(items) => {
                f.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{}", comma(index), Json(item))?;
                }
                f.write_char(']')
            }
            Value::Map(fields) => {
                f.write_char('{')?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    f.write_str(comma(index))?;
                    quoted(name, f)?;
                    write!(f, ":{}", Json(value))?;
                }
                f.write_char('}')
            }
        }
    }
}

fn comma(index: usize) -> &'static str {
    if index > 0 { "," } else { "" }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            _ if is_printable(character) => f.write_char(character)?,
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(f, "\\u{unit:04x}")?;
                }
            }
        }
    }
    f.write_char('"')
}

/// Parses JSON.
pub(super) fn parse(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).map(value)
}

fn value(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(digits) => number(digits.to_string()),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(value).collect()),
        serde_json::Value::Object(fields) => {
            let field = |(name, json)| (name, value(json));
            Value::Map(fields.into_iter().map(field).collect())
        }
    }
}

/// An integer, or else the digits as text: the type of the field will round them.
fn number(digits: String) -> Value {
    if digits == "-0" {
        // As an integer it would lose its sign, which a float keeps.
        return Value::Text(digits);
    }
    if let Ok(number) = digits.parse() {
        return Value::Unsigned(number);
    }
    digits.parse().map_or(Value::Text(digits), Value::Signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_all_digits() {
        for digits in [
            "340282366920938463463374607431768211455",
            "-170141183460469231731687303715884105728",
            "18446744073709551615",
            "9007199254740993",
        ] {
            let value = parse(digits).unwrap();
            assert!(matches!(value, Value::Unsigned(_) | Value::Signed(_)));
            assert_eq!(Json(&value).to_string(), digits);
        }
        assert_eq!(parse("0.1").unwrap(), Value::Text("0.1".into()));
        assert_eq!(Json(&Value::F32(0.1)).to_string(), "0.1");
        assert_eq!(Json(&Value::F64(-0.0)).to_string(), "-0.0");
        assert_eq!(Json(&Value::F64(f64::NAN)).to_string(), "\"NaN\"");
        assert_eq!(Json(&Value::F32(f32::NEG_INFINITY)).to_string(), "\"-inf\"");
        for float in [1e-7_f64, 1e300, 5e-324, 0.1] {
            assert!(parse(&Json(&Value::F64(float)).to_string()).is_ok());
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        let nasty = "\x1b[2J\u{9b}1m\u{202e}\u{7f}\u{10ffff}\r\n\"\\é";
        let json = Json(&Value::Text(nasty.into())).to_string();
        assert_eq!(
            json,
            r#""\u001b[2J\u009b1m\u202e\u007f\udbff\udfff\u000d\n\"\\é""#
        );
        assert_eq!(parse(&json).unwrap(), Value::Text(nasty.into()));
    }
}
