//! The header: a part that is written once, and a part that changes.

use bytemuck::{Pod, Zeroable};

use crate::sync::{AtomicU64, only_atomics};

/// The first eight bytes. The control characters reveal a transfer as text.
pub(crate) const MAGIC: [u8; 8] = *b"shmkv\r\n\x1a";
/// Raised by every change of the format; the module `layout` lists the versions.
pub(crate) const LAYOUT_VERSION: u32 = 1;
/// Reads as another number on a machine of the other byte order.
pub(crate) const BYTE_ORDER: u32 = 0x0102_0304;
/// rapidhash, portable version 3, with secrets derived from the header's seed.
pub(crate) const HASH_RAPID_V3: u32 = 1;
/// The longest schema that `open` reads, in bytes.
pub(crate) const MAX_SCHEMA: u64 = 64 << 10;
/// Bytes of a [`RawHeader`].
pub(crate) const HEADER_LEN: usize = 512;

/// The part of the header that is written once, as it is stored.
///
/// Plain data: it is written to the object before any other process can open it, and
/// read into private memory before anything is mapped.
///
/// ```text
///   0  magic 8 | layout_version 4 | byte_order 4 | incompat 8 | compat 8
///  32  capacity 8 | key_size 8 | value_size 8 | shards 8 | buckets_per_shard 8 | total_len 8
///  80  hash_id 4 | zero 4 | seed 8 | key_fingerprint 8 | value_fingerprint 8
/// 112  schema_offset 8 | schema_len 8 | schema_checksum 8 | created 8
/// 144  log_offset 8 | log_len 8 | 344 zero bytes to spare | checksum 8
/// ```
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(crate) struct RawHeader {
    pub(crate) magic: [u8; 8],
    pub(crate) layout_version: u32,
    pub(crate) byte_order: u32,
    /// Features that a program must know to open the segment at all.
    pub(crate) incompat: u64,
    /// Features that a program may ignore.
    pub(crate) compat: u64,
    pub(crate) capacity: u64,
    pub(crate) key_size: u64,
    pub(crate) value_size: u64,
    pub(crate) shards: u64,
    pub(crate) buckets_per_shard: u64,
    /// Length of the whole object in bytes.
    pub(crate) total_len: u64,
    pub(crate) hash_id: u32,
    pub(crate) zero: u32,
    /// Random; the hash's secrets are derived from it.
    pub(crate) seed: u64,
    pub(crate) key_fingerprint: u64,
    pub(crate) value_fingerprint: u64,
    pub(crate) schema_offset: u64,
    pub(crate) schema_len: u64,
    /// Checksum of the schema's bytes.
    pub(crate) schema_checksum: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) created: u64,
    /// Reserved for a log of changes; both are 0 in this version.
    pub(crate) log_offset: u64,
    pub(crate) log_len: u64,
    pub(crate) spare: [u64; 43],
    /// Checksum of everything above.
    pub(crate) checksum: u64,
}

only_atomics! {
    /// The mutable part of the header, a 128-byte line for each concern.
    ///
    /// ```text
    ///   0  next_id, clean, boot          rarely written
    /// 128  reserved                      every new key and removal, if S > 1
    /// 256  256 zero bytes to spare
    /// ```
    #[cfg_attr(loom, derive(Default))]
    #[repr(C, align(128))]
    pub(crate) struct Control {
        /// How many writer ids have been handed out.
        pub(crate) next_id: AtomicU64,
        /// The state of a file's contents; see `segment::dirty`.
        pub(crate) clean: AtomicU64,
        /// Id of the boot in which a file was last opened for writing.
        pub(crate) boot: [AtomicU64; 2],
        _line: [AtomicU64; 12],
        /// Entries reserved, if there are several shards: never fewer than live.
        pub(crate) reserved: AtomicU64,
        _reserved_line: [AtomicU64; 15],
        _spare: [AtomicU64; 32],
    }
}

#[cfg(not(loom))]
mod sizes {
    use std::mem::offset_of;

    use static_assertions::{assert_eq_align, assert_eq_size, const_assert_eq};

    use super::{Control, HEADER_LEN, RawHeader};

    assert_eq_size!(RawHeader, [u8; HEADER_LEN]);
    assert_eq_align!(RawHeader, u64);
    const_assert_eq!(offset_of!(RawHeader, capacity), 32);
    const_assert_eq!(offset_of!(RawHeader, hash_id), 80);
    const_assert_eq!(offset_of!(RawHeader, schema_offset), 112);
    const_assert_eq!(offset_of!(RawHeader, log_offset), 144);
    const_assert_eq!(offset_of!(RawHeader, checksum), HEADER_LEN - 8);
    assert_eq_size!(Control, [u8; 512]);
    const_assert_eq!(offset_of!(Control, reserved), 128);
    const_assert_eq!(offset_of!(Control, _spare), 256);
}
