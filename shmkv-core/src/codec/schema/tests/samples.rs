//! Schemas to test with: constants, and a strategy for any schema.

use proptest::prelude::*;

use crate::codec::schema::tree::{Field, Scalar, Schema, Variant};
use crate::codec::schema::wire;

pub(in crate::codec) const U8: &Schema = &Schema::Scalar(Scalar::U8);
pub(in crate::codec) const U32: &Schema = &Schema::Scalar(Scalar::U32);
pub(in crate::codec) const U64: &Schema = &Schema::Scalar(Scalar::U64);
pub(in crate::codec) const F32: &Schema = &Schema::Scalar(Scalar::F32);

pub(in crate::codec) const fn field(
    name: &'static str,
    offset: usize,
    schema: &'static Schema,
) -> Field {
    Field {
        name,
        offset,
        schema,
    }
}

pub(in crate::codec) const STATE: Schema = Schema::Enum {
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

pub(in crate::codec) const READING: Schema = Schema::Struct {
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
pub(in crate::codec) const ALL: Schema = Schema::Tuple(&[
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

pub(in crate::codec) fn any_schema() -> impl Strategy<Value = &'static Schema> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let leaf = prop_oneof![
        (1_u8..=14).prop_map(|code| Schema::Scalar(wire::scalar_of(code).unwrap())),
        (1_u8..=10).prop_map(|code| Schema::NonZero(wire::scalar_of(code).unwrap())),
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
