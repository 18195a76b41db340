//! Sizes, counts and offsets of a map, all of which follow from `N`, `K` and `V`.
//!
//! The mapping's safety rests on two facts that this file alone can change: a
//! [`Dimensions`] comes from [`Dimensions::new`] only, which lays the parts out one after
//! the other, and never changes; and a [`Geometry`] always answers with the same
//! dimensions. So the struct's fields are private, and so is the trait's supertrait.

use super::bucket::{BUCKET_LEN, MAX_LIVE, SLOTS};
use super::shard::SHARD_LEN;
use super::{PART_ALIGNMENT, SHARDS_AT};
use crate::bytes;

/// Sizes, counts and offsets of one map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dimensions {
    capacity: usize,
    key_len: usize,
    value_len: usize,
    shards: usize,
    buckets_per_shard: usize,
    key_words: usize,
    slot_words: usize,
    buckets_at: usize,
    slots_at: usize,
    schema_at: usize,
}

/// Defines a getter for each field: the fields are private, so that nothing changes them.
macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        impl Dimensions {
            $($(#[$doc])*
            #[inline(always)]
            pub(crate) const fn $name(&self) -> usize {
                self.$name
            })*
        }
    };
}

getters! {
    /// Entries that fit: `N`.
    capacity,
    /// Bytes of a key: `K`.
    key_len,
    /// Bytes of a value: `V`.
    value_len,
    /// Shards, a power of two.
    shards,
    /// Buckets of one shard.
    buckets_per_shard,
    /// Words of a key.
    key_words,
    /// Words of a slot: version, key, value.
    slot_words,
    /// Offset of the buckets.
    buckets_at,
    /// Offset of the slots.
    slots_at,
    /// Offset of the schema: the length of everything before it, which is mapped.
    schema_at,
}

impl Dimensions {
    /// The dimensions of a map of `n` entries, `k`-byte keys and `v`-byte values, or
    /// why there can be no such map.
    pub(crate) const fn new(n: usize, k: usize, v: usize) -> Result<Self, &'static str> {
        if n == 0 {
            return Err("N is 0: a ShmMap holds at least one entry");
        }
        if k == 0 {
            return Err("K is 0: the keys of a ShmMap have at least one byte");
        }
        let one = 1 << 40;
        if n >= one || k >= one || v >= one || total_len(n, k, v) >= 1 << 46 {
            return Err("N entries of K + V bytes exceed 64 TiB: the ShmMap is too large");
        }
        assert!(n < MANY || shards_suffice(n));
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

/// The source of a map's [`Dimensions`]: a type, for which they are constants, or the
/// dimensions themselves, for programs that learn them from a segment.
///
/// It always answers with the same dimensions. Only this file implements it, since its
/// supertrait is private.
pub(crate) trait Geometry: Copy + sealed::Sealed {
    /// The dimensions. For a [`Fixed`] geometry all of them are constants.
    fn dimensions(&self) -> &Dimensions;

    /// Runs `body` with a zeroed private buffer for a key.
    fn with_key_buffer<R>(&self, body: impl FnOnce(&mut [u8]) -> R) -> R;
}

mod sealed {
    pub(crate) trait Sealed {}
}

impl<const N: usize, const K: usize, const V: usize> sealed::Sealed for Fixed<N, K, V> {}
impl sealed::Sealed for Dimensions {}

/// The geometry of a `ShmMap<N, K, V>`. Impossible sizes do not compile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixed<const N: usize, const K: usize, const V: usize>;

impl<const N: usize, const K: usize, const V: usize> Fixed<N, K, V> {
    /// The dimensions of such a map.
    pub(crate) const DIMENSIONS: Dimensions = match Dimensions::new(N, K, V) {
        Ok(dimensions) => dimensions,
        Err(why) => panic!("{}", why),
    };
}

impl<const N: usize, const K: usize, const V: usize> Geometry for Fixed<N, K, V> {
    #[inline(always)]
    fn dimensions(&self) -> &Dimensions {
        const { &Self::DIMENSIONS }
    }

    #[inline]
    fn with_key_buffer<R>(&self, body: impl FnOnce(&mut [u8]) -> R) -> R {
        bytes::with_zeros::<K, R>(body)
    }
}

impl Geometry for Dimensions {
    #[inline]
    fn dimensions(&self) -> &Dimensions {
        self
    }

    fn with_key_buffer<R>(&self, body: impl FnOnce(&mut [u8]) -> R) -> R {
        body(&mut vec![0; self.key_len])
    }
}

/// Maps of this many entries or more have several shards.
const MANY: usize = 4096;

/// One shard for a small map, else the largest power of two, at most 1,024, that
/// leaves at least 1,024 entries to each shard.
const fn shards(n: usize) -> usize {
    if n < MANY {
        return 1;
    }
    let most = if n / 1024 < 1024 { n / 1024 } else { 1024 };
    1 << most.ilog2()
}

/// Enough for a full map to use 70 % of seven slots a bucket: 4.9 entries.
const fn buckets_per_shard(n: usize) -> usize {
    let buckets = (n.div_ceil(shards(n)) * 10).div_ceil(49);
    if buckets < 2 { 2 } else { buckets }
}

/// Whether the entries of a full map fit their shards, except with negligible
/// probability.
///
/// The number of entries in one of `S` shards is binomial with mean `m = N / S`. By
/// Chernoff's bound it reaches `(1 + d) m` with a probability below
/// `exp(-m ((1 + d) ln(1 + d) - d))`. With `m >= 1024` and room for `10/7 m`
/// (`d = 3/7`) that is `exp(-82.9) < 2^-119` for one shard, and below `2^-109` for any
/// of 1,024: far below the `2^-64` that is promised.
const fn shards_suffice(n: usize) -> bool {
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

/// The first offset from `offset` on at which a part may begin.
const fn align_up(offset: usize) -> usize {
    offset.next_multiple_of(PART_ALIGNMENT)
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
            assert!(shards_suffice(n), "N = {n}");
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
