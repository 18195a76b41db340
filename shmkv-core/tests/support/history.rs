//! Could one register a key, used by one process at a time, have given these answers? (Linearizability, per key.)
//!
//! A history is a list of [`Event`]s with the times of invocation and return, all by one clock. It is accepted if its
//! operations can be put in an order that respects real time (what returned before another was invoked comes first) and in
//! which each answer is right. An operation without a return, cut off by a kill, may have happened at any time after its
//! invocation, or never. Keys are independent, and linearizability is local, so each is judged alone.
//!
//! **Contract.** Values are never 0 and written once each, a first value included: it has an insert of its own. Versions are 0 where unknown;
//! where known, they must grow from write to write; the version that an exchange expects was seen in the same history. [`record`](super::record) collects such histories.
//!
//! The search is in [`search`](super::search). Own rather than `todc-utils` or stateright's: versions that become known only when somebody looks, killed operations, and
//! memory that does not grow with the square of the history.

use std::collections::BTreeMap;
use std::fmt;

use super::search::Search;

/// What an operation was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Get,
    Insert {
        value: u64,
    },
    Remove,
    /// Stores `value` if the version is `expected`.
    CompareExchange {
        expected: u64,
        value: u64,
    },
    /// Replaces whatever is there by `value`; does nothing to an absent key.
    Update {
        value: u64,
    },
    /// Stores `value` if the key is absent.
    Add {
        value: u64,
    },
}

/// A present value; version 0 is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) value: u64,
    pub(crate) version: u64,
}

/// What an operation answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// get, insert, remove, update: what was there before.
    Saw(Option<Seen>),
    /// `compare_exchange`, add: done, under this version, 0 for one not told.
    Stored(u64),
    /// `compare_exchange`, add: not done, this was there.
    Changed(Option<Seen>),
}

/// In place of a value: something was there. Only for histories in which nothing was cut off, because the search takes a
/// value that was cut off and that nobody names for one that nobody saw.
pub(crate) const ANY: u64 = u64::MAX;

impl Answer {
    /// Of an operation that tells the value alone.
    pub(crate) fn saw(value: Option<u64>) -> Self {
        Self::Saw(value.map(|value| Seen { value, version: 0 }))
    }
}

/// One operation of a history; times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) key: u64,
    pub(crate) op: Op,
    pub(crate) invoked: u64,
    /// `None`: cut off.
    pub(crate) returned: Option<(u64, Answer)>,
}

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

/// No order explains the answers about one key.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) key: u64,
    /// The first answer that no order could explain, with what was under way at the time.
    pub(crate) stuck_at: Vec<Event>,
    /// How many operations the best order explained.
    pub(crate) explained: usize,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "key {}: {} operations explained, then none of",
            self.key, self.explained
        )?;
        self.stuck_at
            .iter()
            .try_for_each(|event| write!(f, "\n    {event:?}"))
    }
}

/// Judges a history, in any order.
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

/// The register: what one process at a time would see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// 0: absent.
    pub(super) value: u64,
    /// 0: present under a version that nobody has told yet.
    version: u64,
    /// The highest version known so far; each later one is above it.
    floor: u64,
}

impl State {
    /// The state, if `seen` is what is there; it may tell the version.
    fn look(self, seen: Option<Seen>) -> Option<Self> {
        match seen {
            None => (self.value == 0).then_some(self),
            Some(seen) if seen.value == ANY => (self.value != 0).then_some(self),
            Some(seen) if seen.value != self.value || seen.value == 0 => None,
            Some(seen) if seen.version == 0 => Some(self),
            Some(seen) => self.has_version(seen.version),
        }
    }

    fn has_version(self, version: u64) -> Option<Self> {
        match self.version {
            _ if self.value == 0 => None,
            0 if version > self.floor => Some(Self {
                version,
                floor: version,
                ..self
            }),
            known => (known == version).then_some(self),
        }
    }

    fn write(self, value: u64, version: u64) -> Option<Self> {
        let floor = match version {
            0 => self.floor,
            _ if version > self.floor => version,
            _ => return None,
        };
        Some(Self {
            value,
            version,
            floor,
        })
    }

    /// The state after `event`, if it can happen here with its answer. Cut off, it happens with an effect or not at all.
    pub(super) fn apply(self, event: &Event) -> Option<Self> {
        let absent = Self {
            value: 0,
            version: 0,
            ..self
        };
        match (event.op, event.returned.map(|(_, answer)| answer)) {
            (Op::Get, Some(Answer::Saw(seen))) => self.look(seen),
            (Op::Insert { value }, Some(Answer::Saw(seen))) => self.look(seen)?.write(value, 0),
            (Op::Remove, Some(Answer::Saw(seen))) => {
                let floor = self.look(seen)?.floor;
                Some(Self { floor, ..absent })
            }
            (Op::Update { .. }, Some(Answer::Saw(None))) => self.look(None),
            (Op::Update { value }, Some(Answer::Saw(seen))) => self.look(seen)?.write(value, 0),
            (Op::CompareExchange { expected, value }, Some(Answer::Stored(version))) => {
                self.has_version(expected)?.write(value, version)
            }
            (Op::CompareExchange { expected, .. }, Some(Answer::Changed(seen))) => {
                let after = self.look(seen)?;
                (after.value == 0 || after.version != expected).then_some(after)
            }
            (Op::Add { value }, Some(Answer::Stored(version))) => {
                self.look(None)?.write(value, version)
            }
            (Op::Add { .. }, Some(Answer::Changed(Some(seen)))) => self.look(Some(seen)),
            (Op::Add { value }, None) => self.look(None)?.write(value, 0),
            (Op::Insert { value }, None) => self.write(value, 0),
            (Op::Remove, None) => (self.value != 0).then_some(absent),
            (Op::Update { value }, None) => {
                if self.value == 0 {
                    None
                } else {
                    self.write(value, 0)
                }
            }
            (Op::CompareExchange { expected, value }, None) => {
                self.has_version(expected)?.write(value, 0)
            }
            // A get is never cut off here; an answer of another operation's is none.
            (Op::Get, None) | (_, Some(_)) => None,
        }
    }
}
