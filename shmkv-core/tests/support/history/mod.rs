//! Could one register per key, used by one process at a time, have given these answers?
//! (Linearizability, per key.)
//!
//! A history is a list of [`Event`](event::Event)s with the times of invocation and return, all from
//! one clock. [`check`] accepts it if the operations on each key can be ordered so that the order
//! respects real time (an operation that returned before another was invoked comes first) and explains
//! each answer. An operation without a return, cut off by a kill, may have taken effect at any time
//! after its invocation, or never. Keys are independent, and linearizability is local, so each key is
//! judged alone.
//!
//! **Contract.** Values are never 0, and each is written only once; an initial value has an insert of
//! its own. Version 0 means unknown; known versions must grow from write to write. The version that an
//! exchange expects was seen in the same history. [`record`](super::record) collects such histories.
//!
//! The search is in [`search`]. It is our own rather than that of `todc-utils` or stateright because
//! of versions that become known only when an operation reports them, of operations that were cut off,
//! and because its memory must not grow with the square of the history.

pub(crate) mod event;
mod register;
mod search;

use std::collections::BTreeMap;

use event::Event;
use search::{Search, Violation};

/// How much was judged, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) operations: usize,
    pub(crate) cut_off: usize,
    pub(crate) keys: usize,
    /// Steps of the search; close to `operations` when it went well.
    pub(crate) tried: usize,
    pub(crate) violations: Vec<Violation>,
}

/// Judges a history, whose events may be in any order.
pub(crate) fn check(history: &[Event]) -> Verdict {
    let mut keys: BTreeMap<u64, Vec<Event>> = BTreeMap::new();
    for event in history {
        keys.entry(event.key).or_default().push(*event);
    }
    let mut verdict = Verdict {
        operations: history.len(),
        keys: keys.len(),
        ..Verdict::default()
    };
    for (key, events) in keys {
        verdict.cut_off += events
            .iter()
            .filter(|event| event.returned.is_none())
            .count();
        let mut search = Search::new(key, &events);
        verdict.violations.extend(search.run().err());
        verdict.tried += search.tried();
    }
    verdict
}
