//! Moves of 16 bytes at a time, for x86-64.
//!
//! Each move stands for relaxed accesses of two words, for which the compiler offers
//! no wider instruction; so the instruction is written out. Of an `asm!` block that
//! accesses memory the compiler may assume no more than of those relaxed accesses: it
//! does not move the block across a fence, an acquire load or a release store, and it
//! assumes nothing about what a load finds. The processor keeps loads in order with
//! loads, and stores with stores, whatever their width. It may split a move, between the
//! words or inside one: a value put together from several stores is found out by the slot's
//! version, as everywhere.
//!
//! Only the access to shared memory is `asm!`. Its operands are registers, so the
//! compiler sees the private side and can keep a value in registers.
//!
//! # Safety
//!
//! `unsafe` for the instructions. (1) The words are given by reference, so 16 or 64
//! bytes of them are mapped. (2) They are atomics: other threads and processes may
//! change them at any time, and a store through a shared reference is allowed.
//! (3) SSE2 is part of x86-64.
#![allow(unsafe_code)]

use std::arch::asm;
use std::arch::x86_64::{__m128i, _MM_HINT_T0, _mm_and_si128, _mm_cmpeq_epi8};
use std::arch::x86_64::{_mm_cvtsi64_si128, _mm_movemask_epi8, _mm_prefetch};
use std::mem::{MaybeUninit, transmute};

use super::size::WORD;
use crate::sync::{AtomicU64, Ordering::Relaxed};

/// Bytes in a cache line.
const LINE: usize = 64;

type Pair = [AtomicU64; 2];
type Line = [AtomicU64; 8];

/// Loads two words.
#[inline(always)]
fn load_pair(from: &Pair) -> __m128i {
    let loaded;
    // SAFETY: by (1) 16 bytes may be read, by (2) at any time; by (3) the instruction exists.
    unsafe {
        asm!("movdqu {}, [{}]", out(xmm_reg) loaded, in(reg) from,
            options(nostack, preserves_flags, readonly));
    }
    loaded
}

/// Loads eight words.
#[inline(always)]
fn load_line(from: &Line) -> [__m128i; 4] {
    let (a, b, c, d);
    // SAFETY: by (1) 64 bytes may be read, by (2) at any time; by (3) the instruction exists.
    unsafe {
        asm!("movdqu {a}, [{from}]", "movdqu {b}, [{from} + 16]",
            "movdqu {c}, [{from} + 32]", "movdqu {d}, [{from} + 48]",
            from = in(reg) from, a = out(xmm_reg) a, b = out(xmm_reg) b,
            c = out(xmm_reg) c, d = out(xmm_reg) d,
            options(nostack, preserves_flags, readonly));
    }
    [a, b, c, d]
}

/// Stores two words.
#[inline(always)]
fn store_pair(to: &Pair, value: __m128i) {
    // SAFETY: by (1) 16 bytes are mapped, by (2) they may be written through this reference;
    // by (3) the instruction exists.
    unsafe {
        asm!("movdqu [{}], {}", in(reg) to, in(xmm_reg) value,
            options(nostack, preserves_flags));
    }
}

/// Stores eight words.
#[inline(always)]
fn store_line(to: &Line, [a, b, c, d]: [__m128i; 4]) {
    // SAFETY: by (1) 64 bytes are mapped, by (2) they may be written through this reference;
    // by (3) the instruction exists.
    unsafe {
        asm!("movdqu [{to}], {a}", "movdqu [{to} + 16], {b}",
            "movdqu [{to} + 32], {c}", "movdqu [{to} + 48], {d}",
            to = in(reg) to, a = in(xmm_reg) a, b = in(xmm_reg) b,
            c = in(xmm_reg) c, d = in(xmm_reg) d,
            options(nostack, preserves_flags));
    }
}

/// All ones in each byte that is equal in both, zeros in the others.
#[inline(always)]
fn same(a: __m128i, b: __m128i) -> __m128i {
    // SAFETY: by (3) the instruction exists; it touches registers only.
    unsafe { _mm_cmpeq_epi8(a, b) }
}

/// The bits that are set in both.
#[inline(always)]
fn and(a: __m128i, b: __m128i) -> __m128i {
    // SAFETY: by (3) the instruction exists; it touches registers only.
    unsafe { _mm_and_si128(a, b) }
}

/// Whether every byte is all ones.
#[inline(always)]
fn all(same: __m128i) -> bool {
    // SAFETY: by (3) the instruction exists; it touches registers only.
    unsafe { _mm_movemask_epi8(same) == 0xffff }
}

/// Copies `from` to `to`, which has the same length.
#[inline(always)]
pub(super) fn load(from: &[AtomicU64], to: &mut [[MaybeUninit<u8>; WORD]]) {
    let (lines, rest) = from.as_chunks::<8>();
    let (to_lines, to_rest) = to.as_chunks_mut::<8>();
    for (line, to) in lines.iter().zip(to_lines) {
        // SAFETY: both types are 64 bytes without padding, and any initialized bytes are valid
        // `MaybeUninit<u8>`s.
        *to = unsafe { transmute::<[__m128i; 4], [[MaybeUninit<u8>; WORD]; 8]>(load_line(line)) };
    }
    let (pairs, rest) = rest.as_chunks::<2>();
    let (to_pairs, to_rest) = to_rest.as_chunks_mut::<2>();
    for (pair, to) in pairs.iter().zip(to_pairs) {
        // SAFETY: both types are 16 bytes without padding, and any initialized bytes are valid
        // `MaybeUninit<u8>`s.
        *to = unsafe { transmute::<__m128i, [[MaybeUninit<u8>; WORD]; 2]>(load_pair(pair)) };
    }
    for (word, to) in rest.iter().zip(to_rest) {
        *to = word.load(Relaxed).to_ne_bytes().map(MaybeUninit::new);
    }
}

/// Copies `from` to `to`, which has the same length.
#[inline(always)]
pub(super) fn store(to: &[AtomicU64], from: &[[u8; WORD]]) {
    let (lines, rest) = to.as_chunks::<8>();
    let (from_lines, from_rest) = from.as_chunks::<8>();
    for (line, from) in lines.iter().zip(from_lines) {
        store_line(line, bytemuck::cast(*from));
    }
    let (pairs, rest) = rest.as_chunks::<2>();
    let (from_pairs, from_rest) = from_rest.as_chunks::<2>();
    for (pair, from) in pairs.iter().zip(from_pairs) {
        store_pair(pair, bytemuck::cast(*from));
    }
    for (word, from) in rest.iter().zip(from_rest) {
        word.store(u64::from_ne_bytes(*from), Relaxed);
    }
}

/// Whether `shared` equals `bytes`, which has the same length.
///
/// A line at a time: if the tag matched, the key nearly always does too, so stopping
/// at the first difference would gain nothing.
#[inline(always)]
pub(super) fn equal(shared: &[AtomicU64], bytes: &[[u8; WORD]]) -> bool {
    let (lines, rest) = shared.as_chunks::<8>();
    let (with_lines, with_rest) = bytes.as_chunks::<8>();
    for (line, with) in lines.iter().zip(with_lines) {
        let [a, b, c, d] = load_line(line);
        let [e, f, g, h]: [__m128i; 4] = bytemuck::cast(*with);
        let same = and(and(same(a, e), same(b, f)), and(same(c, g), same(d, h)));
        if !all(same) {
            return false;
        }
    }
    let (pairs, rest) = rest.as_chunks::<2>();
    let (with_pairs, with_rest) = with_rest.as_chunks::<2>();
    for (pair, with) in pairs.iter().zip(with_pairs) {
        if !all(same(load_pair(pair), bytemuck::cast(*with))) {
            return false;
        }
    }
    rest.iter()
        .zip(with_rest)
        .all(|(word, with)| word.load(Relaxed) == u64::from_ne_bytes(*with))
}

/// A bit for each byte that is equal in both words; bit 0 is the lowest byte's.
#[inline(always)]
pub(crate) fn equal_bytes_mask(a: u64, b: u64) -> u8 {
    let same = same(of_word(a), of_word(b));
    // SAFETY: by (3) the instruction exists; it touches registers only.
    unsafe { _mm_movemask_epi8(same) as u8 }
}

/// The word in the lower half, zeros in the upper one.
#[inline(always)]
fn of_word(word: u64) -> __m128i {
    // SAFETY: by (3) the instruction exists; it touches registers only.
    unsafe { _mm_cvtsi64_si128(word as i64) }
}

/// A hint that these words, whose address is a multiple of `aligned`, will be read
/// soon.
#[inline(always)]
pub(crate) fn prefetch<T>(words: &[T], aligned: usize) {
    // SAFETY: a prefetch never faults, whatever the address; by (3) the instruction exists.
    each_line(words, aligned, |line| unsafe {
        _mm_prefetch::<_MM_HINT_T0>(line);
    });
}

/// A hint that these words, whose address is a multiple of `aligned`, will be written
/// soon.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(words: &[T], aligned: usize) {
    // SAFETY: a prefetch never faults, whatever the address; a processor that does not know
    // the instruction executes it as a no-op.
    each_line(words, aligned, |line| unsafe {
        asm!("prefetchw [{}]", in(reg) line, options(nostack, preserves_flags, readonly));
    });
}

/// No hint beyond this many lines: the processor prefetches the rest by itself.
const MOST_LINES: usize = 16;

/// Runs `hint` with an address in each line that `words` touch, at most in the first
/// [`MOST_LINES`] or one more.
#[inline(always)]
fn each_line<T>(words: &[T], aligned: usize, hint: impl Fn(*const i8)) {
    let start = words.as_ptr().cast::<i8>();
    let bytes = size_of_val(words).min(MOST_LINES * LINE);
    debug_assert!(start.addr().is_multiple_of(aligned));
    let mut at = 0;
    while at < bytes {
        hint(start.wrapping_add(at));
        at += LINE;
    }
    // The words may begin anywhere in their first line that `aligned` allows; if as late
    // as possible, they may reach into one line more.
    let late = LINE - aligned.clamp(1, LINE);
    if bytes > 0 && (late + bytes - 1) / LINE > (bytes - 1) / LINE {
        hint(start.wrapping_add(bytes - 1));
    }
}
