//! A kernel for models: what the lock needs from the operating system, as the real one
//! does it.

use std::cell::Cell;
use std::time::Duration;

use loom::sync::atomic::AtomicBool;
use loom::sync::{Condvar, Mutex};
use loom::thread;

use crate::lock::Os;
use crate::sync::AtomicU32;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// One futex, and three writers that may die.
pub(super) struct Kernel {
    /// Which writers are dead, by id. A thread that sees a death sees every store of the
    /// dead thread.
    dead: [AtomicBool; 4],
    /// Held while a word is compared and its sleeper queued, as in the real kernel.
    futex: Mutex<()>,
    sleepers: Condvar,
    /// Whether sleep ends by itself. If not, a thread that is not woken sleeps for ever,
    /// and loom reports a deadlock.
    slices_end: Cell<bool>,
}

impl Kernel {
    /// A kernel in which all writers are alive.
    pub(super) fn new(slices_end: bool) -> Self {
        Self {
            dead: std::array::from_fn(|_| AtomicBool::new(false)),
            futex: Mutex::new(()),
            sleepers: Condvar::new(),
            slices_end: Cell::new(slices_end),
        }
    }

    /// From now on, the writer is dead.
    pub(super) fn bury(&self, id: u32) {
        self.dead[id as usize].store(true, Release);
    }

    /// A new writer gets the id of a dead one.
    pub(super) fn revive(&self, id: u32) {
        self.dead[id as usize].store(false, Release);
    }
}

impl Os for Kernel {
    fn is_alive(&self, id: u32) -> bool {
        !self.dead[id as usize].load(Acquire)
    }

    fn sleep(&self, word: &AtomicU32, seen: u32, at_most: Duration) {
        if self.slices_end.get() && at_most != Duration::MAX {
            // Other threads may run; then the time is up.
            thread::yield_now();
            return;
        }
        let queue = self.futex.lock().expect("nobody panics under it");
        if word.load(Relaxed) == seen {
            drop(self.sleepers.wait(queue));
        }
    }

    fn wake_one(&self, _: &AtomicU32) {
        let _queue = self.futex.lock().expect("nobody panics under it");
        self.sleepers.notify_one();
    }

    fn spin(&self) {
        thread::yield_now();
    }
}
