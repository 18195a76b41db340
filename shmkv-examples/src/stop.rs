//! When a program should end.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Says when the program should end.
///
/// A map does not need this: a process that uses one may be killed at any
/// instruction. The programs use it to print a last line.
#[derive(Clone, Debug)]
pub struct Stop {
    requested: Arc<AtomicBool>,
    waiter: Thread,
}

impl Stop {
    /// Requested by Ctrl-C, SIGTERM or SIGHUP. Call this once, on the thread that will
    /// [`wait`](Self::wait).
    ///
    /// # Errors
    ///
    /// The signal handler cannot be installed.
    pub fn on_ctrl_c() -> Result<Self, Failure> {
        let stop = Self::new();
        let handler = stop.clone();
        ctrlc::set_handler(move || handler.request())?;
        Ok(stop)
    }

    /// Requested when the standard input ends: when the parent process closes it or
    /// dies. So no child outlives its parent.
    #[must_use]
    pub fn at_end_of_input() -> Self {
        let stop = Self::new();
        let reader = stop.clone();
        thread::spawn(move || {
            // An error is an end, too.
            let _ = io::stdin().read_to_end(&mut Vec::new());
            reader.request();
        });
        stop
    }

    fn new() -> Self {
        Self {
            requested: Arc::new(AtomicBool::new(false)),
            waiter: thread::current(),
        }
    }

    fn request(&self) {
        // Relaxed: the flag publishes no other data.
        self.requested.store(true, Ordering::Relaxed);
        self.waiter.unpark();
    }

    /// Whether the program should end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Sleeps for `pause`, or until the program should end. Returns `false` if it
    /// should end.
    #[must_use]
    pub fn wait(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        while !self.is_requested() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::park_timeout(left);
        }
        false
    }
}
