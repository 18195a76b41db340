//! The intent word: which overflow counters are in doubt.
//!
//! The holder of a shard's lock stores it before an insertion or a removal changes the first
//! overflow counter or tag, and clears it when all agree again. If the holder dies in between, the next one reads
//! here which counters to compute anew.

use super::Table;
use super::hash::BucketIndex;
use crate::layout::Geometry;

/// What the holder of a shard's lock is about to do to its overflow counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// Nothing: no counter is in doubt.
    None,
    /// To change those of the buckets on the path from `home` until `target`.
    Path {
        home: BucketIndex,
        target: BucketIndex,
    },
    /// To change all counters of the shard.
    All,
}

const PATH: u64 = 1 << 62;
const ALL: u64 = 1 << 63;
/// The bits of a bucket's index within its shard.
const INDEX: u64 = (1 << 31) - 1;

impl<G: Geometry> Table<'_, G> {
    /// An intent of this shard, as it is stored.
    #[inline(always)]
    pub(super) fn intent_word(&self, shard: usize, intent: Intent) -> u64 {
        match intent {
            Intent::None => 0,
            Intent::Path { home, target } => {
                let home = self.index_in(shard, home) as u64;
                let target = self.index_in(shard, target) as u64;
                PATH | home << 31 | target
            }
            Intent::All => ALL,
        }
    }

    /// An intent as it was read. Any process may have written the word: one that is
    /// impossible for this shard puts every counter in doubt.
    pub(super) fn intent_of_word(&self, shard: usize, word: u64) -> Intent {
        if word == 0 {
            return Intent::None;
        }
        let bucket = |index: u64| self.bucket_in(shard, (index & INDEX) as usize);
        match (word >> 62, bucket(word >> 31), bucket(word)) {
            (1, Some(home), Some(target)) => Intent::Path { home, target },
            _ => Intent::All,
        }
    }
}
