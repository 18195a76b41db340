//! The kinds of work, and their names on the command line, in tables and files.

use serde::{Deserialize, Serialize};

/// What a candidate is made to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Gets of keys that are in the map.
    Get,
    /// Gets of keys that are not.
    Miss,
    /// Inserts of keys that are in the map.
    Update,
    /// Gets, each of which begins when the one before has finished.
    Serial,
    /// Gets in batches.
    Many,
    /// Gets by what was resolved beforehand.
    Prepared,
    /// Inserts into the empty map, until it is full.
    Insert,
    /// A removal and an insertion, at 90 % fill.
    Churn,
    /// Gets and this percentage of updates.
    Mix { updates: u32 },
    /// Gets of one key.
    Hot,
    /// Single gets, one by one, while another worker updates.
    Latency,
}

/// The work of one process with one thread, on a full map.
pub(crate) const ALONE: [Work; 6] = [
    Work::Get,
    Work::Miss,
    Work::Update,
    Work::Serial,
    Work::Many,
    Work::Prepared,
];

/// The work of two at once.
pub(crate) const TOGETHER: [Work; 3] = [
    Work::Mix { updates: 5 },
    Work::Mix { updates: 50 },
    Work::Hot,
];

/// All work, in the order of the tables.
pub(crate) const ALL: [Work; 12] = [
    Work::Get,
    Work::Miss,
    Work::Update,
    Work::Insert,
    Work::Churn,
    Work::Serial,
    Work::Many,
    Work::Prepared,
    Work::Mix { updates: 5 },
    Work::Mix { updates: 50 },
    Work::Hot,
    Work::Latency,
];

impl Work {
    /// The word for it on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Miss => "miss",
            Self::Update => "update",
            Self::Insert => "insert",
            Self::Churn => "churn",
            Self::Serial => "serial",
            Self::Many => "many",
            Self::Prepared => "prepared",
            Self::Mix { updates: 5 } => "mix95",
            Self::Mix { updates: 50 } => "mix50",
            Self::Mix { .. } => "mix",
            Self::Hot => "hot",
            Self::Latency => "latency",
        }
    }

    /// The head of its column.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Miss => "get, absent",
            Self::Update => "update",
            Self::Insert => "insert, from empty",
            Self::Churn => "remove + insert, 90 %",
            Self::Serial => "get, no overlap",
            Self::Many => "get, 64 at once",
            Self::Prepared => "get, prepared",
            Self::Mix { updates: 5 } => "95 % get, 5 % update",
            Self::Mix { updates: 50 } => "50 % get, 50 % update",
            Self::Mix { .. } => "gets and updates",
            Self::Hot => "get, one hot key",
            Self::Latency => "latency of a get",
        }
    }

    pub(crate) fn parse(word: &str) -> Result<Self, String> {
        let found = ALL.into_iter().find(|work| work.word() == word);
        found.ok_or_else(|| {
            let words: Vec<_> = ALL.iter().map(|work| work.word()).collect();
            format!("expected one of {}", words.join(", "))
        })
    }
}
