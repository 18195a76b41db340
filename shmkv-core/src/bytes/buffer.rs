//! Private memory that shared words are copied to.
//!
//! A [`Buffer`] is not zeroed first, which would cost as much as the copy; it shows
//! its bytes only after a copy has filled it.
//!
//! # Safety
//!
//! `unsafe` for memory that is not initialized. (1) `is_filled` is true only if the
//! last copy wrote all of `bytes`, and nothing makes a byte uninitialized again.
//! (2) `bytes` is valid uninitialized, so `is_filled` is the only field of a `Buffer`
//! that must be written before the `Buffer` is used. (3) `MaybeUninit<u8>` has the
//! layout of `u8`.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::slice;

use super::load;
use crate::sync::AtomicU64;

/// Where a copy from the segment goes.
pub(crate) trait ReadInto {
    /// Whether the copied bytes are wanted; false of `()` only.
    const WANTED: bool = true;

    /// Copies the first bytes of `from`, as many as are wanted.
    fn copy_from(&mut self, from: &[AtomicU64]);
}

/// Wants as many bytes as it is long.
impl ReadInto for [u8] {
    #[inline(always)]
    fn copy_from(&mut self, from: &[AtomicU64]) {
        let (start, len) = (self.as_mut_ptr().cast(), self.len());
        // SAFETY: by (3) the same bytes, borrowed as long. `load` writes initialized bytes
        // only, so the slice stays a valid `[u8]`.
        load(from, unsafe { slice::from_raw_parts_mut(start, len) });
    }
}

/// Wants nothing: the compiler leaves the copy out.
impl ReadInto for () {
    const WANTED: bool = false;

    #[inline(always)]
    fn copy_from(&mut self, _: &[AtomicU64]) {}
}

/// A target that a generic caller can make for itself: a [`Buffer`], or `()` for a value
/// that is not wanted.
pub(crate) trait Scratch: ReadInto + Sized {
    /// Whether it is small enough for the stack.
    const FITS_STACK: bool = true;

    /// A target that nothing has been copied to, on the stack.
    fn new() -> Self;

    /// Runs `body` with a new target, which is on the heap if it is large.
    fn with<R>(body: impl FnOnce(&mut Self) -> R) -> R;
}

impl Scratch for () {
    #[inline(always)]
    fn new() -> Self {}

    #[inline(always)]
    fn with<R>(body: impl FnOnce(&mut Self) -> R) -> R {
        body(&mut ())
    }
}

impl<const LEN: usize> Scratch for Buffer<LEN> {
    const FITS_STACK: bool = LEN <= STACK_LIMIT;

    #[inline(always)]
    fn new() -> Self {
        Self {
            bytes: [MaybeUninit::uninit(); LEN],
            is_filled: false,
        }
    }

    #[inline(always)]
    fn with<R>(body: impl FnOnce(&mut Self) -> R) -> R {
        if Self::FITS_STACK {
            buffer_on_stack(body)
        } else {
            buffer_on_heap(body)
        }
    }
}

/// Memory for `LEN` bytes, not zeroed first.
pub(crate) struct Buffer<const LEN: usize> {
    bytes: [MaybeUninit<u8>; LEN],
    is_filled: bool,
}

impl<const LEN: usize> Buffer<LEN> {
    /// The bytes of the last copy, if that filled the buffer.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> Option<&[u8; LEN]> {
        let bytes = (&raw const self.bytes).cast::<[u8; LEN]>();
        // SAFETY: by (1) all bytes are initialized, by (3) these are the same bytes, and
        // they are borrowed as long as `self`.
        self.is_filled.then(|| unsafe { &*bytes })
    }
}

impl<const LEN: usize> ReadInto for Buffer<LEN> {
    #[inline(always)]
    fn copy_from(&mut self, from: &[AtomicU64]) {
        self.is_filled = load(from, &mut self.bytes);
    }
}

/// Buffers of up to this many bytes are on the stack, larger ones on the heap.
pub(crate) const STACK_LIMIT: usize = 16 * 1024;

/// A function of its own: otherwise a large buffer takes room in the stack frame of
/// every caller, also of one that uses the heap.
#[inline]
fn buffer_on_stack<const LEN: usize, R>(body: impl FnOnce(&mut Buffer<LEN>) -> R) -> R {
    body(&mut Buffer::new())
}

#[inline]
fn buffer_on_heap<const LEN: usize, R>(body: impl FnOnce(&mut Buffer<LEN>) -> R) -> R {
    let mut buffer = Box::<Buffer<LEN>>::new_uninit();
    // SAFETY: the pointer is to an allocation of a `Buffer`, so the field lies inside; its
    // address is taken and nothing is read.
    let is_filled = unsafe { &raw mut (*buffer.as_mut_ptr()).is_filled };
    // SAFETY: the pointer is to the field in the allocation above, aligned and not shared;
    // `bool` needs no drop, so nothing old is read.
    unsafe { is_filled.write(false) };
    // SAFETY: by (2) `is_filled`, which was just written, is all that must be valid.
    body(unsafe { buffer.assume_init_mut() })
}

/// Runs `body` with `LEN` zeros, which it may overwrite.
#[inline(always)]
pub(crate) fn with_zeros<const LEN: usize, R>(body: impl FnOnce(&mut [u8]) -> R) -> R {
    if LEN <= STACK_LIMIT {
        zeros_on_stack::<LEN, R>(body)
    } else {
        body(&mut vec![0; LEN])
    }
}

/// A function of its own, so that the array is not in the frame of a caller that uses
/// the heap.
#[inline]
fn zeros_on_stack<const LEN: usize, R>(body: impl FnOnce(&mut [u8]) -> R) -> R {
    body(&mut [0; LEN])
}
