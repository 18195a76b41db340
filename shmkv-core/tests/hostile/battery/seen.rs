//! What a segment answered, as far as an undamaged one would have answered otherwise.

use std::collections::BTreeSet;

use shmkv_core::AccessError;

use super::known::{Known, round_of};

/// Answers that an undamaged segment would not have given.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Typed errors.
    pub(crate) errors: Vec<String>,
    /// How many errors say that a live writer holds the lock.
    pub(crate) timeouts: usize,
    /// Keys that should be present and were reported absent.
    pub(crate) hidden: BTreeSet<String>,
    /// Keys that were reported with an earlier value, or present after their removal.
    pub(crate) older: BTreeSet<String>,
    /// Wrong lengths and versions, and their consequences.
    pub(crate) figures: Vec<String>,
    /// Entries of nothing but zeros: slots that were never written but were reported live.
    pub(crate) phantoms: usize,
    /// Values of another key, or ones that were never written.
    pub(crate) foreign: Vec<String>,
    /// What no bytes may cause: more entries than slots.
    pub(crate) endless: Vec<String>,
}

impl Seen {
    pub(crate) fn is_right(&self) -> bool {
        self.errors.is_empty() && !self.is_damaged() && self.foreign.is_empty()
    }

    /// Whether some answer was wrong, apart from errors and foreign values.
    pub(crate) fn is_damaged(&self) -> bool {
        let right = self.hidden.is_empty() && self.older.is_empty() && self.figures.is_empty();
        !right || self.phantoms > 0
    }

    pub(super) fn error(&mut self, operation: &str, error: &AccessError) {
        self.timeouts += usize::from(matches!(error, AccessError::LockTimeout { .. }));
        self.errors.push(format!("{operation}: {error}"));
    }

    /// Records an error, whatever the operation.
    pub(super) fn note<R>(&mut self, answer: Result<R, AccessError>) {
        if let Err(error) = answer {
            self.error("", &error);
        }
    }

    pub(super) fn figure(&mut self, right: bool, what: &str) {
        if !right {
            self.figures.push(what.to_owned());
        }
    }

    /// Judges the value that was returned for `key`.
    pub(super) fn value(&mut self, known: &Known, key: &str, found: Option<&str>) {
        let expected = known.entries.get(key).copied();
        let Some(found) = found else {
            if expected.is_some() {
                self.hidden.insert(key.to_owned());
            }
            return;
        };
        match round_of(key, found) {
            Some(round) if Some(round) == expected => {}
            Some(round) if round <= known.last => {
                self.older.insert(key.to_owned());
            }
            _ => self.foreign.push(format!("{key:?} has {found:?}")),
        }
    }

    /// Judges the answer of a lookup.
    pub(super) fn lookup(
        &mut self,
        known: &Known,
        operation: &str,
        key: &str,
        answer: Result<Option<impl AsRef<str>>, AccessError>,
    ) {
        match answer {
            Ok(found) => self.value(known, key, found.as_ref().map(AsRef::as_ref)),
            Err(error) => self.error(operation, &error),
        }
    }

    /// Judges whether `key` was reported present.
    pub(super) fn presence(
        &mut self,
        known: &Known,
        operation: &str,
        key: &str,
        answer: Result<bool, AccessError>,
    ) {
        match (answer, known.entries.contains_key(key)) {
            (Ok(found), there) if found == there => {}
            (Ok(false), _) => {
                self.hidden.insert(key.to_owned());
            }
            (Ok(true), _) => {
                self.older.insert(key.to_owned());
            }
            (Err(error), _) => self.error(operation, &error),
        }
    }
}
