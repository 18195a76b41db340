//! The header, written and examined.
//!
//! [`Expected`] is what a program expects of a segment; it writes the header of a new one
//! and says whether an existing one fits. [`Header`] is what a segment says of itself: its
//! raw bytes are read into private memory and checked in full before anything is mapped.

use bytemuck::Zeroable;
use rapidhash::v3::rapidhash_v3;

use crate::codec::{ParsedSchema, Schema, SchemaError};
use crate::error::{self, OpenError};
use crate::layout::{
    BYTE_ORDER, Dimensions, HASH_RAPID_V3, HEADER_LEN, LAYOUT_VERSION, MAGIC, MAX_SCHEMA, RawHeader,
};
use crate::sys::{self, Object};

use super::location::Location;

/// What a program expects of a segment.
pub(crate) struct Expected {
    dimensions: Dimensions,
    key: &'static Schema,
    value: &'static Schema,
    schema: Vec<u8>,
}

impl Expected {
    /// What a map of these dimensions and types expects.
    pub(crate) fn new(
        dimensions: Dimensions,
        key: &'static Schema,
        value: &'static Schema,
    ) -> Result<Self, SchemaError> {
        Ok(Self {
            dimensions,
            key,
            value,
            schema: Schema::to_blob(key, value)?,
        })
    }

    /// Length of the whole object in bytes.
    pub(crate) fn total_len(&self) -> u64 {
        (self.dimensions.schema_at() + self.schema.len()) as u64
    }

    /// Writes the header and the schema of a new segment.
    pub(crate) fn write(&self, object: &Object, seed: u64) -> std::io::Result<()> {
        let [capacity, key_size, value_size] = sizes(&self.dimensions);
        let mut raw = RawHeader {
            magic: MAGIC,
            layout_version: LAYOUT_VERSION,
            byte_order: BYTE_ORDER,
            capacity,
            key_size,
            value_size,
            shards: self.dimensions.shards() as u64,
            buckets_per_shard: self.dimensions.buckets_per_shard() as u64,
            total_len: self.total_len(),
            hash_id: HASH_RAPID_V3,
            seed,
            key_fingerprint: self.key.fingerprint(),
            value_fingerprint: self.value.fingerprint(),
            schema_offset: self.dimensions.schema_at() as u64,
            schema_len: self.schema.len() as u64,
            schema_checksum: rapidhash_v3(&self.schema),
            created: sys::now(),
            ..RawHeader::zeroed()
        };
        raw.checksum = checksum(&raw);
        object.write_at(&self.schema, raw.schema_offset)?;
        object.write_at(bytemuck::bytes_of(&raw), 0)
    }

    /// Whether a segment is what this program expects.
    pub(crate) fn accept(&self, header: &Header, location: &Location) -> Result<(), OpenError> {
        let (expected, found) = (sizes(&self.dimensions), sizes(&header.dimensions));
        if header.schema == self.schema && expected == found {
            return Ok(());
        }
        let name = location.to_string();
        let other_sizes = |name| OpenError::Sizes {
            name,
            expected,
            found,
        };
        // With the same types, only the number of entries can differ.
        if header.schema == self.schema {
            return Err(other_sizes(name));
        }
        let (key, value) = match header.types(location) {
            Ok(types) => types,
            Err(_) if expected != found => return Err(other_sizes(name)),
            Err(error) => return Err(error),
        };
        // A changed field changes sizes as well, and explains the change.
        if only_lengths(&key, self.key) && only_lengths(&value, self.value) {
            return Err(other_sizes(name));
        }
        let key = key.diff(self.key).into_iter();
        let value = value.diff(self.value).into_iter();
        let mut differences: Vec<String> = key
            .map(|it| format!("key: {it}"))
            .chain(value.map(|it| format!("value: {it}")))
            .collect();
        if expected != found {
            differences.push(error::sizes(&expected, &found));
        }
        Err(OpenError::Types { name, differences })
    }
}

/// What a segment says of itself, checked.
pub(crate) struct Header {
    /// Its sizes, and everything that follows from them.
    pub(crate) dimensions: Dimensions,
    /// The seed of its hash.
    pub(crate) seed: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) created: u64,
    /// Fingerprints of the key's and the value's type.
    pub(crate) fingerprints: [u64; 2],
    schema: Vec<u8>,
}

impl Header {
    /// Reads and checks the header and the schema of a segment.
    pub(crate) fn read(object: &Object, location: &Location) -> Result<Self, OpenError> {
        let name = || location.to_string();
        let io = |action| {
            let name = location.to_string();
            move |source| OpenError::Io {
                action,
                name,
                source,
            }
        };
        let damaged = |what| OpenError::Damaged {
            name: location.to_string(),
            what,
        };

        let len = object.len().map_err(io("stat"))?;
        let mut raw = RawHeader::zeroed();
        let bytes = bytemuck::bytes_of_mut(&mut raw);
        let present = usize::try_from(len).unwrap_or(usize::MAX).min(HEADER_LEN);
        object
            .read_at(&mut bytes[..present], 0)
            .map_err(io("read"))?;
        if raw.magic != MAGIC {
            let found = raw.magic[..present.min(MAGIC.len())].to_vec();
            return Err(OpenError::NotASegment {
                name: name(),
                found,
            });
        }
        if present < HEADER_LEN {
            let expected = HEADER_LEN as u64;
            return Err(OpenError::Length {
                name: name(),
                expected,
                found: len,
            });
        }
        if raw.byte_order == BYTE_ORDER.swap_bytes() {
            return Err(OpenError::ByteOrder { name: name() });
        }
        if raw.byte_order != BYTE_ORDER {
            return Err(damaged("invalid byte-order mark"));
        }
        if raw.layout_version != LAYOUT_VERSION {
            let (expected, found) = (LAYOUT_VERSION, raw.layout_version);
            return Err(OpenError::LayoutVersion {
                name: name(),
                expected,
                found,
            });
        }
        if raw.checksum != checksum(&raw) {
            return Err(damaged("header checksum mismatch"));
        }
        if raw.incompat != 0 {
            return Err(OpenError::Features {
                name: name(),
                unknown: raw.incompat,
            });
        }
        let dimensions = dimensions(&raw).ok_or_else(|| damaged(INCONSISTENT))?;
        if raw.shards != dimensions.shards() as u64
            || raw.buckets_per_shard != dimensions.buckets_per_shard() as u64
            || raw.hash_id != HASH_RAPID_V3
            || raw.schema_offset != dimensions.schema_at() as u64
            || raw.schema_len > MAX_SCHEMA
            || raw.total_len != raw.schema_offset + raw.schema_len
        {
            return Err(damaged(INCONSISTENT));
        }
        if len != raw.total_len {
            let expected = raw.total_len;
            return Err(OpenError::Length {
                name: name(),
                expected,
                found: len,
            });
        }
        let mut schema = vec![0; raw.schema_len as usize];
        object
            .read_at(&mut schema, raw.schema_offset)
            .map_err(io("read"))?;
        if raw.schema_checksum != rapidhash_v3(&schema) {
            return Err(damaged("schema checksum mismatch"));
        }
        let (seed, created) = (raw.seed, raw.created);
        Ok(Self {
            dimensions,
            seed,
            created,
            fingerprints: [raw.key_fingerprint, raw.value_fingerprint],
            schema,
        })
    }

    /// The types of its keys and values.
    pub(crate) fn types(
        &self,
        location: &Location,
    ) -> Result<(ParsedSchema, ParsedSchema), OpenError> {
        ParsedSchema::from_blob(&self.schema).map_err(|_| OpenError::Damaged {
            name: location.to_string(),
            what: "invalid schema",
        })
    }
}

/// Whether two types are equal, or differ only in the length of plain bytes.
fn only_lengths(found: &ParsedSchema, expected: &Schema) -> bool {
    matches!(
        (found, expected),
        (ParsedSchema::Bytes { .. }, Schema::Bytes { .. })
    ) || *found == ParsedSchema::from(expected)
}

const INCONSISTENT: &str = "inconsistent header";

/// The dimensions that a raw header describes, if there can be such a map.
fn dimensions(raw: &RawHeader) -> Option<Dimensions> {
    let capacity = usize::try_from(raw.capacity).ok()?;
    let key_len = usize::try_from(raw.key_size).ok()?;
    let value_len = usize::try_from(raw.value_size).ok()?;
    Dimensions::new(capacity, key_len, value_len).ok()
}

/// `N`, `K` and `V`.
fn sizes(dimensions: &Dimensions) -> [u64; 3] {
    [
        dimensions.capacity(),
        dimensions.key_len(),
        dimensions.value_len(),
    ]
    .map(|size| size as u64)
}

/// The checksum of everything in the raw header before it.
fn checksum(raw: &RawHeader) -> u64 {
    let bytes = bytemuck::bytes_of(raw);
    rapidhash_v3(&bytes[..HEADER_LEN - size_of::<u64>()])
}
