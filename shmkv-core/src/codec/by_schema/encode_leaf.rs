//! Values without parts to bytes: numbers, text and raw bytes.

use super::shape::INCONSISTENT;
use super::value::Value;
use crate::codec::count::Count;
use crate::codec::error::EncodeError;
use crate::codec::field::ShmField;
use crate::codec::field::role::ValueRole;
use crate::codec::schema::tree::Scalar;

pub(super) fn encode_scalar(
    scalar: Scalar,
    value: &Value,
    out: &mut [u8],
) -> Result<(), EncodeError> {
    fn put<T: ShmField<ValueRole>>(scalar: Option<T>, out: &mut [u8]) -> Option<()> {
        scalar?.encode(out).ok()
    }
    fn integer<T: TryFrom<u128> + TryFrom<i128> + core::str::FromStr>(value: &Value) -> Option<T> {
        match value {
            Value::Unsigned(number) => T::try_from(*number).ok(),
            Value::Signed(number) => T::try_from(*number).ok(),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
    /// The nearest number of the type. A finite number that would round to an
    /// infinity is refused.
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
        // Copied rather than parsed, so that a NaN keeps its bits.
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

pub(super) fn encode_bytes(value: &Value, out: &mut [u8]) -> Result<(), EncodeError> {
    let bytes = match value {
        Value::Bytes(bytes) => Some(bytes.clone()),
        Value::Text(text) => from_hex(text),
        Value::List(items) => items.iter().map(byte_of).collect(),
        _ => None,
    };
    match bytes {
        Some(bytes) if bytes.len() == out.len() => {
            out.copy_from_slice(&bytes);
            Ok(())
        }
        Some(bytes) => Err(EncodeError::Invalid(format!(
            "expected {}, found {}",
            Count(out.len(), "byte"),
            bytes.len()
        ))),
        None => {
            let what = format!("{} in hexadecimal (0x…)", Count(out.len(), "byte"));
            Err(expected(&what, value))
        }
    }
}

fn byte_of(value: &Value) -> Option<u8> {
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

pub(super) fn encode_text(
    value: &Value,
    capacity: usize,
    out: &mut [u8],
) -> Result<(), EncodeError> {
    let Value::Text(text) = value else {
        return Err(expected("text", value));
    };
    if let Some(at) = text.bytes().position(|byte| byte == 0) {
        return Err(EncodeError::InteriorNul { at });
    }
    // The terminating NUL takes one byte.
    let (len, max) = (text.len(), capacity.saturating_sub(1));
    match out.get_mut(..len) {
        Some(part) if len < capacity => {
            part.copy_from_slice(text.as_bytes());
            Ok(())
        }
        _ => Err(EncodeError::TooLong { len, max }),
    }
}

/// The error for a value that is not `what` the type needs.
#[cold]
pub(super) fn expected(what: &str, found: &Value) -> EncodeError {
    EncodeError::Invalid(format!("expected {what}, found {}", found.describe()))
}

/// As [`inconsistent`](super::shape::inconsistent), for encoding.
#[cold]
pub(super) fn inconsistent() -> EncodeError {
    EncodeError::Invalid(INCONSISTENT.to_owned())
}
