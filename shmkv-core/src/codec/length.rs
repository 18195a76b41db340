//! Numbers of as many bytes as they need: the length in front of a string or
//! vector, and the tag of an enum.

/// Up to eight little-endian bytes.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .rfold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Bytes of the length in front of a string or vector that holds up to
/// `max_len`.
pub(super) const fn length_width(max_len: usize) -> usize {
    if max_len <= 0xff {
        1
    } else if max_len <= 0xffff {
        2
    } else {
        4
    }
}
