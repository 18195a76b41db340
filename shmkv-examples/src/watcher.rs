//! What changed in a store since the last look at it.

use std::collections::BTreeMap;
use std::fmt;

use shmkv_core::{AccessError, ShmStr, Version, Versioned};

use crate::StoreReader;

/// Remembers what it saw, and tells what is different now.
///
/// A look finds the present, not the past: of several changes of an entry
/// between two looks only the last is told. The jump in its version shows that
/// there were others.
#[derive(Debug, Default)]
pub struct Watcher {
    version: u64,
    entries: BTreeMap<ShmStr<64>, Versioned<ShmStr<256>>>,
}

/// A change of one entry.
#[derive(Debug)]
pub struct Change {
    /// The key.
    pub key: ShmStr<64>,
    /// Its version now, or the last that was seen if it is gone.
    pub version: Version,
    /// Its value now, or `None` if it is gone.
    pub value: Option<ShmStr<256>>,
}

impl Watcher {
    /// What has changed since the last look; at first, everything there is.
    ///
    /// # Errors
    ///
    /// Those of [`get`](shmkv_core::ShmReader::get).
    pub fn look(&mut self, store: &StoreReader) -> Result<Vec<Change>, AccessError> {
        // Before the entries are read: what changes meanwhile raises the
        // version again, and the next look finds it.
        let version = store.version();
        if version == self.version {
            return Ok(Vec::new()); // One number tells that nothing happened.
        }
        let mut entries = BTreeMap::new();
        for key in store.keys() {
            let key = key?;
            // It may be gone again: others go on while we look.
            if let Some(found) = store.get_versioned(key)? {
                entries.insert(key, found);
            }
        }
        let mut changes = Vec::new();
        for (&key, &Versioned { version, .. }) in &self.entries {
            if !entries.contains_key(&key) {
                let value = None;
                changes.push(Change {
                    key,
                    version,
                    value,
                });
            }
        }
        for (&key, &Versioned { version, value }) in &entries {
            // A key that was removed and set again has a new version, too.
            if self.entries.get(&key).map(|last| last.version) != Some(version) {
                let value = Some(value);
                changes.push(Change {
                    key,
                    version,
                    value,
                });
            }
        }
        self.version = version;
        self.entries = entries;
        Ok(changes)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, version, .. } = self;
        match &self.value {
            Some(value) => write!(f, "{key:?} is {value:?} (version {version})"),
            None => write!(f, "{key:?} is gone (was version {version})"),
        }
    }
}
