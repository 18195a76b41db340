//! Every message of encoding and decoding by a schema alone, as it is printed.

use crate::codec::by_schema::Value;
use crate::codec::schema::parsed::ParsedSchema;
use crate::codec::schema::tree::{Field, Scalar, Schema, Variant};

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
