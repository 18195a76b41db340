//! The segment's format.
//!
//! ```text
//!       0  RawHeader     512 bytes, written once, before the segment has a name
//!     512  Control       512 bytes, what processes change beside the shards
//!    1024  [Shard; S]    256 bytes each: lock, counters, event words
//!      ..  [Bucket; B]    16 bytes each, dense: eight tags, eight counters
//!      ..  [u64; 8 B W]  slots, eight a bucket, W words each:
//!                        version | key words | value words
//!      ..  schema        the types of keys and values, for error messages and tools
//! ```
//!
//! S shards have B buckets in all, and a slot has W words. Each struct is drawn in its own
//! file. Every offset follows from `N`, `K` and `V` ([`Dimensions`]); a program that does
//! not know these reads them from the header, before it maps, and compares the length that
//! follows with the object's. Indices are computed from a hash or checked. Only fixed-width
//! integers are stored, no pointer and no `usize`.
//!
//! # Versions of the format
//!
//! | layout version | since | change |
//! |---|---|---|
//! | 1 | 0.1.0 | the first |

mod bucket;
mod dimensions;
mod header;
mod shard;

pub(crate) use self::bucket::{BUCKET_LEN, Bucket, CLASSES, MAX_LIVE, SLOTS};
pub(crate) use self::dimensions::{Dimensions, Fixed, Geometry};
#[cfg(not(loom))]
pub(crate) use self::header::{
    BYTE_ORDER, HASH_RAPID_V3, LAYOUT_VERSION, MAGIC, MAX_SCHEMA, RawHeader,
};
pub(crate) use self::header::{Control, HEADER_LEN};
pub(crate) use self::shard::Shard;

/// Offset of the [`Control`].
pub(crate) const CONTROL_AT: usize = HEADER_LEN;
/// Offset of the shards.
pub(crate) const SHARDS_AT: usize = 1024;
/// The offset of every part is a multiple of this.
pub(crate) const PART_ALIGNMENT: usize = 128;

#[cfg(not(loom))]
const _: () = assert!(size_of::<Control>() == SHARDS_AT - CONTROL_AT);
