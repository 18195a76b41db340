//! Schemas as bytes: what is written is read back, and hostile bytes are refused.

use proptest::prelude::*;

use super::samples::{ALL, READING, STATE, U8, U64, any_schema, field};
use crate::codec::schema::error::SchemaError;
use crate::codec::schema::parsed::ParsedSchema;
use crate::codec::schema::tree::{Scalar, Schema};
use crate::codec::schema::wire;

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

/// `const` because opening a map evaluates `fit` in the compiler, which has limits of
/// its own.
#[test]
fn limits_are_those_that_are_documented() {
    const LONG: &str = "a name of more than sixty bytes, longer than any that is in use";
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

/// Stored segments have these numbers, so a change needs a new format version. They
/// were computed from the format's description by a
/// few lines in another language.
#[test]
fn fingerprints_are_pinned() {
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
