//! Every encoding in both directions: a value decodes to itself, has exactly its
//! length and leaves no byte unwritten, and any bytes decode to a value or an
//! error.

use core::fmt::Debug;
use core::num::NonZero;

use proptest::prelude::*;

use crate::codec::error::{DecodeError, EncodeError};
use crate::codec::field::ShmField;
use crate::codec::field::role::{KeyRole, ValueRole};
use crate::codec::text::ShmStr;
use crate::codec::whole::{KeyFootprint, ShmKey, ShmValue, ToKey, ToValue, ValueFootprint};
use crate::{impl_pod, pod};

/// The bytes of `value`, after checking its encoding in every way.
fn round_trip<R, T: ShmField<R> + PartialEq + Debug>(value: &T) -> Vec<u8> {
    let mut bytes = vec![0xa5; T::LEN];
    value.encode(&mut bytes).unwrap();
    let mut again = vec![0x5a; T::LEN];
    value.encode(&mut again).unwrap();
    assert_eq!(bytes, again, "a byte was left unwritten");
    assert_eq!(&T::decode(&bytes).unwrap(), value);
    assert_eq!(T::SCHEMA.size(), T::LEN);

    for wrong in [T::LEN.wrapping_sub(1), T::LEN + 1] {
        if wrong < 1 << 20 {
            let mut buffer = vec![0; wrong];
            assert!(value.encode(&mut buffer).is_err());
            assert!(T::decode(&buffer).is_err());
        }
    }
    bytes
}

/// Decodes any bytes, and encodes the value if they are one.
fn any_bytes<T: ShmField<ValueRole>>(bytes: &[u8]) {
    let padded: Vec<u8> = bytes.iter().copied().cycle().take(T::LEN).collect();
    for bytes in [bytes, &padded] {
        if let Ok(value) = T::decode(bytes) {
            let mut out = vec![0; T::LEN];
            value.encode(&mut out).unwrap();
        }
    }
}

#[test]
fn scalars_are_little_endian() {
    assert_eq!(round_trip::<KeyRole, _>(&0x0102_u16), [2, 1]);
    assert_eq!(round_trip::<KeyRole, _>(&-2_i32), [0xfe, 0xff, 0xff, 0xff]);
    assert_eq!(round_trip::<KeyRole, _>(&'é'), [0xe9, 0, 0, 0]);
    assert_eq!(round_trip::<KeyRole, _>(&true), [1]);
    assert_eq!(round_trip::<ValueRole, _>(&1.5_f32), [0, 0, 0xc0, 0x3f]);
    let one = NonZero::new(1_u64).unwrap();
    assert_eq!(round_trip::<KeyRole, _>(&one), [1, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn compounds_are_packed() {
    let tuple = (1_u8, 2_u32, [3_u8, 4], Some(5_u16), None::<u16>);
    let bytes = [1, 2, 0, 0, 0, 3, 4, 1, 5, 0, 0, 0, 0];
    assert_eq!(round_trip::<KeyRole, _>(&tuple), bytes);
    assert_eq!(
        round_trip::<KeyRole, _>(&[[1_u16, 2], [3, 4]]),
        [1, 0, 2, 0, 3, 0, 4, 0]
    );
    assert_eq!(round_trip::<ValueRole, _>(&()), []);
    assert_eq!(round_trip::<ValueRole, _>(&[(), ()]), []);
    round_trip::<KeyRole, _>(&(1_u8, 2_u8, 3_u8, 4_u8, 5_u8, (6_u8,)));
    let twelve = (
        1_u8, 2_u8, 3_u8, 4_u8, 5_u8, 6_u8, 7_u8, 8_u8, 9_u8, 10_u8, 11_u8, 12_u16,
    );
    let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0];
    assert_eq!(round_trip::<KeyRole, _>(&twelve), bytes);
    let names: [Option<ShmStr<4>>; 2] = [ShmStr::new("abc").ok(), None];
    assert_eq!(round_trip::<KeyRole, _>(&names), b"\x01abc\0\0\0\0\0\0");
}

#[test]
fn errors_name_the_place() {
    let error = <[(u8, bool); 2] as ShmField<ValueRole>>::decode(&[0, 1, 0, 9]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "[1].1: expected a bool (0 or 1), found 9"
    );
    assert!(<char as ShmField<KeyRole>>::decode(&[0, 0xd8, 0, 0]).is_err());
    assert!(<NonZero<i8> as ShmField<KeyRole>>::decode(&[0]).is_err());
    assert!(<Option<u8> as ShmField<KeyRole>>::decode(&[2, 0]).is_err());
}

#[test]
fn text_is_nul_terminated() {
    let name: ShmStr<8> = "boiler".parse().unwrap();
    assert_eq!(round_trip::<KeyRole, _>(&name), b"boiler\0\0");
    assert_eq!(round_trip::<KeyRole, _>(&ShmStr::<1>::default()), [0]);
    assert_eq!(ShmStr::<8>::new("1234567").unwrap().len(), 7);

    let refused = |text: &str| ShmStr::<8>::try_from(text).unwrap_err();
    for len in [8, 9, 100] {
        let text = "x".repeat(len);
        assert_eq!(refused(&text), EncodeError::TooLong { len, max: 7 });
    }
    assert_eq!(refused("a\0b"), EncodeError::InteriorNul { at: 1 });

    type Text = ShmStr<4>;
    let decode = |bytes: &[u8; 4]| <Text as ShmField<KeyRole>>::decode(bytes);
    assert_eq!(
        decode(b"abcd"),
        Err(DecodeError::Unterminated { capacity: 4 })
    );
    assert_eq!(
        decode(b"a\xff\0\0"),
        Err(DecodeError::NotUtf8 { valid_up_to: 1 })
    );
    assert_eq!(decode(b"a\0xy").unwrap(), Text::new("a").unwrap());
}

#[test]
fn text_compares_as_str() {
    use std::collections::HashMap;
    let text = |s: &str| ShmStr::<8>::new(s).unwrap();
    for (a, b) in [("a", "ab"), ("ab", "b"), ("", "a"), ("é", "z"), ("a", "a")] {
        assert_eq!(text(a).cmp(&text(b)), a.cmp(b));
    }
    let map = HashMap::from([(text("k"), 1)]);
    assert_eq!(map.get("k"), Some(&1));
    assert_eq!(format!("{0} {0:?} {0:>3}", text("x")), "x \"x\"   x");
}

#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Pose {
    x: f32,
    y: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Named(u16);
impl_pod!(Named);

#[test]
fn pods_keep_their_bytes() {
    let pose: pod!(Pose) = Pose { x: 1.0, y: -0.0 }.into();
    assert_eq!(round_trip::<KeyRole, _>(&pose), bytemuck::bytes_of(&*pose));
    assert_eq!(round_trip::<ValueRole, _>(&Named(7)), 7_u16.to_ne_bytes());
    assert_eq!(
        <Named as ShmField<KeyRole>>::SCHEMA.to_string(),
        "pod(2) Named"
    );
}

#[test]
fn callers_pass_what_is_natural() {
    fn key<const K: usize, Key: ShmKey<K>>(key: impl ToKey<Key>) -> Result<[u8; K], EncodeError> {
        let mut out = [0xa5; K];
        key.encode_into(&mut out).map(|()| out)
    }
    fn value<const V: usize, T: ShmValue<V>>(value: impl ToValue<T>) -> [u8; V] {
        let mut out = [0xa5; V];
        value.encode_into(&mut out).unwrap();
        out
    }
    let owned = String::from("abc");
    for bytes in [
        key::<4, ShmStr<4>>("abc"),
        key::<4, ShmStr<4>>(&"abc"),
        key::<4, ShmStr<4>>(&owned),
        key::<4, ShmStr<4>>(ShmStr::new("abc").unwrap()),
        key::<4, ShmStr<4>>(&ShmStr::new("abc").unwrap()),
    ] {
        assert_eq!(bytes.unwrap(), *b"abc\0");
    }
    let long = key::<64, ShmStr<64>>(&"x".repeat(64)).unwrap_err();
    assert_eq!(
        long.to_string(),
        "expected at most 63 bytes of text, found 64"
    );
    assert_eq!(key::<8, u64>(7), key::<8, u64>(&7));
    assert_eq!(key::<3, [u8; 3]>(b"abc").unwrap(), *b"abc");
    let pose = Pose { x: 1.0, y: 2.0 };
    assert_eq!(value::<8, pod!(Pose)>(pose), value::<8, pod!(Pose)>(&pose));
    let wrapped: pod!(Pose) = pose.into();
    assert_eq!(
        value::<8, pod!(Pose)>(pose),
        value::<8, pod!(Pose)>(&wrapped)
    );
    assert_eq!(value::<0, ()>(()), []);
}

#[test]
fn whole_types_know_their_size() {
    fn footprint<const K: usize, T>() -> usize
    where
        T: ShmKey<K>
            + KeyFootprint<Bytes = [u8; K]>
            + ShmValue<K>
            + ValueFootprint<Bytes = [u8; K]>,
    {
        assert_eq!(<T as ShmField<KeyRole>>::LEN, K);
        K
    }
    assert_eq!(footprint::<1, u8>(), 1);
    assert_eq!(footprint::<16, i128>(), 16);
    assert_eq!(footprint::<4, NonZero<u32>>(), 4);
    assert_eq!(footprint::<5, [u8; 5]>(), 5);
    assert_eq!(footprint::<9, ShmStr<9>>(), 9);
    assert_eq!(footprint::<8, pod!(Pose)>(), 8);
    assert_eq!(footprint::<2, Named>(), 2);
    assert_ne!(
        <u32 as ShmKey<4>>::FINGERPRINT,
        <ShmStr<4> as ShmKey<4>>::FINGERPRINT
    );
}

type Everything = (
    (u8, u16, u32, u64, u128, bool),
    (i8, i16, i32, i64, i128, char),
    (Option<[u8; 3]>, [Option<u16>; 3], NonZero<u16>, (), [u8; 0]),
);

fn everything() -> impl Strategy<Value = Everything> {
    (
        any::<(u8, u16, u32, u64, u128, bool)>(),
        any::<(i8, i16, i32, i64, i128, char)>(),
        (
            any::<Option<[u8; 3]>>(),
            any::<[Option<u16>; 3]>(),
            any::<NonZero<u16>>(),
            Just(()),
            Just([]),
        ),
    )
}

proptest! {
    #[test]
    fn whatever_is_encoded_decodes_to_itself(value in everything()) {
        round_trip::<KeyRole, _>(&value);
        round_trip::<ValueRole, _>(&value);
    }

    #[test]
    fn floats_keep_their_bits(bits in any::<[u64; 2]>(), word in any::<u32>()) {
        let floats = bits.map(f64::from_bits);
        let mut out = [0; 16];
        ShmField::<ValueRole>::encode(&floats, &mut out).unwrap();
        let back = <[f64; 2] as ShmField<ValueRole>>::decode(&out).unwrap();
        prop_assert_eq!(back.map(f64::to_bits), bits);
        let mut out = [0; 4];
        ShmField::<ValueRole>::encode(&f32::from_bits(word), &mut out).unwrap();
        prop_assert_eq!(u32::from_le_bytes(out), word);
    }

    #[test]
    fn text_round_trips_or_says_why(text in "\\PC{0,12}|[\\x00-\\x02]{0,4}") {
        match ShmStr::<16>::new(&text) {
            Ok(stored) => {
                prop_assert_eq!(stored.as_str(), &text);
                round_trip::<KeyRole, _>(&stored);
            }
            Err(EncodeError::TooLong { len, max: 15 }) => prop_assert!(len == text.len() && len > 15),
            Err(EncodeError::InteriorNul { at }) => prop_assert_eq!(text.as_bytes()[at], 0),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn any_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        any_bytes::<Everything>(&bytes);
        any_bytes::<ShmStr<9>>(&bytes);
        any_bytes::<[ShmStr<3>; 2]>(&bytes);
        any_bytes::<pod!(Pose)>(&bytes);
        any_bytes::<[f64; 3]>(&bytes);
        any_bytes::<[bool; 3]>(&bytes);
    }
}
