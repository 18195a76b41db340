//! Does derived code compile where names have other meanings, and where lints are strict?

#![forbid(unused_qualifications)]

/// Without a prelude, beside items with the names that the expansion uses.
#[allow(non_camel_case_types, non_upper_case_globals, dead_code)]
#[no_implicit_prelude]
mod bare {
    use ::core::clone::Clone;
    use ::core::cmp::PartialEq;
    use ::core::fmt::Debug;
    use ::core::marker::Copy;

    pub(crate) struct u8;
    pub(crate) struct u32;
    pub(crate) struct usize;
    pub(crate) struct i128;
    pub(crate) struct str;
    pub(crate) struct Result;
    pub(crate) struct Option;
    pub(crate) struct Some;
    pub(crate) struct Ok;
    pub(crate) struct Err;
    pub(crate) struct String;
    pub(crate) struct Default;
    pub(crate) struct Schema;
    pub(crate) struct Field;
    pub(crate) mod core {}
    pub(crate) mod std {}
    pub(crate) mod shmkv_core {}
    pub(crate) const LEN: () = ();
    pub(crate) const tag: ::core::primitive::u8 = 3;
    pub(crate) const out: () = ();
    pub(crate) const bytes: () = ();
    pub(crate) const part: () = ();
    pub(crate) const parts: () = ();
    pub(crate) const text: () = ();
    pub(crate) const field_0: () = ();
    pub(crate) const D: () = ();
    pub(crate) struct error;
    pub(crate) struct R;
    pub(crate) struct T;
    pub(crate) const SCHEMA: () = ();

    #[derive(Debug, PartialEq, ::shmkv_core::ShmKey, ::shmkv_core::ShmValue)]
    #[shm(size = 64)]
    pub(crate) struct Struct {
        pub(crate) bytes: ::core::primitive::u16,
        pub(crate) out: ::core::option::Option<::core::primitive::bool>,
        #[shm(max_len = 3)]
        pub(crate) parts: ::std::string::String,
        #[shm(max_len = 3)]
        pub(crate) error: ::std::vec::Vec<Enum>,
        #[shm(skip)]
        pub(crate) skipped: ::core::primitive::u8,
        #[shm(with = ::core::primitive::u16)]
        pub(crate) r#type: Wide,
    }

    #[derive(Debug, Clone, Copy, PartialEq, ::shmkv_core::ShmKey, ::shmkv_core::ShmValue)]
    pub(crate) enum Enum {
        Ok,
        Err { tag: ::core::primitive::u8 },
        Some(::core::primitive::u16),
    }

    #[derive(Debug, PartialEq)]
    pub(crate) struct Wide(pub(crate) ::core::primitive::u16);

    impl ::core::convert::From<&Wide> for ::core::primitive::u16 {
        fn from(wide: &Wide) -> Self {
            wide.0
        }
    }

    impl ::core::convert::From<::core::primitive::u16> for Wide {
        fn from(stored: ::core::primitive::u16) -> Self {
            Wide(stored)
        }
    }

    #[derive(Debug, PartialEq, ::shmkv_core::ShmKey, ::shmkv_core::ShmValue)]
    pub(crate) struct Generic<T, R, const N: ::core::primitive::usize>(
        pub(crate) [T; N],
        pub(crate) R,
    );

    #[derive(Debug, PartialEq, ::shmkv_core::ShmKey, ::shmkv_core::ShmValue)]
    #[shm(borrow = str)]
    pub(crate) struct Text(#[shm(max_len = 3)] pub(crate) ::std::string::String);

    #[derive(
        Debug,
        Clone,
        Copy,
        PartialEq,
        ::bytemuck::Pod,
        ::bytemuck::Zeroable,
        ::shmkv_core::ShmKey,
        ::shmkv_core::ShmValue,
    )]
    #[repr(C)]
    #[shm(pod)]
    pub(crate) struct Pod {
        pub(crate) x: ::core::primitive::f32,
    }

    #[derive(Debug, Clone, Copy, PartialEq, ::bytemuck::Pod, ::bytemuck::Zeroable)]
    #[repr(C)]
    pub(crate) struct ByMacro(pub(crate) ::core::primitive::u16);
    ::shmkv_core::impl_pod!(ByMacro);

    #[derive(Debug, Clone, Copy, PartialEq, ::bytemuck::Pod, ::bytemuck::Zeroable)]
    #[repr(C)]
    #[allow(clippy::upper_case_acronyms)]
    pub(crate) struct SIZE(pub(crate) ::core::primitive::u16);
    ::shmkv_core::impl_pod!(SIZE);

    pub(crate) type Wrapped = ::shmkv_core::pod!(ByMacro);
}

/// Where deprecated items are forbidden.
#[forbid(deprecated)]
mod strict {
    #[derive(Debug, PartialEq, shmkv_core::ShmKey, shmkv_core::ShmValue)]
    pub(crate) struct Struct(pub(crate) u8);
}

/// Where deprecated items are stored.
mod lenient {
    #[deprecated]
    #[derive(Debug, Clone, Copy, PartialEq, shmkv_core::ShmKey, shmkv_core::ShmValue)]
    pub(crate) struct Old(pub(crate) u8);

    #[allow(deprecated)]
    #[derive(Debug, PartialEq, shmkv_core::ShmKey, shmkv_core::ShmValue)]
    pub(crate) struct Holder(pub(crate) Old);

    #[derive(Debug, PartialEq, shmkv_core::ShmKey, shmkv_core::ShmValue)]
    pub(crate) enum Variants {
        #[deprecated]
        Old,
        New {
            #[deprecated]
            field: u8,
        },
    }
}

/// A type with the name of a type parameter in the macro.
mod by_letter {
    #[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
    #[repr(C)]
    pub(crate) struct R(pub(crate) u16);
    shmkv_core::impl_pod!(R);
}

/// The crate under another name, behind a re-export.
mod renamed {
    pub(crate) mod facade {
        pub(crate) use shmkv_core as kv;
    }

    #[derive(Debug, PartialEq, facade::kv::ShmKey, facade::kv::ShmValue)]
    #[shm(crate = facade::kv)]
    pub(crate) struct Struct {
        #[shm(max_len = 4)]
        pub(crate) text: String,
        pub(crate) other: Enum,
    }

    #[derive(Debug, PartialEq, facade::kv::ShmKey, facade::kv::ShmValue)]
    #[shm(crate = crate::renamed::facade::kv, tag = u32)]
    pub(crate) enum Enum {
        A(u8),
    }
}

use shmkv_core::field::ShmField;
use shmkv_core::field::role::{KeyRole, ValueRole};

fn round_trip<T>(value: T)
where
    T: ShmField<KeyRole> + ShmField<ValueRole> + PartialEq + std::fmt::Debug,
{
    let mut key = vec![1; <T as ShmField<KeyRole>>::LEN];
    let mut bytes = vec![2; <T as ShmField<ValueRole>>::LEN];
    assert_eq!(ShmField::<KeyRole>::encode(&value, &mut key), Ok(()));
    assert_eq!(ShmField::<ValueRole>::encode(&value, &mut bytes), Ok(()));
    assert_eq!(key, bytes);
    let back = <T as ShmField<KeyRole>>::decode(&key);
    assert_eq!(back.as_ref(), Ok(&value));
    assert_eq!(<T as ShmField<ValueRole>>::decode(&key), back);
}

#[test]
fn names_in_scope_do_not_matter() {
    let choices = [
        bare::Enum::Ok,
        bare::Enum::Err { tag: 1 },
        bare::Enum::Some(2),
    ];
    for choice in choices {
        round_trip(choice);
    }
    round_trip(bare::Struct {
        bytes: 1,
        out: Some(true),
        parts: "abc".into(),
        error: choices.into(),
        skipped: 0,
        r#type: bare::Wide(3),
    });
    round_trip(bare::Generic([1_u8, 2], 'x'));
    round_trip(bare::Text("abc".into()));
    round_trip(bare::Pod { x: 1.0 });
    round_trip(bare::ByMacro(1));
    round_trip(bare::SIZE(1));
    round_trip(by_letter::R(1));
    round_trip(strict::Struct(1));
    #[allow(deprecated)]
    for value in [lenient::Variants::Old, lenient::Variants::New { field: 1 }] {
        round_trip(value);
    }
    #[allow(deprecated)]
    round_trip(lenient::Holder(lenient::Old(1)));
    round_trip(bare::Wrapped::from(bare::ByMacro(1)));
    assert_eq!(
        <bare::Struct as ShmField<KeyRole>>::SCHEMA.to_string(),
        "Struct { bytes: u16, out: Option<bool>, parts: String(3), \
         error: Vec<enum Enum { Ok, Err { tag: u8 }, Some(u16) }>(3), type: u16 }"
    );
}

#[test]
fn the_crate_may_have_another_name() {
    round_trip(renamed::Struct {
        text: "abcd".into(),
        other: renamed::Enum::A(1),
    });
}
