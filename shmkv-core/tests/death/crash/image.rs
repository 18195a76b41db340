//! A copy of a map's memory. The offsets are those that `src/layout.rs` draws.

/// `Shared::next_id`.
const NEXT_ID: usize = 512;
const SHARDS_AT: usize = 1024;
const SHARD_LEN: usize = 256;
/// Offsets in a shard.
const LOCK: usize = 0;
const NEXT: usize = 8;
const BUCKET_LEN: usize = 16;

/// The waiters' bit of a lock word.
const WAITERS: u32 = 1 << 31;

/// All bytes of a segment at one moment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Image {
    pub(super) bytes: Vec<u8>,
    pub(super) shards: usize,
    pub(super) buckets: usize,
}

impl Image {
    fn word(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.bytes[at..at + 8].try_into().unwrap())
    }

    fn lock(&self, shard: usize) -> u32 {
        self.word(SHARDS_AT + shard * SHARD_LEN + LOCK) as u32
    }

    /// How many locks are held.
    pub(crate) fn held(&self) -> u64 {
        (0..self.shards)
            .map(|shard| u64::from(self.lock(shard) & !WAITERS != 0))
            .sum()
    }

    /// Whether somebody said that he may sleep on a lock.
    pub(crate) fn has_waiters(&self) -> bool {
        (0..self.shards).any(|shard| self.lock(shard) & WAITERS != 0)
    }

    /// The last version number that was given out, if there is one shard.
    pub(crate) fn last_number(&self) -> u64 {
        assert_eq!(self.shards, 1);
        self.word(SHARDS_AT + NEXT)
    }

    /// What a new version of a key must exceed: the last number of its shard. With several shards, of which it is not known
    /// which is the key's, its own last version.
    pub(crate) fn last_number_for(&self, version: Option<u64>) -> u64 {
        if self.shards == 1 {
            self.last_number()
        } else {
            version.unwrap_or(0)
        }
    }

    /// How many writers' ids have been given out.
    pub(crate) fn ids(&self) -> u64 {
        self.word(NEXT_ID)
    }

    /// This, with so many ids given out.
    pub(crate) fn with_ids(mut self, ids: u64) -> Self {
        self.bytes[NEXT_ID..NEXT_ID + 8].copy_from_slice(&ids.to_ne_bytes());
        self
    }

    /// This, with the waiters' bits cleared: a writer that gave up waiting leaves them, and they mean nothing.
    pub(crate) fn without_waiters(mut self) -> Self {
        for shard in 0..self.shards {
            // The top bit of the lock word, in its last byte or its first.
            let at = SHARDS_AT + shard * SHARD_LEN + LOCK;
            let word = self.lock(shard) & !WAITERS;
            self.bytes[at..at + 4].copy_from_slice(&word.to_ne_bytes());
        }
        self
    }

    /// Everything but the slots: locks, counters, tags. What recovery can tell apart.
    pub(crate) fn skeleton(&self) -> &[u8] {
        &self.bytes[..SHARDS_AT + self.shards * SHARD_LEN + self.buckets * BUCKET_LEN]
    }
}
