//! Does a map refuse a value that does not fit before it writes anything, and return an
//! error that names the field for bytes that cannot be decoded?

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use shmkv_core::untyped::UntypedMap;
use shmkv_core::{AccessError, DecodeError, EncodeError, Map, ShmKey, ShmStr, ShmValue, unlink};

#[derive(Clone, Debug, PartialEq, ShmKey)]
struct Id {
    #[shm(max_len = 4)]
    host: String,
}

#[derive(Clone, Debug, PartialEq, ShmValue)]
struct Entry {
    state: State,
    owner: ShmStr<4>,
    initial: char,
    #[shm(max_len = 3)]
    note: String,
    #[shm(max_len = 2)]
    tags: Option<Vec<bool>>,
}

#[derive(Clone, Debug, PartialEq, ShmValue)]
enum State {
    Idle,
    Busy { jobs: u16 },
}

type Entries = Map<8, Id, Entry>;

/// A segment name, which is removed even if the test fails.
struct Name(String);

impl Drop for Name {
    fn drop(&mut self) {
        let _ = unlink(&self.0);
    }
}

fn id(host: &str) -> Id {
    Id { host: host.into() }
}

fn entry() -> Entry {
    Entry {
        state: State::Busy { jobs: 7 },
        owner: "abc".parse().unwrap(),
        initial: 'é',
        note: "xyz".into(),
        tags: Some(vec![true, false]),
    }
}

#[test]
fn a_value_that_does_not_fit_is_not_written() {
    let map = Entries::create_anonymous().unwrap();
    map.insert(id("a"), entry()).unwrap();
    let version = map.version();
    let long = Entry {
        note: "four".into(),
        ..entry()
    };
    let many = Entry {
        tags: Some(vec![true; 3]),
        ..entry()
    };
    let is = |error: &EncodeError, message: &str| {
        assert_eq!(error.to_string(), message);
    };
    let (note, tags) = (
        "note: expected at most 3 bytes of text, found 4",
        "tags: expected at most 2 elements, found 3",
    );
    for (value, message) in [(&long, note), (&many, tags)] {
        let refused = [
            map.insert(id("a"), value).err(),
            map.insert(id("b"), value).err(),
            map.try_insert(id("b"), value).err(),
            map.replace(id("a"), value).err(),
            map.update(id("a"), |it| *it = value.clone()).err(),
            map.get_or_insert_with(id("b"), || value.clone()).err(),
        ];
        for error in refused {
            match error {
                Some(AccessError::Value(error)) => is(&error, message),
                other => panic!("{other:?}"),
            }
        }
    }
    for error in [
        map.insert(id("five5"), entry()).err(),
        map.get(id("five5")).err(),
        map.remove(id("five5")).err(),
    ] {
        match error {
            Some(AccessError::Key(error)) => {
                is(&error, "host: expected at most 4 bytes of text, found 5");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(map.version(), version);
    assert_eq!(map.len(), 1);
    assert_eq!(map.get(id("a")).unwrap(), Some(entry()));
}

#[test]
fn the_error_names_the_field_that_cannot_be_decoded() {
    let name = Name(format!("/shmkv-test-{}-derived-maps", std::process::id()));
    let map = Entries::create(&name.0).unwrap();
    map.insert(id("a"), entry()).unwrap();
    let raw = UntypedMap::open(&name.0).unwrap();
    let key = b"\x01a\0\0\0";
    let good = raw.get(key).unwrap().unwrap().value;
    // state 0 to 2, owner 3 to 6, initial 7 to 10, note 11 to 14, tags 15 to 18.
    assert_eq!(good, b"\x01\x07\0abc\0\xe9\0\0\0\x03xyz\x01\x02\x01\0");
    let cases: [(usize, u8, &str); 9] = [
        (0, 9, "state: expected a tag of enum `State`, found 9"),
        (
            3,
            0xff,
            "owner: expected UTF-8, found an invalid sequence at byte 0",
        ),
        (
            6,
            b'd',
            "owner: expected a NUL within 4 bytes of text, found none",
        ),
        (
            8,
            0xd8,
            "initial: expected a Unicode scalar value, found 55529",
        ),
        (11, 4, "note: expected a length of at most 3, found 4"),
        (
            13,
            0xc3,
            "note: expected UTF-8, found an invalid sequence at byte 1",
        ),
        (
            15,
            2,
            "tags: expected the tag of an option (0 or 1), found 2",
        ),
        (16, 3, "tags: expected a length of at most 2, found 3"),
        (17, 5, "tags[0]: expected a bool (0 or 1), found 5"),
    ];
    for (at, byte, message) in cases {
        let mut damaged = good.clone();
        damaged[at] = byte;
        raw.insert(key, &damaged).unwrap();
        let named = |error: AccessError| match error {
            AccessError::Decode(error) => {
                assert_eq!(error.to_string(), message);
                assert!(error.path().is_some());
            }
            other => panic!("{other}"),
        };
        named(map.get(id("a")).unwrap_err());
        named(map.iter().next().unwrap().unwrap_err());
        named(map.insert(id("a"), entry()).unwrap_err());
        // Decoding without the type gives the same error.
        let error = raw.value_schema().decode(&damaged).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    // A new value over it is whole.
    map.insert(id("a"), entry()).unwrap();
    assert_eq!(map.get(id("a")).unwrap(), Some(entry()));
    // A key that cannot be decoded.
    raw.insert(b"\x01\xff\0\0\0", &good).unwrap();
    let keys: Vec<_> = map.keys().collect();
    let wrong = keys.iter().find_map(|key| key.as_ref().err()).unwrap();
    assert!(
        matches!(wrong, AccessError::Decode(error)
            if matches!(error.cause(), DecodeError::NotUtf8 { .. }) && error.path() == Some("host")),
        "{wrong}"
    );
}
