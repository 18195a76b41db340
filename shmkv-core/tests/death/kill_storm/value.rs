//! Values that a torn, misplaced or invented read cannot pass for.

use shmkv_core::{Pod, ShmMap, ShmReader};

use super::board::{Board, WRITERS, Word};

/// 256 bytes: key, writer, number of the change, and a mixture of the three in every other word.
pub(crate) type Value = [u64; 32];
type Stored = Pod<Value, 256>;
pub(crate) type Map<const N: usize> = ShmMap<N, 8, 256, u64, Stored>;
pub(crate) type Reader<const N: usize> = ShmReader<N, 8, 256, u64, Stored>;

/// Keys from here on have one writer each.
pub(crate) const OWN: u64 = 1_000_000;

/// Which change of which writer a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) writer: usize,
    pub(crate) change: u64,
}

fn mixture(key: u64, origin: Origin, i: usize) -> u64 {
    let word = key ^ (origin.writer as u64) << 56 ^ (i as u64) << 48 ^ origin.change << 8;
    (word ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ word >> 17
}

pub(crate) fn value(key: u64, origin: Origin) -> Value {
    let mut words: Value = std::array::from_fn(|i| mixture(key, origin, i));
    words[..3].copy_from_slice(&[key, origin.writer as u64, origin.change]);
    words
}

/// The origin of a whole value of `key`, or what is wrong with it.
pub(crate) fn origin(key: u64, found: &Value) -> Result<Origin, String> {
    let origin = Origin {
        writer: found[1] as usize,
        change: found[2],
    };
    if origin.writer < WRITERS && *found == value(key, origin) {
        return Ok(origin);
    }
    Err(format!("torn value of key {key}: {found:x?}"))
}

/// Whether somebody may have written this: the change was begun, and an own key's writer is its owner.
pub(crate) fn was_begun(board: &Board, key: u64, origin: Origin) -> bool {
    match key.checked_sub(OWN) {
        Some(owner) => {
            origin.writer as u64 == owner
                && !removes(origin.change)
                && origin.change <= board.get(origin.writer, Word::OwnBegun)
        }
        None => origin.change <= board.get(origin.writer, Word::Begun),
    }
}

/// Whether a change of an own key is a removal; so is change 0, before the first.
pub(crate) fn removes(change: u64) -> bool {
    change.is_multiple_of(8)
}
