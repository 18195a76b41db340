//! Every message of the codec, as it is printed. Each table has a row for every
//! variant: a new variant without a row does not compile, or fails the test.

use core::fmt::Display;

use crate::codec::error::{DecodeError, EncodeError};
use crate::codec::field::ShmField;
use crate::codec::field::role::ValueRole;
use crate::codec::schema::diff::Difference;
use crate::codec::schema::error::SchemaError;

/// Checks each text, and that the table covers variants `0..variants`.
fn check<T: Display>(table: &[(T, &str)], variants: usize, variant: fn(&T) -> usize) {
    let mut missing = Vec::from_iter(0..variants);
    for (item, text) in table {
        assert_eq!(&item.to_string(), text);
        assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
        missing.retain(|number| *number != variant(item));
    }
    assert!(missing.is_empty(), "variants without a row: {missing:?}");
}

#[test]
fn encode_errors() {
    let table = [
        (
            EncodeError::TooLong { len: 64, max: 63 },
            "expected at most 63 bytes of text, found 64",
        ),
        (
            EncodeError::TooLong { len: 2, max: 1 },
            "expected at most 1 byte of text, found 2",
        ),
        (
            EncodeError::TooMany { len: 4, max: 3 },
            "expected at most 3 elements, found 4",
        ),
        (
            EncodeError::InteriorNul { at: 5 },
            "expected text without a NUL, found one at byte 5",
        ),
        (
            EncodeError::WrongLength {
                expected: 8,
                found: 7,
            },
            "expected a buffer of 8 bytes, found 7",
        ),
        (EncodeError::Invalid("why".to_owned()), "why"),
        (
            EncodeError::TooMany { len: 4, max: 3 }
                .in_element(2)
                .in_field("tags")
                .in_field("owner"),
            "owner.tags[2]: expected at most 3 elements, found 4",
        ),
    ];
    check(&table, 6, |error| match error {
        EncodeError::TooLong { .. } => 0,
        EncodeError::TooMany { .. } => 1,
        EncodeError::InteriorNul { .. } => 2,
        EncodeError::WrongLength { .. } => 3,
        EncodeError::Invalid(_) => 4,
        EncodeError::Field { .. } => 5,
    });
}

#[test]
fn decode_errors() {
    let table = [
        (
            DecodeError::WrongLength {
                expected: 8,
                found: 7,
            },
            "expected 8 bytes, found 7",
        ),
        (
            DecodeError::OutOfRange {
                expected: "a bool (0 or 1)",
                found: 7,
            },
            "expected a bool (0 or 1), found 7",
        ),
        (
            DecodeError::UnknownTag {
                name: "State",
                tag: 9,
            },
            "expected a tag of enum `State`, found 9",
        ),
        (
            DecodeError::NotUtf8 { valid_up_to: 3 },
            "expected UTF-8, found an invalid sequence at byte 3",
        ),
        (
            DecodeError::Unterminated { capacity: 16 },
            "expected a NUL within 16 bytes of text, found none",
        ),
        (
            DecodeError::TooLong { len: 300, max: 10 },
            "expected a length of at most 10, found 300",
        ),
        (DecodeError::Invalid("why".to_owned()), "why"),
        (
            DecodeError::NotUtf8 { valid_up_to: 0 }
                .in_field("name")
                .in_element(1),
            "[1].name: expected UTF-8, found an invalid sequence at byte 0",
        ),
    ];
    check(&table, 8, |error| match error {
        DecodeError::WrongLength { .. } => 0,
        DecodeError::OutOfRange { .. } => 1,
        DecodeError::UnknownTag { .. } => 2,
        DecodeError::NotUtf8 { .. } => 3,
        DecodeError::Unterminated { .. } => 4,
        DecodeError::TooLong { .. } => 5,
        DecodeError::Invalid(_) => 6,
        DecodeError::Field { .. } => 7,
    });
}

#[test]
fn schema_errors() {
    let table = [
        (
            SchemaError::Version {
                expected: 1,
                found: 2,
            },
            "expected a schema in format version 1, found version 2",
        ),
        (
            SchemaError::Truncated,
            "expected the rest of the schema, found the end of its bytes",
        ),
        (
            SchemaError::Trailing { count: 1 },
            "expected the end of the schema, found 1 more byte",
        ),
        (
            SchemaError::Trailing { count: 2 },
            "expected the end of the schema, found 2 more bytes",
        ),
        (
            SchemaError::UnknownKind { kind: 0x7f },
            "expected a kind of type in the schema, found 0x7f",
        ),
        (
            SchemaError::BadName,
            "expected a UTF-8 name in the schema, found other bytes",
        ),
        (
            SchemaError::BadSize,
            "inconsistent schema: a part overlaps another, lies outside its type, or has an \
             impossible size",
        ),
        (
            SchemaError::TooLarge,
            "schema too large: at most 64 KiB, 8192 types, fields and variants, 32 levels, names \
             of 255 bytes",
        ),
    ];
    check(&table, 7, |error| match error {
        SchemaError::Version { .. } => 0,
        SchemaError::Truncated => 1,
        SchemaError::Trailing { .. } => 2,
        SchemaError::UnknownKind { .. } => 3,
        SchemaError::BadName => 4,
        SchemaError::BadSize => 5,
        SchemaError::TooLarge => 6,
    });
}

#[test]
fn differences() {
    let difference = |path: &str, found: Option<&str>, expected: Option<&str>| Difference {
        path: path.to_owned(),
        found: found.map(str::to_owned),
        expected: expected.map(str::to_owned),
    };
    let table = [
        (
            difference("Reading.temp", Some("f32"), Some("f64")),
            "Reading.temp: f32 in the segment, f64 in this program",
        ),
        (
            difference("Reading.ok", None, Some("bool")),
            "Reading.ok: missing in the segment, bool in this program",
        ),
        (
            difference("Reading.ok", Some("bool"), None),
            "Reading.ok: bool in the segment, missing in this program",
        ),
        (
            difference("", Some("u8"), Some("u32")),
            "u8 in the segment, u32 in this program",
        ),
    ];
    check(&table, 1, |_| 0);
}

/// What the types themselves say of bytes that are out of their range.
#[test]
fn ranges() {
    fn refused<T: ShmField<ValueRole>>(bytes: &[u8]) -> String {
        match T::decode(bytes) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        }
    }
    let nanos = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0xca, 0x9a, 0x3b];
    let table = [
        (refused::<bool>(&[2]), "expected a bool (0 or 1), found 2"),
        (
            refused::<char>(&[0, 0xd8, 0, 0]),
            "expected a Unicode scalar value, found 55296",
        ),
        (
            refused::<core::num::NonZero<u8>>(&[0]),
            "expected a nonzero number, found 0",
        ),
        (
            refused::<Option<u8>>(&[2, 0]),
            "expected the tag of an option (0 or 1), found 2",
        ),
        (
            refused::<std::time::Duration>(&nanos),
            "expected fewer than 1000000000 nanoseconds, found 1000000000",
        ),
        (
            refused::<std::net::IpAddr>(&[5; 17]),
            "expected a tag of enum `IpAddr`, found 5",
        ),
    ];
    check(&table, 1, |_| 0);
}
