//! Are types encoded and described as they always were?
//!
//! `golden/types.txt` has the schema, the fingerprint and the bytes of a value for each
//! of many types. It was written once, and another program computed the fingerprints from
//! the schemas. A change of it makes existing maps unreadable, and so needs a new layout
//! version. `SHMKV_GOLDEN=write` rewrites the file; new types belong at its end.
//!
//! The types are in modules of several names and depths, which must make no difference;
//! nor must the compiler or its optimisation.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod derive_support;

use std::fmt::{Debug, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZero;
use std::time::{Duration, SystemTime};

use bytemuck::{Pod, Zeroable};
use shmkv_core::field::ShmField;
use shmkv_core::field::role::ValueRole;
use shmkv_core::schema::Schema;
use shmkv_core::{ShmKey, ShmStr, ShmValue, pod};

use derive_support::bytes;

#[derive(Debug, Clone, PartialEq, ShmKey, ShmValue)]
struct Id {
    site: u32,
    #[shm(max_len = 10)]
    name: String,
}

#[derive(Debug, Clone, PartialEq, ShmValue)]
struct Numbers {
    a: (u8, u16, u32, u64, u128),
    b: (i8, i16, i32, i64, i128),
    c: (f32, f64, bool, char),
    d: (NonZero<u16>, Option<NonZero<i64>>),
}

mod deep {
    pub(crate) mod deeper {
        use super::super::*;

        #[derive(Debug, Clone, PartialEq, ShmKey, ShmValue)]
        pub(crate) enum Choice {
            Unit,
            One(u8),
            Two(u16, bool),
            Named {
                text: ShmStr<9>,
                more: [Option<u16>; 2],
            },
        }
    }

    #[derive(Debug, Clone, PartialEq, shmkv_core::ShmKey, shmkv_core::ShmValue)]
    #[shm(tag = u16, name = "Code", size = 4)]
    pub(crate) enum Codes {
        #[shm(rename = "Fine")]
        Ok = 200,
        NotFound = 404,
    }
}

#[derive(Debug, Clone, PartialEq, ShmValue)]
#[shm(size = 400)]
struct Lists {
    #[shm(max_len = 260)]
    text: String,
    #[shm(max_len = 2)]
    choices: Option<Vec<deep::deeper::Choice>>,
    #[shm(rename = "flags")]
    f: [bool; 3],
    #[shm(skip)]
    _cache: u64,
}

#[derive(Debug, Clone, PartialEq, ShmValue)]
struct Std {
    elapsed: Duration,
    at: SystemTime,
    ip: IpAddr,
    peer: SocketAddr,
}

#[derive(Debug, Clone, PartialEq, ShmValue)]
struct Generic<A, const N: usize>([A; N]);

#[derive(Debug, Clone, PartialEq, ShmValue)]
struct Wrapper(Generic<Option<u8>, 2>, ());

#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable, ShmValue)]
#[shm(pod)]
#[repr(C)]
struct Pose {
    x: f64,
    cell: [i32; 2],
}

#[derive(Debug, Clone, PartialEq, ShmValue)]
struct Holder(pod!([u16; 2]), Pose, [u8; 4]);

#[derive(Debug, Clone, PartialEq, ShmValue)]
struct Unit;

/// Appends the record of a type: its declaration, its schema and fingerprint, and the bytes of a value.
fn entry<T>(out: &mut String, value: &T)
where
    T: ShmField<ValueRole> + PartialEq + Debug,
{
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let blob = Schema::to_blob(T::SCHEMA, T::SCHEMA).unwrap();
    let (version, schemas) = blob.split_first().unwrap();
    let schema = &schemas[..schemas.len() / 2];
    assert_eq!((version, schema), (&1, &schemas[schema.len()..]));
    writeln!(out, "{}", T::SCHEMA).unwrap();
    writeln!(out, "  schema {}", hex(schema)).unwrap();
    writeln!(out, "  fingerprint {:016x}", T::SCHEMA.fingerprint()).unwrap();
    writeln!(out, "  bytes {}", hex(&bytes::<ValueRole, _>(value))).unwrap();
}

#[test]
fn types_are_stored_as_recorded() {
    use deep::Codes;
    use deep::deeper::Choice;
    let mut out = String::new();
    let id = Id {
        site: 7,
        name: "boiler".into(),
    };
    entry(&mut out, &id);
    let numbers = Numbers {
        a: (1, 2, 3, 4, u128::MAX - 1),
        b: (-1, -2, -3, -4, i128::MIN),
        c: (1.5, -0.0, true, 'é'),
        d: (NonZero::new(9).unwrap(), NonZero::new(-9)),
    };
    entry(&mut out, &numbers);
    let named = Choice::Named {
        text: "zwölf".parse().unwrap(),
        more: [None, Some(258)],
    };
    for choice in [
        Choice::Unit,
        Choice::One(1),
        Choice::Two(2, true),
        named.clone(),
    ] {
        entry(&mut out, &choice);
    }
    entry(&mut out, &Codes::Ok);
    entry(&mut out, &Codes::NotFound);
    let lists = Lists {
        text: "a\0b".into(),
        choices: Some(vec![named]),
        f: [true, false, true],
        _cache: 0,
    };
    entry(&mut out, &lists);
    let std = Std {
        elapsed: Duration::new(1, 999_999_999),
        at: SystemTime::UNIX_EPOCH - Duration::new(0, 1),
        ip: Ipv4Addr::new(192, 0, 2, 1).into(),
        peer: (Ipv6Addr::LOCALHOST, 443).into(),
    };
    entry(&mut out, &std);
    entry(&mut out, &Wrapper(Generic([Some(5), None]), ()));
    entry(
        &mut out,
        &Holder(
            [1, 2].into(),
            Pose {
                x: 1.0,
                cell: [-1, 1],
            },
            *b"four",
        ),
    );
    entry(&mut out, &Unit);

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/types/golden/types.txt");
    if std::env::var_os("SHMKV_GOLDEN").is_some_and(|it| it == "write") {
        return std::fs::write(path, out).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap();
    assert_eq!(out, golden);
    println!(
        "{} types are stored as recorded",
        golden.lines().count() / 4
    );
}
