//! The header: written by `create`, examined by `open` before anything is
//! mapped or trusted.

use bytemuck::Zeroable;
use rapidhash::v3::rapidhash_v3;

use crate::codec::{ParsedSchema, Schema, SchemaError};
use crate::error::OpenError;
use crate::home::Home;
use crate::layout::{
    BYTE_ORDER, Geometry, HASH_RAPID_V3, HeaderImage, IMAGE_LEN, LAYOUT_VERSION, MAGIC, MAX_SCHEMA,
};
use crate::sys::{self, Object};

/// What a program expects of a segment.
pub(crate) struct Spec {
    sizes: [u64; 3],
    shards: u64,
    buckets_per_shard: u64,
    schema_offset: u64,
    key: &'static Schema,
    value: &'static Schema,
    schema: Vec<u8>,
}

impl Spec {
    /// What a map of this geometry and these types expects.
    pub(crate) fn new<const N: usize, const K: usize, const V: usize>(
        key: &'static Schema,
        value: &'static Schema,
    ) -> Result<Self, SchemaError> {
        Ok(Self {
            sizes: [N as u64, K as u64, V as u64],
            shards: Geometry::<N, K, V>::SHARDS as u64,
            buckets_per_shard: Geometry::<N, K, V>::BUCKETS_PER_SHARD as u64,
            schema_offset: Geometry::<N, K, V>::SCHEMA_AT as u64,
            key,
            value,
            schema: Schema::to_blob(key, value)?,
        })
    }

    /// Length of the whole object in bytes.
    pub(crate) fn total_len(&self) -> u64 {
        self.schema_offset + self.schema.len() as u64
    }

    /// Writes the header and the schema of a new segment.
    pub(crate) fn write(&self, object: &Object, seed: u64) -> std::io::Result<()> {
        let mut image = HeaderImage {
            magic: MAGIC,
            layout_version: LAYOUT_VERSION,
            byte_order: BYTE_ORDER,
            capacity: self.sizes[0],
            key_size: self.sizes[1],
            value_size: self.sizes[2],
            shards: self.shards,
            buckets_per_shard: self.buckets_per_shard,
            total_len: self.total_len(),
            hash_id: HASH_RAPID_V3,
            seed,
            key_fingerprint: self.key.fingerprint(),
            value_fingerprint: self.value.fingerprint(),
            schema_offset: self.schema_offset,
            schema_len: self.schema.len() as u64,
            schema_checksum: rapidhash_v3(&self.schema),
            created: sys::now(),
            ..HeaderImage::zeroed()
        };
        image.checksum = checksum(&image);
        object.write_at(&self.schema, self.schema_offset)?;
        object.write_at(bytemuck::bytes_of(&image), 0)
    }

    /// Examines the header and schema of a segment; returns its hash seed.
    pub(crate) fn check(&self, object: &Object, home: &Home) -> Result<u64, OpenError> {
        let name = || home.to_string();
        let io = |action| {
            move |source| OpenError::Io {
                action,
                name: home.to_string(),
                source,
            }
        };
        let damaged = |what| OpenError::Damaged {
            name: home.to_string(),
            what,
        };

        let len = object.len().map_err(io("look at"))?;
        let mut image = HeaderImage::zeroed();
        let bytes = bytemuck::bytes_of_mut(&mut image);
        let present = usize::try_from(len).unwrap_or(usize::MAX).min(IMAGE_LEN);
        object
            .read_at(&mut bytes[..present], 0)
            .map_err(io("read"))?;
        if image.magic != MAGIC {
            let found = image.magic[..present.min(MAGIC.len())].to_vec();
            return Err(OpenError::NotASegment {
                name: name(),
                found,
            });
        }
        if present < IMAGE_LEN {
            let expected = IMAGE_LEN as u64;
            return Err(OpenError::Length {
                name: name(),
                expected,
                found: len,
            });
        }
        if image.byte_order == BYTE_ORDER.swap_bytes() {
            return Err(OpenError::ByteOrder { name: name() });
        }
        if image.byte_order != BYTE_ORDER {
            return Err(damaged("its byte order mark is none"));
        }
        if image.layout_version != LAYOUT_VERSION {
            let (expected, found) = (LAYOUT_VERSION, image.layout_version);
            return Err(OpenError::LayoutVersion {
                name: name(),
                expected,
                found,
            });
        }
        if image.checksum != checksum(&image) {
            return Err(damaged("the header's checksum does not match"));
        }
        if image.incompat != 0 {
            return Err(OpenError::Features {
                name: name(),
                unknown: image.incompat,
            });
        }
        let found = [image.capacity, image.key_size, image.value_size];
        if found != self.sizes {
            return Err(OpenError::Sizes {
                name: name(),
                expected: self.sizes,
                found,
            });
        }
        if image.shards != self.shards
            || image.buckets_per_shard != self.buckets_per_shard
            || image.hash_id != HASH_RAPID_V3
            || image.schema_offset != self.schema_offset
            || image.schema_len > MAX_SCHEMA
            || image.total_len != image.schema_offset + image.schema_len
        {
            return Err(damaged("the header does not agree with itself"));
        }
        if len != image.total_len {
            let expected = image.total_len;
            return Err(OpenError::Length {
                name: name(),
                expected,
                found: len,
            });
        }
        let mut schema = vec![0; image.schema_len as usize];
        object
            .read_at(&mut schema, image.schema_offset)
            .map_err(io("read"))?;
        if image.schema_checksum != rapidhash_v3(&schema) {
            return Err(damaged("the schema's checksum does not match"));
        }
        if schema != self.schema {
            let Ok((key, value)) = ParsedSchema::from_blob(&schema) else {
                return Err(damaged("its schema makes no sense"));
            };
            let key = key
                .diff(self.key)
                .into_iter()
                .map(|it| format!("key: {it}"));
            let value = value
                .diff(self.value)
                .into_iter()
                .map(|it| format!("value: {it}"));
            let differences = key.chain(value).collect();
            return Err(OpenError::Types {
                name: name(),
                differences,
            });
        }
        Ok(image.seed)
    }
}

/// The checksum of everything in the image before it.
fn checksum(image: &HeaderImage) -> u64 {
    let bytes = bytemuck::bytes_of(image);
    rapidhash_v3(&bytes[..IMAGE_LEN - size_of::<u64>()])
}
