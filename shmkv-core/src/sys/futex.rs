//! Sleeping on a word of shared memory, and waking a sleeper, in any process.
//!
//! `store` calls it on behalf of `lock`, whose `Os` trait it implements.
//!
//! # Safety
//!
//! `unsafe` because `futex(2)` has no wrapper. (1) The word is a reference, so
//! it is mapped, aligned and four bytes long; the kernel reads it atomically.
//! (2) The time limit is a local variable that outlives the call.
#![allow(unsafe_code)]

use std::time::Duration;

use nix::libc;

use crate::sync::AtomicU32;

/// Sleeps if `word` is `seen`, until woken or for `at_most`. It may return early.
pub(crate) fn wait(word: &AtomicU32, seen: u32, at_most: Duration) {
    let limit = libc::timespec {
        tv_sec: at_most.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: at_most.subsec_nanos().into(),
    };
    // SAFETY: by (1) the kernel may read the word, by (2) the time limit. The result is
    // ignored, since every caller reads the word again.
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

/// Wakes one thread that sleeps on `word`, in any process.
pub(crate) fn wake_one(word: &AtomicU32) {
    // SAFETY: by (1) the word is mapped and aligned; waking changes no memory.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1);
    }
}
