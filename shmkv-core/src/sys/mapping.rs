//! Memory that is shared with other processes.
//!
//! # Safety
//!
//! `unsafe` to map, to unmap, to advise, and to hand out references into the
//! mapping. (1) A mapping is at an address of the kernel's choice, or takes the
//! place of [`Addresses`] that nothing else uses, so it overlaps nothing. (2) It
//! stays until the [`Mapping`] is dropped, and every reference borrows it. (3) It
//! is `len` bytes long, which bounds every reference.
//! (4) Only structs of atomics, for which every bit pattern is valid, are ever
//! referred to: other processes may write at any time, and a `PROT_READ`
//! mapping is only loaded from. (5) Whoever may write the object may truncate
//! it, which turns an access into SIGBUS: a documented limit, not undefined
//! behaviour. (6) The advice that is given changes which pages hold the contents
//! and when they are mapped, never the contents.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::hint::black_box;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::slice;

use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{self, MapFlags, MmapAdvise, MsFlags, ProtFlags};

use super::huge_pages;
use crate::sync::{AtomicU64, Ordering::Relaxed};

/// A mapped object.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<c_void>,
    len: NonZeroUsize,
    /// The mapping's own, and around them those that it was aligned in.
    _addresses: Addresses,
}

// SAFETY: by (4) all access through it is atomic, from any thread.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

/// The size of a huge page, and what it is aligned to, where a page has 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

/// The smallest page.
const PAGE: usize = 4096;

/// Linux 6.1; not every C library has it.
const MADV_COLLAPSE: libc::c_int = 25;

/// What is huge already is skipped, so each attempt has less to do.
const COLLAPSE_ATTEMPTS: usize = 3;

impl Mapping {
    /// Maps the first `len` bytes of an object that is at least that long; with
    /// huge pages, if they are asked for and can be had.
    pub(crate) fn new(
        object: impl AsFd,
        len: usize,
        writable: bool,
        huge_pages: bool,
    ) -> io::Result<Self> {
        let len = NonZeroUsize::new(len).ok_or(io::ErrorKind::InvalidInput)?;
        let mut protection = ProtFlags::PROT_READ;
        if writable {
            protection |= ProtFlags::PROT_WRITE;
        }
        let huge_pages = huge_pages && len.get() >= HUGE_PAGE;
        let held = if huge_pages {
            Addresses::hold(len)
        } else {
            None
        };
        let mut flags = MapFlags::MAP_SHARED;
        if held.is_some() {
            flags |= MapFlags::MAP_FIXED;
        }
        let at = held.as_ref().map(Addresses::aligned);
        // SAFETY: by (1); from `at` on, as many as `len` are held.
        let base = unsafe { mman::mmap(at, len, protection, flags, object, 0) }?;
        let mapping = Self {
            base,
            len,
            // Made only if needed, since to drop it unmaps.
            _addresses: held.unwrap_or_else(|| Addresses { base, len }),
        };
        // A core dump of a crashed process need not hold the map, and the
        // kernel frees a dead process sooner without it. Advice: may fail.
        let _ = mapping.advise(MmapAdvise::MADV_DONTDUMP);
        if huge_pages {
            mapping.use_huge_pages();
        }
        Ok(mapping)
    }

    /// Asks for huge pages. Nothing of it has to work.
    fn use_huge_pages(&self) {
        // For pages that a fault will allocate: none, as all of them are reserved,
        // but where they were swapped out, or are a file's.
        let _ = self.advise(MmapAdvise::MADV_HUGEPAGE);
        // For pages that are there: these are copied together. That fails for those
        // that somebody else uses at that very moment.
        for _ in 0..COLLAPSE_ATTEMPTS {
            let (base, len) = (self.base.as_ptr(), self.len.get());
            // SAFETY: by (2) and (3) the range is mapped, and by (6) it may be done.
            let result = unsafe { libc::madvise(base, len, MADV_COLLAPSE) };
            if Errno::result(result) != Err(Errno::EAGAIN) {
                break;
            }
        }
    }

    /// Maps every page now, so that the first access need not; `for_writing` so
    /// that the first write need not either.
    pub(crate) fn prefault(&self, for_writing: bool) -> io::Result<()> {
        let advice = if for_writing {
            MmapAdvise::MADV_POPULATE_WRITE
        } else {
            MmapAdvise::MADV_POPULATE_READ
        };
        loop {
            match self.advise(advice) {
                Err(Errno::EINTR) => {}
                // Kernels before 5.14 do not know it.
                Err(Errno::EINVAL) => {
                    self.touch();
                    return Ok(());
                }
                done => return Ok(done?),
            }
        }
    }

    /// Reads a word of each page.
    fn touch(&self) {
        let words = self.len.get() / size_of::<AtomicU64>();
        // SAFETY: so many lie inside, and 0 is aligned.
        let words: &[AtomicU64] = unsafe { self.structs(0, words) };
        for word in words.iter().step_by(PAGE / size_of::<AtomicU64>()) {
            // Relaxed: what it is does not matter.
            black_box(word.load(Relaxed));
        }
    }

    /// Gives advice that concerns the whole mapping.
    fn advise(&self, advice: MmapAdvise) -> nix::Result<()> {
        // SAFETY: by (2) and (3) the range is mapped, and by (6) it may be done.
        unsafe { mman::madvise(self.base, self.len.get(), advice) }
    }

    /// Bytes of it that this process reaches through huge pages.
    pub(crate) fn huge_page_bytes(&self) -> io::Result<usize> {
        let start = self.base.addr().get();
        huge_pages::mapped_bytes(start..start + self.len.get())
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

/// Addresses that this process uses for one thing only, until they are dropped.
#[derive(Debug)]
struct Addresses {
    base: NonNull<c_void>,
    len: NonZeroUsize,
}

impl Addresses {
    /// Holds `len` from an [`aligned`](Self::aligned) one on, if there are as many.
    fn hold(len: NonZeroUsize) -> Option<Self> {
        let len = len.checked_add(HUGE_PAGE)?;
        let (none, private) = (ProtFlags::PROT_NONE, MapFlags::MAP_PRIVATE);
        // SAFETY: by (1).
        let base = unsafe { mman::mmap_anonymous(None, len, none, private) };
        base.ok().map(|base| Self { base, len })
    }

    /// The first at which a huge page can be; less than the size of one is before
    /// it, whole small pages.
    fn aligned(&self) -> NonZeroUsize {
        let start = self.base.addr();
        start.saturating_add(start.get().wrapping_neg() % HUGE_PAGE)
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: by (2) nothing refers to them any more. It cannot fail for a
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
