//! What effect does each `#[shm(…)]` attribute have on the bytes?

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod derive_support;

use std::num::NonZero;

use shmkv_core::field::ShmField;
use shmkv_core::field::role::{KeyRole, ValueRole};
use shmkv_core::{ShmKey, ShmStr, ShmValue, ToKey, ToValue, pod};

use derive_support::{bytes, encode_error, schema};

#[derive(Debug, PartialEq, ShmValue)]
enum State {
    Idle,
    Running { rpm: u32 },
    Failed(u8),
}

#[test]
fn strings_and_vectors() {
    const MANY: usize = 300;
    #[derive(Debug, PartialEq, ShmValue)]
    struct Lists {
        #[shm(max_len = 3)]
        words: Vec<u16>,
        #[shm(max_len = 2)]
        states: Option<Vec<State>>,
        #[shm(max_len = MANY)]
        text: Option<String>,
    }
    let lists = Lists {
        words: vec![1, 2],
        states: Some(vec![State::Failed(1)]),
        text: Some("héllo\0".into()),
    };
    let mut golden = vec![2, 1, 0, 2, 0, 0, 0];
    golden.extend([1, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    golden.extend(b"\x01\x07\0h\xc3\xa9llo\0");
    golden.resize(7 + 12 + 3 + MANY, 0);
    assert_eq!(bytes::<ValueRole, _>(&lists), golden);

    let long = Lists {
        words: vec![0; 4],
        ..lists
    };
    assert_eq!(
        encode_error::<ValueRole>(&long),
        "words: expected at most 3 elements, found 4"
    );
    for (at, byte, message) in [
        (0, 4, "words: expected a length of at most 3, found 4"),
        (9, 7, "states[0]: expected a tag of enum `State`, found 7"),
        (
            7,
            2,
            "states: expected the tag of an option (0 or 1), found 2",
        ),
        (
            22,
            0xff,
            "text: expected UTF-8, found an invalid sequence at byte 0",
        ),
        (21, 9, "text: expected a length of at most 300, found 2311"),
    ] {
        let mut damaged = golden.clone();
        damaged[at] = byte;
        let error = <Lists as ShmField<ValueRole>>::decode(&damaged).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn reserved_bytes_are_zero() {
    #[derive(Debug, PartialEq, ShmKey, ShmValue)]
    #[shm(size = 8, name = "Grows")]
    struct Growing {
        a: u8,
    }
    #[derive(Debug, PartialEq, ShmKey)]
    #[shm(size = 4)]
    enum Either {
        A,
        B(u8),
    }
    assert_eq!(
        bytes::<KeyRole, _>(&Growing { a: 1 }),
        [1, 0, 0, 0, 0, 0, 0, 0]
    );
    assert_eq!(bytes::<KeyRole, _>(&Either::B(2)), [1, 2, 0, 0]);
    assert_eq!(bytes::<KeyRole, _>(&Either::A), [0; 4]);
    assert_eq!(<Growing as ShmValue<8>>::SIZE, 8);
    assert_eq!(schema::<KeyRole, Growing>(), "Grows { a: u8 }");
}

#[test]
fn skipped_and_converted_fields() {
    #[derive(Debug, Clone, PartialEq)]
    struct Percent(f64);
    impl From<&Percent> for u8 {
        fn from(percent: &Percent) -> u8 {
            percent.0.round() as u8
        }
    }
    impl TryFrom<u8> for Percent {
        type Error = String;
        fn try_from(stored: u8) -> Result<Self, String> {
            if stored <= 100 {
                Ok(Percent(f64::from(stored)))
            } else {
                Err(format!("{stored} percent"))
            }
        }
    }
    #[derive(Debug, PartialEq, ShmKey)]
    struct Load {
        #[shm(skip)]
        cache: Vec<&'static str>,
        #[shm(with = u8)]
        load: Percent,
        #[shm(skip)]
        float: f32,
    }
    let load = Load {
        cache: vec![],
        load: Percent(40.0),
        float: 0.0,
    };
    assert_eq!(bytes::<KeyRole, _>(&load), [40]);
    assert_eq!(schema::<KeyRole, Load>(), "Load { load: u8 }");
    assert_eq!(
        <Load as ShmField<KeyRole>>::decode(&[101])
            .unwrap_err()
            .to_string(),
        "load: 101 percent"
    );
}

#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable, ShmKey, ShmValue)]
#[shm(pod)]
#[repr(C)]
struct Pose {
    x: f32,
    #[shm(rename = "id")]
    y: u32,
    wrapped: Foreign,
}

#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Foreign([u16; 2]);

#[test]
fn pods_keep_their_memory_and_name_their_fields() {
    let pose = Pose {
        x: 1.0,
        y: 2,
        wrapped: Foreign([3, 4]),
    };
    assert_eq!(bytes::<KeyRole, _>(&pose), bytemuck::bytes_of(&pose));
    let described = "pod(12) Pose { x: f32, id: u32, wrapped: pod(4) }";
    assert_eq!(schema::<KeyRole, Pose>(), described);
    assert_eq!(schema::<ValueRole, Pose>(), described);

    // A struct may also be wrapped by `pod!`, and either kind may be a field.
    #[derive(Debug, PartialEq, ShmValue)]
    struct Holder(pod!(Foreign), Pose);
    let holder = Holder(Foreign([1, 2]).into(), pose);
    assert_eq!(<Holder as ShmValue<16>>::SIZE, 16);
    assert_eq!(
        bytes::<ValueRole, _>(&holder)[4..],
        *bytemuck::bytes_of(&pose)
    );
}

/// The memory of a field can differ from its own encoding.
#[test]
fn pods_describe_memory() {
    #[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable, ShmValue)]
    #[repr(C)]
    #[shm(size = 8)]
    struct Skips {
        #[shm(skip)]
        skipped: u32,
        stored: u32,
    }
    #[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable, ShmKey)]
    #[shm(pod)]
    #[repr(C)]
    struct Inner(u16);
    #[derive(
        Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable, ShmKey, ShmValue,
    )]
    #[shm(pod)]
    #[repr(C)]
    struct Outer {
        niche: Option<NonZero<u32>>,
        skips: Skips,
        array: [Skips; 2],
        floats: [f32; 2],
        grid: [[u8; 4]; 2],
    }
    #[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable, ShmKey)]
    #[shm(pod)]
    #[repr(C)]
    struct OfKeys(Inner);
    let described = "pod(44) Outer { niche: pod(4), skips: pod(8), array: pod(16), \
                     floats: [f32; 2], grid: [[u8; 4]; 2] }";
    assert_eq!(schema::<ValueRole, Outer>(), described);
    assert_eq!(schema::<KeyRole, Outer>(), described);
    let described = "pod(2) OfKeys(pod(2) Inner(u16))";
    assert_eq!(schema::<KeyRole, OfKeys>(), described);

    let outer = <Outer as ShmField<ValueRole>>::SCHEMA;
    let blob = shmkv_core::schema::Schema::to_blob(outer, outer).unwrap();
    let (parsed, _) = shmkv_core::schema::ParsedSchema::from_blob(&blob).unwrap();
    let value: Outer = bytemuck::Zeroable::zeroed();
    assert!(
        !parsed
            .show(&bytes::<ValueRole, _>(&value))
            .to_string()
            .contains("damaged")
    );
}

#[derive(Debug, PartialEq, ShmKey, ShmValue)]
#[shm(borrow = str)]
struct Owned(#[shm(max_len = Self::MAX)] String);

impl Owned {
    const MAX: usize = 6;
}

#[derive(Debug, PartialEq, ShmKey)]
#[shm(borrow = str, size = 9)]
struct Fixed {
    text: ShmStr<7>,
}

#[derive(Debug, PartialEq, ShmKey)]
#[shm(borrow = str)]
struct Nested(Fixed);

#[test]
fn a_str_stands_for_a_text_newtype() {
    fn key<const K: usize, Key: ShmKey<K>>(key: impl ToKey<Key>) -> Vec<u8> {
        let mut out = vec![0xa5; K];
        key.encode_into(&mut out).unwrap();
        out
    }
    fn value<const V: usize, T: ShmValue<V>>(value: impl ToValue<T>) -> Vec<u8> {
        let mut out = vec![0xa5; V];
        value.encode_into(&mut out).unwrap();
        out
    }
    let text = String::from("abc");
    let owned = bytes::<KeyRole, _>(&Owned("abc".into()));
    assert_eq!(owned, b"\x03abc\0\0\0");
    assert_eq!(key::<7, Owned>("abc"), owned);
    assert_eq!(key::<7, Owned>(&"abc"), owned);
    assert_eq!(key::<7, Owned>(&text), owned);
    assert_eq!(key::<7, Owned>(text), owned);
    assert_eq!(key::<7, Owned>(&Owned("abc".into())), owned);
    assert_eq!(value::<7, Owned>("abc"), owned);

    let fixed = Fixed {
        text: ShmStr::new("abc").unwrap(),
    };
    assert_eq!(key::<9, Fixed>("abc"), bytes::<KeyRole, _>(&fixed));
    assert_eq!(key::<9, Nested>("abc"), bytes::<KeyRole, _>(&Nested(fixed)));

    let mut out = [0; 7];
    let error = ToKey::<Owned>::encode_into(&"too long", &mut out).unwrap_err();
    assert_eq!(
        error.to_string(),
        "0: expected at most 6 bytes of text, found 8"
    );
}
