//! Arbitrary schemas, and arbitrary bytes as values of their types.
//!
//! ```text
//! input := len:u16  schema of that many bytes  bytes of a key and a value
//! ```

use std::collections::HashSet;
use std::fmt::Debug;
use std::net::IpAddr;
use std::num::NonZero;
use std::time::{Duration, SystemTime};

use bytemuck::{Pod, Zeroable};
use shmkv_core::field::ShmField;
use shmkv_core::field::role::ValueRole;
use shmkv_core::schema::{ParsedField, ParsedSchema, Schema};
use shmkv_core::{ShmStr, ShmValue};

use super::depth::Depth;
use super::input::Input;
use super::printable::assert_printable;

/// A type with every kind of schema in it.
#[derive(Clone, Debug, PartialEq, ShmValue)]
pub(crate) struct Everything {
    number: u64,
    pair: (i8, NonZero<u16>),
    celsius: Option<f32>,
    bytes: [u8; 5],
    grid: [[i16; 2]; 2],
    text: ShmStr<6>,
    #[shm(max_len = 7)]
    string: String,
    #[shm(max_len = 3)]
    list: Option<Vec<Choice>>,
    at: SystemTime,
    took: Duration,
    ip: IpAddr,
    pose: Pose,
    wrapped: Wrapped,
}

#[derive(Clone, Debug, PartialEq, ShmValue)]
pub(crate) enum Choice {
    Unit,
    Char(char),
    Named {
        flag: bool,
        deep: Option<Option<u8>>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, ShmValue)]
#[repr(C)]
#[shm(pod)]
pub(crate) struct Pose {
    x: f64,
    cell: [i32; 2],
}

#[derive(Clone, Debug, PartialEq, ShmValue)]
pub(crate) struct Wrapped(Option<Unit>);

#[derive(Clone, Debug, PartialEq, ShmValue)]
pub(crate) struct Unit;

/// The schema of `T`.
pub(crate) fn schema_of<T: ShmField<ValueRole>>() -> &'static Schema {
    T::SCHEMA
}

/// The largest type whose values are tried, in bytes.
const LARGEST: usize = 1 << 16;

/// Runs one input.
pub(crate) fn run(data: &[u8]) -> Depth {
    let mut input = Input(data);
    let blob = input.bytes();
    typed::<Everything>(input.0);
    typed::<Choice>(input.0);
    let (key, value) = match ParsedSchema::from_blob(blob) {
        Ok(types) => types,
        Err(error) => {
            assert_printable(&error.to_string());
            return Depth::Refused;
        }
    };
    let key = one(&key, input.0);
    let value = one(&value, input.0);
    key.max(value)
}

/// Runs one type with bytes for it.
fn one(schema: &ParsedSchema, bytes: &[u8]) -> Depth {
    assert_sound(schema);
    assert_printable(&schema.to_string());
    let differences = [schema_of::<Everything>(), schema_of::<Choice>()].map(|here| {
        let differences = schema.diff(here);
        assert_eq!(differences.is_empty(), *schema == ParsedSchema::from(here));
        differences
    });
    for difference in differences.iter().flatten() {
        assert_printable(&difference.to_string());
    }

    if schema.size() > LARGEST {
        return Depth::Types;
    }
    let bytes: Vec<u8> = bytes
        .iter()
        .copied()
        .chain(std::iter::repeat(0))
        .take(schema.size())
        .collect();
    let shown = schema.show(&bytes).to_string();
    assert_printable(&shown);
    assert!(shown.len() < 1 << 22, "{} bytes are shown", shown.len());
    schema.show(&bytes[..bytes.len() / 2]).to_string();
    match schema.decode(&bytes) {
        Err(error) => {
            // May contain any text; the tool escapes it.
            let _ = error.to_string();
            Depth::Types
        }
        Ok(value) => {
            let encoded = schema.encode(&value);
            match encoded {
                Ok(encoded) => {
                    assert_eq!(encoded.len(), schema.size());
                    if is_distinct(schema) {
                        let again = schema.decode(&encoded).expect("what was encoded");
                        let again = schema.encode(&again).expect("what was decoded");
                        assert_eq!(again, encoded, "{value:?}");
                    }
                }
                // Types of `std` have limits that are not in a schema.
                Err(error) => assert!(
                    !is_distinct(schema) || error.to_string().contains("nanoseconds"),
                    "{error}: {value:?}"
                ),
            }
            Depth::Values
        }
    }
}

/// Panics if a part lies outside its whole, or overlaps another part.
fn assert_sound(schema: &ParsedSchema) {
    assert!(schema.size() <= u32::MAX as usize);
    let fields = |fields: &[ParsedField], mut from: usize| {
        for field in fields {
            assert!(field.offset >= from, "{schema:?}");
            from = field.offset + field.schema.size();
            assert!(from <= schema.size(), "{schema:?}");
            assert_sound(&field.schema);
        }
    };
    match schema {
        ParsedSchema::Struct { fields: all, .. } | ParsedSchema::Pod { fields: all, .. } => {
            fields(all, 0);
        }
        ParsedSchema::Enum {
            tag_width,
            variants,
            ..
        } => {
            for variant in variants {
                fields(&variant.fields, *tag_width);
            }
        }
        ParsedSchema::Array { element, .. } | ParsedSchema::Vec { element, .. } => {
            assert_sound(element);
        }
        ParsedSchema::Option(inner) => assert_sound(inner),
        ParsedSchema::Tuple(items) => items.iter().for_each(assert_sound),
        _ => {}
    }
}

/// Asserts that `T` decodes and encodes as its schema does.
fn typed<T: ShmField<ValueRole> + Debug>(bytes: &[u8]) {
    let bytes: Vec<u8> = bytes
        .iter()
        .copied()
        .chain(std::iter::repeat(0))
        .take(T::LEN)
        .collect();
    let schema = ParsedSchema::from(T::SCHEMA);
    let of_type = T::decode(&bytes).ok().map(|value| {
        let mut out = vec![0xff; T::LEN];
        value.encode(&mut out).expect("what was decoded");
        out
    });
    let of_schema = schema
        .decode(&bytes)
        .ok()
        .and_then(|value| schema.encode(&value).ok());
    assert_eq!(of_type, of_schema, "{:?}", schema.decode(&bytes));
}

/// Whether all names and tags differ, as in every type that a compiler accepts. If they
/// do not, the value of one part may be encoded as another part.
fn is_distinct(schema: &ParsedSchema) -> bool {
    let fields = |fields: &[ParsedField]| {
        let mut names = HashSet::new();
        fields
            .iter()
            .all(|field| names.insert(&field.name) && is_distinct(&field.schema))
    };
    match schema {
        ParsedSchema::Struct { fields: all, .. } | ParsedSchema::Pod { fields: all, .. } => {
            fields(all)
        }
        ParsedSchema::Enum { variants, .. } => {
            let (mut names, mut tags) = (HashSet::new(), HashSet::new());
            variants.iter().all(|variant| {
                names.insert(&variant.name) && tags.insert(variant.tag) && fields(&variant.fields)
            })
        }
        ParsedSchema::Array { element, .. } | ParsedSchema::Vec { element, .. } => {
            is_distinct(element)
        }
        ParsedSchema::Option(inner) => is_distinct(inner),
        ParsedSchema::Tuple(items) => items.iter().all(is_distinct),
        _ => true,
    }
}
