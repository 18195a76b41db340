//! Every operation of a typed and an untyped map, on bytes that anybody wrote.
//!
//! ```text
//! input := signed:u8  bytes of a segment
//! ```
//!
//! Where `signed` is odd and there is a whole header, its checksum is put right.

use super::Came;
use super::battery::exercise::{Handles, exercise, good_image};
use super::battery::format::{SHARED_AT, sign};
use super::input::Input;

/// Runs one input.
pub(crate) fn run(data: &[u8]) -> Came {
    let mut input = Input(data);
    let signed = input.byte();
    let mut bytes = input.0.to_vec();
    if signed % 2 == 1 && bytes.len() >= SHARED_AT {
        sign(&mut bytes);
    }
    // Read-only handles are left out: they wait 100 ms for a writer that seems to be at work.
    let mut opened = 0;
    for handles in [Handles::Untyped, Handles::Writable] {
        let (through, seen) = exercise(&bytes, handles, &|_| {});
        assert!(seen.endless.is_empty(), "endless: {:?}", seen.endless);
        opened += through;
    }
    if opened > 1 {
        Came::Valued
    } else {
        Came::Refused
    }
}

/// A segment that is as it should be.
pub(crate) fn good() -> Vec<u8> {
    good_image()
}
