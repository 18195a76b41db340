//! Versions: each tells which change of an entry a value comes from.

use std::fmt;
use std::num::NonZeroU64;

use crate::table::NUMBER;

/// The version of an entry.
///
/// Every change of an entry gives it a greater version, and no version is ever
/// used twice in a map for the same key, not even when the key is removed and
/// inserted again. Versions of different keys are not comparable in any useful
/// way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(NonZeroU64);

impl Version {
    /// From a slot's word, in which a damaged segment may have left no number.
    pub(crate) fn of_slot(word: u64) -> Self {
        Self(NonZeroU64::new(word & NUMBER).unwrap_or(NonZeroU64::MIN))
    }

    /// The version with this number, which came from [`get`](Self::get), perhaps in
    /// another process; `None` for 0.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number: at least 1, and of an entry's version below 2^62.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Versioned<T> {
    /// The version that the entry had when the value was read.
    pub version: Version,
    /// The value.
    pub value: T,
}

/// The outcome of a [`compare_exchange`](crate::ShmMap::compare_exchange).
///
/// Losing the race against another writer is an outcome, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the value was stored only if this is `Stored`"]
pub enum Exchange<T> {
    /// The value was stored, and this is its version.
    Stored(Version),
    /// The entry had another version, which is this one, or was absent.
    Changed(Option<Versioned<T>>),
}

impl<T> Exchange<T> {
    /// Whether the value was stored.
    pub const fn is_stored(&self) -> bool {
        matches!(self, Self::Stored(_))
    }
}
