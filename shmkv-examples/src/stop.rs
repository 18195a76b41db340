//! Ending in an orderly way.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::Failure;

/// Tells that the program should end.
///
/// A map needs no orderly end: a program that shares one may be killed at any
/// instruction. It is for the program's own good, here a last line of output.
#[derive(Clone, Debug)]
pub struct Stop {
    wanted: Arc<AtomicBool>,
    waiter: Thread,
}

impl Stop {
    /// Wanted by Ctrl-C, SIGTERM or SIGHUP. To be called once, by the thread
    /// that will [`wait`](Self::wait).
    ///
    /// # Errors
    ///
    /// Signals cannot be handled.
    pub fn on_ctrl_c() -> Result<Self, Failure> {
        let stop = Self::new();
        let wanted = stop.clone();
        ctrlc::set_handler(move || wanted.want())?;
        Ok(stop)
    }

    /// Wanted when the standard input ends: when the process at its other end
    /// closes it, or dies. So no child outlives its parent.
    #[must_use]
    pub fn at_end_of_input() -> Self {
        let stop = Self::new();
        let wanted = stop.clone();
        thread::spawn(move || {
            // An error is an end too.
            let _ = io::stdin().read_to_end(&mut Vec::new());
            wanted.want();
        });
        stop
    }

    fn new() -> Self {
        Self {
            wanted: Arc::new(AtomicBool::new(false)),
            waiter: thread::current(),
        }
    }

    fn want(&self) {
        // Relaxed: the flag says all there is to say.
        self.wanted.store(true, Ordering::Relaxed);
        self.waiter.unpark();
    }

    /// Whether the program should end.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Waits for this long, or until the program should end; returns whether to
    /// go on.
    #[must_use]
    pub fn wait(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        while !self.is_wanted() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::park_timeout(left);
        }
        false
    }
}
