//! The segment's format: what stands where.
//!
//! ```text
//!       0  HeaderImage   512 bytes, written once, before the name exists
//!     512  Shared        512 bytes, what processes share beside the entries
//!    1024  [Shard; S]    256 bytes each: lock, counters, event words
//!      ..  [Bucket; B]    16 bytes each, dense: eight tags, eight counters
//!      ..  [u64; 8 B W]  slots, eight a bucket, W words each:
//!                        version | key words | value words
//!      ..  schema        what types the entries have, for error messages
//! ```
//!
//! Every offset is a constant of `N`, `K` and `V` ([`Geometry`]); nothing that
//! is read from a segment is ever used as an offset into it, but for the
//! schema's length, which is checked against the file's. Only fixed-width
//! integers are stored, so a 32-bit program could map what a 64-bit one made.

use bytemuck::{Pod, Zeroable};

use crate::bytes;
use crate::sync::{AtomicU8, AtomicU32, AtomicU64};

/// The first eight bytes. The control characters show a transfer as text.
pub(crate) const MAGIC: [u8; 8] = *b"shmkv\r\n\x1a";
/// Raised by every change of the format.
pub(crate) const LAYOUT_VERSION: u32 = 1;
/// Reads as another number on a machine of the other byte order.
pub(crate) const BYTE_ORDER: u32 = 0x0102_0304;
/// rapidhash, portable version 3, secrets derived from the header's seed.
pub(crate) const HASH_RAPID_V3: u32 = 1;
/// The longest schema that `open` will read, in bytes.
pub(crate) const MAX_SCHEMA: u64 = 1 << 20;

/// The written-once part of the header.
///
/// Plain data: it is written to the object before anybody else can see it, and
/// read, as a private copy, before anything is mapped.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(crate) struct HeaderImage {
    pub(crate) magic: [u8; 8],
    pub(crate) layout_version: u32,
    pub(crate) byte_order: u32,
    /// Features that a program must know to open the segment at all.
    pub(crate) incompat: u64,
    /// Features that a program may ignore.
    pub(crate) compat: u64,
    pub(crate) capacity: u64,
    pub(crate) key_size: u64,
    pub(crate) value_size: u64,
    pub(crate) shards: u64,
    pub(crate) buckets_per_shard: u64,
    /// Length of the whole object in bytes.
    pub(crate) total_len: u64,
    pub(crate) hash_id: u32,
    pub(crate) zero: u32,
    /// Random; the hash's secrets come from it.
    pub(crate) seed: u64,
    pub(crate) key_fingerprint: u64,
    pub(crate) value_fingerprint: u64,
    pub(crate) schema_offset: u64,
    pub(crate) schema_len: u64,
    /// Checksum of the schema's bytes.
    pub(crate) schema_checksum: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) created: u64,
    /// A place for a log of changes; both 0 in this version.
    pub(crate) log_offset: u64,
    pub(crate) log_len: u64,
    pub(crate) spare: [u64; 43],
    /// Checksum of everything above.
    pub(crate) checksum: u64,
}

/// Bytes of [`HeaderImage`].
pub(crate) const IMAGE_LEN: usize = 512;
/// Where [`Shared`] stands.
pub(crate) const SHARED_AT: usize = IMAGE_LEN;
/// Where the shards stand.
pub(crate) const SHARDS_AT: usize = 1024;

/// The mutable part of the header, a 128-byte line for each concern.
///
/// ```text
///   0  next_id, clean, boot          rarely written
/// 128  reserved                      every new key and removal, if S > 1
/// 256  256 zero bytes to spare
/// ```
#[repr(C, align(128))]
pub(crate) struct Shared {
    /// Count of the writers' ids ever handed out.
    pub(crate) next_id: AtomicU64,
    /// Whether the file is what a completed flush wrote; see `handle`.
    pub(crate) clean: AtomicU64,
    /// Id of the boot in which the segment was last opened for writing.
    pub(crate) boot: [AtomicU64; 2],
    _line: [AtomicU64; 12],
    /// Entries reserved: never below the number that live.
    pub(crate) reserved: AtomicU64,
    _reserved_line: [AtomicU64; 15],
    _spare: [AtomicU64; 32],
}

/// A shard: one writer lock and all that it protects beside the entries.
///
/// ```text
///   0  lock  4 | 4 unused | next 8 | committed 8 | live 8 | intent 8 | takeovers 8
/// 128  sixteen event words (64) | 64 bytes to spare
/// ```
#[repr(C, align(128))]
pub(crate) struct Shard {
    /// The writer lock's futex word; see `lock`.
    pub(crate) lock: AtomicU32,
    _unused: AtomicU32,
    /// The last version number that was taken; a number may be burnt.
    pub(crate) next: AtomicU64,
    /// The last version number whose commit is complete.
    pub(crate) committed: AtomicU64,
    /// How many entries live in this shard.
    pub(crate) live: AtomicU64,
    /// What the holder of the lock is about to do to the counters; see `table::Intent`.
    pub(crate) intent: AtomicU64,
    /// How often a dead holder's work was taken over.
    pub(crate) takeovers: AtomicU64,
    _line: [AtomicU64; 10],
    /// Words for watchers to sleep on; unused in this version.
    _events: [AtomicU32; 16],
    _spare: [AtomicU64; 8],
}

/// Slots in a bucket.
pub(crate) const SLOTS: usize = 8;
/// How many of them may be live; one stays vacant for the next update.
pub(crate) const MAX_LIVE: usize = SLOTS - 1;
/// Classes of keys that a bucket counts apart.
pub(crate) const CLASSES: usize = 8;

/// A bucket's index: which slots live, and who passed by.
///
/// ```text
/// 0  tags: one byte a slot, 0 = vacant
/// 8  overflow: one counter a class of keys that live in a later bucket
/// ```
#[repr(C, align(16))]
pub(crate) struct Bucket {
    pub(crate) tags: AtomicU64,
    pub(crate) overflow: [AtomicU8; CLASSES],
}

#[cfg(not(loom))]
mod sizes {
    use super::{Bucket, HeaderImage, IMAGE_LEN, SHARDS_AT, SHARED_AT, Shard, Shared};
    use static_assertions::{assert_eq_align, assert_eq_size, const_assert_eq};
    use std::mem::offset_of;

    assert_eq_size!(HeaderImage, [u8; IMAGE_LEN]);
    assert_eq_size!(Shared, [u8; SHARDS_AT - SHARED_AT]);
    assert_eq_size!(Shard, [u8; 256]);
    assert_eq_size!(Bucket, [u8; 16]);
    assert_eq_align!(HeaderImage, u64);
    const_assert_eq!(offset_of!(HeaderImage, checksum), IMAGE_LEN - 8);
    const_assert_eq!(offset_of!(Shared, reserved), 128);
    const_assert_eq!(offset_of!(Shared, _spare), 256);
    const_assert_eq!(offset_of!(Shard, next), 8);
    const_assert_eq!(offset_of!(Shard, takeovers), 40);
    const_assert_eq!(offset_of!(Shard, _events), 128);
    const_assert_eq!(offset_of!(Bucket, overflow), 8);
}

#[cfg(not(loom))]
#[allow(unsafe_code)]
mod shared {
    use super::{Bucket, Shard, Shared};
    use crate::sys::Atomics;

    // SAFETY: structs of atomics only, aligned to 128 bytes at the most.
    unsafe impl Atomics for Shared {}
    // SAFETY: as above.
    unsafe impl Atomics for Shard {}
    // SAFETY: as above.
    unsafe impl Atomics for Bucket {}
}

/// The constants of a map of `N` entries, `K`-byte keys and `V`-byte values.
///
/// Every constant evaluates [`Geometry::VALID`] first, so sizes that make no
/// sense do not compile.
pub(crate) struct Geometry<const N: usize, const K: usize, const V: usize>;

impl<const N: usize, const K: usize, const V: usize> Geometry<N, K, V> {
    /// Refuses sizes that make no sense, when the program is built.
    pub(crate) const VALID: () = {
        assert!(N > 0, "a ShmMap needs room for at least one entry: N is 0");
        assert!(K > 0, "a ShmMap needs keys of at least one byte: K is 0");
        assert!(
            N < 1 << 40 && K < 1 << 40 && V < 1 << 40 && total_len(N, K, V) < 1 << 46,
            "this ShmMap is too large: N entries of K + V bytes exceed 64 TiB"
        );
        assert!(
            N < MANY || enough_room(N),
            "a shard of this ShmMap could run out of buckets"
        );
    };

    /// Shards, a power of two.
    pub(crate) const SHARDS: usize = {
        let () = Self::VALID;
        shards(N)
    };
    /// Buckets of one shard.
    pub(crate) const BUCKETS_PER_SHARD: usize = {
        let () = Self::VALID;
        buckets_per_shard(N)
    };
    /// Buckets of all shards.
    pub(crate) const BUCKETS: usize = Self::SHARDS * Self::BUCKETS_PER_SHARD;
    /// Words of a key.
    pub(crate) const KEY_WORDS: usize = bytes::words(K);
    /// Words of a slot: version, key, value.
    pub(crate) const SLOT_WORDS: usize = 1 + Self::KEY_WORDS + bytes::words(V);
    /// Words of all slots.
    pub(crate) const ALL_SLOT_WORDS: usize = Self::BUCKETS * SLOTS * Self::SLOT_WORDS;
    /// Where the buckets stand.
    pub(crate) const BUCKETS_AT: usize = SHARDS_AT + Self::SHARDS * 256;
    /// Where the slots stand.
    pub(crate) const SLOTS_AT: usize = align_up(Self::BUCKETS_AT + Self::BUCKETS * 16);
    /// Where the schema stands, and what `N`, `K` and `V` alone need.
    pub(crate) const SCHEMA_AT: usize = align_up(Self::SLOTS_AT + Self::ALL_SLOT_WORDS * 8);
}

/// From this many entries on a map has several shards.
const MANY: usize = 4096;

/// One shard for a small map, else the largest power of two that leaves at
/// least 1,024 entries to each, and at most 1,024 shards.
const fn shards(n: usize) -> usize {
    if n < MANY {
        return 1;
    }
    let most = if n / 1024 < 1024 { n / 1024 } else { 1024 };
    1 << most.ilog2()
}

/// As many as hold a full map at 70 % of seven slots: 4.9 entries a bucket.
const fn buckets_per_shard(n: usize) -> usize {
    let buckets = (n.div_ceil(shards(n)) * 10).div_ceil(49);
    if buckets < 2 { 2 } else { buckets }
}

/// Whether a full shard practically never runs out of room.
///
/// The entries of one of `S` shards are binomial with mean `m = N / S`. By
/// Chernoff's bound `(1 + d) m` or more of them have a chance below
/// `exp(-m ((1 + d) ln(1 + d) - d))`. With `m >= 1024` and room for `10/7 m`
/// (`d = 3/7`) that is `exp(-82.9) < 2^-119` for one shard, below `2^-109` for
/// any of 1,024: far under the `2^-64` that is promised.
const fn enough_room(n: usize) -> bool {
    let mean_up = n.div_ceil(shards(n));
    n / shards(n) >= 1024 && 7 * MAX_LIVE * buckets_per_shard(n) >= 10 * mean_up
}

/// The length of everything but the schema, with no overflow for any input
/// below 2^40.
const fn total_len(n: usize, k: usize, v: usize) -> u128 {
    let buckets = (shards(n) * buckets_per_shard(n)) as u128;
    let slot_words = 1 + bytes::words(k) as u128 + bytes::words(v) as u128;
    (SHARDS_AT + shards(n) * 256) as u128 + buckets * (16 + SLOTS as u128 * slot_words * 8)
}

/// The next multiple of 128.
const fn align_up(offset: usize) -> usize {
    offset.next_multiple_of(128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_maps_have_one_shard_and_room() {
        for n in 1..MANY {
            assert_eq!(shards(n), 1);
            assert!(MAX_LIVE * buckets_per_shard(n) >= n, "N = {n}");
        }
    }

    #[test]
    fn large_maps_have_powers_of_two_shards_and_room() {
        for n in (MANY..3_000_000)
            .step_by(997)
            .chain([4096, 8191, 8192, 100_000_000])
        {
            assert!(shards(n).is_power_of_two() && shards(n) <= 1024);
            assert!(enough_room(n), "N = {n}");
        }
        assert_eq!(shards(4096), 4);
        assert_eq!(shards(1 << 20), 1024);
        assert_eq!(shards(100_000_000), 1024);
    }

    #[test]
    fn the_documented_store_is_small() {
        type Store = Geometry<10, 64, 256>;
        assert_eq!(Store::BUCKETS, 3);
        assert_eq!(Store::SLOT_WORDS, 41);
        assert_eq!(Store::SLOTS_AT, 1408);
        assert_eq!(
            Store::SCHEMA_AT,
            (1408 + 3 * 8 * 41 * 8_usize).next_multiple_of(128)
        );
    }
}
