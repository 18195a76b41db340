//! Copies between private bytes and shared words.
//!
//! A key or value in the segment is a whole number of `u64` words; unused bytes are
//! zero. Every word is accessed as a relaxed atomic, so a copy that races with a
//! writer may mix old and new words, but is never undefined behaviour. `table`, which
//! calls this, tells a mixture from a whole value by the slot's version. Words keep
//! the bytes' order in memory on every platform.
//!
//! The copies are inlined, so that a value goes from the segment to where the caller
//! wants it through registers. A buffer that an outlined function sees must be in
//! memory, and its contents are copied once more from there.
//!
//! `moves` is one of two files. `sse2.rs`, on x86-64, moves 16 bytes at a time; word
//! by word a whole `get` of 256 bytes was measured to take twice as long. `words.rs`
//! moves one word at a time, elsewhere and under loom.

mod buffer;
#[cfg_attr(all(target_arch = "x86_64", not(loom)), path = "sse2.rs")]
#[cfg_attr(not(all(target_arch = "x86_64", not(loom))), path = "words.rs")]
mod moves;
mod size;
/// What other platforms use, compiled here for a test.
#[cfg(all(test, target_arch = "x86_64", not(loom)))]
#[allow(dead_code)]
mod words;

pub(crate) use buffer::{Buffer, ReadInto, STACK_LIMIT, Scratch, with_zeros};
pub(crate) use moves::{equal_bytes_mask, prefetch, prefetch_to_write};
pub(crate) use size::words;

use std::mem::MaybeUninit;

use size::WORD;

use crate::sync::{AtomicU64, Ordering::Relaxed};

/// The bytes as an array, if there are `LEN` of them.
#[inline(always)]
pub(crate) fn exactly<const LEN: usize>(bytes: &[u8]) -> Option<&[u8; LEN]> {
    bytes.try_into().ok()
}

/// Copies the first `out.len()` bytes of `from` to `out`. If `from` is shorter, copies
/// nothing and returns `false`.
#[inline(always)]
pub(crate) fn load(from: &[AtomicU64], out: &mut [MaybeUninit<u8>]) -> bool {
    let (whole, tail) = out.as_chunks_mut::<WORD>();
    let Some((from, last)) = from.split_at_checked(whole.len()) else {
        return false;
    };
    if !tail.is_empty() {
        let Some(last) = last.first() else {
            return false;
        };
        let bytes = last.load(Relaxed).to_ne_bytes();
        for (to, byte) in tail.iter_mut().zip(bytes) {
            to.write(byte);
        }
    }
    moves::load(from, whole);
    true
}

/// Copies `bytes` to the start of `to`, and fills the last word up with zeros. What
/// does not fit is left out.
#[inline(always)]
pub(crate) fn store(to: &[AtomicU64], bytes: &[u8]) {
    let (whole, tail) = bytes.as_chunks::<WORD>();
    if let Some(whole_words) = to.get(..whole.len()) {
        moves::store(whole_words, whole);
    }
    if !tail.is_empty()
        && let Some(word) = to.get(whole.len())
    {
        word.store(partial(tail), Relaxed);
    }
}

/// Whether the first `bytes.len()` bytes of `shared` equal `bytes`, and the rest of the
/// last word is zero.
#[inline(always)]
pub(crate) fn equal(shared: &[AtomicU64], bytes: &[u8]) -> bool {
    let (whole, tail) = bytes.as_chunks::<WORD>();
    let same = shared
        .get(..whole.len())
        .is_some_and(|words| moves::equal(words, whole));
    same && (tail.is_empty()
        || shared
            .get(whole.len())
            .is_some_and(|word| word.load(Relaxed) == partial(tail)))
}

/// The last word: fewer than eight bytes, then zeros.
#[inline(always)]
fn partial(tail: &[u8]) -> u64 {
    let mut bytes = [0; WORD];
    for (to, byte) in bytes.iter_mut().zip(tail) {
        *to = *byte;
    }
    u64::from_ne_bytes(bytes)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_alike_everywhere() {
        let mut word = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..100_000_u64 {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            // Few bits differ, so that bytes are often equal.
            let other = word ^ (word.rotate_left(31) & round.wrapping_mul(0x0101_0800_0180_0001));
            let (a, b) = (word.to_le_bytes(), other.to_le_bytes());
            let slowly = (0..8).filter(|&i| a[i] == b[i]).map(|i| 1 << i).sum::<u8>();
            assert_eq!(equal_bytes_mask(word, other), slowly, "{word:x} {other:x}");
            #[cfg(target_arch = "x86_64")]
            assert_eq!(
                words::equal_bytes_mask(word, other),
                slowly,
                "{word:x} {other:x}"
            );
        }
    }

    /// Lengths around every block size of the copies.
    fn lengths() -> impl Iterator<Item = usize> {
        (0..=200).chain([255, 256, 257, 1000, 4096, 4100])
    }

    #[test]
    fn every_length_survives_a_round_trip() {
        for len in lengths() {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 7 + 1) as u8).collect();
            // One word more than needed, which must not change; at both alignments
            // of a pair of words.
            for at in [0, 1] {
                let shared: Vec<AtomicU64> = (0..at + words(len) + 1)
                    .map(|_| AtomicU64::new(!0))
                    .collect();
                store(&shared[at..], &bytes);
                assert_eq!(shared[at + words(len)].load(Relaxed), !0);
                let mut out = vec![0; len];
                (*out).copy_from(&shared[at..]);
                assert_eq!(out, bytes);
                assert!(equal(&shared[at..], &bytes));
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn words_are_moved_alike_everywhere() {
        let zeros = |len| (0..len).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
        for len in (0..=40).chain([100, 513]) {
            let bytes: Vec<[u8; WORD]> = (1..=len as u64).map(u64::to_ne_bytes).collect();
            let (here, elsewhere) = (zeros(len), zeros(len));
            moves::store(&here, &bytes);
            words::store(&elsewhere, &bytes);
            for (here, elsewhere) in here.iter().zip(&elsewhere) {
                assert_eq!(here.load(Relaxed), elsewhere.load(Relaxed), "{len} words");
            }
            assert!(words::equal(&here, &bytes) && moves::equal(&elsewhere, &bytes));
            for word in &elsewhere {
                word.fetch_xor(1 << 40, Relaxed);
                assert!(!words::equal(&elsewhere, &bytes) && !moves::equal(&elsewhere, &bytes));
                word.fetch_xor(1 << 40, Relaxed);
            }
        }
    }

    #[test]
    fn every_byte_is_compared() {
        for len in lengths() {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 7 + 1) as u8).collect();
            let shared: Vec<AtomicU64> = (0..words(len)).map(|_| AtomicU64::new(!0)).collect();
            store(&shared, &bytes);
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

    #[test]
    fn what_is_too_short_is_left_alone() {
        let shared = [AtomicU64::new(!0)];
        let mut out = [7; 16];
        out.copy_from(&shared);
        store(&shared, &[0; 16]);
        assert_eq!(out, [7; 16]);
        assert_eq!(shared[0].load(Relaxed), !0);
        assert!(!equal(&shared, &[0xff; 16]));
    }
}
