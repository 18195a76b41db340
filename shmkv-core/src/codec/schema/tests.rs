//! Schemas: what is written is read back, nothing hostile gets through, and a
//! difference is named exactly where it is.

use proptest::prelude::*;

use super::wire;
use super::*;

const U8: &Schema = &Schema::Scalar(Scalar::U8);
const U32: &Schema = &Schema::Scalar(Scalar::U32);
const U64: &Schema = &Schema::Scalar(Scalar::U64);
const F32: &Schema = &Schema::Scalar(Scalar::F32);

const fn field(name: &'static str, offset: usize, schema: &'static Schema) -> Field {
    Field {
        name,
        offset,
        schema,
    }
}

const STATE: Schema = Schema::Enum {
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
            name: "Running",
            tag: 1,
            fields: &[field("rpm", 1, U32)],
        },
        Variant {
            name: "Failed",
            tag: 7,
            fields: &[field("0", 1, U8)],
        },
    ],
};

const READING: Schema = Schema::Struct {
    name: "Reading",
    size: 32,
    fields: &[
        field("at", 0, U64),
        field("temp", 8, F32),
        field("state", 12, &STATE),
        field("name", 17, &Schema::String { max_len: 10 }),
    ],
};

/// One of each kind.
const ALL: Schema = Schema::Tuple(&[
    &READING,
    &Schema::NonZero(Scalar::I16),
    &Schema::Bytes { len: 8 },
    &Schema::Text { capacity: 64 },
    &Schema::Pod {
        name: "Pose",
        size: 8,
        fields: &[field("x", 0, F32)],
    },
    &Schema::Array {
        element: &Schema::Option(U64),
        len: 3,
    },
    &Schema::Vec {
        element: U32,
        max_len: 300,
    },
]);

#[test]
fn prints_as_declared() {
    assert_eq!(
        ALL.to_string(),
        "(Reading { at: u64, temp: f32, state: enum State { Idle, Running { rpm: u32 }, \
         Failed(u8) }, name: String(10) }, NonZero<i16>, [u8; 8], text(64), \
         pod(8) Pose { x: f32 }, [Option<u64>; 3], Vec<u32>(300))"
    );
    assert_eq!(Schema::Tuple(&[U8]).to_string(), "(u8,)");
    assert_eq!(Schema::Tuple(&[]).to_string(), "()");
    let hostile = ParsedSchema::Struct {
        name: "\x1b[2J".to_owned(),
        size: 0,
        fields: vec![],
    };
    assert_eq!(hostile.to_string(), "\\u{1b}[2J");
}

#[test]
fn sizes() {
    assert_eq!(ALL.size(), 32 + 2 + 8 + 64 + 8 + 27 + 1202);
    assert_eq!(ParsedSchema::from(&ALL).size(), ALL.size());
    assert_eq!(
        [0, 255, 256, 65_535, 65_536].map(length_width),
        [1, 1, 2, 2, 4]
    );
}

#[test]
fn blob_round_trip() {
    let blob = Schema::to_blob(&ALL, &STATE).unwrap();
    let (key, value) = ParsedSchema::from_blob(&blob).unwrap();
    assert_eq!((key, value), ((&ALL).into(), (&STATE).into()));
    for len in 0..blob.len() {
        assert!(
            ParsedSchema::from_blob(&blob[..len]).is_err(),
            "cut at {len}"
        );
    }
    let mut longer = blob.clone();
    longer.push(0);
    let trailing = SchemaError::Trailing { count: 1 };
    assert_eq!(ParsedSchema::from_blob(&longer), Err(trailing));
}

#[test]
fn every_scalar_has_a_code_of_its_own() {
    for code in 0..=u8::MAX {
        let blob = [wire::VERSION, code, Scalar::U8 as u8];
        match ParsedSchema::from_blob(&blob) {
            Ok((ParsedSchema::Scalar(scalar), _)) => assert_eq!(scalar as u8, code),
            Ok((ParsedSchema::NonZero(scalar), _)) => {
                assert_eq!(wire::NON_ZERO | scalar as u8, code);
            }
            other => assert!(other.is_err(), "{code:#x}: {other:?}"),
        }
    }
}

#[test]
fn nonsense_is_refused() {
    let parse = |bytes: &[u8]| {
        let mut blob = vec![wire::VERSION];
        blob.extend_from_slice(bytes);
        blob.push(Scalar::U8 as u8);
        ParsedSchema::from_blob(&blob).unwrap_err()
    };
    let field_outside = [wire::STRUCT, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1];
    assert_eq!(parse(&field_outside), SchemaError::BadSize);
    let two_fields = |first: u8, second: u8| {
        let scalar = Scalar::U16 as u8;
        let mut bytes = vec![wire::STRUCT, 0, 4, 0, 0, 0, 2, 0];
        bytes.extend([0, first, 0, 0, 0, scalar, 0, second, 0, 0, 0, scalar]);
        bytes
    };
    for (first, second) in [(0, 0), (0, 1), (2, 0)] {
        assert_eq!(parse(&two_fields(first, second)), SchemaError::BadSize);
    }
    let in_the_tag = [
        wire::ENUM,
        0,
        4,
        0,
        0,
        0,
        2,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        0,
        0,
        1,
        0,
        0,
        0,
        1,
    ];
    assert_eq!(parse(&in_the_tag), SchemaError::BadSize);
    let tag_of_three = [wire::ENUM, 0, 9, 0, 0, 0, 3, 0, 0];
    assert_eq!(parse(&tag_of_three), SchemaError::BadSize);
    let huge = [wire::ARRAY, 255, 255, 255, 255, Scalar::U16 as u8];
    assert_eq!(parse(&huge), SchemaError::BadSize);
    assert_eq!(parse(&[wire::STRUCT, 1, 0xff, 0]), SchemaError::BadName);
    assert_eq!(parse(&[wire::OPTION; 40]), SchemaError::TooLarge);
    assert_eq!(parse(&[0]), SchemaError::UnknownKind { kind: 0 });
    let mut nodes = vec![wire::TUPLE, 0xff, 0xff];
    nodes.resize(20_000, Scalar::U8 as u8);
    assert_eq!(parse(&nodes), SchemaError::TooLarge);
    let version = SchemaError::Version {
        expected: wire::VERSION,
        found: 9,
    };
    assert_eq!(ParsedSchema::from_blob(&[9, 1, 1]), Err(version));
}

#[test]
fn what_does_not_fit_the_format_is_not_written() {
    let refuse = |schema: &Schema| {
        assert_eq!(Schema::to_blob(schema, U8), Err(SchemaError::TooLarge));
    };
    refuse(&Schema::Bytes { len: 1 << 33 });
    refuse(&Schema::Struct {
        name: String::leak("n".repeat(256)),
        size: 0,
        fields: &[],
    });
    refuse(&Schema::Tuple(Vec::leak(vec![U8; 9_000])));
    let mut deep = U8;
    for _ in 0..40 {
        deep = Box::leak(Box::new(Schema::Option(deep)));
    }
    refuse(deep);
}

/// Opening a map asks the compiler this, which has limits of its own.
#[test]
fn limits_are_those_that_are_documented() {
    const LONG: &str = "a name of quite some sixty bytes, as nobody would ever give one";
    const LARGE: Schema = Schema::Struct {
        name: "Large",
        size: 900,
        fields: &[field(LONG, 0, U8); 900],
    };
    const MANY: Schema = Schema::Tuple(&[U8; 8_190]);
    const _: () = assert!(Schema::fit(&LARGE, U8));
    const _: () = assert!(Schema::fit(&MANY, U8));
    const _: () = assert!(!Schema::fit(&LARGE, &LARGE));
    const _: () = assert!(!Schema::fit(&MANY, &MANY));

    let mut levels = U8;
    for count in 2..40 {
        levels = Box::leak(Box::new(Schema::Option(levels)));
        assert_eq!(Schema::fit(U8, levels), count <= 32, "{count}");
        if let Ok(blob) = Schema::to_blob(U8, levels) {
            assert!(ParsedSchema::from_blob(&blob).is_ok());
        }
    }
    let one_more = [wire::VERSION].into_iter();
    let one_more = one_more.chain([wire::OPTION; 32]).chain([1, 1]);
    let blob = Vec::from_iter(one_more);
    assert_eq!(ParsedSchema::from_blob(&blob), Err(SchemaError::TooLarge));
}

#[test]
fn showing_ends() {
    let mut endless = ParsedSchema::Tuple(vec![]);
    for _ in 0..30 {
        endless = ParsedSchema::Array {
            element: Box::new(endless),
            len: u32::MAX as usize,
        };
    }
    let shown = endless.show(&[]).to_string();
    assert!(
        shown.len() < 100_000 && shown.contains('…'),
        "{}",
        shown.len()
    );
    let overlapping = |schema: ParsedSchema| ParsedSchema::Struct {
        name: String::new(),
        size: 1 << 20,
        fields: Vec::from_iter((0..8_000).map(|_| ParsedField {
            name: String::new(),
            offset: 0,
            schema: schema.clone(),
        })),
    };
    let mut bytes = vec![b'x'; 1 << 20];
    bytes[(1 << 20) - 1] = 0;
    let text = overlapping(ParsedSchema::Text { capacity: 1 << 20 });
    let shown = text.show(&bytes).to_string();
    assert!(shown.contains("x\"…, …") && shown.len() < 100_000);
    let damaged = ParsedSchema::Text {
        capacity: (1 << 20) - 1,
    };
    assert!(overlapping(damaged).show(&bytes).to_string().len() < 100);
    let none = overlapping(ParsedSchema::Tuple(vec![]));
    assert!(none.show(&bytes).to_string().len() < 50_000);
    let zero = ParsedSchema::NonZero(Scalar::I16);
    assert_eq!(zero.show(&[0, 0]).to_string(), "<damaged>");
    assert_eq!(zero.show(&[1, 0]).to_string(), "1");

    let long = ParsedSchema::Bytes { len: 100 };
    assert!(long.show(&[0xab; 100]).to_string().ends_with("abab…"));
}

/// A change of these numbers makes every existing segment a stranger: it needs
/// a new format version. They were computed from the format's description by a
/// few lines in another language.
#[test]
fn fingerprints_are_forever() {
    const AT_COMPILE_TIME: u64 = READING.fingerprint();
    assert_eq!(AT_COMPILE_TIME, READING.fingerprint());
    let golden = [
        (U64, 0x082f_1e07_b4e8_85f8),
        (&Schema::Bytes { len: 8 }, 0x26dc_c3a9_4134_284c),
        (&READING, 0x5dbc_6680_9e67_314d),
        (&ALL, 0x1f81_8586_5adc_60be),
    ];
    for (schema, print) in golden {
        assert_eq!(
            schema.fingerprint(),
            print,
            "{schema}: {:#018x}",
            schema.fingerprint()
        );
    }
}

fn differences(found: &Schema, expected: &Schema) -> Vec<String> {
    let found = ParsedSchema::from(found);
    found
        .diff(expected)
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn reading<const M: usize>(name: &'static str, size: usize, fields: [Field; M]) -> Schema {
    Schema::Struct {
        name,
        size,
        fields: Vec::leak(fields.to_vec()),
    }
}

#[test]
fn differences_are_named() {
    const AT: Field = field("at", 0, U64);
    const TEMP: Field = field("temp", 8, F32);
    let base = reading("Reading", 12, [AT, TEMP]);
    let check = |found: Schema, expected: &[&str]| {
        assert_eq!(differences(&found, &base), expected);
    };
    check(base, &[]);
    check(
        reading("Reading", 12, [AT, field("temp", 8, U32)]),
        &["Reading.temp: u32 in the segment, f32 here"],
    );
    check(
        reading("Reading", 8, [field("at", 0, U32), field("temp", 4, F32)]),
        &["Reading.at: u32 in the segment, u64 here"],
    );
    check(
        reading("Sample", 12, [AT, TEMP]),
        &["Reading: named `Sample` in the segment, named `Reading` here"],
    );
    check(
        reading("Reading", 16, [AT, field("heat", 8, F32)]),
        &[
            "Reading.temp: nothing in the segment, f32 here",
            "Reading.heat: f32 in the segment, nothing here",
        ],
    );
    check(
        reading("Reading", 12, [field("temp", 0, F32), field("at", 4, U64)]),
        &[
            "Reading: fields in the order temp, at in the segment, fields in the order at, temp here",
        ],
    );
    check(
        reading("Reading", 16, [AT, TEMP]),
        &["Reading: 16 bytes in the segment, 12 bytes here"],
    );
    check(
        reading("Reading", 16, [AT, field("temp", 12, F32)]),
        &["Reading.temp: at byte 12 in the segment, at byte 8 here"],
    );
    check(
        *U8,
        &["Reading: u8 in the segment, Reading { at: u64, temp: f32 } here"],
    );
}

#[test]
fn differences_reach_into_everything() {
    fn state<const M: usize>(tag_width: usize, variants: [Variant; M]) -> Schema {
        Schema::Enum {
            name: "State",
            size: 5,
            tag_width,
            variants: Vec::leak(variants.to_vec()),
        }
    }
    fn variant(name: &'static str, tag: u32, fields: &'static [Field]) -> Variant {
        Variant { name, tag, fields }
    }
    const RPM: &[Field] = &[field("rpm", 1, U32)];
    const FLOAT_RPM: &[Field] = &[field("rpm", 1, F32)];
    let here = state(1, [variant("Idle", 0, &[]), variant("Running", 1, RPM)]);
    let found = state(
        2,
        [variant("Running", 1, FLOAT_RPM), variant("Idle", 2, &[])],
    );
    assert_eq!(
        differences(&found, &here),
        [
            "State: a tag of 2 bytes in the segment, a tag of 1 bytes here",
            "State::Idle: a variant with tag 2 in the segment, a variant with tag 0 here",
            "State::Running.rpm: f32 in the segment, u32 here",
        ]
    );
    let nested = |inner: &'static Schema| Schema::Tuple(Vec::leak(vec![U8, inner]));
    let element = |element: &'static Schema| Schema::Array { element, len: 3 };
    assert_eq!(
        differences(
            &nested(Box::leak(Box::new(element(&Schema::Option(U32))))),
            &nested(Box::leak(Box::new(element(&Schema::Option(F32))))),
        ),
        ["1[]?: u32 in the segment, f32 here"]
    );
    assert_eq!(
        differences(
            &Schema::Bytes { len: 4 },
            &Schema::Array {
                element: U8,
                len: 4
            }
        ),
        ["a run of 4 bytes in the segment, an array of 4 bytes here"]
    );
    assert_eq!(differences(U8, U32), ["u8 in the segment, u32 here"]);
}

fn any_schema() -> impl Strategy<Value = &'static Schema> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let leaf = prop_oneof![
        (1_u8..=14).prop_map(|code| Schema::Scalar(wire::scalar(code).unwrap())),
        (1_u8..=10).prop_map(|code| Schema::NonZero(wire::scalar(code).unwrap())),
        (0_usize..9).prop_map(|len| Schema::Bytes { len }),
        (0_usize..9).prop_map(|capacity| Schema::Text { capacity }),
        (0_usize..9).prop_map(|max_len| Schema::String { max_len }),
    ];
    let leaf = leaf.prop_map(|schema| &*Box::leak(Box::new(schema)));
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let field = (name.clone(), 0_usize..4, inner.clone())
            .prop_map(|(name, offset, schema)| field(name, offset, schema));
        let fields = prop::collection::vec(field, 0..4).prop_map(|fields| &*fields.leak());
        let variant = (name.clone(), 0_u32..3, fields.clone())
            .prop_map(|(name, tag, fields)| Variant { name, tag, fields });
        prop_oneof![
            inner.clone().prop_map(Schema::Option),
            (inner.clone(), 0_usize..3).prop_map(|(element, len)| Schema::Array { element, len }),
            (inner.clone(), 0_usize..3)
                .prop_map(|(element, max_len)| Schema::Vec { element, max_len }),
            prop::collection::vec(inner, 0..4).prop_map(|items| Schema::Tuple(items.leak())),
            (name.clone(), fields.clone()).prop_map(|(name, fields)| Schema::Struct {
                name,
                size: 5_000,
                fields
            }),
            (name.clone(), fields).prop_map(|(name, fields)| Schema::Pod {
                name,
                size: 5_000,
                fields
            }),
            (name.clone(), prop::collection::vec(variant, 0..3)).prop_map(|(name, variants)| {
                Schema::Enum {
                    name,
                    size: 5_000,
                    tag_width: 2,
                    variants: variants.leak(),
                }
            }),
        ]
        .prop_map(|schema| &*Box::leak(Box::new(schema)))
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(key in any_schema(), value in any_schema()) {
        // Sizes that contradict each other can be built here, and are refused.
        let blob = Schema::to_blob(key, value).unwrap();
        if let Ok(parsed) = ParsedSchema::from_blob(&blob) {
            prop_assert_eq!(parsed, (key.into(), value.into()));
        }
        let same = key.fingerprint() == value.fingerprint();
        prop_assert_eq!(same, key == value);
    }

    #[test]
    fn any_bytes_are_shown(schema in any_schema(), bytes in prop::collection::vec(0_u8..4, 0..99)) {
        drop(ParsedSchema::from(schema).show(&bytes).to_string());
    }

    #[test]
    fn a_difference_is_reported_exactly_if_there_is_one(a in any_schema(), b in any_schema()) {
        prop_assert_eq!(ParsedSchema::from(a).diff(a), vec![]);
        prop_assert_eq!(ParsedSchema::from(a).diff(b).is_empty(), a == b);
    }

    #[test]
    fn any_blob_is_read_or_refused(blob in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut blob = blob;
        drop(ParsedSchema::from_blob(&blob));
        blob.insert(0, wire::VERSION);
        if let Ok((key, value)) = ParsedSchema::from_blob(&blob) {
            drop((key.to_string(), value.to_string(), key.diff(&ALL)));
            drop((key.show(&blob).to_string(), value.show(&[1; 999]).to_string()));
        }
    }

    #[test]
    fn a_mutated_blob_is_read_or_refused(
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..6),
    ) {
        let mut blob = Schema::to_blob(&ALL, &READING).unwrap();
        for (at, byte) in changes {
            let at = at.index(blob.len());
            blob[at] = byte;
        }
        if let Ok((key, value)) = ParsedSchema::from_blob(&blob) {
            drop(key.show(&[0x31; 1_400]).to_string());
            drop((key.size(), key.to_string(), key.diff(&ALL), value.diff(&READING)));
        }
    }
}
