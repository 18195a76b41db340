//! What the lock needs from the system, as the kernel does it.

use std::cell::Cell;
use std::time::Duration;

use loom::sync::atomic::AtomicBool;
use loom::sync::{Condvar, Mutex};
use loom::thread;

use crate::lock::Os;
use crate::sync::AtomicU32;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// A kernel with one futex and three writers.
pub(super) struct Kernel {
    /// Which writers are dead, by id. Whoever hears of a death hears of all
    /// that the dead one did.
    dead: [AtomicBool; 4],
    /// Held while a word is compared and its sleeper queued, as in the kernel.
    futex: Mutex<()>,
    sleepers: Condvar,
    /// Whether sleep ends by itself. Without that, who is not woken sleeps for
    /// ever, and loom reports a deadlock.
    slices_end: Cell<bool>,
}

impl Kernel {
    /// All alive.
    pub(super) fn new(slices_end: bool) -> Self {
        Self {
            dead: std::array::from_fn(|_| AtomicBool::new(false)),
            futex: Mutex::new(()),
            sleepers: Condvar::new(),
            slices_end: Cell::new(slices_end),
        }
    }

    /// The writer is dead from now on.
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
            // Whatever may happen meanwhile happens, then time is up.
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
