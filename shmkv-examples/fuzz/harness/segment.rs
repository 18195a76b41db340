//! Every operation of a typed and an untyped map, on arbitrary bytes.
//!
//! ```text
//! input := signed:u8  bytes of a segment
//! ```
//!
//! If `signed` is odd and the header is complete, its checksum is corrected.

use super::battery::exercise::{Handles, exercise, good_image};
use super::battery::format::{CONTROL_AT, sign};
use super::depth::Depth;
use super::input::Input;

/// Runs one input.
pub(crate) fn run(data: &[u8]) -> Depth {
    let mut input = Input(data);
    let signed = input.byte();
    let mut bytes = input.0.to_vec();
    if signed % 2 == 1 && bytes.len() >= CONTROL_AT {
        sign(&mut bytes);
    }
    // Without read-only handles: they wait 100 ms for a writer that seems to be alive.
    let mut opened = 0;
    for handles in [Handles::Untyped, Handles::Writable] {
        let (through, seen) = exercise(&bytes, handles, &|_| {});
        assert!(seen.endless.is_empty(), "endless: {:?}", seen.endless);
        opened += through;
    }
    if opened > 1 {
        Depth::Values
    } else {
        Depth::Refused
    }
}

/// An undamaged segment.
pub(crate) fn good() -> Vec<u8> {
    good_image()
}
