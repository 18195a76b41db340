//! Slots: where they lie, and the words of one.

use super::Table;
use super::hash::BucketIndex;
use crate::layout::{Geometry, SLOTS};
use crate::sync::AtomicU64;

/// A slot of the whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotIndex {
    pub(super) bucket: BucketIndex,
    /// Within the bucket.
    pub(super) slot: usize,
}

impl SlotIndex {
    /// The slot's index in the whole table, for a caller that stores it.
    #[inline(always)]
    pub(crate) fn to_raw(self) -> usize {
        self.bucket.0 * SLOTS + self.slot
    }

    /// The slot with this index.
    #[inline(always)]
    pub(crate) fn from_raw(raw: usize) -> Self {
        Self {
            bucket: BucketIndex(raw / SLOTS),
            slot: raw % SLOTS,
        }
    }
}

impl BucketIndex {
    /// One of the bucket's slots.
    #[inline(always)]
    pub(crate) fn slot(self, slot: usize) -> SlotIndex {
        SlotIndex { bucket: self, slot }
    }
}

/// The words of one slot.
pub(super) struct Slot<'m> {
    pub(super) version: &'m AtomicU64,
    pub(super) key: &'m [AtomicU64],
    pub(super) value: &'m [AtomicU64],
}

impl<'m, G: Geometry> Table<'m, G> {
    /// The slot itself, in its parts.
    #[inline(always)]
    pub(super) fn slot(&self, index: SlotIndex) -> Slot<'m> {
        let words = self.slot_words(index);
        let (key, value) = words[1..].split_at(self.geometry.dimensions().key_words());
        Slot {
            version: &words[0],
            key,
            value,
        }
    }

    /// The slot itself, as words.
    #[inline(always)]
    pub(super) fn slot_words(&self, index: SlotIndex) -> &'m [AtomicU64] {
        let words = self.geometry.dimensions().slot_words();
        &self.slots[index.to_raw() * words..][..words]
    }
}
