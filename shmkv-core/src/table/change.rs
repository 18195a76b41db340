//! What is to be changed, under which condition, and what came of it.

use super::hash::Hash;
use super::slot::SlotIndex;
use super::tags::Tags;

/// What must hold for a value to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Nothing.
    Always,
    /// The key is absent.
    Absent,
    /// The key is present.
    Present,
    /// The key is present with this version.
    Version(u64),
}

/// A value to be stored under a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) hash: Hash,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) condition: Condition,
}

/// The outcome of a [`Change`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    /// The new version; `None` if the condition did not hold.
    pub(crate) version: Option<u64>,
    /// The version that the key had, if it was present; its value has been copied.
    pub(crate) found: Option<u64>,
}

/// A new key was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// `N` entries are counted. [`count_exactly`](super::Table::count_exactly) must confirm
    /// it under all locks, since a death or damage may have left the counters too high.
    AtCapacity,
    /// No bucket of the shard has room, though the map is not full.
    ShardFull,
    /// By the rules that all writers keep there must be room, and there is none.
    Damaged,
}

/// A live entry, found under the lock.
pub(super) struct Found {
    pub(super) slot: SlotIndex,
    /// The tags of its bucket.
    pub(super) tags: Tags,
    pub(super) version: u64,
}
