//! What an undamaged segment holds, by which the answers of a damaged one are judged.

use std::collections::BTreeMap;

/// What the entries of a segment should be. A value names its key and the round in which it was written,
/// so a value of another key, or one that was never written, is recognised.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The keys, and the round of each one's value.
    pub(super) entries: BTreeMap<String, u64>,
    /// The last round in which a value was written.
    pub(super) last: u64,
}

impl Known {
    /// The value of `key` in round `round`.
    pub(crate) fn value(key: &str, round: u64) -> String {
        format!("{key}={round}")
    }

    /// Adds `key` with a value that was read from an undamaged segment.
    pub(crate) fn learn(&mut self, key: &str, value: &str) {
        let round = round_of(key, value).expect("a value of this key");
        self.last = self.last.max(round);
        self.entries.insert(key.to_owned(), round);
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// A new value for `key`, which counts as written from now on.
    pub(super) fn next(&mut self, key: &str) -> String {
        self.last += 1;
        Self::value(key, self.last)
    }
}

/// The round in which `value` was written, if it was written for `key`.
pub(super) fn round_of(key: &str, value: &str) -> Option<u64> {
    value.strip_prefix(key)?.strip_prefix('=')?.parse().ok()
}
