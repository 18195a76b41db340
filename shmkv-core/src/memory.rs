//! A mapping in which a table of known geometry fits.
//!
//! # Safety
//!
//! `unsafe` to look at the mapping's bytes as the structs of `layout`. (1) Every
//! offset and count is a constant of [`Geometry`], which lays the parts out
//! one after the other, each aligned to 128 bytes (buckets to 16, words to 8),
//! all of them before `SCHEMA_AT`. (2) [`Memory::new`] refuses a mapping that is
//! shorter than that.
#![allow(unsafe_code)]

use rapidhash::v3::RapidSecrets;

use crate::layout::{Bucket, Geometry, SHARDS_AT, SHARED_AT, Shard, Shared};
use crate::sync::AtomicU64;
use crate::sys::Mapping;
use crate::table::Table;

/// The mapped memory of one map.
#[derive(Debug)]
pub(crate) struct Memory<const N: usize, const K: usize, const V: usize> {
    mapping: Mapping,
    secrets: RapidSecrets,
}

impl<const N: usize, const K: usize, const V: usize> Memory<N, K, V> {
    /// Bytes to map.
    pub(crate) const LEN: usize = Geometry::<N, K, V>::SCHEMA_AT;

    /// Takes a mapping over if it is long enough.
    pub(crate) fn new(mapping: Mapping, seed: u64) -> Option<Self> {
        (mapping.len() >= Self::LEN).then(|| Self {
            mapping,
            secrets: RapidSecrets::seed(seed),
        })
    }

    /// The mapping as such.
    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The mutable part of the header.
    pub(crate) fn shared(&self) -> &Shared {
        // SAFETY: by (1) and (2).
        let shared = unsafe { self.mapping.structs(SHARED_AT, 1) };
        &shared[0]
    }

    fn shards(&self) -> &[Shard] {
        // SAFETY: by (1) and (2).
        unsafe { self.mapping.structs(SHARDS_AT, Geometry::<N, K, V>::SHARDS) }
    }

    fn buckets(&self) -> &[Bucket] {
        let count = Geometry::<N, K, V>::BUCKETS;
        // SAFETY: by (1) and (2).
        unsafe { self.mapping.structs(Geometry::<N, K, V>::BUCKETS_AT, count) }
    }

    fn slots(&self) -> &[AtomicU64] {
        let count = Geometry::<N, K, V>::ALL_SLOT_WORDS;
        // SAFETY: by (1) and (2).
        unsafe { self.mapping.structs(Geometry::<N, K, V>::SLOTS_AT, count) }
    }

    /// The table in this memory.
    #[inline]
    pub(crate) fn table(&self) -> Table<'_, N, K, V> {
        Table::new(
            self.shared(),
            self.shards(),
            self.buckets(),
            self.slots(),
            &self.secrets,
        )
    }
}
