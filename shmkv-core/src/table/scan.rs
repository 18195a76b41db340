//! The entries of one bucket, all at one moment.

use super::hash::BucketIndex;
use super::lookup::{ATTEMPTS, pause};
use super::tags::Tags;
use super::{Table, WRITING};
use crate::bytes::ReadInto;
use crate::layout::{Geometry, SLOTS};
use crate::sync::{self, Ordering::Acquire, Ordering::Relaxed, Rule};

/// A writer was at work in the bucket at every attempt.
#[derive(Debug)]
pub(crate) struct Unstable;

impl<G: Geometry> Table<'_, G> {
    /// Copies the entries that live in one bucket, all at one moment.
    pub(crate) fn scan_bucket(
        &self,
        bucket: BucketIndex,
        into: &mut Entries,
    ) -> Result<(), Unstable> {
        for _ in 0..ATTEMPTS {
            if self.try_scan_bucket(bucket, into) {
                return Ok(());
            }
            pause();
        }
        Err(Unstable)
    }

    /// One attempt; returns whether it is valid.
    ///
    /// It is if tags and versions, loaded again after all copies, are what they were:
    /// each version was loaded before the second load of the tags and again after it, so
    /// all entries lived at that moment.
    fn try_scan_bucket(&self, bucket: BucketIndex, into: &mut Entries) -> bool {
        into.clear();
        let mut versions = [0; SLOTS];
        let tags = self.load_tags(bucket);
        for i in tags.live() {
            let slot = self.slot(bucket.slot(i));
            let version = sync::load_acquire(Rule::SlotVersionAcquire, slot.version);
            let start = into.bytes.len();
            let dimensions = self.geometry.dimensions();
            let entry_len = dimensions.key_len() + dimensions.value_len();
            into.bytes.resize(start + Entries::VERSION + entry_len, 0);
            let (number, entry) = into.bytes[start..].split_at_mut(Entries::VERSION);
            let (key, value) = entry.split_at_mut(dimensions.key_len());
            number.copy_from_slice(&version.to_ne_bytes());
            key.copy_from(slot.key);
            value.copy_from(slot.value);
            versions[i] = version;
        }
        let now = Tags(self.bucket(bucket).tags.load(Relaxed));
        Rule::ScanFence.fence(Acquire);
        let unchanged = |i| {
            let now = self.slot(bucket.slot(i)).version.load(Relaxed);
            now == versions[i] && now & WRITING == 0
        };
        Rule::ScanTagsRecheck.check(now == tags)
            && Rule::ScanVersionRecheck.check(tags.live().all(unchanged))
    }
}

/// Copies of the entries of one bucket. The memory is used again for the next bucket.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    bytes: Vec<u8>,
}

impl Entries {
    const VERSION: usize = size_of::<u64>();

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes one entry out: `take` gets its version and the bytes of its key and value.
    pub(crate) fn pop<R>(
        &mut self,
        key_len: usize,
        value_len: usize,
        take: impl FnOnce(u64, &[u8], &[u8]) -> R,
    ) -> Option<R> {
        let start = self
            .bytes
            .len()
            .checked_sub(Self::VERSION + key_len + value_len)?;
        let (number, entry) = self.bytes[start..].split_first_chunk()?;
        let (key, value) = entry.split_at(key_len);
        let taken = take(u64::from_ne_bytes(*number), key, value);
        self.bytes.truncate(start);
        Some(taken)
    }
}
