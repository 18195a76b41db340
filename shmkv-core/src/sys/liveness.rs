//! Whether a writer is alive, by the kernel's own book-keeping.
//!
//! A writer registers under an id `n`: it takes an open file description (OFD)
//! lock on byte 2^62 + n of the object. (The object has no such byte; a lock
//! needs none.) The writer is alive while that lock is held.
//!
//! One page of the object is mapped through that open file description, without any
//! permission, and the descriptor is closed: only the mapping keeps the description, and
//! so the lock. A forked child does not get the mapping (`MADV_DONTFORK`), so the lock ends with the writer's address space: at `exec`, or when its last
//! thread has died. An open descriptor would not do: a forked child inherits it and
//! keeps it after its parent's death, and `close_range` closes it.
//!
//! Process ids are not used: they are re-used, and mean nothing in another PID
//! namespace. Timeouts are not used: a stopped writer is alive.
//!
//! The id and the page's address are kept in a private page that the kernel
//! zeroes in a forked child (`MADV_WIPEONFORK`). So a child is a new writer, which
//! registers under an id of its own at its first write.
//!
//! `store` registers; `lock` asks, through its `Os` trait.
//!
//! # Safety
//!
//! `unsafe` to map, advise and unmap two kinds of pages. (1) Both are mapped at
//! addresses that the kernel chooses. (2) The page that keeps the lock has no
//! permission, so nothing refers to it. It is unmapped once, by the process that
//! mapped it: in a forked child its address is zeroed. (3) The private page is
//! zeroed memory, for which [`Page`] is valid; it stays mapped as long as its
//! [`Registration`], and every reference into it borrows that.
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

use super::fork;
use super::object::Object;

/// The byte of id 0, which is never handed out; the byte of id `n` is `n` further on.
const LIVENESS_AT: i64 = 1 << 62;
/// The length of both mappings: the smallest page, enough for two words.
const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);
/// How many ids to try. One can be taken: ids come round after 2^30
/// registrations, and a writer may live that long.
const TRIES: usize = 64;

/// This process's registration as a writer of one object.
#[derive(Debug)]
pub(crate) struct Registration {
    page: NonNull<Page>,
}

/// The private page, which a forked child finds zeroed. Id 0: not registered.
#[repr(C)]
struct Page {
    id: AtomicU32,
    address: AtomicUsize,
}

// SAFETY: by (3) the page stays mapped as long as the registration, in whichever
// thread that is dropped; the page belongs to no thread.
unsafe impl Send for Registration {}
// SAFETY: threads share nothing but the page, which consists of atomics and by (3)
// stays mapped as long as the registration.
unsafe impl Sync for Registration {}

impl Registration {
    /// A registration without an id yet; [`register`](Self::register) gets one.
    pub(crate) fn new() -> io::Result<Self> {
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: by (1) the kernel chooses the address, so no other mapping is replaced.
        let page = unsafe { mman::mmap_anonymous(None, PAGE, protection, MapFlags::MAP_PRIVATE) }?;
        // From here on every return unmaps the page, by dropping this.
        let registration = Self { page: page.cast() };
        // SAFETY: the page was just mapped. The advice zeroes it in a child, and by (3)
        // zeros are a valid `Page`.
        unsafe { mman::madvise(page, PAGE.get(), MmapAdvise::MADV_WIPEONFORK) }?;
        Ok(registration)
    }

    #[inline(always)]
    fn page(&self) -> &Page {
        // SAFETY: by (3) the page is mapped and a valid `Page`, and stays so while `self`
        // is borrowed.
        unsafe { self.page.as_ref() }
    }

    /// The id under which this process is registered, if it is.
    #[inline(always)]
    pub(crate) fn id(&self) -> Option<u32> {
        match self.page().id.load(Ordering::Acquire) {
            0 => None,
            id => Some(id),
        }
    }

    /// Registers this process, if it is not registered yet, and returns its id.
    ///
    /// `next` proposes ids. `disown` is called with the new id before that is used:
    /// lock words that still name its previous, dead owner must not look as if this
    /// process held them.
    #[cold]
    pub(crate) fn register(
        &self,
        object: &Object,
        next: impl Fn() -> u32,
        disown: impl Fn(u32),
    ) -> Result<u32, NotRegistered> {
        fork::with_fork_excluded(|| {
            if let Some(id) = self.id() {
                return Ok(id); // Another thread of this process has registered it.
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
            let message = format!("all {TRIES} writer ids that were tried are in use; try again");
            Err(NotRegistered::Other(io::Error::other(message)))
        })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let address = self.page().address.load(Ordering::Relaxed);
        if let Some(address) = NonNull::new(address as *mut c_void) {
            // SAFETY: by (2) this process mapped the page, nothing refers to it, and it is
            // unmapped here only.
            let _ = unsafe { mman::munmap(address, PAGE.get()) };
        }
        // SAFETY: by (3) every reference into the page borrowed `self`, so none is left.
        let _ = unsafe { mman::munmap(self.page.cast(), PAGE.get()) };
    }
}

/// Locks the byte of `id` for this address space. Returns the address of the page
/// that keeps the lock, or `None` if another writer has it.
fn take_id(object: &Object, id: u32) -> Result<Option<NonNull<c_void>>, NotRegistered> {
    let file = object.reopen(true)?;
    let flags = MapFlags::MAP_SHARED;
    // SAFETY: by (1) the kernel chooses the address, so no other mapping is replaced.
    let address = unsafe { mman::mmap(None, PAGE, ProtFlags::PROT_NONE, flags, &file, 0) }
        .map_err(io::Error::from)?;
    let undo = || {
        // SAFETY: this process mapped the page above, its address is recorded nowhere,
        // and by (2) nothing refers to it.
        let _ = unsafe { mman::munmap(address, PAGE.get()) };
    };
    // SAFETY: the page was mapped above. A child without it misses nothing, since by (2)
    // nothing refers to the page.
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
        // On overlayfs the mapping is of the file in the layer below, and keeps that open.
        Ok(_) => Err(NotRegistered::Locks(io::Error::new(
            io::ErrorKind::Unsupported,
            "this file system drops a lock with its descriptor, as overlayfs does; use a tmpfs",
        ))),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(None),
        Err(error) => Err(NotRegistered::Locks(error.into())),
    }
}

/// Why this process was not registered as a writer.
#[derive(Debug)]
pub(crate) enum NotRegistered {
    /// OFD locks are not available on this object.
    Locks(io::Error),
    /// Something else failed.
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

/// Whether the writer with this id is alive. In doubt it is: an error says nothing
/// about the writer, nor does a descriptor that no longer refers to the object.
pub(crate) fn is_alive(object: &Object, id: u32) -> bool {
    !object.is_intact() || is_locked(object, id).unwrap_or(true)
}

/// Counts the live writers with ids from 1 to `last`, up to a million.
pub(crate) fn count_alive(object: &Object, last: u32) -> io::Result<usize> {
    let mut alive = 0;
    // The kernel reports any one lock in a range; the ranges before and after that
    // lock are asked about next.
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
        // Length 0: the lock has no end.
        let end = match range.l_len {
            0 => last,
            len => range.l_start.saturating_add(len - 1),
        };
        ranges.push((first, range.l_start - 1));
        ranges.push((end.saturating_add(1), last));
    }
    Ok(alive)
}

/// Whether the byte of `id` is write-locked.
///
/// The question is asked as if for a read lock, with which only write locks
/// conflict: a process that may only read can set read locks, and must not make a
/// dead writer look alive.
fn is_locked(object: &Object, id: u32) -> nix::Result<bool> {
    let mut range = byte(id, libc::F_RDLCK);
    fcntl::fcntl(object, FcntlArg::F_OFD_GETLK(&mut range))?;
    Ok(range.l_type != libc::F_UNLCK as i16)
}

/// The byte of `id`, as a lock of this kind.
fn byte(id: u32, kind: i32) -> libc::flock {
    libc::flock {
        l_type: kind as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: LIVENESS_AT + i64::from(id),
        l_len: 1,
        l_pid: 0,
    }
}
