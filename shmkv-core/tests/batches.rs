//! Is a batch of reads as good as its reads one by one, whatever its length?

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use shmkv_core::{AccessError, EncodeError, StrMap};

type Texts = StrMap<100, 16, 16>;

fn filled() -> Texts {
    let map = Texts::create_anonymous().unwrap();
    for i in (0..100).step_by(2) {
        let (key, value) = (format!("key {i}"), format!("value {i}"));
        map.insert(&key, &value).unwrap();
    }
    map
}

/// Lengths around those that are waited for at once.
const LENGTHS: [usize; 9] = [0, 1, 15, 16, 17, 31, 32, 33, 100];

#[test]
fn every_length() {
    let map = filled();
    let mut found = Vec::new();
    for length in LENGTHS {
        let keys: Vec<String> = (0..length).map(|i| format!("key {i}")).collect();
        map.get_many_into(&keys.iter().collect::<Vec<_>>(), &mut found)
            .unwrap();
        assert_eq!(found.len(), length);
        for (i, value) in found.iter().enumerate() {
            let expected = (i % 2 == 0).then(|| format!("value {i}"));
            assert_eq!(value.as_deref(), expected.as_deref(), "{i} of {length}");
        }
    }
}

/// A key that is none ends the batch there: those before it have been read.
#[test]
fn a_wrong_key_in_any_place() {
    let map = filled();
    let long = "a key of more than 15 bytes";
    for length in LENGTHS {
        for wrong in 0..length {
            let mut keys: Vec<String> = (0..length).map(|i| format!("key {i}")).collect();
            long.clone_into(&mut keys[wrong]);
            let mut found = vec![None; 7];
            let answer = map.get_many_into(&keys.iter().collect::<Vec<_>>(), &mut found);
            assert!(matches!(
                answer,
                Err(AccessError::Key(EncodeError::TooLong { len: 27, max: 15 }))
            ));
            assert_eq!(found.len(), length);
            for (i, value) in found.iter().enumerate() {
                let expected = (i % 2 == 0 && i < wrong).then(|| format!("value {i}"));
                assert_eq!(value.as_deref(), expected.as_deref(), "{i}, wrong {wrong}");
            }
        }
    }
    assert!(map.get_many(["key 0", long]).is_err());
}
