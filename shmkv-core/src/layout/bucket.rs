//! A bucket: the index of eight slots.

use crate::sync::{AtomicU8, AtomicU64, only_atomics};

/// Bytes of a [`Bucket`].
pub(crate) const BUCKET_LEN: usize = 16;
/// Slots of a bucket.
pub(crate) const SLOTS: usize = 8;
/// How many of them may be live; one stays vacant for the next update.
pub(crate) const MAX_LIVE: usize = SLOTS - 1;
/// Classes of keys, each with an overflow counter of its own.
pub(crate) const CLASSES: usize = 8;

only_atomics! {
    /// Which slots are live, and which keys overflowed into later buckets.
    ///
    /// ```text
    /// 0  tags: one byte a slot, 0 = vacant
    /// 8  overflow: for each class, how many keys passed this bucket and live beyond it
    /// ```
    #[cfg_attr(loom, derive(Default))]
    #[repr(C, align(16))]
    pub(crate) struct Bucket {
        pub(crate) tags: AtomicU64,
        pub(crate) overflow: [AtomicU8; CLASSES],
    }
}

#[cfg(not(loom))]
mod sizes {
    use std::mem::offset_of;

    use static_assertions::{assert_eq_size, const_assert_eq};

    use super::{BUCKET_LEN, Bucket};

    assert_eq_size!(Bucket, [u8; BUCKET_LEN]);
    const_assert_eq!(offset_of!(Bucket, overflow), 8);
}
