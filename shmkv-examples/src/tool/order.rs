//! The order in which keys are printed.
//!
//! A key's rank is bytes that compare as keys should: numbers by their value, text by
//! its bytes, structs and lists by the first part that differs. A rank is computed once
//! for each key, and is not much longer than the key's bytes in the segment.

use shmkv_core::schema::Value;

/// The rank of a key that takes `size` bytes in the segment. Its length is limited, so
/// keys that differ only near their end may have equal ranks.
pub(super) fn rank(key: &Value, size: usize) -> Vec<u8> {
    let mut rank = Rank {
        bytes: Vec::new(),
        limit: size.saturating_mul(16).saturating_add(64),
    };
    rank.value(key);
    rank.bytes
}

/// Ends a list or text. Less than any byte with which it could go on.
const END: u8 = 0;

struct Rank {
    bytes: Vec<u8>,
    /// No value is added to a rank of this length.
    limit: usize,
}

impl Rank {
    fn value(&mut self, value: &Value) {
        if self.bytes.len() >= self.limit {
            return;
        }
        match value {
            Value::Null => self.bytes.push(1),
            Value::Bool(value) => self.bytes.extend([2, u8::from(*value)]),
            Value::Unsigned(number) => {
                self.bytes.push(3);
                self.magnitude(*number, 0);
            }
            Value::Signed(number) if *number < 0 => {
                self.bytes.push(4);
                self.magnitude(number.unsigned_abs(), 0xff);
            }
            Value::Signed(number) => {
                self.bytes.push(5);
                self.magnitude(number.unsigned_abs(), 0);
            }
            Value::F32(number) => {
                let bits = number.to_bits();
                let flip = if number.is_sign_negative() {
                    u32::MAX
                } else {
                    1 << 31
                };
                self.bytes.push(6);
                self.bytes.extend((bits ^ flip).to_be_bytes());
            }
            Value::F64(number) => {
                let bits = number.to_bits();
                let flip = if number.is_sign_negative() {
                    u64::MAX
                } else {
                    1 << 63
                };
                self.bytes.push(7);
                self.bytes.extend((bits ^ flip).to_be_bytes());
            }
            Value::Text(text) => {
                self.bytes.push(8);
                self.run(text.as_bytes());
            }
            Value::Bytes(bytes) => {
                self.bytes.push(9);
                self.run(bytes);
            }
            Value::List(items) => {
                self.bytes.push(10);
                items.iter().for_each(|item| self.value(item));
                self.bytes.push(END);
            }
            Value::Map(fields) => {
                self.bytes.push(11);
                for (name, value) in fields {
                    // Structs of one type have the same names. A single name may be that of
                    // a variant, and tell the values apart.
                    if fields.len() == 1 {
                        self.run(name.as_bytes());
                    }
                    self.value(value);
                }
                self.bytes.push(END);
            }
        }
    }

    /// A number: its length in bytes, then the bytes. With `flip` 0xff the order is
    /// reversed, for negative numbers.
    fn magnitude(&mut self, number: u128, flip: u8) {
        let bytes = number.to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        self.bytes.push((bytes.len() - zeros) as u8 ^ flip);
        self.bytes
            .extend(bytes.iter().skip(zeros).map(|byte| byte ^ flip));
    }

    /// Bytes and two `END`s. A byte of that value is followed by 0xff instead.
    fn run(&mut self, bytes: &[u8]) {
        let left = self.limit.saturating_sub(self.bytes.len());
        for byte in bytes.iter().take(left) {
            self.bytes.push(*byte);
            if *byte == END {
                self.bytes.push(0xff);
            }
        }
        self.bytes.extend([END, END]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn ranks_compare_as_keys_should() {
        let named = |name: &str, value| Value::Map(vec![(name.to_owned(), value)]);
        let pair = |a: i128, b: &str| {
            Value::Map(vec![
                ("a".to_owned(), Value::Signed(a)),
                ("b".to_owned(), text(b)),
            ])
        };
        let ascending = [
            vec![Value::Null, Value::Unsigned(0), Value::Unsigned(1)],
            vec![Value::Bool(false), Value::Bool(true)],
            [0, 1, 255, 256, 65_535, 1 << 64, u128::MAX]
                .map(Value::Unsigned)
                .into(),
            [
                i128::MIN,
                -65_536,
                -256,
                -255,
                -1,
                0,
                1,
                255,
                256,
                i128::MAX,
            ]
            .map(Value::Signed)
            .into(),
            [f32::NEG_INFINITY, -1.5, -0.0, 0.0, 1e-9, 2.0, f32::INFINITY]
                .map(Value::F32)
                .into(),
            [f64::NEG_INFINITY, -1.5, -0.0, 0.0, 1e-9, 2.0, f64::INFINITY]
                .map(Value::F64)
                .into(),
            ["", "\0", "\0\0", "\0a", "a", "a\0", "a\0b", "aa", "b", "é"]
                .map(text)
                .into(),
            vec![Value::Bytes(vec![0, 1]), Value::Bytes(vec![1, 0])],
            vec![
                Value::List(vec![]),
                Value::List(vec![text("")]),
                Value::List(vec![text("a")]),
                Value::List(vec![text("a"), text("")]),
                Value::List(vec![text("b")]),
            ],
            vec![pair(-2, "b"), pair(-1, "a"), pair(-1, "b"), pair(0, "a")],
            vec![
                text("Unit"),
                named("Named", text("b")),
                named("Variant", text("a")),
            ],
        ];
        for keys in ascending {
            let ranks: Vec<_> = keys.iter().map(|key| rank(key, 1000)).collect();
            assert!(ranks.is_sorted_by(|a, b| a < b), "{keys:?}: {ranks:?}");
        }
    }

    #[test]
    fn a_rank_is_not_much_longer_than_its_key() {
        let nested = Value::List(vec![Value::List(vec![text("x"); 1000]); 1000]);
        let long = rank(&nested, 4).len();
        assert!(long < 64 + 16 * 4 + 1100, "{long}");
        assert!(rank(&text(&"x".repeat(1 << 20)), 4).len() < 200);
    }
}
