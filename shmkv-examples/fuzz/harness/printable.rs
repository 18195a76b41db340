//! The promise that no output obeys the input.

/// Panics if a terminal would do anything with `text` other than show it.
pub(crate) fn assert_printable(text: &str) {
    for character in text.chars() {
        let shown = character == '\n'
            || matches!(character, '"' | '\'' | '\\')
            || character.escape_debug().len() == 1;
        assert!(shown, "{character:?} reaches the terminal in {text:?}");
    }
}
