//! Sleeping on a word and waking a sleeper, as the map's lock does.
//!
//! # Safety
//!
//! `futex(2)` has no safe wrapper. The word is a reference, so it is mapped, aligned
//! and four bytes long; the pointer to the timeout is null.

use std::ptr;
use std::sync::atomic::AtomicU32;

use nix::libc;

/// Sleeps while `word` is `seen`. May return early.
pub(crate) fn wait(word: &AtomicU32, seen: u32) {
    let no_limit = ptr::null::<libc::timespec>();
    let (call, wait) = (libc::SYS_futex, libc::FUTEX_WAIT);
    // SAFETY: see above. Whatever it returns, the caller checks the word again.
    unsafe { libc::syscall(call, word.as_ptr(), wait, seen, no_limit) };
}

/// Wakes one thread that sleeps on `word`.
pub(crate) fn wake_one(word: &AtomicU32) {
    // SAFETY: see above.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}
