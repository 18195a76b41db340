//! Words that processes share and that outlive each of them.
//!
//! [`SharedWords::new`] makes an anonymous `MAP_SHARED` mapping: made before a fork, it is seen by
//! both sides after it, and the kernel keeps it until the last process that maps it has ended. So the
//! parent can read what a child stored before its SIGKILL. A program that is executed inherits no
//! mapping; it shares words through a file ([`SharedWords::in_file`]).

use std::fs::File;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use nix::unistd::getpid;

/// A file without a name, which exists while it is open, and a path under which children of this
/// process can open it.
pub(crate) fn unnamed_file() -> (File, PathBuf) {
    let file = memfd_create(c"shmkv-test", MFdFlags::MFD_CLOEXEC).expect("memfd_create");
    let path = format!("/proc/{}/fd/{}", getpid(), file.as_raw_fd());
    (File::from(file), PathBuf::from(path))
}

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

    /// Maps the first `len` words of the file at `path`, after lengthening it if it is shorter.
    pub(crate) fn in_file(path: &Path, len: usize) -> Self {
        let bytes = NonZeroUsize::new(len * size_of::<AtomicU64>()).expect("at least one word");
        let file = File::options().read(true).write(true).open(path);
        let file = file.expect("open the file of shared words");
        let needed = bytes.get() as u64;
        if file.metadata().expect("stat").len() < needed {
            file.set_len(needed).expect("lengthen");
        }
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses overlaps nothing; no process shortens the file.
        let start = unsafe { mmap(None, bytes, protection, MapFlags::MAP_SHARED, &file, 0) };
        Self {
            start: start.expect("mmap").cast(),
            len,
        }
    }
}

impl Deref for SharedWords {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: `new` or `in_file` mapped `len` words here, page-aligned, and only `drop` unmaps them.
        // Other processes access them through this type alone, so atomically.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for SharedWords {
    fn drop(&mut self) {
        // SAFETY: this is the mapping of `new` or `in_file`; a borrow of its words cannot outlive `self`.
        let unmapped = unsafe { munmap(self.start.cast(), self.len * size_of::<AtomicU64>()) };
        debug_assert!(unmapped.is_ok());
    }
}
