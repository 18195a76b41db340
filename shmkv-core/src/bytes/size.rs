//! Bytes and words.

/// Bytes in a word.
pub(super) const WORD: usize = size_of::<u64>();

/// The number of words that hold `bytes` bytes.
pub(crate) const fn words(bytes: usize) -> usize {
    bytes.div_ceil(WORD)
}
