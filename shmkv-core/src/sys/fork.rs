//! A lock under which this process cannot fork.
//!
//! A registration has an open descriptor for a moment (see `liveness`). A child
//! that is forked in that moment inherits the descriptor and keeps its parent
//! registered after the parent's death. So registering and `fork` exclude each
//! other, by handlers that every `fork` of the C library runs. (A raw `clone`
//! system call runs none: a documented limit.)
//!
//! The lock word is the holder's process id. If a child is forked before the
//! handlers are known, it may inherit the word set; the id in it is its parent's,
//! so the child treats the lock as free.
//!
//! A thread may take the lock again while it has it, since a signal handler that
//! interrupts `fork` may fork. Signals are blocked during a registration.
//!
//! # Safety
//!
//! `unsafe` to register the handlers. (1) They are functions, so they live as
//! long as the program. (2) They touch only an atomic and a thread-local integer
//! without a destructor, which is safe in the child of a process with threads.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow};

/// The process that holds the lock, or 0.
static HOLDER: AtomicU32 = AtomicU32::new(0);
/// Whether the handlers are registered; changed under the lock.
static REGISTERED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// How often this thread has taken the lock and not given it back.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs `body` while no thread of this process can fork. It should take microseconds:
/// a `fork` waits that long.
pub(super) fn with_fork_excluded<R, E: From<io::Error>>(
    body: impl FnOnce() -> Result<R, E>,
) -> Result<R, E> {
    // A signal handler on this thread could fork in the middle of `body`, for the
    // lock lets this thread in again; the child would inherit the descriptor.
    let _signals = Blocked(SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK));
    before();
    let _guard = Release;
    if !REGISTERED.load(Ordering::Relaxed) {
        // SAFETY: by (1) the handlers exist whenever `fork` calls them; by (2) they may run
        // in the child.
        let failed = unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed).into());
        }
        REGISTERED.store(true, Ordering::Relaxed);
    }
    body()
}

/// Gives the lock back when dropped, also by unwinding.
struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        after();
    }
}

/// Restores the signal mask when dropped.
struct Blocked(nix::Result<SigSet>);

impl Drop for Blocked {
    fn drop(&mut self) {
        if let Ok(before) = &self.0 {
            // This cannot fail: the mask was in force before.
            let _ = before.thread_set_mask();
        }
    }
}

/// Takes the lock; runs before a `fork`.
extern "C" fn before() {
    let depth = DEPTH.get();
    DEPTH.set(depth + 1);
    if depth > 0 {
        return;
    }
    let me = std::process::id();
    loop {
        let holder = HOLDER.load(Ordering::Relaxed);
        // Another process's id was copied by a fork: no thread of this process holds
        // the lock.
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

/// Gives the lock back; runs after a `fork`, in the parent and in the child.
extern "C" fn after() {
    match DEPTH.get() {
        // The handlers were registered after this `fork` had run those before it and
        // before it ran those after it: this thread never took the lock.
        0 => {}
        1 => {
            DEPTH.set(0);
            HOLDER.store(0, Ordering::Release);
        }
        depth => DEPTH.set(depth - 1),
    }
}
