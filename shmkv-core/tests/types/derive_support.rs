//! What the tests of the derives share.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::fmt::Debug;

use shmkv_core::EncodeError;
use shmkv_core::field::ShmField;

/// The bytes of `value`, after a check that all of them are written and that they decode to `value`.
pub(crate) fn bytes<R, T: ShmField<R> + PartialEq + Debug>(value: &T) -> Vec<u8> {
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

/// The message of the error that encoding `value` gives.
pub(crate) fn encode_error<R>(value: &impl ShmField<R>) -> String {
    fn encode<R, T: ShmField<R>>(value: &T) -> EncodeError {
        value.encode(&mut vec![0; T::LEN]).unwrap_err()
    }
    encode(value).to_string()
}

/// The schema of a type as text.
pub(crate) fn schema<R, T: ShmField<R>>() -> String {
    T::SCHEMA.to_string()
}
