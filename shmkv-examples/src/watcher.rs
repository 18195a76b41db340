//! What changed in a store since it was last read.

use std::collections::BTreeMap;
use std::fmt;

use shmkv_core::{AccessError, ShmStr, Version, Versioned};

use crate::store::StoreReader;

/// Compares a store with what it was at the last call.
///
/// A map holds the present, not the past: of several changes of an entry between two
/// calls only the last one is reported.
#[derive(Debug, Default)]
pub struct Watcher {
    version: u64,
    entries: BTreeMap<ShmStr<64>, Versioned<ShmStr<256>>>,
}

/// The change of one entry.
#[derive(Debug)]
pub struct Change {
    /// The key.
    pub key: ShmStr<64>,
    /// The entry's version; if the entry was removed, the last version seen.
    pub version: Version,
    /// The entry's value; `None` if the entry was removed.
    pub value: Option<ShmStr<256>>,
}

impl Watcher {
    /// The changes since the last call. The first call returns all entries.
    ///
    /// # Errors
    ///
    /// Those of [`get`](shmkv_core::ShmReader::get).
    pub fn changes(&mut self, store: &StoreReader) -> Result<Vec<Change>, AccessError> {
        // Read before the entries: a change in the meantime raises the version again,
        // and the next call finds it.
        let version = store.version();
        if version == self.version {
            return Ok(Vec::new()); // Nothing has changed.
        }
        let mut entries = BTreeMap::new();
        for key in store.keys() {
            let key = key?;
            // Writers do not wait: the key may have been removed since.
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
            // A key that was removed and inserted again has a new version, too.
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
            Some(value) => write!(f, "{key:?} = {value:?} (version {version})"),
            None => write!(f, "{key:?} was removed (last version {version})"),
        }
    }
}
