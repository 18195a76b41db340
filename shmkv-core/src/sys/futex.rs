//! Sleeping on a word of shared memory, and waking who sleeps there.
//!
//! # Safety
//!
//! `unsafe` because `futex(2)` has no wrapper. (1) The word is a reference, so
//! it is mapped, aligned and four bytes long; the kernel reads it atomically.
//! (2) The time limit is a local that outlives the call.
#![allow(unsafe_code)]

use std::time::Duration;

use nix::libc;

use crate::sync::AtomicU32;

/// Sleeps while `word` is `seen`: until woken, for `at_most`, or less.
pub(crate) fn wait(word: &AtomicU32, seen: u32, at_most: Duration) {
    let limit = libc::timespec {
        tv_sec: at_most.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: at_most.subsec_nanos().into(),
    };
    // SAFETY: by (1) and (2). Whatever it returns, the caller looks again.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            seen,
            &raw const limit,
        );
    }
}

/// Wakes one of those who sleep on `word`, in any process.
pub(crate) fn wake_one(word: &AtomicU32) {
    // SAFETY: by (1).
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1);
    }
}
