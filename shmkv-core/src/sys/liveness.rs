//! Who is alive, by the kernel's word.
//!
//! A writer with the id `n` is alive while somebody holds the open file
//! description lock on byte 2^62 + n of the object. (No such byte exists;
//! locks need none.) The description is kept open by nothing but a page of the
//! object, mapped without any permission: it goes with the address space, at
//! `exec` or at the death of its last thread, and is not inherited by `fork`.
//! A descriptor would be: inherited, closed by `close_range`, kept by a child.
//!
//! Process ids are not used: they are re-used, and mean nothing in another PID
//! namespace. Nor are clocks: a stopped writer is alive.
//!
//! The id and the claim's address are kept in a private page that the kernel
//! wipes in a forked child, so that a child is a new writer, with an id of its
//! own, from its first write on.
//!
//! # Safety
//!
//! `unsafe` to map, advise and unmap two kinds of pages. (1) Both are at
//! addresses of the kernel's choice. (2) The claim's page has no permission, so
//! nothing refers to it; it is unmapped once, by the process that mapped it,
//! because its address is forgotten in a child. (3) The private page is zeroed
//! memory, for which `Page` is valid, and lives as long as its `Registration`.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use nix::errno::Errno;
use nix::fcntl::{self, FcntlArg};
use nix::libc;
use nix::sys::mman::{self, MapFlags, MmapAdvise, ProtFlags};

use super::{Object, fork};

/// The byte whose lock stands for the id 0, which nobody has.
const LIVENESS_AT: i64 = 1 << 62;
/// Pages are at least this long, and two words need no more.
const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);
/// How many ids to try. One may be taken by a writer as old as 2^30 others.
const TRIES: usize = 64;

/// This process's place among the writers of one object.
#[derive(Debug)]
pub(crate) struct Registration {
    page: NonNull<Page>,
}

/// What a forked child finds zeroed.
#[repr(C)]
struct Page {
    id: AtomicU32,
    address: AtomicUsize,
}

// SAFETY: the page holds atomics and lives as long as the claim, by (3).
unsafe impl Send for Registration {}
// SAFETY: as above.
unsafe impl Sync for Registration {}

impl Registration {
    /// A place without a claim, which [`register`](Self::register) makes.
    pub(crate) fn new() -> io::Result<Self> {
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: by (1).
        let page = unsafe { mman::mmap_anonymous(None, PAGE, protection, MapFlags::MAP_PRIVATE) }?;
        // From here on the page is unmapped on every way out.
        let registration = Self { page: page.cast() };
        // SAFETY: the page was just mapped; wiping leaves it valid, by (3).
        unsafe { mman::madvise(page, PAGE.get(), MmapAdvise::MADV_WIPEONFORK) }?;
        Ok(registration)
    }

    #[inline(always)]
    fn page(&self) -> &Page {
        // SAFETY: by (3).
        unsafe { self.page.as_ref() }
    }

    /// The id of this process, once it has one.
    #[inline(always)]
    pub(crate) fn id(&self) -> Option<u32> {
        match self.page().id.load(Ordering::Acquire) {
            0 => None,
            id => Some(id),
        }
    }

    /// Gets an id, and the kernel's word for it.
    ///
    /// `next` gives ids to try; `disown` is told the id before it is used, to
    /// take it away from whoever had it in an earlier life.
    #[cold]
    pub(crate) fn register(
        &self,
        object: &Object,
        next: impl Fn() -> u32,
        disown: impl Fn(u32),
    ) -> Result<u32, NotRegistered> {
        fork::excluded(|| {
            if let Some(id) = self.id() {
                return Ok(id); // Another thread was faster.
            }
            for _ in 0..TRIES {
                let id = next();
                if let Some(address) = take_id(object, id)? {
                    disown(id);
                    let page = self.page();
                    page.address
                        .store(address.as_ptr() as usize, Ordering::Relaxed);
                    page.id.store(id, Ordering::Release);
                    return Ok(id);
                }
            }
            let message = "no free writer id was found";
            Err(NotRegistered::Other(io::Error::other(message)))
        })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let address = self.page().address.load(Ordering::Relaxed);
        if let Some(address) = NonNull::new(address as *mut c_void) {
            // SAFETY: by (2): the address is this process's own.
            let _ = unsafe { mman::munmap(address, PAGE.get()) };
        }
        // SAFETY: by (3) nothing refers to the page after this.
        let _ = unsafe { mman::munmap(self.page.cast(), PAGE.get()) };
    }
}

/// Claims `id` for this address space: the address of the page that keeps the
/// claim, or `None` if somebody alive has that id.
fn take_id(object: &Object, id: u32) -> Result<Option<NonNull<c_void>>, NotRegistered> {
    let file = object.reopen(true)?;
    let flags = MapFlags::MAP_SHARED;
    // SAFETY: by (1).
    let address = unsafe { mman::mmap(None, PAGE, ProtFlags::PROT_NONE, flags, &file, 0) }
        .map_err(io::Error::from)?;
    let undo = || {
        // SAFETY: mapped above, and by (2) nothing refers to it.
        let _ = unsafe { mman::munmap(address, PAGE.get()) };
    };
    // SAFETY: mapped above; nothing in this process ever accesses it.
    let private = unsafe { mman::madvise(address, PAGE.get(), MmapAdvise::MADV_DONTFORK) };
    if let Err(error) = private {
        undo();
        return Err(NotRegistered::Other(error.into()));
    }
    let range = byte(id, libc::F_WRLCK);
    let locked = fcntl::fcntl(&file, FcntlArg::F_OFD_SETLK(&range));
    drop(file);
    let lasting = locked.and_then(|_| is_locked(object, id));
    if lasting == Ok(true) {
        return Ok(Some(address));
    }
    undo();
    match lasting {
        // Seen where the mapping is of another file below: overlayfs.
        Ok(_) => Err(NotRegistered::Locks(io::Error::new(
            io::ErrorKind::Unsupported,
            "locks on this object do not outlive their descriptor",
        ))),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(None),
        Err(error) => Err(NotRegistered::Locks(error.into())),
    }
}

/// Why this process could not become a writer.
#[derive(Debug)]
pub(crate) enum NotRegistered {
    /// The kernel does not give it the lock that says that it lives.
    Locks(io::Error),
    /// Something else was refused.
    Other(io::Error),
}

impl From<io::Error> for NotRegistered {
    fn from(error: io::Error) -> Self {
        Self::Other(error)
    }
}

impl From<NotRegistered> for io::Error {
    fn from(refused: NotRegistered) -> Self {
        match refused {
            NotRegistered::Locks(error) | NotRegistered::Other(error) => error,
        }
    }
}

/// Whether the writer with this id exists; in doubt, that it does: an error, or
/// a descriptor that no longer names the object, says nothing about it.
pub(crate) fn is_alive(object: &Object, id: u32) -> bool {
    !object.is_intact() || is_locked(object, id).unwrap_or(true)
}

/// How many ids from 1 to `last` belong to the living, and at most a million.
pub(crate) fn count_alive(object: &Object, last: u32) -> io::Result<usize> {
    let mut alive = 0;
    // The kernel names any one lock in a range, so look on both sides of it.
    let mut ranges = vec![(byte(1, 0).l_start, byte(last, 0).l_start)];
    while let Some((first, last)) = ranges.pop() {
        if first > last || alive == 1_000_000 {
            continue;
        }
        let mut range = libc::flock {
            l_start: first,
            l_len: last - first + 1,
            ..byte(0, libc::F_RDLCK)
        };
        fcntl::fcntl(object, FcntlArg::F_OFD_GETLK(&mut range))?;
        if range.l_type == libc::F_UNLCK as i16 {
            continue;
        }
        alive += 1;
        // A lock without an end has the length 0.
        let end = match range.l_len {
            0 => last,
            len => range.l_start.saturating_add(len - 1),
        };
        ranges.push((first, range.l_start - 1));
        ranges.push((end.saturating_add(1), last));
    }
    Ok(alive)
}

/// Whether somebody holds the write lock on the byte of `id`.
///
/// Asked on behalf of a reader, whom only write locks concern: a read lock needs
/// no right to write, and must not make anybody look alive.
fn is_locked(object: &Object, id: u32) -> nix::Result<bool> {
    let mut range = byte(id, libc::F_RDLCK);
    fcntl::fcntl(object, FcntlArg::F_OFD_GETLK(&mut range))?;
    Ok(range.l_type != libc::F_UNLCK as i16)
}

/// The byte that stands for `id`.
fn byte(id: u32, kind: i32) -> libc::flock {
    libc::flock {
        l_type: kind as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: LIVENESS_AT + i64::from(id),
        l_len: 1,
        l_pid: 0,
    }
}
