//! Figures about a map.

use super::Store;
use crate::layout::Geometry;

/// Figures about a map, for people who debug it; see
/// [`ShmReader::stats`](crate::ShmReader::stats).
///
/// They are gathered without a lock, so they belong to slightly different moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Entries in the map.
    pub entries: usize,
    /// Entries that fit: `N`.
    pub capacity: usize,
    /// Shards, each with a writer lock: entries of different shards are changed
    /// independently.
    pub shards: usize,
    /// Buckets, of eight slots each, at most seven of them live.
    pub buckets: usize,
    /// Buckets that have no room for another entry.
    pub full_buckets: usize,
    /// Buckets that a lookup may have to leave for the next one.
    pub overflowing_buckets: usize,
    /// Bytes of memory that are mapped, all reserved at creation.
    pub bytes: usize,
    /// The map's version: it grows with every change.
    pub version: u64,
    /// How often a lock was taken over: from a writer that died or panicked, or that was
    /// flushing a file before the machine restarted.
    pub takeovers: u64,
    /// Writers that have registered since the segment was created: handles opened for
    /// writing, and inherited ones through which a forked child has written.
    pub writers: u64,
}

impl Stats {
    /// Gathers the figures.
    pub(crate) fn of<G: Geometry>(store: &Store<G>) -> Self {
        let table = store.table();
        let census = table.census();
        let dimensions = store.dimensions();
        Self {
            entries: table.len(),
            capacity: dimensions.capacity(),
            shards: dimensions.shards(),
            buckets: dimensions.buckets(),
            full_buckets: census.full,
            overflowing_buckets: census.overflowing,
            bytes: store.mapped_bytes(),
            version: table.version(),
            takeovers: census.takeovers,
            writers: store.registered_writers(),
        }
    }
}
