//! What is tried on hostile bytes, by libFuzzer and by the tests alike.
//!
//! Each harness takes any bytes and panics if a promise is broken; otherwise it
//! says how far the bytes came. The promises are that nothing panics, that work and
//! output stay bounded, and that no text that leaves the library or the tool has a
//! character that a terminal obeys.
#![allow(dead_code, reason = "each fuzz target uses its own part")]

#[path = "../../../shmkv-core/tests/battery/mod.rs"]
mod battery;
pub(crate) mod input;
pub(crate) mod segment;
pub(crate) mod tool;
pub(crate) mod types;

/// How far an input came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Came {
    /// Not even the schema made sense.
    Refused,
    /// There were types.
    Typed,
    /// There were values of them.
    Valued,
}

/// Panics if a terminal would do anything but show `text`.
pub(crate) fn assert_printable(text: &str) {
    for character in text.chars() {
        let shown = character == '\n'
            || matches!(character, '"' | '\'' | '\\')
            || character.escape_debug().len() == 1;
        assert!(shown, "{character:?} reaches the terminal in {text:?}");
    }
}
