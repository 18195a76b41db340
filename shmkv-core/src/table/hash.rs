//! From a key to its buckets: the hash, the home bucket, the path.
//!
//! ```text
//! hash bit  0..8   tag
//!           8..11  class
//!          11..15  event word, for watchers to come
//!      the top     home bucket, and with it the shard
//! ```
//!
//! The home bucket is the hash, as a fraction of 2^64, times the number of buckets of
//! the whole table. Shards are runs of buckets, so a reader need not know its shard.
//! In the code a bucket has one coordinate, its index in the whole table; intents store, and
//! faults report, its index in its shard.

use std::iter;
use std::ops::Range;

use rapidhash::v3::rapidhash_v3_inline;

use super::Table;
use crate::layout::{Bucket, CLASSES, Geometry};

/// The hash of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hash(u64);

impl Hash {
    /// The key's tag, never 0.
    #[inline(always)]
    pub(crate) fn tag(self) -> u8 {
        (self.0 as u8).max(1)
    }

    /// The key's class.
    #[inline(always)]
    pub(crate) fn class(self) -> usize {
        (self.0 >> 8) as usize % CLASSES
    }
}

/// A bucket of the whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BucketIndex(pub(super) usize);

/// Buckets that follow each other: those of a shard, or of the whole table.
#[derive(Clone, Debug)]
pub(crate) struct Buckets(Range<usize>);

impl Iterator for Buckets {
    type Item = BucketIndex;

    #[inline]
    fn next(&mut self) -> Option<BucketIndex> {
        self.0.next().map(BucketIndex)
    }
}

/// The probe sequence of a key: its home bucket and those that follow it, round the
/// shard, each once.
///
/// It is a cursor rather than an iterator, so that the next bucket is computed only if the
/// probe goes on: nearly every probe ends in the first bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    bucket: BucketIndex,
    /// How many buckets follow.
    left: usize,
    buckets_per_shard: usize,
}

impl Path {
    /// The bucket at which the probe is.
    #[inline(always)]
    pub(super) fn bucket(&self) -> BucketIndex {
        self.bucket
    }

    /// Goes on to the next bucket; returns false if there is none.
    #[inline(always)]
    pub(super) fn advance(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        self.bucket.0 += 1;
        if self.bucket.0.is_multiple_of(self.buckets_per_shard) {
            self.bucket.0 -= self.buckets_per_shard;
        }
        true
    }

    /// The buckets from here until `end`, which is on the path.
    #[inline]
    pub(super) fn until(mut self, end: BucketIndex) -> impl Iterator<Item = BucketIndex> {
        iter::from_fn(move || {
            let bucket = self.bucket;
            (bucket != end && self.advance()).then_some(bucket)
        })
    }
}

impl<'m, G: Geometry> Table<'m, G> {
    /// The hash of `key`: rapidhash v3, with secrets derived from the segment's seed.
    #[inline(always)]
    pub(crate) fn hash(&self, key: &[u8]) -> Hash {
        Hash(rapidhash_v3_inline::<true, false, false>(key, self.secrets))
    }

    /// The home bucket of the keys with this hash.
    #[inline(always)]
    pub(crate) fn home(&self, Hash(hash): Hash) -> BucketIndex {
        let buckets = self.geometry.dimensions().buckets() as u128;
        BucketIndex(((u128::from(hash) * buckets) >> 64) as usize)
    }

    /// The path of the keys with this hash.
    #[inline(always)]
    pub(super) fn path(&self, hash: Hash) -> Path {
        self.path_from(self.home(hash))
    }

    /// The path of the keys whose home bucket is `home`.
    #[inline(always)]
    pub(super) fn path_from(&self, home: BucketIndex) -> Path {
        Path {
            bucket: home,
            left: self.buckets_per_shard() - 1,
            buckets_per_shard: self.buckets_per_shard(),
        }
    }

    /// How many steps along a path lead from `from` to `to`, a bucket of the same shard.
    #[inline]
    pub(super) fn distance(&self, from: BucketIndex, to: BucketIndex) -> usize {
        if to.0 >= from.0 {
            to.0 - from.0
        } else {
            to.0 + self.buckets_per_shard() - from.0
        }
    }

    /// The shard to which a bucket belongs.
    #[inline(always)]
    pub(crate) fn shard_of(&self, bucket: BucketIndex) -> usize {
        bucket.0 / self.buckets_per_shard()
    }

    /// The shard to which the keys with this hash belong.
    #[inline(always)]
    pub(crate) fn shard_of_hash(&self, hash: Hash) -> usize {
        self.shard_of(self.home(hash))
    }

    /// The bucket itself.
    #[inline(always)]
    pub(super) fn bucket(&self, bucket: BucketIndex) -> &'m Bucket {
        &self.buckets[bucket.0]
    }

    /// All buckets.
    pub(crate) fn buckets(&self) -> Buckets {
        Buckets(0..self.buckets.len())
    }

    /// The buckets of a shard.
    pub(super) fn buckets_of(&self, shard: usize) -> Buckets {
        let first = shard * self.buckets_per_shard();
        Buckets(first..first + self.buckets_per_shard())
    }

    /// The index in `shard` of one of its buckets, as it is stored and reported.
    #[inline(always)]
    pub(super) fn index_in(&self, shard: usize, bucket: BucketIndex) -> usize {
        bucket.0 - shard * self.buckets_per_shard()
    }

    /// The bucket of `shard` with this index in it, if there is one.
    pub(super) fn bucket_in(&self, shard: usize, index: usize) -> Option<BucketIndex> {
        let first = shard * self.buckets_per_shard();
        (index < self.buckets_per_shard()).then_some(BucketIndex(first + index))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn path(home: usize, buckets_per_shard: usize) -> Path {
        Path {
            bucket: BucketIndex(home),
            left: buckets_per_shard - 1,
            buckets_per_shard,
        }
    }

    #[test]
    fn a_path_goes_round_its_shard_once() {
        for (home, expected) in [(6, [6, 7, 8]), (7, [7, 8, 6]), (8, [8, 6, 7])] {
            let mut path = path(home, 3);
            let mut found = vec![path.bucket().0];
            while path.advance() {
                found.push(path.bucket().0);
            }
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_path_ends_before_its_end() {
        let until = |home, end| path(home, 4).until(BucketIndex(end));
        assert_eq!(until(5, 5).count(), 0);
        assert_eq!(until(5, 6).map(|it| it.0).collect::<Vec<_>>(), [5]);
        assert_eq!(until(5, 4).map(|it| it.0).collect::<Vec<_>>(), [5, 6, 7]);
    }
}
