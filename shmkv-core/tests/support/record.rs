//! A log of operations that several processes write and that survives the SIGKILL of any of them.
//!
//! It is an anonymous shared mapping of fixed size, with one lane per writer. A writer logs an operation
//! before it invokes it and again after it has returned, and stores the entry's `phase` word last both
//! times. So an entry that a kill cut short counts for what was complete: never invoked, or invoked and
//! cut off. A new process may take over the lane of a dead one. Make the log, fork, let each child
//! [`Lane::record`], and when all have ended pass [`Log::events`] to
//! [`history::check`](super::history::check).
//!
//! **Times** are from CLOCK_MONOTONIC, one clock for all processes. The time of the invocation is stored
//! before a full fence, so no load of the operation runs ahead of it. The time of the return is read
//! without a fence: an operation whose store is still in the store buffer when it returns is not
//! linearizable, and a fence here would hide that.

use std::cell::Cell;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU64, fence};

use nix::time::{ClockId, clock_gettime};

use super::history::event::{Answer, Event, Op, Seen};
use super::shared::SharedWords;

/// Words of an entry: phase, key, operation, value, expected, invoked, returned, answer, seen value, seen version.
const ENTRY: usize = 10;
const INVOKED: u64 = 1;
const RETURNED: u64 = 2;
const CANCELLED: u64 = 3;

/// The log of all writers.
pub(crate) struct Log {
    words: SharedWords,
    lanes: usize,
}

/// One writer's part of the log.
pub(crate) struct Lane<'a> {
    entries: &'a [AtomicU64],
    used: Cell<usize>,
}

/// CLOCK_MONOTONIC in nanoseconds.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("CLOCK_MONOTONIC");
    time.tv_sec().cast_unsigned() * 1_000_000_000 + time.tv_nsec().cast_unsigned()
}

impl Log {
    /// For `lanes` writers of at most `per_lane` operations each, at 80 bytes an operation.
    pub(crate) fn new(lanes: usize, per_lane: usize) -> Self {
        Self {
            words: SharedWords::new(lanes * per_lane * ENTRY),
            lanes,
        }
    }

    /// The lane of one writer, continued after the entries of a dead one. One living writer per lane.
    pub(crate) fn lane(&self, lane: usize) -> Lane<'_> {
        let len = self.words.len() / self.lanes;
        let entries = &self.words[lane * len..(lane + 1) * len];
        // Relaxed: a dead writer of this lane has been reaped.
        let used = entries
            .chunks_exact(ENTRY)
            .position(|entry| entry[0].load(Relaxed) == 0);
        Lane {
            entries,
            used: Cell::new(used.unwrap_or(len / ENTRY)),
        }
    }

    /// Everything that was invoked, lane by lane.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.words.chunks_exact(ENTRY).filter_map(decode).collect()
    }
}

impl Lane<'_> {
    /// How many more operations fit; beyond them, [`Self::record`] panics.
    pub(crate) fn remaining(&self) -> usize {
        self.entries.len() / ENTRY - self.used.get()
    }

    /// Logs `op` on `key`, runs it, logs its answer. If `run` returns `None`, the operation failed and
    /// changed nothing, and its entry is cancelled.
    pub(crate) fn record(
        &self,
        key: u64,
        op: Op,
        run: impl FnOnce() -> Option<Answer>,
    ) -> Option<Answer> {
        let entry = &self.entries[self.used.get() * ENTRY..][..ENTRY];
        self.used.set(self.used.get() + 1);
        let (kind, value, expected) = match op {
            Op::Get => (0, 0, 0),
            Op::Insert { value } => (1, value, 0),
            Op::Remove => (2, 0, 0),
            Op::CompareExchange { expected, value } => (3, value, expected),
            Op::Update { value } => (4, value, 0),
            Op::Add { value } => (5, value, 0),
        };
        // Relaxed up to `phase`, whose Release pairs with the Acquire of `decode`.
        for (word, value) in entry[1..].iter().zip([key, kind, value, expected, now()]) {
            word.store(value, Relaxed);
        }
        entry[0].store(INVOKED, Release);
        fence(SeqCst); // see "Times" above
        let answer = run();
        let time = now();
        let Some(answer) = answer else {
            entry[0].store(CANCELLED, Release);
            return None;
        };
        let (kind, seen) = match answer {
            Answer::Saw(seen) => (0, seen),
            Answer::Stored(version) => (1, Some(Seen { value: 0, version })),
            Answer::Changed(seen) => (2, seen),
        };
        let (value, version) = seen.map_or((0, 0), |seen| (seen.value, seen.version));
        for (word, value) in entry[6..].iter().zip([time, kind, value, version]) {
            word.store(value, Relaxed);
        }
        entry[0].store(RETURNED, Release);
        Some(answer)
    }
}

fn decode(entry: &[AtomicU64]) -> Option<Event> {
    let phase = entry[0].load(Acquire);
    let word = |i: usize| entry[i].load(Relaxed);
    let op = match word(2) {
        0 => Op::Get,
        1 => Op::Insert { value: word(3) },
        2 => Op::Remove,
        3 => Op::CompareExchange {
            expected: word(4),
            value: word(3),
        },
        4 => Op::Update { value: word(3) },
        _ => Op::Add { value: word(3) },
    };
    let seen = (word(8) != 0).then(|| Seen {
        value: word(8),
        version: word(9),
    });
    let answer = match word(7) {
        0 => Answer::Saw(seen),
        1 => Answer::Stored(word(9)),
        _ => Answer::Changed(seen),
    };
    match phase {
        INVOKED => Some(Event {
            key: word(1),
            op,
            invoked: word(5),
            returned: None,
        }),
        RETURNED => Some(Event {
            key: word(1),
            op,
            invoked: word(5),
            returned: Some((word(6), answer)),
        }),
        _ => None,
    }
}
