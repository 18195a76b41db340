//! The values of the storm, by which a torn, misplaced or invented one is recognised.

use shmkv_core::{Pod, ShmMap, ShmReader};

use super::board::{Board, WRITERS, Word};

/// 256 bytes: the key, the writer, the number of the change, and a hash of the three in every other
/// word.
pub(crate) type Value = [u64; 32];
type Stored = Pod<Value, 256>;
pub(crate) type Map<const N: usize> = ShmMap<N, 8, 256, u64, Stored>;
pub(crate) type Reader<const N: usize> = ShmReader<N, 8, 256, u64, Stored>;

/// Keys from here on have one writer each.
pub(crate) const OWN: u64 = 1_000_000;

/// The writer and the change that a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) writer: usize,
    pub(crate) change: u64,
}

fn hash(key: u64, origin: Origin, i: usize) -> u64 {
    let word = key ^ (origin.writer as u64) << 56 ^ (i as u64) << 48 ^ origin.change << 8;
    (word ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ word >> 17
}

pub(crate) fn value(key: u64, origin: Origin) -> Value {
    let mut words: Value = std::array::from_fn(|i| hash(key, origin, i));
    words[..3].copy_from_slice(&[key, origin.writer as u64, origin.change]);
    words
}

/// The origin of a whole value of `key`; an error if it is torn.
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

/// Whether a value with this origin may be in the map: the change was begun, and the writer of an own
/// key is its owner.
fn was_begun(board: &Board, key: u64, origin: Origin) -> bool {
    match key.checked_sub(OWN) {
        Some(owner) => {
            origin.writer as u64 == owner
                && !removes(origin.change)
                && origin.change <= board.get(origin.writer, Word::OwnBegun)
        }
        None => origin.change <= board.get(origin.writer, Word::Begun),
    }
}

/// Whether a change of an own key is a removal. Change 0, before the first one, is.
pub(crate) fn removes(change: u64) -> bool {
    change.is_multiple_of(8)
}

/// Counts the answer of an operation on `key`, and an error if it is not a value that a writer began.
pub(crate) fn judge(board: &Board, lane: usize, key: u64, found: Option<&Stored>) {
    board.add(lane, Word::Reads, 1);
    let Some(found) = found else { return };
    match origin(key, found) {
        Err(torn) => {
            board.add(lane, Word::Torn, 1);
            eprintln!("lane {lane}: {torn}");
        }
        Ok(origin) if !was_begun(board, key, origin) => {
            board.add(lane, Word::Wrong, 1);
            eprintln!("lane {lane}: key {key}: no writer began {origin:?}");
        }
        Ok(_) => {}
    }
}
