//! Enums: their tags, and the bytes of every variant.

use shmkv_core::field::ShmField;
use shmkv_core::field::role::{KeyRole, ValueRole};
use shmkv_core::{DecodeError, ShmKey, ShmStr, ShmValue};

use crate::derive_support::bytes;

#[derive(Debug, Clone, Copy, PartialEq, ShmKey, ShmValue)]
pub(super) enum State {
    Idle,
    Running { rpm: u32 },
    Failed(u8),
}

#[test]
fn tags_are_the_discriminants_that_rustc_computes() {
    const BASE: u64 = 40;
    const D: isize = 7;
    #[derive(Debug, Clone, Copy, PartialEq, ShmKey, ShmValue)]
    #[repr(u8)]
    enum Small {
        Half = !0 / 2,
        Next,
        Zero = 0,
        Most = !0,
        Base = BASE as _,
    }
    #[derive(Debug, Clone, Copy, PartialEq, ShmKey)]
    #[repr(u32, align(8))]
    #[shm(tag = u32)]
    enum Large {
        High = 1 << 31,
        All = !0,
    }
    #[derive(Debug, Clone, Copy, PartialEq, ShmValue)]
    enum Default {
        Other = D + Self::OFFSET,
        Shifted = 2 + ((1 << 63) >> 63),
    }
    impl Default {
        const OFFSET: isize = 2;
    }
    for (small, tag) in [
        (Small::Half, 127),
        (Small::Next, 128),
        (Small::Zero, 0),
        (Small::Most, 255),
        (Small::Base, 40),
    ] {
        assert_eq!(bytes::<KeyRole, _>(&small), [tag]);
        assert_eq!(small as u8, tag);
    }
    assert_eq!(bytes::<KeyRole, _>(&Large::High), [0, 0, 0, 0x80]);
    assert_eq!(bytes::<KeyRole, _>(&Large::All), [0xff; 4]);
    assert_eq!(bytes::<ValueRole, _>(&Default::Other), [9]);
    assert_eq!(bytes::<ValueRole, _>(&Default::Shifted), [1]);
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
