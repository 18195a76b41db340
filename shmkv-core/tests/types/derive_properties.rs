//! Do the promises of the derives hold for any value and any bytes?
//!
//! For each type of a family: what is encoded decodes to the same value; two
//! keys are equal exactly if their bytes are; any bytes decode to an error or to
//! a value that can be encoded again. Nothing panics.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use shmkv_core::field::ShmField;
use shmkv_core::field::role::{KeyRole, ValueRole};
use shmkv_core::schema::{ParsedSchema, Schema};
use shmkv_core::{ShmKey, ShmStr, ShmValue};

#[derive(Debug, Clone, PartialEq, ShmKey, ShmValue)]
struct Flat {
    a: u8,
    b: i128,
    c: bool,
    d: char,
    e: NonZero<u32>,
    f: [i16; 3],
    g: (u64, Option<u8>),
    h: Option<NonZero<i64>>,
}

#[derive(Debug, Clone, PartialEq, ShmKey, ShmValue)]
#[shm(tag = u16)]
#[repr(u16)]
enum Choice {
    Unit,
    Flat(Flat) = 300,
    Named {
        text: ShmStr<9>,
        more: [Option<u16>; 2],
    },
    #[shm(rename = "Empty")]
    Nothing {},
}

#[derive(Debug, Clone, PartialEq, ShmKey, ShmValue)]
struct Pair<A, B, const M: usize> {
    a: A,
    b: [B; M],
}

#[derive(Debug, Clone, PartialEq, ShmKey, ShmValue)]
#[shm(size = 600)]
struct Lists {
    #[shm(max_len = 12)]
    text: String,
    #[shm(max_len = 300)]
    bytes: Vec<u8>,
    #[shm(max_len = 3)]
    choices: Option<Vec<Choice>>,
    #[shm(max_len = 2)]
    flags: Vec<bool>,
}

#[derive(Debug, Clone, PartialEq, ShmKey, ShmValue)]
struct Std {
    elapsed: Duration,
    at: SystemTime,
    ip: IpAddr,
    peer: SocketAddr,
}

#[derive(Debug, Clone, PartialEq, ShmKey, ShmValue)]
struct Nested(Pair<Choice, Pair<bool, u16, 2>, 2>, Option<Lists>, Std);

fn flat() -> impl Strategy<Value = Flat> {
    let integers = any::<(u8, i128, bool, char, NonZero<u32>, [i16; 3])>();
    let rest = any::<((u64, Option<u8>), Option<NonZero<i64>>)>();
    (integers, rest).prop_map(|((a, b, c, d, e, f), (g, h))| Flat {
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
    })
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Unit),
        Just(Choice::Nothing {}),
        flat().prop_map(Choice::Flat),
        ("[a-zé]{0,4}", any::<[Option<u16>; 2]>()).prop_map(|(text, more)| Choice::Named {
            text: text.parse().unwrap(),
            more,
        }),
    ]
}

fn lists() -> impl Strategy<Value = Lists> {
    let choices = option::of(vec(choice(), 0..=3));
    ("\\PC{0,3}", vec(any::<u8>(), 0..=300), choices, 0..=2_usize).prop_map(
        |(text, bytes, choices, flags)| Lists {
            text,
            bytes,
            choices,
            flags: vec![true; flags],
        },
    )
}

fn std_types() -> impl Strategy<Value = Std> {
    any::<(Duration, u32, bool, u32, IpAddr, SocketAddr)>().prop_map(
        |(elapsed, secs, before, nanos, ip, peer)| {
            let away = Duration::new(secs.into(), nanos % 1_000_000_000);
            let at = if before {
                SystemTime::UNIX_EPOCH - away
            } else {
                SystemTime::UNIX_EPOCH + away
            };
            Std {
                elapsed,
                at,
                ip,
                peer,
            }
        },
    )
}

fn nested() -> impl Strategy<Value = Nested> {
    let pair = any::<(bool, [u16; 2])>().prop_map(|(a, b)| Pair { a, b });
    let pairs = (choice(), [pair.clone(), pair]).prop_map(|(a, b)| Pair { a, b });
    (pairs, option::of(lists()), std_types()).prop_map(|(a, b, c)| Nested(a, b, c))
}

fn encode<T: ShmField<KeyRole>>(value: &T, filled_with: u8) -> Vec<u8> {
    let mut out = vec![filled_with; T::LEN];
    value.encode(&mut out).unwrap();
    out
}

/// Checks all properties for two values and some bytes.
fn check<T>(one: &T, other: &T, noise: &[(prop::sample::Index, u8)]) -> Result<(), TestCaseError>
where
    T: ShmField<KeyRole> + PartialEq + Debug,
{
    let bytes = encode(one, 0xff);
    prop_assert_eq!(&bytes, &encode(one, 0));
    prop_assert_eq!(&T::decode(&bytes).unwrap(), one);
    prop_assert_eq!(encode(other, 0) == bytes, other == one);
    let schema = ParsedSchema::from(T::SCHEMA);
    check_untyped::<T>(&schema, &bytes)?;

    let mut damaged = bytes;
    for (at, byte) in noise {
        let at = at.index(damaged.len());
        damaged[at] = *byte;
        if let Ok(value) = T::decode(&damaged) {
            prop_assert_eq!(T::decode(&encode(&value, 0)).unwrap(), value);
        }
        check_untyped::<T>(&schema, &damaged)?;
        prop_assert!(T::decode(&damaged[..at]).is_err());
        prop_assert!(schema.decode(&damaged[..at]).is_err());
        prop_assert!(other.encode(&mut damaged.clone()[..at]).is_err());
    }

    let all_noise: Vec<u8> = noise
        .iter()
        .map(|(_, byte)| *byte)
        .cycle()
        .take(T::LEN)
        .collect();
    if let Ok(value) = T::decode(&all_noise) {
        encode(&value, 0);
    }
    check_untyped::<T>(&schema, &all_noise)
}

/// Checks that a program with only the schema gets from `bytes` what the type
/// gets: the same bytes again, or an error.
fn check_untyped<T: ShmField<KeyRole>>(
    schema: &ParsedSchema,
    bytes: &[u8],
) -> Result<(), TestCaseError> {
    let typed = T::decode(bytes).ok().map(|value| encode(&value, 0));
    let untyped = schema.decode(bytes).ok();
    let untyped = untyped.and_then(|value| schema.encode(&value).ok());
    prop_assert_eq!(typed, untyped);
    Ok(())
}

fn noise() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    vec(any::<(prop::sample::Index, u8)>(), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn structs(one in flat(), other in flat(), noise in noise()) {
        check(&one, &other, &noise)?;
    }

    #[test]
    fn enums(one in choice(), other in choice(), noise in noise()) {
        check(&one, &other, &noise)?;
    }

    #[test]
    fn strings_and_vectors(one in lists(), other in lists(), noise in noise()) {
        check(&one, &other, &noise)?;
    }

    #[test]
    fn std_fields(one in std_types(), other in std_types(), noise in noise()) {
        check(&one, &other, &noise)?;
    }

    #[test]
    fn nesting(one in nested(), other in nested(), noise in noise()) {
        check(&one, &other, &noise)?;
    }
}

#[derive(Debug, Clone, PartialEq, ShmValue)]
struct Floats {
    a: f32,
    b: Option<f64>,
    #[shm(max_len = 3)]
    c: Vec<(f32,)>,
    d: Inner,
}

#[derive(Debug, Clone, PartialEq, ShmValue)]
struct Inner(Option<f32>);

proptest! {
    #[test]
    fn untyped_floats_keep_every_bit(bits in any::<[u32; 8]>(), len in 0..=3_usize) {
        let [a, high, low, rest @ ..] = bits;
        let float = f32::from_bits;
        let b = f64::from_bits(u64::from(high) << 32 | u64::from(low));
        let floats = Floats {
            a: float(a),
            b: (low % 2 == 0).then_some(b),
            c: rest[..len].iter().map(|bits| (float(*bits),)).collect(),
            d: Inner((high % 2 == 0).then_some(float(rest[4]))),
        };
        let mut bytes = vec![0; <Floats as ShmField<ValueRole>>::LEN];
        floats.encode(&mut bytes).unwrap();
        let schema = ParsedSchema::from(<Floats as ShmField<ValueRole>>::SCHEMA);
        prop_assert_eq!(schema.encode(&schema.decode(&bytes).unwrap()).unwrap(), bytes);
    }
}

#[test]
fn schemas_are_stored_and_parsed_unchanged() {
    fn check<T: ShmField<KeyRole>>() {
        assert_eq!(T::SCHEMA.size(), T::LEN);
        let blob = Schema::to_blob(T::SCHEMA, T::SCHEMA).unwrap();
        let (key, value) = ParsedSchema::from_blob(&blob).unwrap();
        assert_eq!(key, ParsedSchema::from(T::SCHEMA));
        assert_eq!(key.size(), T::LEN);
        assert_eq!(value.diff(T::SCHEMA), []);
    }
    check::<Flat>();
    check::<Choice>();
    check::<Lists>();
    check::<Std>();
    check::<Nested>();
}

#[test]
fn the_differences_of_a_changed_type_are_listed_by_field() {
    mod changed {
        use super::{Flat, ShmStr, ShmValue};

        #[derive(ShmValue)]
        #[allow(dead_code)]
        pub(super) enum Choice {
            Unit,
            Flat(Flat),
            Named { text: ShmStr<10>, extra: u8 },
        }
    }
    fn schema<T: ShmField<ValueRole>>() -> &'static Schema {
        T::SCHEMA
    }
    let found = ParsedSchema::from(schema::<Choice>());
    let differences = found.diff(schema::<changed::Choice>());
    let listed: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(
        listed,
        [
            "Choice: a tag of 2 bytes in the segment, a tag of 1 byte in this program",
            "Choice::Flat: a variant with tag 300 in the segment, a variant with tag 1 in this program",
            "Choice::Named: a variant with tag 301 in the segment, a variant with tag 2 in this program",
            "Choice::Named.text: text(9) in the segment, text(10) in this program",
            "Choice::Named.extra: missing in the segment, u8 in this program",
            "Choice::Named.more: [Option<u16>; 2] in the segment, missing in this program",
            "Choice::Empty: a variant with tag 302 in the segment, missing in this program",
        ]
    );
}

#[test]
fn values_are_printed_without_their_types() {
    fn show<T: ShmField<KeyRole>>(value: &T) -> String {
        let schema = ParsedSchema::from(T::SCHEMA);
        schema.show(&encode(value, 0)).to_string()
    }
    let named = Choice::Named {
        text: "a\"b".parse().unwrap(),
        more: [None, Some(1)],
    };
    let flat = Flat {
        a: 1,
        b: -2,
        c: true,
        d: 'é',
        e: NonZero::new(3).unwrap(),
        f: [4, -5, 6],
        g: (7, None),
        h: NonZero::new(8),
    };
    let flat_text = "Flat { a: 1, b: -2, c: true, d: 'é', e: 3, f: [4, -5, 6], \
                     g: (7, None), h: Some(8) }";
    assert_eq!(show(&flat), flat_text);
    assert_eq!(
        show(&named),
        r#"Named { text: "a\"b", more: [None, Some(1)] }"#
    );
    assert_eq!(show(&Choice::Nothing {}), "Empty");
    let lists = Lists {
        text: "\x1b[2J".into(),
        bytes: vec![1, 2],
        choices: Some(vec![Choice::Unit, Choice::Flat(flat)]),
        flags: vec![true],
    };
    assert_eq!(
        show(&lists),
        format!(
            "Lists {{ text: \"\\u{{1b}}[2J\", bytes: [1, 2], \
             choices: Some([Unit, Flat({flat_text})]), flags: [true] }}"
        )
    );
    let std = Std {
        elapsed: Duration::new(1, 2),
        at: SystemTime::UNIX_EPOCH,
        ip: "127.0.0.1".parse().unwrap(),
        peer: "127.0.0.1:80".parse().unwrap(),
    };
    assert_eq!(
        show(&std),
        "Std { elapsed: Duration { secs: 1, nanos: 2 }, at: SystemTime { secs: 0, nanos: 0 }, \
         ip: V4(Ipv4Addr { octets: 0x7f000001 }), \
         peer: V4(SocketAddrV4 { ip: 0x7f000001, port: 80 }) }"
    );
    let damaged = ParsedSchema::from(<Choice as ShmField<KeyRole>>::SCHEMA);
    assert_eq!(damaged.show(&[9; 100]).to_string(), "<damaged>");
    assert_eq!(damaged.show(&[]).to_string(), "<damaged>");
}
