//! Schemas print as they were declared, and know their sizes.

use super::samples::{ALL, U8};
use crate::codec::length::length_width;
use crate::codec::schema::parsed::ParsedSchema;
use crate::codec::schema::tree::Schema;

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
