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
//! Every offset follows from `N`, `K` and `V` ([`Dimensions`]); nothing that is
//! read from a segment is ever used as an offset into it, but for the
//! schema's length, which is checked against the file's. Only fixed-width
//! integers are stored.

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
pub(crate) const MAX_SCHEMA: u64 = 64 << 10;

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
/// Bytes of a [`Shard`].
const SHARD_LEN: usize = 256;
/// Bytes of a [`Bucket`].
pub(crate) const BUCKET_LEN: usize = 16;
/// What the place of every part is a multiple of, from the start of the segment.
pub(crate) const PARTS_ALIGNED: usize = 128;

/// The mutable part of the header, a 128-byte line for each concern.
///
/// ```text
///   0  next_id, clean, boot          rarely written
/// 128  reserved                      every new key and removal, if S > 1
/// 256  256 zero bytes to spare
/// ```
#[cfg_attr(loom, derive(Default))]
#[repr(C, align(128))]
pub(crate) struct Shared {
    /// Count of the writers' ids ever handed out.
    pub(crate) next_id: AtomicU64,
    /// What a file says of its contents; see `durable`.
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
#[cfg_attr(loom, derive(Default))]
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
#[cfg_attr(loom, derive(Default))]
#[repr(C, align(16))]
pub(crate) struct Bucket {
    pub(crate) tags: AtomicU64,
    pub(crate) overflow: [AtomicU8; CLASSES],
}

#[cfg(not(loom))]
mod sizes {
    use super::{
        BUCKET_LEN, Bucket, HeaderImage, IMAGE_LEN, SHARD_LEN, SHARDS_AT, SHARED_AT, Shard, Shared,
    };
    use static_assertions::{assert_eq_align, assert_eq_size, const_assert_eq};
    use std::mem::offset_of;

    assert_eq_size!(HeaderImage, [u8; IMAGE_LEN]);
    assert_eq_size!(Shared, [u8; SHARDS_AT - SHARED_AT]);
    assert_eq_size!(Shard, [u8; SHARD_LEN]);
    assert_eq_size!(Bucket, [u8; BUCKET_LEN]);
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

/// Sizes, counts and offsets of a map, all of which follow from `N`, `K`, `V`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dimensions {
    /// Entries that fit: `N`.
    pub(crate) capacity: usize,
    /// Bytes of a key: `K`.
    pub(crate) key_len: usize,
    /// Bytes of a value: `V`.
    pub(crate) value_len: usize,
    /// Shards, a power of two.
    pub(crate) shards: usize,
    /// Buckets of one shard.
    pub(crate) buckets_per_shard: usize,
    /// Words of a key.
    pub(crate) key_words: usize,
    /// Words of a slot: version, key, value.
    pub(crate) slot_words: usize,
    /// Where the buckets stand.
    pub(crate) buckets_at: usize,
    /// Where the slots stand.
    pub(crate) slots_at: usize,
    /// Where the schema stands, and what all that comes before it needs.
    pub(crate) schema_at: usize,
    /// Nobody else can make one.
    _made_by_new: (),
}

impl Dimensions {
    /// The dimensions of a map of `n` entries, `k`-byte keys and `v`-byte
    /// values, or why there can be no such map.
    pub(crate) const fn new(n: usize, k: usize, v: usize) -> Result<Self, &'static str> {
        if n == 0 {
            return Err("a ShmMap needs room for at least one entry: N is 0");
        }
        if k == 0 {
            return Err("a ShmMap needs keys of at least one byte: K is 0");
        }
        let one = 1 << 40;
        if n >= one || k >= one || v >= one || total_len(n, k, v) >= 1 << 46 {
            return Err("this ShmMap is too large: N entries of K + V bytes exceed 64 TiB");
        }
        assert!(n < MANY || enough_room(n));
        let (shards, buckets_per_shard) = (shards(n), buckets_per_shard(n));
        let buckets = shards * buckets_per_shard;
        let slot_words = 1 + bytes::words(k) + bytes::words(v);
        let buckets_at = SHARDS_AT + shards * SHARD_LEN;
        let slots_at = align_up(buckets_at + buckets * BUCKET_LEN);
        Ok(Self {
            capacity: n,
            key_len: k,
            value_len: v,
            shards,
            buckets_per_shard,
            key_words: bytes::words(k),
            slot_words,
            buckets_at,
            slots_at,
            schema_at: align_up(slots_at + buckets * SLOTS * slot_words * 8),
            _made_by_new: (),
        })
    }

    /// Buckets of all shards.
    #[inline]
    pub(crate) const fn buckets(&self) -> usize {
        self.shards * self.buckets_per_shard
    }

    /// Words of all slots.
    #[inline]
    pub(crate) const fn all_slot_words(&self) -> usize {
        self.buckets() * SLOTS * self.slot_words
    }
}

/// What knows a map's [`Dimensions`]: a type, when the program is built, or the
/// dimensions themselves, for tools that learn them from a segment.
///
/// # Safety
///
/// It always answers with the same dimensions, made by [`Dimensions::new`] and
/// unchanged since: references into mapped memory rest on them.
#[allow(unsafe_code)]
pub(crate) unsafe trait Geometry: Copy {
    /// The dimensions. For a [`Fixed`] geometry all of them are constants.
    fn dimensions(&self) -> &Dimensions;

    /// Runs `body` with a zeroed private buffer for a key.
    fn with_key_buffer<R>(&self, body: impl FnOnce(&mut [u8]) -> R) -> R;
}

/// The geometry of a `ShmMap<N, K, V>`. Sizes that make no sense do not compile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixed<const N: usize, const K: usize, const V: usize>;

impl<const N: usize, const K: usize, const V: usize> Fixed<N, K, V> {
    /// Its dimensions.
    pub(crate) const DIMENSIONS: Dimensions = match Dimensions::new(N, K, V) {
        Ok(dimensions) => dimensions,
        Err(why) => panic!("{}", why),
    };
}

// SAFETY: a constant.
#[allow(unsafe_code)]
unsafe impl<const N: usize, const K: usize, const V: usize> Geometry for Fixed<N, K, V> {
    #[inline(always)]
    fn dimensions(&self) -> &Dimensions {
        const { &Self::DIMENSIONS }
    }

    #[inline]
    fn with_key_buffer<R>(&self, body: impl FnOnce(&mut [u8]) -> R) -> R {
        bytes::with_zeros::<K, R>(body)
    }
}

// SAFETY: itself, which nothing changes.
#[allow(unsafe_code)]
unsafe impl Geometry for Dimensions {
    #[inline]
    fn dimensions(&self) -> &Dimensions {
        self
    }

    fn with_key_buffer<R>(&self, body: impl FnOnce(&mut [u8]) -> R) -> R {
        body(&mut vec![0; self.key_len])
    }
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
    let buckets_at = (SHARDS_AT + shards(n) * SHARD_LEN) as u128;
    buckets_at + buckets * (BUCKET_LEN as u128 + SLOTS as u128 * slot_words * 8)
}

/// Where a part may begin, at or after `offset`.
const fn align_up(offset: usize) -> usize {
    offset.next_multiple_of(PARTS_ALIGNED)
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
        let store = Fixed::<10, 64, 256>::DIMENSIONS;
        assert_eq!(store.buckets(), 3);
        assert_eq!(store.slot_words, 41);
        assert_eq!(store.slots_at, 1408);
        assert_eq!(
            store.schema_at,
            (1408 + 3 * 8 * 41 * 8_usize).next_multiple_of(128)
        );
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for (n, k, v) in [
            (0, 8, 8),
            (8, 0, 8),
            (usize::MAX, 8, 8),
            (8, usize::MAX, 8),
            (8, 8, usize::MAX),
            (1 << 30, 8, 1 << 39),
        ] {
            assert!(Dimensions::new(n, k, v).is_err(), "{n} {k} {v}");
        }
        assert!(Dimensions::new(1, 1, 0).is_ok());
    }
}
