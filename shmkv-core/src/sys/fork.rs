//! A lock that no `fork` can happen under.
//!
//! A writer's claim needs, for a moment, an open descriptor that a forked child
//! must not inherit: the child would keep the claim alive after its parent's
//! death. So making a claim and `fork` exclude each other, through handlers
//! that every `fork` of the C library runs. (A raw `clone` system call runs
//! none; the documentation says so.)
//!
//! # Safety
//!
//! `unsafe` to register the handlers. (1) They are functions, so they live as
//! long as the program; (2) they only touch one atomic, which is safe in the
//! child of a threaded process.
#![allow(unsafe_code)]

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;

static TAKEN: AtomicBool = AtomicBool::new(false);
static REGISTERED: OnceLock<i32> = OnceLock::new();

/// Runs `body`, which takes microseconds, while no other thread can fork.
pub(super) fn excluded<R>(body: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
    let failed = *REGISTERED.get_or_init(|| {
        // SAFETY: by (1) and (2).
        unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) }
    });
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    before();
    let _guard = Release;
    body()
}

/// Gives the lock back, when unwinding too.
struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        after();
    }
}

extern "C" fn before() {
    while TAKEN.swap(true, Ordering::Acquire) {
        std::thread::yield_now();
    }
}

extern "C" fn after() {
    TAKEN.store(false, Ordering::Release);
}
