//! Figures for people who wonder what a map is doing.

use std::io;

use super::ShmReader;
use crate::handle::Handle;
use crate::layout::Geometry;

/// What [`ShmReader::stats`](crate::ShmReader::stats) tells.
///
/// Gathered without a lock, so the figures belong to slightly different
/// moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Entries that live.
    pub entries: usize,
    /// Entries that fit.
    pub capacity: usize,
    /// Writer locks; entries of different shards are changed independently.
    pub shards: usize,
    /// Buckets of eight slots, at most seven of them live.
    pub buckets: usize,
    /// Buckets that have no room for another entry.
    pub full_buckets: usize,
    /// Buckets that a lookup may have to leave for the next one.
    pub overflowing_buckets: usize,
    /// Bytes of memory that are mapped, all reserved at creation.
    pub bytes: usize,
    /// The map's version: grows with every change.
    pub version: u64,
    /// How often a lock was taken over from a writer that had died, or that had
    /// flushed a file before the machine was restarted.
    pub takeovers: u64,
    /// Writers that have registered since the segment was created: handles
    /// opened for writing, and inherited ones that a forked child has written
    /// through.
    pub writers: u64,
}

impl Stats {
    /// Gathers them.
    pub(super) fn of<G: Geometry>(handle: &Handle<G>) -> Self {
        let table = handle.table();
        let census = table.census();
        let dimensions = handle.memory.dimensions();
        Self {
            entries: table.len(),
            capacity: dimensions.capacity,
            shards: dimensions.shards,
            buckets: dimensions.buckets(),
            full_buckets: census.full,
            overflowing_buckets: census.overflowing,
            bytes: handle.memory.mapping().len(),
            version: table.version(),
            takeovers: census.takeovers,
            writers: handle.writers(),
        }
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value> {
    /// How much of the map this process reaches through huge pages at the moment,
    /// in bytes, of the [`bytes`](Stats::bytes) that are mapped: whether
    /// [`Options::huge_pages`](crate::Options::huge_pages) took effect.
    ///
    /// 0 if the kernel gave none, and for memory that this handle has not
    /// accessed yet. Under pressure the kernel may split huge pages again.
    ///
    /// For programs that want to say it once: the kernel walks the page tables of
    /// the whole process to answer (`/proc/self/smaps`), which takes milliseconds
    /// where much is mapped in small pages.
    ///
    /// # Errors
    ///
    /// The kernel's error, when `/proc` cannot be read.
    ///
    /// ```
    /// # use shmkv_core::Map;
    /// # fn main() -> Result<(), shmkv_core::Error> {
    /// let map = Map::<100_000, u64, u64>::options().huge_pages(true).create_anonymous()?;
    /// let (huge, all) = (map.huge_page_bytes()?, map.stats().bytes);
    /// println!("{huge} bytes of {all} are in huge pages");
    /// # assert!(huge <= all);
    /// # Ok(())
    /// # }
    /// ```
    pub fn huge_page_bytes(&self) -> io::Result<usize> {
        self.handle.memory.mapping().huge_page_bytes()
    }
}
