//! Every message of the codec, as it is printed. Each table has a row for every
//! variant: a new variant without a row does not compile, or fails the test.

use core::fmt::Display;

use crate::codec::by_schema::Value;
use crate::codec::error::{DecodeError, EncodeError};
use crate::codec::field::ShmField;
use crate::codec::field::role::ValueRole;
use crate::codec::schema::diff::Difference;
use crate::codec::schema::error::SchemaError;
use crate::codec::schema::parsed::ParsedSchema;
use crate::codec::schema::tree::{Field, Scalar, Schema, Variant};

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

const FIELDS: &[Field] = &[
    Field {
        name: "host",
        offset: 1,
        schema: &Schema::Text { capacity: 3 },
    },
    Field {
        name: "port",
        offset: 4,
        schema: &Schema::Scalar(Scalar::U8),
    },
];
const STRUCT: Schema = Schema::Struct {
    name: "Peer",
    size: 5,
    fields: FIELDS,
};
const ENUM: Schema = Schema::Enum {
    name: "State",
    size: 5,
    tag_width: 1,
    variants: &[
        Variant {
            name: "Idle",
            tag: 0,
            fields: &[],
        },
        Variant {
            name: "Busy",
            tag: 1,
            fields: FIELDS,
        },
    ],
};

/// What encoding by the schema alone says of a value that is not of the type.
#[test]
fn values_that_do_not_fit() {
    let text = |text: &str| Value::Text(text.to_owned());
    let map = |fields: &[(&str, Value)]| {
        let fields = fields.iter();
        Value::Map(Vec::from_iter(
            fields.map(|(name, value)| ((*name).to_owned(), value.clone())),
        ))
    };
    let list = |len| Value::List(vec![Value::Null; len]);
    let u8 = Schema::Scalar(Scalar::U8);
    let nested = Schema::Option(&Schema::Option(&Schema::Scalar(Scalar::U8)));
    let pair = Schema::Tuple(&[&Schema::Bytes { len: 1 }, &Schema::Bytes { len: 1 }]);
    let vec = Schema::Vec {
        element: &Schema::Scalar(Scalar::U8),
        max_len: 1,
    };
    let peer = |port| map(&[("host", text("a")), ("port", port)]);
    let table: &[(Schema, Value, &str)] = &[
        (u8, Value::Unsigned(256), "expected u8, found 256"),
        (u8, Value::Null, "expected u8, found null"),
        (u8, text("\x1b["), r#"expected u8, found "\u{1b}[""#),
        (u8, Value::Bytes(vec![1]), "expected u8, found 1 byte"),
        (u8, list(2), "expected u8, found a list of 2 elements"),
        (
            u8,
            map(&[("a", Value::Null)]),
            "expected u8, found a map with the field `a`",
        ),
        (u8, map(&[]), "expected u8, found a map with 0 fields"),
        (
            Schema::NonZero(Scalar::U8),
            Value::Unsigned(0),
            "expected a nonzero number, found 0",
        ),
        (
            Schema::Bytes { len: 2 },
            Value::Bool(true),
            "expected 2 bytes in hexadecimal (0x…), found true",
        ),
        (
            Schema::Bytes { len: 2 },
            text("0x01"),
            "expected 2 bytes, found 1",
        ),
        (
            Schema::Text { capacity: 4 },
            text("a\0"),
            "expected text without a NUL, found one at byte 1",
        ),
        (
            Schema::String { max_len: 4 },
            Value::Null,
            "expected text, found null",
        ),
        (vec, Value::Null, "expected a list, found null"),
        (vec, list(2), "expected at most 1 element, found 2"),
        (
            pair,
            list(3),
            "expected a list of 2 elements, found a list of 3 elements",
        ),
        (
            nested,
            Value::Unsigned(1),
            "expected null or a map with the field `Some`, found 1",
        ),
        (
            STRUCT,
            text("a"),
            r#"expected a map with the fields host, port, found "a""#,
        ),
        (
            STRUCT,
            map(&[("path", Value::Null)]),
            "path: unknown field, expected one of host, port",
        ),
        (STRUCT, map(&[("host", text("a"))]), "port: missing field"),
        (
            STRUCT,
            peer(Value::Unsigned(999)),
            "port: expected u8, found 999",
        ),
        (
            ENUM,
            Value::Null,
            "expected a variant of enum `State`, found null",
        ),
        (
            ENUM,
            text("Idel"),
            r#"unknown variant "Idel" of enum `State`, expected one of Idle, Busy"#,
        ),
        (
            ENUM,
            text("Busy"),
            "Busy: expected the fields of the variant, found only its name",
        ),
        (
            ENUM,
            map(&[("Busy", peer(Value::Null))]),
            "Busy.port: expected u8, found null",
        ),
    ];
    for (schema, value, text) in table {
        let error = ParsedSchema::from(schema).encode(value).unwrap_err();
        assert_eq!(&error.to_string(), text, "{schema} {value:?}");
    }
}

/// What decoding by the schema alone says, beyond what the types themselves say.
#[test]
fn bytes_without_a_value() {
    let many = Schema::Array {
        element: &Schema::Tuple(&[]),
        len: 1 << 20,
    };
    let outside = Schema::Struct {
        name: "",
        size: 1,
        fields: FIELDS,
    };
    let table: &[(Schema, &[u8], &str)] = &[
        (STRUCT, &[0; 4], "expected 5 bytes, found 4"),
        (
            ENUM,
            &[9, 0, 0, 0, 0],
            "expected a tag of enum `State`, found 9",
        ),
        (
            Schema::NonZero(Scalar::U8),
            &[0],
            "expected a nonzero number, found 0",
        ),
        (
            Schema::Option(&Schema::Scalar(Scalar::U8)),
            &[2, 0],
            "expected the tag of an option (0 or 1), found 2",
        ),
        (many, &[], "[4095]: too many parts for the number of bytes"),
        (
            outside,
            &[0],
            "host: inconsistent schema: a part lies outside its type",
        ),
    ];
    for (schema, bytes, text) in table {
        let error = ParsedSchema::from(schema).decode(bytes).unwrap_err();
        let error = error.to_string();
        assert!(error == *text, "{schema}: {error}");
    }
}
