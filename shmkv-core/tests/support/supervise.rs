//! Many small trials in one child that is watched: a hang, a crash or a panic costs one trial, is noted, and the next
//! child goes on behind it.
//!
//! A child a trial would cost a millisecond each. So one child runs them in turn and beats a heart in shared memory; the
//! parent judges a hang by a heart that stands still for longer than any trial may take, never by a trial's total time.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::{Duration, Instant};

use nix::sys::wait::WaitStatus;

use super::proc::fork_child;
use super::shared::SharedWords;

/// Far above what any step of a trial waits for, on a machine that is busy with other things.
const HUNG_AFTER: Duration = Duration::from_secs(30);
/// With this many troubles the rest is not worth the time.
const ENOUGH: usize = 5;

/// What a trial needs of its supervisor.
pub(crate) struct Heart<'a> {
    words: &'a SharedWords,
}

impl Heart<'_> {
    /// Says that the trial is alive, and what it does next.
    pub(crate) fn beat(&self, step: u64) {
        self.words[STEP].store(step, Relaxed);
        self.words[BEATS].fetch_add(1, Release);
    }

    /// Notes the outcome of trial `i`, as a number above 0, where the parent finds it.
    pub(crate) fn note(&self, i: usize, outcome: u64) {
        self.words[RESULTS + i].store(outcome, Release);
    }
}

/// What came of all trials.
pub(crate) struct Outcomes {
    /// What each trial noted; 0 where it was cut short.
    pub(crate) of: Vec<u64>,
    /// The trials that hung or died, and how.
    pub(crate) troubles: Vec<(usize, String)>,
}

const CURRENT: usize = 0;
const STEP: usize = 1;
const BEATS: usize = 2;
const RESULTS: usize = 8;

/// Runs trials 0 to `count` in watched children. Each child makes its state with `setup` and hands it to every `trial`.
pub(crate) fn supervise<S>(
    count: usize,
    setup: impl Fn(&Heart<'_>) -> S,
    trial: impl Fn(&Heart<'_>, &mut S, usize),
) -> Outcomes {
    let words = SharedWords::new(RESULTS + count);
    let mut troubles: Vec<(usize, String)> = Vec::new();
    let mut start = 0;
    while start < count && troubles.len() < ENOUGH {
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
        troubles.push((at, how));
        start = at + 1;
    }
    let of = (0..count)
        .map(|i| words[RESULTS + i].load(Acquire))
        .collect();
    Outcomes { of, troubles }
}
