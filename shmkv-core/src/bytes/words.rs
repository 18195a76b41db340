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

/// Says that these words will be read soon; here, nothing comes of it.
#[inline(always)]
pub(crate) fn prefetch<T>(_: &[T]) {}

/// Says that these words will be written soon; here, nothing comes of it.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(_: &[T]) {}
