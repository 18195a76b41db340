//! Values that show any damage.
//!
//! A record is three numbers and 29 more that are computed from them. If one of the
//! 32 words came from another write, from an unfinished one, or from another key's
//! value, [`Record::is_whole`] returns `false`.

use bytemuck::{Pod, Zeroable};
use shmkv_core::{Map, Reader, impl_pod};

/// 256 bytes in which a torn read shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Record {
    key: u64,
    writer: u64,
    round: u64,
    rest: [u64; 29],
}

// `Pod`: plain old data, stored as it is in memory.
impl_pod!(Record);

/// The map of `survive_crash`.
pub type Records = Map<64, u64, Record>;
/// A read-only handle to it.
pub type RecordsReader = Reader<64, u64, Record>;

/// Keys below this one are updated but never removed, so every lookup must find them.
/// The others are also removed and inserted again.
pub const LASTING: u64 = 32;
/// All keys are below this one.
pub const KEYS: u64 = 64;

impl Record {
    /// The record that `writer` stores under `key` in round `round`.
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

    /// Whether all words come from one write for this key.
    #[must_use]
    pub fn is_whole(&self, key: u64) -> bool {
        *self == Self::new(key, self.writer, self.round)
    }
}

/// SplitMix64: a number in which every bit depends on all bits of `state`. The result
/// is also the next state.
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
    fn every_word_of_another_write_is_noticed() {
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
