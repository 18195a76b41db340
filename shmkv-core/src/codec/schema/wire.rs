//! Schemas as bytes: the blob that a segment stores, and its fingerprint.
//!
//! ```text
//! blob   := version:u8  key:schema  value:schema
//! schema := kind:u8 then, by kind
//!   scalar, non-zero   nothing (the kind names the scalar)
//!   BYTES, TEXT        len:u32
//!   POD, STRUCT        name  size:u32  fields
//!   ARRAY, VEC         len:u32  schema
//!   OPTION             schema
//!   TUPLE              count:u16  schema…
//!   ENUM               name  size:u32  tag_width:u8  count:u16  variant…
//!   STRING             max_len:u32
//! fields  := count:u16  (name  offset:u32  schema)…
//! variant := name  tag:u32  fields
//! name    := len:u8  UTF-8
//! ```
//!
//! Numbers are little-endian.
//!
//! **Invariant.** One walk, [`BlobWriter`], both stores and hashes: what is
//! hashed is what is stored. So equal types have equal fingerprints, and
//! different types have different ones but for a collision. `parse` reads the
//! format and trusts none of it. A change of the format changes every fingerprint
//! and every stored schema, and needs a new [`VERSION`].

use super::error::SchemaError;
use super::tree::{Field, Scalar, Schema};

/// The version of the format, hashed into every fingerprint.
pub(super) const VERSION: u8 = 1;

/// The longest blob, in bytes. A struct of ten fields takes about 200.
pub(super) const MAX_BLOB: usize = 64 * 1024;
/// The deepest nesting of types.
pub(super) const MAX_DEPTH: usize = 32;
/// The greatest number of types, fields and variants in one blob.
pub(super) const MAX_NODES: usize = 8 * 1024;

pub(super) const NON_ZERO: u8 = 0x20;
pub(super) const BYTES: u8 = 0x40;
pub(super) const TEXT: u8 = 0x41;
pub(super) const POD: u8 = 0x42;
pub(super) const ARRAY: u8 = 0x43;
pub(super) const OPTION: u8 = 0x44;
pub(super) const TUPLE: u8 = 0x45;
pub(super) const STRUCT: u8 = 0x46;
pub(super) const ENUM: u8 = 0x47;
pub(super) const STRING: u8 = 0x48;
pub(super) const VEC: u8 = 0x49;

/// FNV-1a with 64 bits, <http://www.isthe.com/chongo/tech/comp/fnv/>.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

impl Schema {
    /// A hash of the schema, 64 bits wide: equal for equal schemas, and
    /// different for different ones but for a collision.
    ///
    /// It serves people and quick comparisons. Opening a map compares schemas,
    /// not fingerprints.
    ///
    /// ```
    /// use shmkv_core::schema::{Scalar, Schema};
    ///
    /// const WORD: Schema = Schema::Scalar(Scalar::U64);
    /// const PRINT: u64 = WORD.fingerprint();
    /// assert_ne!(PRINT, Schema::Scalar(Scalar::I64).fingerprint());
    /// ```
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        let mut writer = BlobWriter::new(&mut []);
        writer.put_byte(VERSION);
        writer.put_schema(self, 0);
        writer.hash
    }

    /// Whether the types of a map are within the limits of the format: 64 KiB,
    /// 8192 types, fields and variants, 32 levels, names of 255 bytes.
    pub(crate) const fn fit(key: &Self, value: &Self) -> bool {
        let mut writer = BlobWriter::new(&mut []);
        let writer = writer.put_blob(key, value);
        writer.fits && writer.len <= MAX_BLOB
    }

    /// The bytes that describe a map with keys of type `key` and values of type
    /// `value`: at most 64 KiB, and about 20 for a field.
    /// [`ParsedSchema::from_blob`](crate::schema::ParsedSchema::from_blob) reads
    /// them and has an example.
    ///
    /// # Errors
    ///
    /// [`SchemaError::TooLarge`] if the types exceed 64 KiB, 8192 types, fields
    /// and variants, 32 levels or 255 bytes of a name.
    pub fn to_blob(key: &Self, value: &Self) -> Result<Vec<u8>, SchemaError> {
        if !Self::fit(key, value) {
            return Err(SchemaError::TooLarge);
        }
        let mut blob = vec![0; BlobWriter::new(&mut []).put_blob(key, value).len];
        BlobWriter::new(&mut blob).put_blob(key, value);
        Ok(blob)
    }
}

/// Walks schemas, hashes and counts their bytes, and keeps those for which
/// `out` is long enough.
struct BlobWriter<'a> {
    out: &'a mut [u8],
    len: usize,
    hash: u64,
    nodes: usize,
    /// Everything so far is within the limits of the format.
    fits: bool,
}

impl<'a> BlobWriter<'a> {
    const fn new(out: &'a mut [u8]) -> Self {
        Self {
            out,
            len: 0,
            hash: FNV_OFFSET,
            nodes: 0,
            fits: true,
        }
    }

    const fn put_blob(&mut self, key: &Schema, value: &Schema) -> &Self {
        self.put_byte(VERSION);
        self.put_schema(key, 0);
        self.put_schema(value, 0);
        self
    }

    const fn put_schema(&mut self, schema: &Schema, depth: usize) {
        self.count_node();
        if depth >= MAX_DEPTH {
            self.fits = false;
        }
        // The rest may have any number of parts, and nothing uses its bytes.
        if !self.fits {
            return;
        }
        match *schema {
            Schema::Scalar(scalar) => self.put_byte(scalar as u8),
            Schema::NonZero(scalar) => self.put_byte(NON_ZERO | scalar as u8),
            Schema::Bytes { len } => {
                self.put_byte(BYTES);
                self.put_u32(len);
            }
            Schema::Text { capacity } => {
                self.put_byte(TEXT);
                self.put_u32(capacity);
            }
            Schema::Pod { name, size, fields } => {
                self.put_byte(POD);
                self.put_name(name);
                self.put_u32(size);
                self.put_fields(fields, depth);
            }
            Schema::Array { element, len } => {
                self.put_byte(ARRAY);
                self.put_u32(len);
                self.put_schema(element, depth + 1);
            }
            Schema::Option(inner) => {
                self.put_byte(OPTION);
                self.put_schema(inner, depth + 1);
            }
            Schema::Tuple(items) => {
                self.put_byte(TUPLE);
                self.put_count(items.len());
                let mut rest = items;
                while let [item, tail @ ..] = rest {
                    self.put_schema(item, depth + 1);
                    rest = tail;
                }
            }
            Schema::Struct { name, size, fields } => {
                self.put_byte(STRUCT);
                self.put_name(name);
                self.put_u32(size);
                self.put_fields(fields, depth);
            }
            Schema::Enum {
                name,
                size,
                tag_width,
                variants,
            } => {
                self.put_byte(ENUM);
                self.put_name(name);
                self.put_u32(size);
                self.put_byte(tag_width as u8);
                self.put_count(variants.len());
                let mut rest = variants;
                while let [variant, tail @ ..] = rest {
                    self.count_node();
                    self.put_name(variant.name);
                    self.put_u32(variant.tag as usize);
                    self.put_fields(variant.fields, depth);
                    rest = tail;
                }
            }
            Schema::String { max_len } => {
                self.put_byte(STRING);
                self.put_u32(max_len);
            }
            Schema::Vec { element, max_len } => {
                self.put_byte(VEC);
                self.put_u32(max_len);
                self.put_schema(element, depth + 1);
            }
        }
    }

    const fn put_fields(&mut self, fields: &[Field], depth: usize) {
        self.put_count(fields.len());
        let mut rest = fields;
        while let [field, tail @ ..] = rest {
            self.put_name(field.name);
            self.put_u32(field.offset);
            self.put_schema(field.schema, depth + 1);
            rest = tail;
        }
    }

    const fn count_node(&mut self) {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.fits = false;
        }
    }

    const fn put_name(&mut self, name: &str) {
        if name.len() > 0xff {
            self.fits = false;
        }
        self.put_byte(name.len() as u8);
        self.put_bytes(name.as_bytes());
    }

    const fn put_count(&mut self, count: usize) {
        if count > 0xffff {
            self.fits = false;
        }
        self.put_bytes(&(count as u16).to_le_bytes());
    }

    const fn put_u32(&mut self, number: usize) {
        if number > u32::MAX as usize {
            self.fits = false;
        }
        self.put_bytes(&(number as u32).to_le_bytes());
    }

    const fn put_bytes(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let [byte, tail @ ..] = rest {
            self.put_byte(*byte);
            rest = tail;
        }
    }

    const fn put_byte(&mut self, byte: u8) {
        self.hash = (self.hash ^ byte as u64).wrapping_mul(FNV_PRIME);
        if self.len < self.out.len() {
            self.out[self.len] = byte;
        }
        self.len += 1;
    }
}

/// The scalar that `code` stands for.
pub(super) const fn scalar_of(code: u8) -> Option<Scalar> {
    Some(match code {
        1 => Scalar::U8,
        2 => Scalar::U16,
        3 => Scalar::U32,
        4 => Scalar::U64,
        5 => Scalar::U128,
        6 => Scalar::I8,
        7 => Scalar::I16,
        8 => Scalar::I32,
        9 => Scalar::I64,
        10 => Scalar::I128,
        11 => Scalar::F32,
        12 => Scalar::F64,
        13 => Scalar::Bool,
        14 => Scalar::Char,
        _ => return None,
    })
}
