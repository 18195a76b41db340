//! An open segment: an object, its mapping, and where it is; the memory of a table.
//!
//! # Safety
//!
//! `unsafe` to refer to the mapping's bytes as the structs of `layout`. (1) Every offset
//! and count is from [`Dimensions`], which only `Dimensions::new` makes: it lays the parts
//! out one after the other, each aligned to 128 bytes, all of them before `schema_at`.
//! (2) [`Segment::new`] refuses a mapping that is shorter than that. (3) A [`Geometry`]
//! always answers with the same dimensions.
#![allow(unsafe_code)]

mod create;
mod dirty;
mod header;
mod location;
mod open;
mod pages;

use std::io;

use rapidhash::v3::RapidSecrets;

pub(crate) use self::create::create;
pub(crate) use self::header::Expected;
pub(crate) use self::location::Location;
pub(crate) use self::open::Opened;
pub(crate) use self::pages::Pages;
use crate::layout::{Bucket, CONTROL_AT, Control, Dimensions, Geometry, SHARDS_AT, Shard};
use crate::sync::AtomicU64;
use crate::sys::{Mapping, Object};
use crate::table::Table;

/// An open segment.
#[derive(Debug)]
pub(crate) struct Segment<G> {
    geometry: G,
    mapping: Mapping,
    secrets: RapidSecrets,
    object: Object,
    location: Location,
}

impl<G: Geometry> Segment<G> {
    /// The segment that a mapping of `object` holds; `None` if it is too short.
    fn new(
        geometry: G,
        mapping: Mapping,
        seed: u64,
        object: Object,
        location: Location,
    ) -> Option<Self> {
        (mapping.len() >= geometry.dimensions().schema_at()).then(|| Self {
            geometry,
            mapping,
            secrets: RapidSecrets::seed(seed),
            object,
            location,
        })
    }

    /// The map's dimensions.
    #[inline]
    pub(crate) fn dimensions(&self) -> &Dimensions {
        self.geometry.dimensions()
    }

    /// The object itself.
    pub(crate) fn object(&self) -> &Object {
        &self.object
    }

    /// Where it is.
    #[inline(always)]
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// Bytes that are mapped.
    pub(crate) fn len(&self) -> usize {
        self.mapping.len()
    }

    /// How many of them this process reaches through huge pages.
    pub(crate) fn huge_page_bytes(&self) -> io::Result<usize> {
        self.mapping.huge_page_bytes()
    }

    /// The mutable part of the header.
    pub(crate) fn control(&self) -> &Control {
        // SAFETY: by (1) one `Control` lies at this offset, which is a multiple of 128, its
        // alignment; by (2) inside the mapping.
        let control = unsafe { self.mapping.structs(CONTROL_AT, 1) };
        &control[0]
    }

    fn shards(&self) -> &[Shard] {
        // SAFETY: by (1) and (3) so many shards lie at this offset, which is a multiple of
        // 128, their alignment; by (2) inside the mapping.
        unsafe { self.mapping.structs(SHARDS_AT, self.dimensions().shards()) }
    }

    fn buckets(&self) -> &[Bucket] {
        let dimensions = self.dimensions();
        // SAFETY: by (1) and (3) so many buckets lie at this offset, which is a multiple of
        // 128, and so of their alignment; by (2) inside the mapping.
        unsafe {
            self.mapping
                .structs(dimensions.buckets_at(), dimensions.buckets())
        }
    }

    fn slots(&self) -> &[AtomicU64] {
        let dimensions = self.dimensions();
        // SAFETY: by (1) and (3) the slots take so many words at this offset, which is a
        // multiple of 128, and so of their alignment; by (2) inside the mapping.
        unsafe {
            self.mapping
                .structs(dimensions.slots_at(), dimensions.all_slot_words())
        }
    }

    /// The table in this memory.
    #[inline]
    pub(crate) fn table(&self) -> Table<'_, G> {
        Table::new(
            self.geometry,
            self.control(),
            self.shards(),
            self.buckets(),
            self.slots(),
            &self.secrets,
        )
    }

    /// Removes the segment's name, if it still leads to this segment.
    pub(crate) fn unlink(&self) -> io::Result<()> {
        let Some(path) = self.location.path() else {
            let message = "cannot unlink the anonymous segment: it has no name";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        if !self.object.is_at(path)? {
            let location = &self.location;
            let message = format!("cannot unlink {location}: it now names another object");
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        std::fs::remove_file(path)
    }

    /// Whether no name leads to the segment any more.
    pub(crate) fn is_unlinked(&self) -> io::Result<bool> {
        let Some(path) = self.location.path() else {
            return Ok(true);
        };
        match self.object.is_at(path) {
            Ok(there) => Ok(!there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}
