//! A shard: one writer lock, and the counters that it protects.

use crate::sync::{AtomicU32, AtomicU64, only_atomics};

/// Bytes of a [`Shard`].
pub(super) const SHARD_LEN: usize = 256;

only_atomics! {
    /// One writer lock and all that it protects beside buckets and slots.
    ///
    /// ```text
    ///   0  lock 4 | 4 unused | issued 8 | committed 8 | live 8 | intent 8 | takeovers 8
    /// 128  sixteen event words (64) | 64 bytes to spare
    /// ```
    #[cfg_attr(loom, derive(Default))]
    #[repr(C, align(128))]
    pub(crate) struct Shard {
        /// The writer lock's futex word; see `lock`.
        pub(crate) lock: AtomicU32,
        _unused: AtomicU32,
        /// The last version number that was handed out, if only to a writer that died.
        pub(crate) issued: AtomicU64,
        /// The last version number whose change is complete.
        pub(crate) committed: AtomicU64,
        /// How many entries live in this shard.
        pub(crate) live: AtomicU64,
        /// The overflow counters that the holder of the lock is about to change; see
        /// `table::intent`.
        pub(crate) intent: AtomicU64,
        /// How often the lock was taken over, from a holder that died or panicked.
        pub(crate) takeovers: AtomicU64,
        _line: [AtomicU64; 10],
        /// Reserved for watchers to sleep on; unused in this version.
        _events: [AtomicU32; 16],
        _spare: [AtomicU64; 8],
    }
}

#[cfg(not(loom))]
mod sizes {
    use std::mem::offset_of;

    use static_assertions::{assert_eq_size, const_assert_eq};

    use super::{SHARD_LEN, Shard};

    assert_eq_size!(Shard, [u8; SHARD_LEN]);
    const_assert_eq!(offset_of!(Shard, issued), 8);
    const_assert_eq!(offset_of!(Shard, takeovers), 40);
    const_assert_eq!(offset_of!(Shard, _events), 128);
}
