//! Time and processors.
//!
//! Processes that begin together agree on a moment of the monotonic clock, which is the
//! same for all of them. So they need no shared memory for that.

use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use crate::outcome::Outcome;

/// The monotonic clock, in nanoseconds.
#[inline]
pub(crate) fn now() -> Outcome<u64> {
    let time = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
    Ok(u64::try_from(time.as_nanos())?)
}

/// What reading the clock costs: the median of many readings, in nanoseconds.
pub(crate) fn cost() -> Outcome<u64> {
    let mut gaps = Vec::with_capacity(10_000);
    let mut last = now()?;
    for _ in 0..10_000 {
        let time = now()?;
        gaps.push(time - last);
        last = time;
    }
    gaps.sort_unstable();
    Ok(gaps[gaps.len() / 2])
}

/// The processors that this process may run on.
pub(crate) fn processors() -> Outcome<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    let in_set = |cpu: &usize| set.is_set(*cpu).unwrap_or(false);
    Ok((0..CpuSet::count()).filter(in_set).collect())
}

/// Keeps the calling thread on these processors.
pub(crate) fn pin(processors: &[usize]) -> Outcome<()> {
    pin_process(0, processors)
}

/// Keeps the first thread of a process on these processors.
pub(crate) fn pin_process(process: u32, processors: &[usize]) -> Outcome<()> {
    let mut set = CpuSet::new();
    for cpu in processors {
        set.set(*cpu)?;
    }
    let process = Pid::from_raw(i32::try_from(process)?);
    Ok(sched_setaffinity(process, &set)?)
}
