//! Words that forked processes share and that outlive any of them.
//!
//! An anonymous `MAP_SHARED` mapping: made before the fork, seen by both sides after it, kept by the kernel until the last
//! process that maps it is gone. So what a child stored before its SIGKILL is there for the parent to read.

use std::num::NonZeroUsize;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// A shared array of words, all zero at first.
pub(crate) struct SharedWords {
    start: NonNull<AtomicU64>,
    len: usize,
}

impl SharedWords {
    /// Maps `len` words; pages cost memory only once touched.
    pub(crate) fn new(len: usize) -> Self {
        let bytes = NonZeroUsize::new(len * size_of::<AtomicU64>()).expect("at least one word");
        // SAFETY: a new anonymous mapping at an address that the kernel chooses overlaps nothing.
        let start = unsafe {
            mmap_anonymous(
                None,
                bytes,
                ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
                MapFlags::MAP_SHARED,
            )
        };
        Self {
            start: start.expect("mmap").cast(),
            len,
        }
    }
}

impl Deref for SharedWords {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: `new` mapped `len` zeroed words here, page-aligned, and only `drop` unmaps them. Other processes touch
        // them through this type alone, so atomically.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for SharedWords {
    fn drop(&mut self) {
        // SAFETY: this is the mapping of `new`; a borrow of its words cannot outlive `self`.
        let unmapped = unsafe { munmap(self.start.cast(), self.len * size_of::<AtomicU64>()) };
        debug_assert!(unmapped.is_ok());
    }
}
