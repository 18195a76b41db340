//! Values by the schema alone: the shape of each type, the other forms that
//! `encode` accepts, what it refuses, and the bound on what hostile schemas cost.

use crate::codec::by_schema::value::Value;
use crate::codec::field::ShmField;
use crate::codec::field::role::ValueRole;
use crate::codec::schema::parsed::{ParsedField, ParsedSchema};
use crate::codec::schema::tree::{Field, Scalar, Schema, Variant};

const U8: &Schema = &Schema::Scalar(Scalar::U8);
const U32: &Schema = &Schema::Scalar(Scalar::U32);
const UNIT: &Schema = &Schema::Tuple(&[]);

fn parsed(schema: &Schema) -> ParsedSchema {
    schema.into()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn map(name: &str, value: Value) -> Value {
    Value::Map(vec![(name.to_owned(), value)])
}

const NAMED: &[Field] = &[
    Field {
        name: "a",
        offset: 0,
        schema: U8,
    },
    Field {
        name: "b",
        offset: 1,
        schema: &Schema::Option(U8),
    },
];

fn variant(name: &'static str, tag: u32, fields: &'static [Field]) -> Variant {
    Variant { name, tag, fields }
}

fn state() -> ParsedSchema {
    let variants = vec![
        variant("Idle", 0, &[]),
        variant(
            "Failed",
            7,
            &[Field {
                name: "0",
                offset: 1,
                schema: U8,
            }],
        ),
        variant(
            "Running",
            2,
            &[Field {
                name: "rpm",
                offset: 1,
                schema: U32,
            }],
        ),
    ];
    parsed(&Schema::Enum {
        name: "State",
        size: 5,
        tag_width: 1,
        variants: variants.leak(),
    })
}

#[test]
fn each_kind_has_one_shape() {
    let cases: &[(ParsedSchema, Value, &[u8])] = &[
        (parsed(U8), Value::Unsigned(7), &[7]),
        (
            parsed(&Schema::Scalar(Scalar::I8)),
            Value::Signed(-1),
            &[255],
        ),
        (
            parsed(&Schema::Scalar(Scalar::Char)),
            text("é"),
            &[0xe9, 0, 0, 0],
        ),
        (
            parsed(&Schema::Bytes { len: 2 }),
            Value::Bytes(vec![1, 2]),
            &[1, 2],
        ),
        (parsed(&Schema::Option(U8)), Value::Null, &[0, 0]),
        (parsed(&Schema::Option(U8)), Value::Unsigned(0), &[1, 0]),
        (
            parsed(&Schema::Option(&Schema::Option(U8))),
            map("Some", Value::Null),
            &[1, 0, 0],
        ),
        (parsed(&Schema::Option(UNIT)), Value::List(vec![]), &[1]),
        (
            parsed(&Schema::Struct {
                name: "S",
                size: 4,
                fields: NAMED,
            }),
            Value::Map(vec![
                ("a".to_owned(), Value::Unsigned(1)),
                ("b".to_owned(), Value::Null),
            ]),
            &[1, 0, 0, 0],
        ),
        (state(), text("Idle"), &[0; 5]),
        (state(), map("Failed", Value::Unsigned(9)), &[7, 9, 0, 0, 0]),
        (
            state(),
            map("Running", map("rpm", Value::Unsigned(258))),
            &[2, 2, 1, 0, 0],
        ),
        (
            parsed(&Schema::String { max_len: 3 }),
            text("ab"),
            &[2, b'a', b'b', 0],
        ),
    ];
    for (schema, value, bytes) in cases {
        assert_eq!(&schema.decode(bytes).unwrap(), value, "{schema}");
        assert_eq!(&schema.encode(value).unwrap(), bytes, "{schema}");
    }
}

#[test]
fn people_may_type_it_otherwise() {
    let f32 = parsed(&Schema::Scalar(Scalar::F32));
    let u128 = parsed(&Schema::Scalar(Scalar::U128));
    let fields = parsed(&Schema::Struct {
        name: "S",
        size: 3,
        fields: NAMED,
    });
    let cases: &[(&ParsedSchema, Value, &[u8])] = &[
        // Rounded once, from the digits.
        (&f32, text("0.1"), &0.1_f32.to_le_bytes()),
        (&f32, text("-0"), &(-0.0_f32).to_le_bytes()),
        (&f32, text("inf"), &f32::INFINITY.to_le_bytes()),
        (
            &f32,
            Value::Unsigned(16_777_217),
            &16_777_216_f32.to_le_bytes(),
        ),
        (&f32, Value::F64(0.5), &0.5_f32.to_le_bytes()),
        (
            &u128,
            text("340282366920938463463374607431768211455"),
            &[255; 16],
        ),
        (
            &parsed(&Schema::Bytes { len: 2 }),
            text("0x0aFf"),
            &[10, 255],
        ),
        (
            &parsed(&Schema::Bytes { len: 1 }),
            Value::List(vec![Value::Unsigned(3)]),
            &[3],
        ),
        (&fields, map("a", Value::Unsigned(4)), &[4, 0, 0]),
    ];
    for (schema, value, bytes) in cases {
        assert_eq!(&schema.encode(value).unwrap(), bytes, "{schema} {value:?}");
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let error = |schema: &ParsedSchema, value| schema.encode(&value).unwrap_err().to_string();
    let u8 = parsed(U8);
    assert_eq!(error(&u8, Value::Unsigned(256)), "expected u8, found 256");
    assert_eq!(error(&u8, Value::Signed(-1)), "expected u8, found -1");
    assert_eq!(
        error(&u8, text("\x1b[2J")),
        r#"expected u8, found "\u{1b}[2J""#
    );
    let non_zero = parsed(&Schema::NonZero(Scalar::U8));
    assert!(error(&non_zero, Value::Unsigned(0)).contains("a nonzero number"));
    let f32 = parsed(&Schema::Scalar(Scalar::F32));
    assert_eq!(error(&f32, text("1e39")), r#"expected f32, found "1e39""#);
    let short = parsed(&Schema::Text { capacity: 3 });
    assert_eq!(
        error(&short, text("abc")),
        "expected at most 2 bytes of text, found 3"
    );
    assert!(error(&short, text("a\0")).contains("a NUL, found one at byte 1"));
    let fields = parsed(&Schema::Struct {
        name: "S",
        size: 3,
        fields: NAMED,
    });
    assert_eq!(error(&fields, map("b", Value::Null)), "a: missing field");
    assert_eq!(
        error(&fields, map("c", Value::Null)),
        "c: unknown field, expected one of a, b"
    );
    assert_eq!(
        error(&state(), text("Idel")),
        "unknown variant \"Idel\" of enum `State`, expected one of Idle, Failed, Running"
    );
    assert_eq!(
        error(&state(), map("Running", map("rpm", text("fast")))),
        "Running.rpm: expected u32, found \"fast\""
    );
    assert_eq!(
        error(&state(), text("Running")),
        "Running: expected the fields of the variant, found only its name"
    );
    let vec = parsed(&Schema::Vec {
        element: U8,
        max_len: 1,
    });
    let two = Value::List(vec![Value::Null, Value::Null]);
    assert_eq!(error(&vec, two), "expected at most 1 element, found 2");
    let duration = <std::time::Duration as ShmField<ValueRole>>::SCHEMA;
    let over = Value::Map(vec![
        ("secs".to_owned(), Value::Unsigned(1)),
        ("nanos".to_owned(), Value::Unsigned(1_000_000_000)),
    ]);
    assert!(error(&parsed(duration), over).contains("fewer than 1000000000 nanoseconds"));
}

#[test]
fn no_schema_makes_more_work_than_its_bytes() {
    let nothing = |len| ParsedSchema::Array {
        element: Box::new(ParsedSchema::Tuple(vec![])),
        len,
    };
    let refused = |schema: &ParsedSchema, bytes: &[u8]| {
        let error = schema.decode(bytes).unwrap_err().to_string();
        assert!(
            error.ends_with("too many parts for the number of bytes"),
            "{error}"
        );
    };
    // 2³² units in no bytes at all.
    refused(&nothing(u32::MAX as usize), &[]);
    // Many names for the same bytes, in many elements.
    let overlapping = (0..4_000).map(|index| ParsedField {
        name: format!("f{index}"),
        offset: 0,
        schema: ParsedSchema::Array {
            element: Box::new(ParsedSchema::Scalar(Scalar::Bool)),
            len: 1_000,
        },
    });
    let overlapping = ParsedSchema::Struct {
        name: String::new(),
        size: 1_000,
        fields: overlapping.collect(),
    };
    refused(&overlapping, &[0; 1_000]);
    // Sizes that take long to add up, of options that are `None`.
    let absent = ParsedSchema::Struct {
        name: String::new(),
        size: 1,
        fields: vec![ParsedField {
            name: "f".into(),
            offset: 0,
            schema: ParsedSchema::Option(Box::new(ParsedSchema::Tuple(vec![nothing(9); 8_000]))),
        }],
    };
    let many = ParsedSchema::Array {
        element: Box::new(absent),
        len: 10_000,
    };
    refused(&many, &[0; 10_000]);
    // A copy of a long name for each byte.
    let element = |name: &str| ParsedSchema::Struct {
        name: String::new(),
        size: 1,
        fields: vec![ParsedField {
            name: name.into(),
            offset: 0,
            schema: ParsedSchema::Scalar(Scalar::U8),
        }],
    };
    let named = |name: &str| ParsedSchema::Array {
        element: Box::new(element(name)),
        len: 10_000,
    };
    refused(&named(&"n".repeat(255)), &[0; 10_000]);
    // Parts without bytes, more than the bytes pay for.
    let rest = [0; 66_000];
    let hollow = ParsedSchema::Tuple(vec![
        ParsedSchema::Vec {
            element: Box::new(ParsedSchema::Tuple(vec![])),
            max_len: 1 << 20,
        },
        ParsedSchema::Bytes { len: 66_000 },
    ]);
    let of = |len: u32| [&len.to_le_bytes()[..], &rest].concat();
    assert!(hollow.decode(&of(60_000)).is_ok());
    refused(&hollow, &of(70_000));
    // Large values of ordinary types are decoded.
    assert!(named(&"n".repeat(60)).decode(&[0; 10_000]).is_ok());
    let large = ParsedSchema::Array {
        element: Box::new(ParsedSchema::Array {
            element: Box::new(ParsedSchema::Scalar(Scalar::F32)),
            len: 4,
        }),
        len: 20_000,
    };
    assert!(large.decode(&[0; 320_000]).is_ok());
}

#[test]
fn schemas_made_by_hand_may_contradict_themselves() {
    let field = |offset| ParsedField {
        name: "a".into(),
        offset,
        schema: ParsedSchema::Scalar(Scalar::U32),
    };
    let beyond = ParsedSchema::Struct {
        name: String::new(),
        size: 4,
        fields: vec![field(usize::MAX)],
    };
    assert!(beyond.decode(&[0; 4]).is_err());
    assert!(beyond.encode(&map("a", Value::Unsigned(1))).is_err());
    let wide = ParsedSchema::Enum {
        name: String::new(),
        size: 1,
        tag_width: 9,
        variants: vec![],
    };
    assert!(wide.decode(&[0]).is_err());
    assert!(wide.encode(&text("a")).is_err());
}
