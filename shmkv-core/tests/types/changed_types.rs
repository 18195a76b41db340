//! Does a program whose types have changed get an error that names the field?

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::os::fd::AsFd;

use shmkv_core::field::ValueFootprint;
use shmkv_core::{Map, OpenError, ShmMap, ShmValue};

macro_rules! reading {
    ($module:ident { $($field:ident: $t:ty),* }) => {
        mod $module {
            #[derive(super::ShmValue)]
            #[allow(dead_code)]
            pub(crate) struct Reading {
                $($field: $t),*
            }
        }
    };
}

reading!(base {
    at: u64,
    temp: f32,
    site: u16
});
reading!(widened {
    at: u64,
    temp: f64,
    site: u16
});
reading!(removed { at: u64, site: u16 });
reading!(added {
    at: u64,
    temp: f32,
    site: u16,
    ok: bool
});
reading!(renamed {
    at: u64,
    heat: f32,
    site: u16
});
reading!(reordered {
    at: u64,
    site: u16,
    temp: f32
});

/// The error that a program with values of type `T` gets from a segment of `Reading`s.
fn refused<T, const V: usize>() -> OpenError
where
    T: ShmValue<V> + ValueFootprint<Bytes = [u8; V]>,
{
    let map = Map::<10, u32, base::Reading>::create_anonymous().unwrap();
    let fd = map.as_fd().try_clone_to_owned().unwrap();
    ShmMap::<10, 4, V, u32, T>::from_fd(fd).err().unwrap()
}

#[track_caller]
fn check(error: &OpenError, expected: &[&str]) {
    assert!(matches!(error, OpenError::Types { .. }), "{error}");
    let text = error.to_string();
    let (_, found) = text.split_once("type mismatch: ").unwrap();
    assert_eq!(found, expected.join("; "));
}

#[test]
fn a_changed_field_is_named() {
    check(
        &refused::<widened::Reading, 18>(),
        &[
            "value: Reading.temp: f32 in the segment, f64 in this program",
            "V is 14 in the segment, 18 in this program",
        ],
    );
    check(
        &refused::<removed::Reading, 10>(),
        &[
            "value: Reading.temp: f32 in the segment, missing in this program",
            "V is 14 in the segment, 10 in this program",
        ],
    );
    check(
        &refused::<added::Reading, 15>(),
        &[
            "value: Reading.ok: missing in the segment, bool in this program",
            "V is 14 in the segment, 15 in this program",
        ],
    );
    check(
        &refused::<renamed::Reading, 14>(),
        &[
            "value: Reading.heat: missing in the segment, f32 in this program",
            "value: Reading.temp: f32 in the segment, missing in this program",
        ],
    );
    check(
        &refused::<reordered::Reading, 14>(),
        &[
            "value: Reading: fields in the order at, temp, site in the segment, \
             fields in the order at, site, temp in this program",
        ],
    );
}

#[test]
fn byte_arrays_of_other_lengths_are_other_sizes() {
    let map = ShmMap::<10, 4, 8>::create_anonymous().unwrap();
    let fd = || map.as_fd().try_clone_to_owned().unwrap();
    let sizes = |error: Option<OpenError>, parts: &[&str]| {
        let error = error.unwrap();
        assert!(matches!(error, OpenError::Sizes { .. }), "{error}");
        for part in parts {
            assert!(error.to_string().contains(part), "{error}");
        }
    };
    let v = "V is 8 in the segment, 9 in this program";
    let n = "N is 10 in the segment, 11 in this program";
    sizes(ShmMap::<10, 4, 9>::from_fd(fd()).err(), &[v]);
    sizes(ShmMap::<11, 4, 8>::from_fd(fd()).err(), &[n]);
    sizes(ShmMap::<11, 4, 9>::from_fd(fd()).err(), &[n, v]);
    // Different types are reported as well.
    check(
        &Map::<11, u32, [u8; 9]>::from_fd(fd()).err().unwrap(),
        &[
            "key: [u8; 4] in the segment, u32 in this program",
            "value: [u8; 8] in the segment, [u8; 9] in this program",
            &format!("{n}; {v}"),
        ],
    );
}
