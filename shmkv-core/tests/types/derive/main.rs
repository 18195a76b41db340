//! What bytes does the derive make of a type, and do they decode to the same value?
//!
//! The expected bytes are written by hand, from the rule: declaration order,
//! packed, little-endian, unused bytes zero.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

#[path = "../derive_support.rs"]
mod derive_support;
mod enums;

use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::time::{Duration, SystemTime};

use shmkv_core::field::ShmField;
use shmkv_core::field::role::{KeyRole, ValueRole};
use shmkv_core::{ShmKey, ShmValue};

use derive_support::{bytes, encode_error, schema};
use enums::State;

#[derive(Debug, Clone, PartialEq, ShmKey)]
struct SensorId {
    site: u32,
    #[shm(max_len = 10)]
    name: String,
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
fn only_stored_fields_need_bounds() {
    struct Unstorable;
    #[derive(Debug, PartialEq, ShmKey, ShmValue)]
    struct Id<T> {
        number: u32,
        of: PhantomData<fn() -> T>,
    }
    #[derive(Debug, PartialEq, ShmValue)]
    struct Cached<T, U> {
        #[shm(skip)]
        cache: T,
        #[shm(skip)]
        more: Vec<U>,
        stored: Option<u8>,
    }
    let id = Id::<Unstorable> {
        number: 7,
        of: PhantomData,
    };
    let mut out = [0; 4];
    ShmField::<KeyRole>::encode(&id, &mut out).unwrap();
    assert_eq!(out, [7, 0, 0, 0]);
    assert_eq!(<Id<Unstorable> as ShmField<ValueRole>>::LEN, 4);
    let cached = Cached::<String, String> {
        cache: String::new(),
        more: vec![],
        stored: Some(1),
    };
    assert_eq!(bytes::<ValueRole, _>(&cached), [1, 1]);
}

#[test]
fn a_field_of_a_key_may_be_empty() {
    #[derive(Debug, PartialEq, ShmKey)]
    struct Marker;
    #[derive(Debug, PartialEq, ShmKey)]
    struct Marked(Marker, u8);
    assert_eq!(bytes::<KeyRole, _>(&Marked(Marker, 1)), [1]);
}

#[test]
fn own_types_may_have_names_of_std_types() {
    mod my {
        #[derive(Debug, PartialEq, super::ShmKey)]
        pub(crate) struct String(pub(crate) u8);
        #[derive(Debug, PartialEq, super::ShmKey)]
        pub(crate) struct Arc<T>(pub(crate) T);
    }
    #[derive(Debug, PartialEq, ShmKey)]
    struct Key {
        text: my::String,
        shared: my::Arc<u8>,
        #[shm(skip)]
        old: u8,
        #[shm(rename = "old")]
        new: u8,
    }
    let key = Key {
        text: my::String(1),
        shared: my::Arc(2),
        old: 0,
        new: 3,
    };
    assert_eq!(bytes::<KeyRole, _>(&key), [1, 2, 3]);
}

#[test]
fn the_error_names_the_field_that_is_too_long() {
    let id = SensorId {
        site: 7,
        name: "x".repeat(11),
    };
    assert_eq!(
        encode_error::<KeyRole>(&id),
        "name: expected at most 10 bytes of text, found 11"
    );
}

#[test]
fn fingerprints_do_not_change() {
    // After a change here, existing segments cannot be opened. The numbers were computed from the format's
    // description, by a few lines in another language.
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
fn the_same_declaration_in_another_module_is_the_same_type() {
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
        "expected fewer than 1000000000 nanoseconds, found 4294967295"
    );
}

#[test]
fn no_type_is_refused_because_of_its_name() {
    #[derive(Debug, PartialEq, ShmKey)]
    struct Box(u8);
    #[derive(Debug, PartialEq, ShmKey)]
    struct Instant(u16);
    #[derive(Debug, PartialEq, ShmKey)]
    struct Own(Box, Instant);
    assert_eq!(bytes::<KeyRole, _>(&Own(Box(1), Instant(2))), [1, 2, 0]);
}
