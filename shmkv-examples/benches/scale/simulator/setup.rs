//! What is simulated, and what is reported.

use crate::figures::Sample;

/// What is simulated. Times are in nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) processors: usize,
    pub(crate) processes: usize,
    pub(crate) shards: usize,
    /// Keys are drawn from this many by Zipf's law with exponent 0.99, or, if it is 0,
    /// uniformly from very many.
    pub(crate) zipf: usize,
    /// The share of operations that are updates.
    pub(crate) updates: f64,
    /// The mean time between two operations of a process.
    pub(crate) think: u64,
    /// How long an update holds the lock, without the transfers of cache lines.
    pub(crate) hold: u64,
    /// How long a read takes, without the transfers of cache lines.
    pub(crate) read: u64,
    /// What it costs to get a cache line from another processor.
    pub(crate) line: u64,
    /// Of this many updates, one adds to a word that all shards share, as every
    /// insertion and removal does; 0 if none does.
    pub(crate) count_every: u64,
    pub(crate) duration: u64,
    pub(crate) seed: u64,
}

/// What happened.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) operations: u64,
    pub(crate) updates: u64,
    /// The times from requesting a lock to holding it.
    pub(crate) waits: Sample,
    /// How often the first compare-exchange failed.
    pub(crate) taken: u64,
    /// How often a process slept.
    pub(crate) slept: u64,
    /// How many processes waited for a lock when it was released, if any did.
    pub(crate) convoys: Sample,
    /// Of holders that were preempted: how many processes waited for the lock when the
    /// holder ran again.
    pub(crate) stalled: Sample,
    /// Of holders that were preempted: for how long they did not run.
    pub(crate) away: Sample,
}
