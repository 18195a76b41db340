//! Moves of one word at a time, for every platform and for the models.

use std::mem::MaybeUninit;

use super::WORD;
use crate::sync::{AtomicU64, Ordering::Relaxed};

/// Copies `from` to `to`, which is as long.
#[inline(always)]
pub(super) fn load(from: &[AtomicU64], to: &mut [[MaybeUninit<u8>; WORD]]) {
    for (word, chunk) in from.iter().zip(to) {
        *chunk = word.load(Relaxed).to_ne_bytes().map(MaybeUninit::new);
    }
}

/// Copies `from` to `to`, which is as long.
#[inline(always)]
pub(super) fn store(to: &[AtomicU64], from: &[[u8; WORD]]) {
    for (word, chunk) in to.iter().zip(from) {
        word.store(u64::from_ne_bytes(*chunk), Relaxed);
    }
}

/// Whether they are the same; both are as long.
#[inline(always)]
pub(super) fn equal(shared: &[AtomicU64], bytes: &[[u8; WORD]]) -> bool {
    shared
        .iter()
        .zip(bytes)
        .all(|(word, chunk)| word.load(Relaxed) == u64::from_ne_bytes(*chunk))
}

/// In which bytes two words are the same, a bit each, from the lowest byte on.
#[inline(always)]
pub(crate) fn equal_bytes_mask(a: u64, b: u64) -> u8 {
    const REST: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let differs = a ^ b;
    // The top bit of each byte that is zero; no byte disturbs its neighbour.
    let same = !(((differs & REST) + REST) | differs | REST);
    // Each of them to its place among the uppermost eight.
    ((same >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// Says that these words will be read soon; here, nothing comes of it.
#[inline(always)]
pub(crate) fn prefetch<T>(_: &[T], _aligned: usize) {}

/// Says that these words will be written soon; here, nothing comes of it.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(_: &[T], _aligned: usize) {}
