//! Values that betray every damage.
//!
//! A record consists of three numbers and 29 more that follow from them. If any
//! of its 32 words came from another write, from a half-done one, or from
//! another key's value, [`Record::is_whole`] says so.

use bytemuck::{Pod, Zeroable};
use shmkv_core::{Map, Reader, impl_pod};

/// 256 bytes, any of which would show a torn read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Record {
    key: u64,
    writer: u64,
    round: u64,
    rest: [u64; 29],
}

// `Pod`: plain old data, stored as the bytes that it is in memory.
impl_pod!(Record);

/// The map of `survive_crash`.
pub type Records = Map<64, u64, Record>;
/// A read-only handle to it.
pub type RecordsReader = Reader<64, u64, Record>;

/// Keys below this one are changed all the time and never removed, so that they
/// must always be found. The others come and go.
pub const LASTING: u64 = 32;
/// Keys are below this one.
pub const KEYS: u64 = 64;

impl Record {
    /// What `writer` stores under `key` in its `round`.
    #[must_use]
    pub fn new(key: u64, writer: u64, round: u64) -> Self {
        let mut state = mix(key) ^ mix(writer).rotate_left(1) ^ mix(round).rotate_left(2);
        let rest = std::array::from_fn(|_| {
            state = mix(state);
            state
        });
        Self {
            key,
            writer,
            round,
            rest,
        }
    }

    /// Whether this is one write's record, for this key, from end to end.
    #[must_use]
    pub fn is_whole(&self, key: u64) -> bool {
        *self == Self::new(key, self.writer, self.round)
    }
}

/// A good mixture of all bits (SplitMix64); each result is also the next state.
#[must_use]
pub fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_foreign_word_is_noticed() {
        let record = Record::new(7, 1, 1);
        assert!(record.is_whole(7));
        assert!(!record.is_whole(8));
        let other = Record::new(7, 1, 2);
        let words: [u64; 32] = bytemuck::cast(record);
        let others: [u64; 32] = bytemuck::cast(other);
        for at in (0..32).filter(|at| words[*at] != others[*at]) {
            let mut torn = words;
            torn[at] = others[at];
            let torn: Record = bytemuck::cast(torn);
            assert!(!torn.is_whole(7), "word {at}");
        }
    }
}
