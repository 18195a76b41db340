//! Moves of one word at a time: for platforms other than x86-64, and for loom.
//!
//! The same functions as `sse2.rs`, with the same results; `mod.rs` calls one of the two.

use std::mem::MaybeUninit;

use super::size::WORD;
use crate::sync::{AtomicU64, Ordering::Relaxed};

/// Copies `from` to `to`, which has the same length.
#[inline(always)]
pub(super) fn load(from: &[AtomicU64], to: &mut [[MaybeUninit<u8>; WORD]]) {
    for (word, chunk) in from.iter().zip(to) {
        *chunk = word.load(Relaxed).to_ne_bytes().map(MaybeUninit::new);
    }
}

/// Copies `from` to `to`, which has the same length.
#[inline(always)]
pub(super) fn store(to: &[AtomicU64], from: &[[u8; WORD]]) {
    for (word, chunk) in to.iter().zip(from) {
        word.store(u64::from_ne_bytes(*chunk), Relaxed);
    }
}

/// Whether `shared` equals `bytes`, which has the same length.
#[inline(always)]
pub(super) fn equal(shared: &[AtomicU64], bytes: &[[u8; WORD]]) -> bool {
    shared
        .iter()
        .zip(bytes)
        .all(|(word, chunk)| word.load(Relaxed) == u64::from_ne_bytes(*chunk))
}

/// A bit for each byte that is equal in both words; bit 0 is the lowest byte's.
#[inline(always)]
pub(crate) fn equal_bytes_mask(a: u64, b: u64) -> u8 {
    const REST: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let differs = a ^ b;
    // The top bit of each zero byte of `differs`, exactly: the sum of seven bits carries
    // into no other byte.
    let same = !(((differs & REST) + REST) | differs | REST);
    // The multiplication gathers these eight bits in the uppermost byte.
    ((same >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// A hint that these words will be read soon, ignored here.
#[inline(always)]
pub(crate) fn prefetch<T>(_: &[T], _aligned: usize) {}

/// A hint that these words will be written soon, ignored here.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(_: &[T], _aligned: usize) {}
