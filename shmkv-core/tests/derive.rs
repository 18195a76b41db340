//! What bytes does the derive make of my type, and do I get my value back?
//!
//! Golden bytes are written out by hand from the rule: declaration order,
//! packed, little-endian, unused bytes zero.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::time::{Duration, SystemTime};

use shmkv_core::role::{KeyRole, ValueRole};
use shmkv_core::{
    DecodeError, EncodeError, ShmField, ShmKey, ShmStr, ShmValue, ToKey, ToValue, pod,
};

/// The bytes of `value`, after checking that they are complete and lead back.
fn bytes<R, T: ShmField<R> + PartialEq + Debug>(value: &T) -> Vec<u8> {
    let mut out = vec![0xa5; T::LEN];
    value.encode(&mut out).unwrap();
    let mut again = vec![0x5a; T::LEN];
    value.encode(&mut again).unwrap();
    assert_eq!(out, again, "a byte was left unwritten");
    assert_eq!(&T::decode(&out).unwrap(), value);
    assert_eq!(T::SCHEMA.size(), T::LEN);
    assert!(value.encode(&mut vec![0; T::LEN + 1]).is_err());
    assert!(T::decode(&vec![0; T::LEN + 1]).is_err());
    out
}

fn encode_error<R>(value: &impl ShmField<R>) -> String {
    fn encode<R, T: ShmField<R>>(value: &T) -> EncodeError {
        value.encode(&mut vec![0; T::LEN]).unwrap_err()
    }
    encode(value).to_string()
}

fn schema<R, T: ShmField<R>>() -> String {
    T::SCHEMA.to_string()
}

#[derive(Debug, Clone, PartialEq, ShmKey)]
struct SensorId {
    site: u32,
    #[shm(max_len = 10)]
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, ShmKey, ShmValue)]
enum State {
    Idle,
    Running { rpm: u32 },
    Failed(u8),
}

#[derive(Debug, Clone, PartialEq, ShmValue)]
struct Reading {
    at: u64,
    temp: f32,
    ok: bool,
    state: State,
    history: [u16; 2],
    previous: Option<f32>,
}

#[test]
fn a_struct_is_packed() {
    let id = SensorId {
        site: 7,
        name: "boiler".into(),
    };
    assert_eq!(bytes::<KeyRole, _>(&id), b"\x07\0\0\0\x06boiler\0\0\0\0");
    assert_eq!(<SensorId as ShmKey<15>>::SIZE, 15);
    assert_eq!(
        schema::<KeyRole, SensorId>(),
        "SensorId { site: u32, name: String(10) }"
    );

    let reading = Reading {
        at: 1,
        temp: 1.5,
        ok: true,
        state: State::Running { rpm: 0x0102 },
        history: [3, 4],
        previous: None,
    };
    let golden = [
        1, 0, 0, 0, 0, 0, 0, 0, // at
        0, 0, 0xc0, 0x3f, // temp
        1,    // ok
        1, 2, 1, 0, 0, // state
        3, 0, 4, 0, // history
        0, 0, 0, 0, 0, // previous
    ];
    assert_eq!(bytes::<ValueRole, _>(&reading), golden);
    assert_eq!(
        schema::<ValueRole, Reading>(),
        "Reading { at: u64, temp: f32, ok: bool, state: enum State { Idle, \
         Running { rpm: u32 }, Failed(u8) }, history: [u16; 2], previous: Option<f32> }"
    );
}

#[test]
fn a_name_too_long_is_named() {
    let id = SensorId {
        site: 7,
        name: "x".repeat(11),
    };
    assert_eq!(
        encode_error::<KeyRole>(&id),
        "name: 11 bytes of text where at most 10 fit"
    );
}

#[test]
fn fingerprints_do_not_move() {
    // A change here makes existing segments strangers. The numbers come from
    // the format's description, by a few lines in another language.
    let prints = [
        <SensorId as ShmKey<15>>::FINGERPRINT,
        <State as ShmValue<5>>::FINGERPRINT,
        <Reading as ShmValue<27>>::FINGERPRINT,
    ];
    assert_eq!(
        prints,
        [
            0x12f0_e237_311d_1193,
            0x76ef_d84b_bf4c_6365,
            0xf599_b88d_19b2_bcd3
        ],
        "{prints:#018x?}"
    );
    assert_eq!(
        <State as ShmValue<5>>::FINGERPRINT,
        <State as ShmKey<5>>::FINGERPRINT
    );
}

#[test]
fn the_same_declaration_elsewhere_is_the_same_type() {
    mod elsewhere {
        #[derive(shmkv_core::ShmKey)]
        #[allow(dead_code)]
        pub(super) struct SensorId {
            site: u32,
            #[shm(max_len = 10)]
            name: String,
        }
    }
    let (here, there) = (
        <SensorId as ShmField<KeyRole>>::SCHEMA,
        <elsewhere::SensorId as ShmField<KeyRole>>::SCHEMA,
    );
    assert_eq!(here, there);
    assert_eq!(here.fingerprint(), there.fingerprint());
}

#[test]
fn every_variant() {
    assert_eq!(bytes::<KeyRole, _>(&State::Idle), [0, 0, 0, 0, 0]);
    assert_eq!(bytes::<KeyRole, _>(&State::Failed(9)), [2, 9, 0, 0, 0]);
    let unknown = <State as ShmField<KeyRole>>::decode(&[3, 0, 0, 0, 0]).unwrap_err();
    assert_eq!(
        unknown,
        DecodeError::UnknownTag {
            name: "State",
            tag: 3
        }
    );

    #[derive(Debug, PartialEq, ShmKey)]
    #[shm(tag = u16)]
    enum Code {
        A = 1000,
        B,
        C = LIMIT,
    }
    const LIMIT: isize = 65_535;
    assert_eq!(bytes::<KeyRole, _>(&Code::A), 1000_u16.to_le_bytes());
    assert_eq!(bytes::<KeyRole, _>(&Code::B), 1001_u16.to_le_bytes());
    assert_eq!(bytes::<KeyRole, _>(&Code::C), [255, 255]);

    #[derive(Debug, PartialEq, ShmValue)]
    #[shm(tag = u32)]
    #[repr(u8)]
    enum Data {
        A(f64, bool) = b'a',
        B { s: Option<ShmStr<4>> } = 200,
    }
    let b = Data::B {
        s: ShmStr::new("xyz").ok(),
    };
    assert_eq!(bytes::<ValueRole, _>(&b), b"\xc8\0\0\0\x01xyz\0\0\0\0\0");
    assert_eq!(
        bytes::<ValueRole, _>(&Data::A(0.0, true))[..5],
        *b"a\0\0\0\0"
    );
    let damaged = <Data as ShmField<ValueRole>>::decode(b"a\0\0\0\0\0\0\0\0\0\0\0\x02");
    assert_eq!(
        damaged.unwrap_err().to_string(),
        "A.1: expected a bool (0 or 1), found 2"
    );
}

#[derive(Debug, PartialEq, ShmKey, ShmValue)]
struct Unnamed(u8, #[shm(rename = "second")] u16);

#[derive(Debug, PartialEq, ShmValue)]
struct Unit;

#[derive(Debug, PartialEq, ShmKey, ShmValue)]
struct Last(Option<u32>);

#[test]
fn tuple_and_unit_structs() {
    assert_eq!(bytes::<KeyRole, _>(&Unnamed(1, 2)), [1, 2, 0]);
    assert_eq!(bytes::<ValueRole, _>(&Unit), []);
    assert_eq!(bytes::<ValueRole, _>(&Last(Some(1))), [1, 1, 0, 0, 0]);
    assert_eq!(
        schema::<KeyRole, Unnamed>(),
        "Unnamed { 0: u8, second: u16 }"
    );
    assert_eq!(schema::<ValueRole, Unit>(), "Unit");
    assert_eq!(schema::<KeyRole, Last>(), "Last(Option<u32>)");
}

#[derive(Debug, Clone, PartialEq, ShmKey, ShmValue)]
struct Pair<A, const M: usize> {
    first: A,
    rest: [A; M],
}

#[test]
fn generic_types_are_fields() {
    #[derive(Debug, PartialEq, ShmKey)]
    struct Whole {
        pair: Pair<u16, 2>,
        deep: Pair<Pair<bool, 1>, 1>,
    }
    let inner = |bit: bool| Pair {
        first: bit,
        rest: [!bit],
    };
    let whole = Whole {
        pair: Pair {
            first: 1,
            rest: [2, 3],
        },
        deep: Pair {
            first: inner(true),
            rest: [inner(false)],
        },
    };
    assert_eq!(bytes::<KeyRole, _>(&whole), [1, 0, 2, 0, 3, 0, 1, 0, 0, 1]);
    let damaged = <Whole as ShmField<KeyRole>>::decode(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
    assert_eq!(
        damaged.unwrap_err().to_string(),
        "deep.rest[0].rest[0]: expected a bool (0 or 1), found 9"
    );
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
        "words: 4 elements where at most 3 fit"
    );
    for (at, byte, message) in [
        (0, 4, "words: a length of 4 where at most 3 fit"),
        (9, 7, "states[0]: no variant of `State` has the tag 7"),
        (7, 2, "states: expected an option's tag (0 or 1), found 2"),
        (22, 0xff, "text: the text stops being UTF-8 at byte 0"),
        (21, 9, "text: a length of 2311 where at most 300 fit"),
    ] {
        let mut damaged = golden.clone();
        damaged[at] = byte;
        let error = <Lists as ShmField<ValueRole>>::decode(&damaged).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn reserved_room_is_zero() {
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

    // Without `pod`, or beside it, the same struct may be encoded or wrapped.
    #[derive(Debug, PartialEq, ShmValue)]
    struct Holder(pod!(Foreign), Pose);
    let holder = Holder(Foreign([1, 2]).into(), pose);
    assert_eq!(<Holder as ShmValue<16>>::SIZE, 16);
    assert_eq!(
        bytes::<ValueRole, _>(&holder)[4..],
        *bytemuck::bytes_of(&pose)
    );
}

#[derive(Debug, PartialEq, ShmKey, ShmValue)]
#[shm(borrow = str)]
struct Owned(#[shm(max_len = 6)] String);

#[derive(Debug, PartialEq, ShmKey)]
#[shm(borrow = str, size = 9)]
struct Fixed {
    text: ShmStr<7>,
}

#[derive(Debug, PartialEq, ShmKey)]
#[shm(borrow = str)]
struct Nested(Fixed);

#[test]
fn text_newtypes_are_asked_with_a_str() {
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
    assert_eq!(key::<7, Owned>(&Owned("abc".into())), owned);
    assert_eq!(value::<7, Owned>("abc"), owned);

    let fixed = Fixed {
        text: ShmStr::new("abc").unwrap(),
    };
    assert_eq!(key::<9, Fixed>("abc"), bytes::<KeyRole, _>(&fixed));
    assert_eq!(key::<9, Nested>("abc"), bytes::<KeyRole, _>(&Nested(fixed)));

    let mut out = [0; 7];
    let error = ToKey::<Owned>::encode_into(&"too long", &mut out).unwrap_err();
    assert_eq!(error.to_string(), "0: 8 bytes of text where at most 6 fit");
}

#[test]
fn std_types() {
    #[derive(Debug, PartialEq, ShmKey, ShmValue)]
    struct Std {
        elapsed: Duration,
        at: SystemTime,
        ip: IpAddr,
        peer: SocketAddr,
        count: NonZero<u16>,
    }
    let std = Std {
        elapsed: Duration::new(1, 2),
        at: SystemTime::UNIX_EPOCH - Duration::new(0, 1),
        ip: Ipv4Addr::LOCALHOST.into(),
        peer: "[::1]:80".parse().unwrap(),
        count: NonZero::new(5).unwrap(),
    };
    let mut golden = vec![1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0];
    golden.extend([0xff; 8]);
    golden.extend(999_999_999_u32.to_le_bytes());
    golden.extend([4, 127, 0, 0, 1]);
    golden.resize(12 + 12 + 17, 0);
    golden.push(6);
    golden.resize(12 + 12 + 17 + 16, 0);
    golden.extend([1, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    golden.extend([5, 0]);
    assert_eq!(bytes::<KeyRole, _>(&std), golden);
    assert_eq!(
        schema::<KeyRole, Std>(),
        "Std { elapsed: Duration { secs: u64, nanos: u32 }, \
         at: SystemTime { secs: i64, nanos: u32 }, \
         ip: enum IpAddr { V4(Ipv4Addr { octets: [u8; 4] }), V6(Ipv6Addr { octets: [u8; 16] }) }, \
         peer: enum SocketAddr { V4(SocketAddrV4 { ip: [u8; 4], port: u16 }), \
         V6(SocketAddrV6 { ip: [u8; 16], port: u16, flowinfo: u32, scope_id: u32 }) }, \
         count: NonZero<u16> }"
    );
    let fast = <Duration as ShmField<KeyRole>>::decode(&[0xff; 12]).unwrap_err();
    assert_eq!(
        fast.to_string(),
        "expected less than a second of nanoseconds, found 4294967295"
    );
}
