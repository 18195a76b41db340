//! Any bytes print by any schema, in bounded time and length.

use proptest::prelude::*;

use crate::codec::schema::parsed::{ParsedField, ParsedSchema};
use crate::codec::schema::tests::samples::any_schema;
use crate::codec::schema::tree::Scalar;

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

proptest! {
    #[test]
    fn any_bytes_are_shown(schema in any_schema(), bytes in prop::collection::vec(0_u8..4, 0..99)) {
        drop(ParsedSchema::from(schema).show(&bytes).to_string());
    }
}
