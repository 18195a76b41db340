//! A mapping in which a table of known geometry fits.
//!
//! # Safety
//!
//! `unsafe` to look at the mapping's bytes as the structs of `layout`. (1) Every
//! offset and count is from [`Dimensions`], which only `Dimensions::new` makes: it
//! lays the parts out one after the other, each aligned to 128 bytes, all of them
//! before `schema_at`. (2) [`Memory::new`] refuses a mapping that is shorter than
//! that. (3) A [`Geometry`] always answers with the same dimensions.
#![allow(unsafe_code)]

use rapidhash::v3::RapidSecrets;

use crate::layout::{Bucket, Dimensions, Geometry, SHARDS_AT, SHARED_AT, Shard, Shared};
use crate::sync::AtomicU64;
use crate::sys::Mapping;
use crate::table::Table;

/// The mapped memory of one map.
#[derive(Debug)]
pub(crate) struct Memory<G> {
    geometry: G,
    mapping: Mapping,
    secrets: RapidSecrets,
}

impl<G: Geometry> Memory<G> {
    /// Takes a mapping over if it is long enough.
    pub(crate) fn new(geometry: G, mapping: Mapping, seed: u64) -> Option<Self> {
        (mapping.len() >= geometry.dimensions().schema_at).then(|| Self {
            geometry,
            mapping,
            secrets: RapidSecrets::seed(seed),
        })
    }

    /// The map's dimensions.
    #[inline]
    pub(crate) fn dimensions(&self) -> &Dimensions {
        self.geometry.dimensions()
    }

    /// The mapping as such.
    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The mutable part of the header.
    pub(crate) fn shared(&self) -> &Shared {
        // SAFETY: by (1), (2) and (3).
        let shared = unsafe { self.mapping.structs(SHARED_AT, 1) };
        &shared[0]
    }

    fn shards(&self) -> &[Shard] {
        // SAFETY: by (1), (2) and (3).
        unsafe { self.mapping.structs(SHARDS_AT, self.dimensions().shards) }
    }

    fn buckets(&self) -> &[Bucket] {
        let dimensions = self.dimensions();
        // SAFETY: by (1), (2) and (3).
        unsafe {
            self.mapping
                .structs(dimensions.buckets_at, dimensions.buckets())
        }
    }

    fn slots(&self) -> &[AtomicU64] {
        let dimensions = self.dimensions();
        // SAFETY: by (1), (2) and (3).
        unsafe {
            self.mapping
                .structs(dimensions.slots_at, dimensions.all_slot_words())
        }
    }

    /// The table in this memory.
    #[inline]
    pub(crate) fn table(&self) -> Table<'_, G> {
        Table::new(
            self.geometry,
            self.shared(),
            self.shards(),
            self.buckets(),
            self.slots(),
            &self.secrets,
        )
    }
}
