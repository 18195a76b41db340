//! A lock that no `fork` can happen under.
//!
//! A writer's claim needs, for a moment, an open descriptor that a forked child
//! must not inherit: the child would keep the claim alive after its parent's
//! death. So making a claim and `fork` exclude each other, through handlers
//! that every `fork` of the C library runs. (A raw `clone` system call runs
//! none; the documentation says so.)
//!
//! The lock holds its holder's process id, so that a child which inherits it
//! taken, because it was forked before the handlers were known, sees that it is
//! nobody's. It may be taken again by the thread that has it: a signal handler
//! that interrupts `fork` may fork. Signals are blocked while a claim is made.
//!
//! # Safety
//!
//! `unsafe` to register the handlers. (1) They are functions, so they live as
//! long as the program; (2) they only touch an atomic and a thread-local integer
//! without destructor, which is safe in the child of a threaded process.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow};

/// The process that has the lock, or 0.
static HOLDER: AtomicU32 = AtomicU32::new(0);
/// Whether the handlers are registered; changed under the lock.
static REGISTERED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// How often this thread has taken the lock.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs `body`, which takes microseconds, while no other thread can fork.
pub(super) fn excluded<R, E: From<io::Error>>(body: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
    // A handler that forks in the middle of `body` would give its child what a
    // child must not have.
    let _signals = Blocked(SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK));
    before();
    let _guard = Release;
    if !REGISTERED.load(Ordering::Relaxed) {
        // SAFETY: by (1) and (2).
        let failed = unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed).into());
        }
        REGISTERED.store(true, Ordering::Relaxed);
    }
    body()
}

/// Gives the lock back, when unwinding too.
struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        after();
    }
}

/// Lets signals in again, as they were before.
struct Blocked(nix::Result<SigSet>);

impl Drop for Blocked {
    fn drop(&mut self) {
        if let Ok(before) = &self.0 {
            // It cannot fail for a mask that was in force.
            let _ = before.thread_set_mask();
        }
    }
}

extern "C" fn before() {
    let depth = DEPTH.get();
    DEPTH.set(depth + 1);
    if depth > 0 {
        return;
    }
    let me = std::process::id();
    loop {
        let holder = HOLDER.load(Ordering::Relaxed);
        // Another process's id was copied by a fork: that holder is not here.
        let free = holder != me;
        if free
            && HOLDER
                .compare_exchange(holder, me, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
        {
            return;
        }
        std::thread::yield_now();
    }
}

extern "C" fn after() {
    match DEPTH.get() {
        // The handlers became known between the two sides of a fork: this thread
        // never took the lock.
        0 => {}
        1 => {
            DEPTH.set(0);
            HOLDER.store(0, Ordering::Release);
        }
        depth => DEPTH.set(depth - 1),
    }
}
