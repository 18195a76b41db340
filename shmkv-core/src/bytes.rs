//! Copies between private bytes and shared words.
//!
//! A run of bytes in the segment is a whole number of `u64` words, unused bytes
//! zero. Every access is one relaxed atomic word, so a copy that races with a
//! writer is a mixture of old and new words, never undefined behaviour; the
//! callers in `table` tell a mixture from a whole value by the slot's version.
//! Words keep the bytes' order in memory on every platform.

use crate::sync::{AtomicU64, Ordering::Relaxed};

/// Bytes in a word.
const WORD: usize = size_of::<u64>();

/// How many words hold `bytes` bytes.
pub(crate) const fn words(bytes: usize) -> usize {
    bytes.div_ceil(WORD)
}

/// Copies the first `out.len()` bytes of `from`.
#[inline]
pub(crate) fn load(from: &[AtomicU64], out: &mut [u8]) {
    let (whole, tail) = out.as_chunks_mut::<WORD>();
    for (word, chunk) in from.iter().zip(&mut *whole) {
        *chunk = word.load(Relaxed).to_ne_bytes();
    }
    if let Some(word) = from.get(whole.len()) {
        let bytes = word.load(Relaxed).to_ne_bytes();
        for (to, byte) in tail.iter_mut().zip(bytes) {
            *to = byte;
        }
    }
}

/// Copies `bytes` to the start of `to`, filling the last word up with zeros.
#[inline]
pub(crate) fn store(to: &[AtomicU64], bytes: &[u8]) {
    let (whole, tail) = bytes.as_chunks::<WORD>();
    for (word, chunk) in to.iter().zip(whole) {
        word.store(u64::from_ne_bytes(*chunk), Relaxed);
    }
    if !tail.is_empty()
        && let Some(word) = to.get(whole.len())
    {
        word.store(partial(tail), Relaxed);
    }
}

/// Whether the first `bytes.len()` bytes of `shared` equal `bytes`.
#[inline]
pub(crate) fn equal(shared: &[AtomicU64], bytes: &[u8]) -> bool {
    let (whole, tail) = bytes.as_chunks::<WORD>();
    let same = shared
        .iter()
        .zip(whole)
        .all(|(word, chunk)| word.load(Relaxed) == u64::from_ne_bytes(*chunk));
    same && (tail.is_empty()
        || shared
            .get(whole.len())
            .is_some_and(|word| word.load(Relaxed) == partial(tail)))
}

/// A last word: fewer than eight bytes, then zeros.
#[inline]
fn partial(tail: &[u8]) -> u64 {
    let mut bytes = [0; WORD];
    for (to, byte) in bytes.iter_mut().zip(tail) {
        *to = *byte;
    }
    u64::from_ne_bytes(bytes)
}

/// Buffers up to this many bytes live on the stack, larger ones on the heap.
const STACK_LIMIT: usize = 16 * 1024;

/// Runs `body` with a zeroed private buffer of `LEN` bytes.
#[inline]
pub(crate) fn with_buffer<const LEN: usize, R>(body: impl FnOnce(&mut [u8]) -> R) -> R {
    if LEN <= STACK_LIMIT {
        on_stack::<LEN, R>(body)
    } else {
        body(&mut vec![0; LEN])
    }
}

/// Apart, so that a large buffer is not part of a frame that never uses it.
#[inline]
fn on_stack<const LEN: usize, R>(body: impl FnOnce(&mut [u8]) -> R) -> R {
    body(&mut [0; LEN])
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_length_survives_a_round_trip() {
        for len in 0..=40_usize {
            let bytes: Vec<u8> = (0..len).map(|i| i as u8 + 1).collect();
            let shared: Vec<AtomicU64> = (0..words(len)).map(|_| AtomicU64::new(!0)).collect();
            store(&shared, &bytes);
            let mut out = vec![0; len];
            load(&shared, &mut out);
            assert_eq!(out, bytes);
            assert!(equal(&shared, &bytes));
            for i in 0..len {
                let mut other = bytes.clone();
                other[i] ^= 0x80;
                assert!(!equal(&shared, &other), "byte {i} of {len}");
            }
        }
    }

    #[test]
    fn unused_bytes_are_zero() {
        let shared = [AtomicU64::new(!0)];
        store(&shared, b"abc");
        assert_eq!(shared[0].load(Relaxed).to_ne_bytes(), *b"abc\0\0\0\0\0");
    }
}
