//! Text that a terminal can be trusted with.
//!
//! **Invariant.** All text from a segment or the command line passes through here, or
//! through the same test in `json`, before it is printed. A terminal would obey a
//! control character in a key.

/// Whether a terminal shows this character and does nothing else.
pub(super) fn is_printable(character: char) -> bool {
    matches!(character, '"' | '\'' | '\\') || character.escape_debug().len() == 1
}

/// The text with all other characters escaped.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_printable(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    shown
}
