//! Private memory that shared words are copied to.
//!
//! # Safety
//!
//! `unsafe` because a [`Buffer`] is not zeroed first, which would cost as much as
//! the copy. (1) `is_filled` is set only when all of `bytes` has been written.
//! (2) An uninitialized `Buffer`'s only field that must be valid, `is_filled`,
//! is set before it is used.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::slice;

use super::load;
use crate::sync::AtomicU64;

/// What takes a value that is read.
pub(crate) trait ReadInto {
    /// Whether it takes anything.
    const WANTED: bool = true;

    /// Copies as many bytes as it takes.
    fn copy_from(&mut self, from: &[AtomicU64]);
}

/// Takes the first bytes, as many as it is long.
impl ReadInto for [u8] {
    #[inline(always)]
    fn copy_from(&mut self, from: &[AtomicU64]) {
        let (start, len) = (self.as_mut_ptr().cast(), self.len());
        // SAFETY: the same bytes, borrowed as long; `load` only ever writes
        // initialized ones.
        load(from, unsafe { slice::from_raw_parts_mut(start, len) });
    }
}

/// Takes nothing.
impl ReadInto for () {
    const WANTED: bool = false;

    #[inline(always)]
    fn copy_from(&mut self, _: &[AtomicU64]) {}
}

/// A [`ReadInto`] that can be made on the spot: a [`Buffer`], or `()` for nothing.
pub(crate) trait Scratch: ReadInto + Sized {
    /// Nothing yet.
    fn new() -> Self;

    /// Runs `body` with an empty one, on the heap if it is large.
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
    #[inline(always)]
    fn new() -> Self {
        Self {
            bytes: [MaybeUninit::uninit(); LEN],
            is_filled: false,
        }
    }

    #[inline(always)]
    fn with<R>(body: impl FnOnce(&mut Self) -> R) -> R {
        if LEN <= STACK_LIMIT {
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
    /// What it was filled with.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> Option<&[u8; LEN]> {
        let bytes = (&raw const self.bytes).cast::<[u8; LEN]>();
        // SAFETY: by (1); the same bytes, borrowed as long.
        self.is_filled.then(|| unsafe { &*bytes })
    }
}

impl<const LEN: usize> ReadInto for Buffer<LEN> {
    #[inline(always)]
    fn copy_from(&mut self, from: &[AtomicU64]) {
        self.is_filled = load(from, &mut self.bytes);
    }
}

/// Buffers up to this many bytes live on the stack, larger ones on the heap.
pub(crate) const STACK_LIMIT: usize = 16 * 1024;

/// Apart, so that a large buffer is not part of a frame that never uses it.
#[inline]
fn buffer_on_stack<const LEN: usize, R>(body: impl FnOnce(&mut Buffer<LEN>) -> R) -> R {
    body(&mut Buffer::new())
}

#[inline]
fn buffer_on_heap<const LEN: usize, R>(body: impl FnOnce(&mut Buffer<LEN>) -> R) -> R {
    let mut buffer = Box::<Buffer<LEN>>::new_uninit();
    // SAFETY: a field of the allocation, of which only the address is taken.
    let is_filled = unsafe { &raw mut (*buffer.as_mut_ptr()).is_filled };
    // SAFETY: as above; nothing is read.
    unsafe { is_filled.write(false) };
    // SAFETY: by (2); the bytes themselves may be uninitialized.
    body(unsafe { buffer.assume_init_mut() })
}

/// Runs `body` with `LEN` zeros, to be overwritten.
#[inline(always)]
pub(crate) fn with_zeros<const LEN: usize, R>(body: impl FnOnce(&mut [u8]) -> R) -> R {
    if LEN <= STACK_LIMIT {
        zeros_on_stack::<LEN, R>(body)
    } else {
        body(&mut vec![0; LEN])
    }
}

/// Apart, as above.
#[inline]
fn zeros_on_stack<const LEN: usize, R>(body: impl FnOnce(&mut [u8]) -> R) -> R {
    body(&mut [0; LEN])
}
