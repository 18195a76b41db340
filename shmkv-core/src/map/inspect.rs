//! Looking at a map as a whole: its name, length, version, figures and faults.

use std::io;

use super::handle::ShmReader;
use crate::codec::{ShmKey, ShmValue};
use crate::store::Stats;
use crate::table::Fault;

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value>
where
    Key: ShmKey<K>,
    Value: ShmValue<V>,
{
    /// Returns the map's name in shared memory, with its leading `/`; `None` for a map in a
    /// file and for an anonymous one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.store.name()
    }

    /// Returns whether the name no longer leads to this map, because it was removed or now
    /// names another object: new processes will not find this map. Always true of an
    /// anonymous map.
    ///
    /// # Errors
    ///
    /// The kernel's error.
    pub fn is_unlinked(&self) -> io::Result<bool> {
        self.store.is_unlinked()
    }

    /// Returns how many entries the map holds.
    ///
    /// Exact while no process writes; otherwise the sum over the shards, each at some moment
    /// during the call. Never more than [`capacity`](Self::capacity).
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.table().len()
    }

    /// Returns whether the map holds no entry; exact when [`len`](Self::len) is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many entries fit: always `N`.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Returns the map's version: a number that grows with every change of any entry.
    ///
    /// It has grown by the time that the operation which made the change returns. A takeover
    /// after a writer's death also counts as a change. The call takes one load per shard.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.store.table().version()
    }

    /// Returns figures about the map, for people who debug it. Takes time in proportion to
    /// the map's size.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(&self.store)
    }

    /// Returns how many writers are alive: handles, in any process, that are open for
    /// writing. Asks the kernel.
    ///
    /// # Errors
    ///
    /// The kernel's error.
    pub fn live_writers(&self) -> io::Result<usize> {
        self.store.live_writers()
    }

    /// Returns every contradiction in the map's memory.
    ///
    /// Takes no lock and changes nothing. Exact while no process writes; a change under way
    /// can look like a fault. A writer that was killed may leave
    /// [harmless](Fault::is_harmless) ones until the next writer comes. Takes time and
    /// memory in proportion to the map's size.
    #[must_use]
    pub fn check(&self) -> Vec<Fault> {
        self.store.table().check()
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value> {
    /// Returns how much of the map this process currently reaches through huge pages, in
    /// bytes, out of the [`bytes`](Stats::bytes) that are mapped: whether
    /// [`Options::huge_pages`](crate::Options::huge_pages) took effect.
    ///
    /// It is 0 if the kernel gave none, and does not count memory that this handle has not
    /// accessed yet. Under memory pressure the kernel may split huge pages again.
    ///
    /// Call it rarely: to answer, the kernel walks the page tables of the whole process
    /// (`/proc/self/smaps`), which takes milliseconds where much is mapped in small pages.
    ///
    /// # Errors
    ///
    /// The kernel's error, if `/proc` cannot be read.
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
        self.store.huge_page_bytes()
    }
}
