//! A difference is reported at the deepest place that explains it, and equal types
//! have none.

use proptest::prelude::*;

use super::samples::{F32, U8, U32, U64, any_schema, field};
use crate::codec::schema::parsed::ParsedSchema;
use crate::codec::schema::tree::{Field, Schema, Variant};

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
        &["Reading.temp: u32 in the segment, f32 in this program"],
    );
    check(
        reading("Reading", 8, [field("at", 0, U32), field("temp", 4, F32)]),
        &["Reading.at: u32 in the segment, u64 in this program"],
    );
    check(
        reading("Sample", 12, [AT, TEMP]),
        &["Reading: named `Sample` in the segment, named `Reading` in this program"],
    );
    check(
        reading("Reading", 16, [AT, field("heat", 8, F32)]),
        &[
            "Reading.temp: missing in the segment, f32 in this program",
            "Reading.heat: f32 in the segment, missing in this program",
        ],
    );
    check(
        reading("Reading", 12, [field("temp", 0, F32), field("at", 4, U64)]),
        &[
            "Reading: fields in the order temp, at in the segment, fields in the order at, temp in this program",
        ],
    );
    check(
        reading("Reading", 16, [AT, TEMP]),
        &["Reading: 16 bytes in the segment, 12 bytes in this program"],
    );
    check(
        reading("Reading", 16, [AT, field("temp", 12, F32)]),
        &["Reading.temp: at offset 12 in the segment, at offset 8 in this program"],
    );
    check(
        *U8,
        &["Reading: u8 in the segment, Reading { at: u64, temp: f32 } in this program"],
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
            "State: a tag of 2 bytes in the segment, a tag of 1 byte in this program",
            "State::Idle: a variant with tag 2 in the segment, a variant with tag 0 in this program",
            "State::Running.rpm: f32 in the segment, u32 in this program",
        ]
    );
    let nested = |inner: &'static Schema| Schema::Tuple(Vec::leak(vec![U8, inner]));
    let element = |element: &'static Schema| Schema::Array { element, len: 3 };
    assert_eq!(
        differences(
            &nested(Box::leak(Box::new(element(&Schema::Option(U32))))),
            &nested(Box::leak(Box::new(element(&Schema::Option(F32))))),
        ),
        ["1[]?: u32 in the segment, f32 in this program"]
    );
    assert_eq!(
        differences(
            &Schema::Bytes { len: 4 },
            &Schema::Array {
                element: U8,
                len: 4
            }
        ),
        ["a byte string of 4 bytes in the segment, an array of 4 bytes in this program"]
    );
    assert_eq!(
        differences(U8, U32),
        ["u8 in the segment, u32 in this program"]
    );
}

proptest! {
    #[test]
    fn a_difference_is_reported_exactly_if_there_is_one(a in any_schema(), b in any_schema()) {
        prop_assert_eq!(ParsedSchema::from(a).diff(a), vec![]);
        prop_assert_eq!(ParsedSchema::from(a).diff(b).is_empty(), a == b);
    }
}
