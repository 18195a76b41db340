//! Runs many small trials in one watched child process.
//!
//! A trial that hangs, crashes or panics is recorded, and another child continues with the next one.
//! One child per trial would cost a millisecond each. The child increments a counter in shared memory,
//! its heartbeat; the parent takes it for hung if the counter stands still for longer than any step of
//! a trial may take, however long the whole trial takes.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use nix::sys::wait::WaitStatus;

use super::proc::fork_child;
use super::shared::SharedWords;

/// Far longer than any step of a trial waits, on a loaded machine too.
const HUNG_AFTER: Duration = Duration::from_secs(30);
/// After this many failures the remaining trials are skipped.
const ENOUGH: usize = 5;

/// How a trial reports to its supervisor.
pub(crate) struct Heart<'a> {
    words: &'a SharedWords,
}

impl Heart<'_> {
    /// Reports that the trial makes progress, and which step comes next.
    pub(crate) fn beat(&self, step: u64) {
        self.words[STEP].store(step, Relaxed);
        self.words[BEATS].fetch_add(1, Release);
    }

    /// Records the outcome of trial `i`, a number above 0, for the parent.
    pub(crate) fn record(&self, i: usize, outcome: u64) {
        self.words[RESULTS + i].store(outcome, Release);
    }
}

/// The outcomes of all trials.
pub(crate) struct Outcomes {
    /// What each trial recorded; 0 for a trial that did not end.
    pub(crate) recorded: Vec<u64>,
    /// The trials that hung or died, and how.
    pub(crate) failures: Vec<(usize, String)>,
}

const CURRENT: usize = 0;
const STEP: usize = 1;
const BEATS: usize = 2;
const RESULTS: usize = 8;

/// Runs trials `0..count` in watched children. Each child builds its state with `setup` and passes it
/// to each `trial`.
pub(crate) fn supervise<S>(
    count: usize,
    setup: impl Fn(&Heart<'_>) -> S,
    trial: impl Fn(&Heart<'_>, &mut S, usize),
) -> Outcomes {
    let words = SharedWords::new(RESULTS + count);
    let mut failures: Vec<(usize, String)> = Vec::new();
    let mut start = 0;
    while start < count && failures.len() < ENOUGH {
        let child = fork_child(|| {
            let heart = Heart { words: &words };
            words[CURRENT].store(start as u64, Release);
            let mut state = setup(&heart);
            for i in start..count {
                words[CURRENT].store(i as u64, Release);
                heart.beat(0);
                trial(&heart, &mut state, i);
            }
            0
        });
        let mut beats = words[BEATS].load(Acquire);
        let mut since = Instant::now();
        let ended = loop {
            if let Some(status) = child.wait_timeout(Duration::from_millis(20)) {
                break Some(status);
            }
            let now = words[BEATS].load(Acquire);
            if now != beats {
                (beats, since) = (now, Instant::now());
            } else if since.elapsed() > HUNG_AFTER {
                child.kill();
                break None;
            }
        };
        if let Some(WaitStatus::Exited(_, 0)) = ended {
            break;
        }
        let at = words[CURRENT].load(Acquire) as usize;
        let step = words[STEP].load(Relaxed);
        let how = match ended {
            None => format!("hung in step {step}"),
            Some(WaitStatus::Exited(_, 101)) => format!("panicked in step {step}"),
            Some(status) => format!("died in step {step}: {status:?}"),
        };
        failures.push((at, how));
        start = at + 1;
    }
    let recorded = (0..count)
        .map(|i| words[RESULTS + i].load(Acquire))
        .collect();
    Outcomes { recorded, failures }
}
