//! Memory that is shared with other processes.
//!
//! # Safety
//!
//! `unsafe` to map, to unmap, and to hand out references into the mapping.
//! (1) A mapping is at an address of the kernel's choice, so it overlaps
//! nothing. (2) It stays until the [`Mapping`] is dropped, and every reference
//! borrows it. (3) It is `len` bytes long, which bounds every reference.
//! (4) Only structs of atomics, for which every bit pattern is valid, are ever
//! referred to: other processes may write at any time, and a `PROT_READ`
//! mapping is only loaded from. (5) Whoever may write the object may truncate
//! it, which turns an access into SIGBUS: a documented limit, not undefined
//! behaviour.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::slice;

use nix::sys::mman::{self, MapFlags, MmapAdvise, MsFlags, ProtFlags};

/// A mapped object.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<c_void>,
    len: NonZeroUsize,
}

// SAFETY: by (4) all access through it is atomic, from any thread.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of an object that is at least that long.
    pub(crate) fn new(object: impl AsFd, len: usize, writable: bool) -> io::Result<Self> {
        let len = NonZeroUsize::new(len).ok_or(io::ErrorKind::InvalidInput)?;
        let mut protection = ProtFlags::PROT_READ;
        if writable {
            protection |= ProtFlags::PROT_WRITE;
        }
        // SAFETY: by (1).
        let base = unsafe { mman::mmap(None, len, protection, MapFlags::MAP_SHARED, object, 0) }?;
        // A core dump of a crashed process need not hold the map, and the
        // kernel frees a dead process sooner without it. Advice: may fail.
        // SAFETY: `base` and `len` are the mapping just made; the advice does
        // not change its contents.
        let _ = unsafe { mman::madvise(base, len.get(), MmapAdvise::MADV_DONTDUMP) };
        Ok(Self { base, len })
    }

    /// Writes the first page back to the file, and waits for it.
    pub(crate) fn sync_head(&self) -> io::Result<()> {
        let len = self.len.get().min(4096);
        // SAFETY: by (2) and (3) the range is mapped.
        unsafe { mman::msync(self.base, len, MsFlags::MS_SYNC) }?;
        Ok(())
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len.get()
    }

    /// `count` structs, `at` bytes from the start.
    ///
    /// # Safety
    ///
    /// They lie inside the mapping, and `at` is a multiple of their alignment.
    #[inline]
    pub(crate) unsafe fn structs<T: Atomics>(&self, at: usize, count: usize) -> &[T] {
        debug_assert!(at + count * size_of::<T>() <= self.len.get());
        debug_assert!(at.is_multiple_of(align_of::<T>()));
        // SAFETY: in bounds, as the caller promises.
        let start = unsafe { self.base.byte_add(at) }.cast::<T>();
        // SAFETY: in bounds and aligned, as the caller promises, for the base
        // is aligned to a page; by (2) and (4) the structs may be referred to.
        unsafe { slice::from_raw_parts(start.as_ptr(), count) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: by (2) nothing refers to it any more. It cannot fail for a
        // range that is mapped, and there would be nothing to do about it.
        let _ = unsafe { mman::munmap(self.base, self.len.get()) };
    }
}

/// Types that may be referred to in shared memory.
///
/// # Safety
///
/// The type consists of atomics and arrays and structs of them, without
/// padding that anybody reads, is valid whatever its bytes, and its alignment
/// is at most a page.
pub(crate) unsafe trait Atomics {}

// SAFETY: it is an atomic.
unsafe impl Atomics for crate::sync::AtomicU64 {}
