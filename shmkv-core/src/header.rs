//! The header: written by `create`, examined by `open` before anything is
//! mapped or trusted.
//!
//! [`Header::read`] accepts a segment that agrees with itself, whatever its
//! sizes and types; [`Spec::accept`] then says whether it is what the program
//! asks for.

use bytemuck::Zeroable;
use rapidhash::v3::rapidhash_v3;

use crate::codec::{ParsedSchema, Schema, SchemaError};
use crate::error::{self, OpenError};
use crate::home::Home;
use crate::layout::{
    BYTE_ORDER, Dimensions, HASH_RAPID_V3, HeaderImage, IMAGE_LEN, LAYOUT_VERSION, MAGIC,
    MAX_SCHEMA,
};
use crate::sys::{self, Object};

/// What a program expects of a segment.
pub(crate) struct Spec {
    dimensions: Dimensions,
    key: &'static Schema,
    value: &'static Schema,
    schema: Vec<u8>,
}

impl Spec {
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
        (self.dimensions.schema_at + self.schema.len()) as u64
    }

    /// Writes the header and the schema of a new segment.
    pub(crate) fn write(&self, object: &Object, seed: u64) -> std::io::Result<()> {
        let [capacity, key_size, value_size] = sizes(&self.dimensions);
        let mut image = HeaderImage {
            magic: MAGIC,
            layout_version: LAYOUT_VERSION,
            byte_order: BYTE_ORDER,
            capacity,
            key_size,
            value_size,
            shards: self.dimensions.shards as u64,
            buckets_per_shard: self.dimensions.buckets_per_shard as u64,
            total_len: self.total_len(),
            hash_id: HASH_RAPID_V3,
            seed,
            key_fingerprint: self.key.fingerprint(),
            value_fingerprint: self.value.fingerprint(),
            schema_offset: self.dimensions.schema_at as u64,
            schema_len: self.schema.len() as u64,
            schema_checksum: rapidhash_v3(&self.schema),
            created: sys::now(),
            ..HeaderImage::zeroed()
        };
        image.checksum = checksum(&image);
        object.write_at(&self.schema, image.schema_offset)?;
        object.write_at(bytemuck::bytes_of(&image), 0)
    }

    /// Whether a segment is what this program expects.
    pub(crate) fn accept(&self, header: &Header, home: &Home) -> Result<(), OpenError> {
        let (expected, found) = (sizes(&self.dimensions), sizes(&header.dimensions));
        if header.schema == self.schema && expected == found {
            return Ok(());
        }
        let name = home.to_string();
        let other_sizes = |name| OpenError::Sizes {
            name,
            expected,
            found,
        };
        // Then only the number of entries differs.
        if header.schema == self.schema {
            return Err(other_sizes(name));
        }
        let (key, value) = match header.types(home) {
            Ok(types) => types,
            Err(_) if expected != found => return Err(other_sizes(name)),
            Err(error) => return Err(error),
        };
        // A changed field changes sizes as well; the field is what explains it.
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

/// What a segment says of itself.
pub(crate) struct Header {
    /// Its sizes, and all that follows from them.
    pub(crate) dimensions: Dimensions,
    /// The seed of its hash.
    pub(crate) seed: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) created: u64,
    /// Of the key's type and of the value's.
    pub(crate) fingerprints: [u64; 2],
    schema: Vec<u8>,
}

impl Header {
    /// Reads and examines the header and the schema of a segment.
    pub(crate) fn read(object: &Object, home: &Home) -> Result<Self, OpenError> {
        let name = || home.to_string();
        let io = |action| {
            let name = home.to_string();
            move |source| OpenError::Io {
                action,
                name,
                source,
            }
        };
        let damaged = |what| OpenError::Damaged {
            name: home.to_string(),
            what,
        };

        let len = object.len().map_err(io("stat"))?;
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
            return Err(damaged("invalid byte-order mark"));
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
            return Err(damaged("header checksum mismatch"));
        }
        if image.incompat != 0 {
            return Err(OpenError::Features {
                name: name(),
                unknown: image.incompat,
            });
        }
        let dimensions = dimensions(&image).ok_or_else(|| damaged(INCONSISTENT))?;
        if image.shards != dimensions.shards as u64
            || image.buckets_per_shard != dimensions.buckets_per_shard as u64
            || image.hash_id != HASH_RAPID_V3
            || image.schema_offset != dimensions.schema_at as u64
            || image.schema_len > MAX_SCHEMA
            || image.total_len != image.schema_offset + image.schema_len
        {
            return Err(damaged(INCONSISTENT));
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
            return Err(damaged("schema checksum mismatch"));
        }
        let (seed, created) = (image.seed, image.created);
        Ok(Self {
            dimensions,
            seed,
            created,
            fingerprints: [image.key_fingerprint, image.value_fingerprint],
            schema,
        })
    }

    /// The types of its keys and values.
    pub(crate) fn types(&self, home: &Home) -> Result<(ParsedSchema, ParsedSchema), OpenError> {
        ParsedSchema::from_blob(&self.schema).map_err(|_| OpenError::Damaged {
            name: home.to_string(),
            what: "invalid schema",
        })
    }
}

/// Whether two types differ, if at all, in how many bytes without further
/// meaning they are.
fn only_lengths(found: &ParsedSchema, expected: &Schema) -> bool {
    matches!(
        (found, expected),
        (ParsedSchema::Bytes { .. }, Schema::Bytes { .. })
    ) || *found == ParsedSchema::from(expected)
}

const INCONSISTENT: &str = "inconsistent header";

/// The dimensions that an image speaks of, if there can be such a map.
fn dimensions(image: &HeaderImage) -> Option<Dimensions> {
    let capacity = usize::try_from(image.capacity).ok()?;
    let key_len = usize::try_from(image.key_size).ok()?;
    let value_len = usize::try_from(image.value_size).ok()?;
    Dimensions::new(capacity, key_len, value_len).ok()
}

/// `N`, `K` and `V`.
fn sizes(dimensions: &Dimensions) -> [u64; 3] {
    [
        dimensions.capacity,
        dimensions.key_len,
        dimensions.value_len,
    ]
    .map(|size| size as u64)
}

/// The checksum of everything in the image before it.
fn checksum(image: &HeaderImage) -> u64 {
    let bytes = bytemuck::bytes_of(image);
    rapidhash_v3(&bytes[..IMAGE_LEN - size_of::<u64>()])
}
