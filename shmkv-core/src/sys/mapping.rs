//! An object mapped into this process's memory.
//!
//! `segment` maps, once per handle, and looks at the mapping through
//! [`Mapping::structs`], which hands out references to atomics only.
//!
//! # Safety
//!
//! `unsafe` to map, to unmap, to advise, and to hand out references into the
//! mapping. (1) A mapping is at an address that the kernel chooses, or inside
//! [`Addresses`] that this process holds and uses for nothing else, so it replaces
//! no other mapping. (2) It stays until the [`Mapping`] is dropped, and every
//! reference borrows that. (3) It is `len` bytes long, and every reference lies
//! inside. (4) References are to structs of atomics only, for which every bit
//! pattern is valid: other processes may write at any time. A `PROT_READ` mapping
//! is only loaded from. (5) A process that may write the object may truncate it,
//! which turns an access into SIGBUS: a documented limit, not undefined behaviour.
//! (6) The advice that is given changes which pages hold the contents and when they
//! are mapped, never the contents.
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
use crate::sync::{AtomicU64, OnlyAtomics, Ordering::Relaxed};

/// A mapped object.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<c_void>,
    len: NonZeroUsize,
    /// The addresses to unmap: the mapping's own, and those held to align it.
    _addresses: Addresses,
}

// SAFETY: a mapping belongs to the process and to no thread; by (4) it is accessed through
// atomics only, and by (2) unmapped once, in whichever thread drops it.
unsafe impl Send for Mapping {}
// SAFETY: by (4) threads that share it access it through atomics only.
unsafe impl Sync for Mapping {}

/// The size and alignment of a huge page, where a page has 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

/// The smallest page size.
const PAGE: usize = 4096;

/// Since Linux 6.1; not every C library defines it.
const MADV_COLLAPSE: libc::c_int = 25;

/// Each attempt skips what is huge already, so the next one has less to do.
const COLLAPSE_ATTEMPTS: usize = 3;

impl Mapping {
    /// Maps the first `len` bytes of an object that is at least that long; if
    /// `huge_pages`, with huge pages where the kernel gives them.
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
        // SAFETY: by (1) the kernel chooses the address, or `MAP_FIXED` replaces `len` of the
        // addresses that are held, from `at` on.
        let base = unsafe { mman::mmap(at, len, protection, flags, object, 0) }?;
        let mapping = Self {
            base,
            len,
            // Made only if none are held: dropping an unused one would unmap.
            _addresses: held.unwrap_or_else(|| Addresses { base, len }),
        };
        // A core dump does without the map: writing it out would delay the end of a
        // dead writer's registration. Advice, which may fail.
        let _ = mapping.advise(MmapAdvise::MADV_DONTDUMP);
        if huge_pages {
            mapping.use_huge_pages();
        }
        Ok(mapping)
    }

    /// Asks for huge pages. A failure is ignored: small pages do as well.
    fn use_huge_pages(&self) {
        // This is for pages that a fault has yet to allocate. All were allocated when
        // space was reserved; it matters for those swapped out, and in files.
        let _ = self.advise(MmapAdvise::MADV_HUGEPAGE);
        // This is for pages that exist: the kernel copies them into huge ones. It answers
        // EAGAIN if another process uses one of them at that moment.
        for _ in 0..COLLAPSE_ATTEMPTS {
            let (base, len) = (self.base.as_ptr(), self.len.get());
            // SAFETY: by (2) and (3) the whole range is mapped, and by (6) collapsing changes
            // pages but not contents.
            let result = unsafe { libc::madvise(base, len, MADV_COLLAPSE) };
            if Errno::result(result) != Err(Errno::EAGAIN) {
                break;
            }
        }
    }

    /// Maps every page now, so that a first read faults on none; if `for_writing`,
    /// a first write does not either.
    pub(crate) fn prefault(&self, for_writing: bool) -> io::Result<()> {
        let advice = if for_writing {
            MmapAdvise::MADV_POPULATE_WRITE
        } else {
            MmapAdvise::MADV_POPULATE_READ
        };
        loop {
            match self.advise(advice) {
                Err(Errno::EINTR) => {}
                // Kernels before 5.14 do not know this advice.
                Err(Errno::EINVAL) => {
                    self.touch();
                    return Ok(());
                }
                done => return Ok(done?),
            }
        }
    }

    /// Reads one word of each page, which maps it.
    fn touch(&self) {
        let words = self.len.get() / size_of::<AtomicU64>();
        // SAFETY: the count is rounded down, so all of them lie inside the mapping, and
        // offset 0 is aligned.
        let words: &[AtomicU64] = unsafe { self.structs(0, words) };
        for word in words.iter().step_by(PAGE / size_of::<AtomicU64>()) {
            // Relaxed: the value is not used.
            black_box(word.load(Relaxed));
        }
    }

    /// Advises the kernel about the whole mapping.
    fn advise(&self, advice: MmapAdvise) -> nix::Result<()> {
        // SAFETY: by (2) and (3) the whole range is mapped, and by (6) no advice that is
        // given here changes its contents.
        unsafe { mman::madvise(self.base, self.len.get(), advice) }
    }

    /// Bytes of the mapping that this process reaches through huge pages.
    pub(crate) fn huge_page_bytes(&self) -> io::Result<usize> {
        let start = self.base.addr().get();
        huge_pages::mapped_bytes(start..start + self.len.get())
    }

    /// Writes the first page to the file's device, and waits until it is there.
    pub(crate) fn sync_head(&self) -> io::Result<()> {
        let len = self.len.get().min(4096);
        // SAFETY: by (2) and (3) these bytes are mapped; they are written to the device as
        // they are.
        unsafe { mman::msync(self.base, len, MsFlags::MS_SYNC) }?;
        Ok(())
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len.get()
    }

    /// The `count` structs that begin `at` bytes after the start.
    ///
    /// # Safety
    ///
    /// All of them lie inside the mapping, and `at` is a multiple of their alignment.
    #[inline]
    pub(crate) unsafe fn structs<T: OnlyAtomics>(&self, at: usize, count: usize) -> &[T] {
        debug_assert!(at + count * size_of::<T>() <= self.len.get());
        debug_assert!(at.is_multiple_of(align_of::<T>()));
        // SAFETY: the caller promises that the first struct, at `at`, lies inside the mapping.
        let start = unsafe { self.base.byte_add(at) }.cast::<T>();
        // SAFETY: the caller promises that all lie inside and that `at` is aligned, and the
        // base is aligned to a page. By (2) they stay mapped while `self` is borrowed; by
        // (4) they are atomics, valid whatever their bytes and whatever others write.
        unsafe { slice::from_raw_parts(start.as_ptr(), count) }
    }
}

/// A range of addresses, unmapped when dropped. Until then the kernel gives none of
/// them to another mapping.
#[derive(Debug)]
struct Addresses {
    base: NonNull<c_void>,
    len: NonZeroUsize,
}

impl Addresses {
    /// Holds enough addresses for `len` bytes from [`aligned`](Self::aligned) on, if the
    /// process has as many.
    fn hold(len: NonZeroUsize) -> Option<Self> {
        let len = len.checked_add(HUGE_PAGE)?;
        let (none, private) = (ProtFlags::PROT_NONE, MapFlags::MAP_PRIVATE);
        // SAFETY: by (1) the kernel chooses the addresses, so no other mapping is replaced.
        let base = unsafe { mman::mmap_anonymous(None, len, none, private) };
        base.ok().map(|base| Self { base, len })
    }

    /// The first address that a huge page can have. Less than one huge page, in whole
    /// small pages, is before it.
    fn aligned(&self) -> NonZeroUsize {
        let start = self.base.addr();
        start.saturating_add(start.get().wrapping_neg() % HUGE_PAGE)
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: by (2) every reference into the range borrowed the `Mapping` that is being
        // dropped. Unmapping a mapped range cannot fail.
        let _ = unsafe { mman::munmap(self.base, self.len.get()) };
    }
}
