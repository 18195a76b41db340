//! The maps that the operations work on, and their entry.

use shmkv_core::{ShmMap, ShmReader};

pub(crate) type Map = ShmMap<10, 8, 16>;
pub(crate) type Reader = ShmReader<10, 8, 16>;

/// Larger than a huge page.
pub(crate) type Large = ShmMap<60_000, 8, 16>;
pub(crate) type LargeReader = ShmReader<60_000, 8, 16>;

pub(crate) const KEY: [u8; 8] = *b"the key.";
pub(crate) const VALUE: [u8; 16] = *b"the first value.";
