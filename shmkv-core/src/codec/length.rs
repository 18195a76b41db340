//! Numbers that are stored in as few bytes as they need: the length before a
//! string or vector, and the tag of an enum.

/// The bytes of the length before a string or vector of up to `max_len`: 1, 2
/// or 4.
pub(super) const fn length_width(max_len: usize) -> usize {
    if max_len <= 0xff {
        1
    } else if max_len <= 0xffff {
        2
    } else {
        4
    }
}

/// The number that up to eight little-endian bytes hold; further bytes are
/// ignored.
pub(super) fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .rfold(0, |number, byte| number << 8 | u64::from(*byte))
}
