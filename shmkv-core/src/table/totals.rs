//! Sums over all shards and buckets, taken without a lock.

use super::Table;
use super::tags::Tags;
use crate::layout::Geometry;
use crate::sync::{Ordering::Acquire, Ordering::Relaxed, Rule};

impl<G: Geometry> Table<'_, G> {
    /// How many entries live, in each shard at some moment during the call.
    pub(crate) fn len(&self) -> usize {
        let live = self.shards.iter().fold(0_u64, |sum, shard| {
            sum.saturating_add(shard.live.load(Relaxed))
        });
        Rule::TotalsAcquire.fence(Acquire);
        let live = usize::try_from(live).unwrap_or(usize::MAX);
        live.min(self.capacity())
    }

    /// The sum of the shards' commit numbers: it grows with every change.
    pub(crate) fn version(&self) -> u64 {
        let sum = self.shards.iter().fold(0, |sum: u64, shard| {
            sum.wrapping_add(shard.committed.load(Relaxed))
        });
        Rule::TotalsAcquire.fence(Acquire);
        sum
    }

    /// Counts what a person who debugs a map asks for.
    pub(crate) fn census(&self) -> Census {
        let mut census = Census::default();
        for bucket in self.buckets {
            let full = !Tags(bucket.tags.load(Relaxed)).has_room();
            census.full += usize::from(full);
            let passed = bucket.overflow.iter().any(|count| count.load(Relaxed) != 0);
            census.overflowing += usize::from(passed);
        }
        for shard in self.shards {
            let takeovers = shard.takeovers.load(Relaxed);
            census.takeovers = census.takeovers.saturating_add(takeovers);
        }
        census
    }
}

/// The result of [`Table::census`].
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Buckets that have no room for another entry.
    pub(crate) full: usize,
    /// Buckets that some entry has passed.
    pub(crate) overflowing: usize,
    /// Takeovers in all shards.
    pub(crate) takeovers: u64,
}
