//! A copy of a map's memory. The offsets are those drawn in `src/layout`.

/// `Control::next_id`.
const NEXT_ID: usize = 512;
const SHARDS_AT: usize = 1024;
const SHARD_LEN: usize = 256;
/// Offsets in a shard.
const LOCK: usize = 0;
const ISSUED: usize = 8;
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

    /// Whether a lock has its waiters' bit set: a process may sleep on it.
    pub(crate) fn has_waiters(&self) -> bool {
        (0..self.shards).any(|shard| self.lock(shard) & WAITERS != 0)
    }

    /// The last version number handed out, in a map of one shard.
    pub(crate) fn last_number(&self) -> u64 {
        assert_eq!(self.shards, 1);
        self.word(SHARDS_AT + ISSUED)
    }

    /// What a new version of a key must exceed: the last number of its shard. With several shards, where
    /// the shard of the key is not known, its own last version.
    pub(crate) fn last_number_for(&self, version: Option<u64>) -> u64 {
        if self.shards == 1 {
            self.last_number()
        } else {
            version.unwrap_or(0)
        }
    }

    /// How many writer ids have been handed out.
    pub(crate) fn ids(&self) -> u64 {
        self.word(NEXT_ID)
    }

    /// This image with `ids` writer ids handed out.
    pub(crate) fn with_ids(mut self, ids: u64) -> Self {
        self.bytes[NEXT_ID..NEXT_ID + 8].copy_from_slice(&ids.to_ne_bytes());
        self
    }

    /// This image with the waiters' bits cleared: a writer that times out leaves its bit set, which has
    /// no effect.
    pub(crate) fn without_waiters(mut self) -> Self {
        for shard in 0..self.shards {
            let at = SHARDS_AT + shard * SHARD_LEN + LOCK;
            let word = self.lock(shard) & !WAITERS;
            self.bytes[at..at + 4].copy_from_slice(&word.to_ne_bytes());
        }
        self
    }

    /// Everything but the slots: locks, counters, tags. By these recovery distinguishes states.
    pub(crate) fn skeleton(&self) -> &[u8] {
        &self.bytes[..SHARDS_AT + self.shards * SHARD_LEN + self.buckets * BUCKET_LEN]
    }
}
