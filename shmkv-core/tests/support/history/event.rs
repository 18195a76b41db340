//! The events of a history: operations, their answers, their times.

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
    /// Replaces the value of a present key; does nothing to an absent one.
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
    /// get, insert, remove, update: the entry before the operation.
    Saw(Option<Seen>),
    /// `compare_exchange`, add: stored, under this version, 0 if it was not reported.
    Stored(u64),
    /// `compare_exchange`, add: not stored, because of this entry.
    Changed(Option<Seen>),
}

/// Stands for any value of a present key. Only for histories without operations that were cut off: the
/// search takes a value that was cut off and that no answer names for one that was never seen.
pub(crate) const ANY: u64 = u64::MAX;

impl Answer {
    /// The answer of an operation that reports the value alone.
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
