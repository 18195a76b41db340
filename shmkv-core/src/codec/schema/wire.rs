//! Schemas as bytes: the blob in a segment's header, and its fingerprint.
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
//! Numbers are little-endian. One walk serves both purposes: what is hashed is
//! exactly what is stored, so equal types have equal fingerprints, and different
//! ones, but for a collision, different fingerprints. `parsed` reads this format and trusts none of it.

use super::error::SchemaError;
use super::tree::{Field, Scalar, Schema};

/// Version of the blob format; hashed into every fingerprint.
pub(super) const VERSION: u8 = 1;

/// Longest blob, in bytes. A ten-field struct takes about 200.
pub(super) const MAX_BLOB: usize = 64 * 1024;
/// Deepest nesting of types in one another.
pub(super) const MAX_DEPTH: usize = 32;
/// Most types, fields and variants in one blob.
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
    /// A number for the type: equal for equal schemas, different for different
    /// ones in all likelihood.
    ///
    /// It is for printing and for comparing quickly. Whether two types are the
    /// same is decided by comparing schemas.
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
        let mut sink = Sink::new(&mut []);
        sink.byte(VERSION);
        sink.schema(self, 0);
        sink.hash
    }

    /// Whether types are within the format's limits: 64 KiB, 8192 types, fields
    /// and variants, 32 levels, names of 255 bytes.
    pub(crate) const fn fit(key: &Self, value: &Self) -> bool {
        let mut sink = Sink::new(&mut []);
        let sink = sink.blob(key, value);
        sink.fits && sink.len <= MAX_BLOB
    }

    /// The bytes that describe a map with keys of type `key` and values of type
    /// `value`. [`ParsedSchema::from_blob`](crate::schema::ParsedSchema::from_blob)
    /// reads them.
    ///
    /// # Errors
    ///
    /// [`SchemaError::TooLarge`] if the types are nested more than 32 deep or
    /// have several thousand parts.
    pub fn to_blob(key: &Self, value: &Self) -> Result<Vec<u8>, SchemaError> {
        if !Self::fit(key, value) {
            return Err(SchemaError::TooLarge);
        }
        let mut blob = vec![0; Sink::new(&mut []).blob(key, value).len];
        Sink::new(&mut blob).blob(key, value);
        Ok(blob)
    }
}

/// Takes the bytes of a walk: hashes them, counts them, and keeps those that
/// `out` has room for.
struct Sink<'a> {
    out: &'a mut [u8],
    len: usize,
    hash: u64,
    nodes: usize,
    /// Everything so far is within the format's limits.
    fits: bool,
}

impl<'a> Sink<'a> {
    const fn new(out: &'a mut [u8]) -> Self {
        Self {
            out,
            len: 0,
            hash: FNV_OFFSET,
            nodes: 0,
            fits: true,
        }
    }

    const fn blob(&mut self, key: &Schema, value: &Schema) -> &Self {
        self.byte(VERSION);
        self.schema(key, 0);
        self.schema(value, 0);
        self
    }

    const fn schema(&mut self, schema: &Schema, depth: usize) {
        self.node();
        if depth >= MAX_DEPTH {
            self.fits = false;
        }
        // Nothing becomes of it any more, and it may have any number of parts.
        if !self.fits {
            return;
        }
        match *schema {
            Schema::Scalar(scalar) => self.byte(scalar as u8),
            Schema::NonZero(scalar) => self.byte(NON_ZERO | scalar as u8),
            Schema::Bytes { len } => {
                self.byte(BYTES);
                self.u32(len);
            }
            Schema::Text { capacity } => {
                self.byte(TEXT);
                self.u32(capacity);
            }
            Schema::Pod { name, size, fields } => {
                self.byte(POD);
                self.name(name);
                self.u32(size);
                self.fields(fields, depth);
            }
            Schema::Array { element, len } => {
                self.byte(ARRAY);
                self.u32(len);
                self.schema(element, depth + 1);
            }
            Schema::Option(inner) => {
                self.byte(OPTION);
                self.schema(inner, depth + 1);
            }
            Schema::Tuple(items) => {
                self.byte(TUPLE);
                self.count(items.len());
                let mut rest = items;
                while let [item, tail @ ..] = rest {
                    self.schema(item, depth + 1);
                    rest = tail;
                }
            }
            Schema::Struct { name, size, fields } => {
                self.byte(STRUCT);
                self.name(name);
                self.u32(size);
                self.fields(fields, depth);
            }
            Schema::Enum {
                name,
                size,
                tag_width,
                variants,
            } => {
                self.byte(ENUM);
                self.name(name);
                self.u32(size);
                self.byte(tag_width as u8);
                self.count(variants.len());
                let mut rest = variants;
                while let [variant, tail @ ..] = rest {
                    self.node();
                    self.name(variant.name);
                    self.u32(variant.tag as usize);
                    self.fields(variant.fields, depth);
                    rest = tail;
                }
            }
            Schema::String { max_len } => {
                self.byte(STRING);
                self.u32(max_len);
            }
            Schema::Vec { element, max_len } => {
                self.byte(VEC);
                self.u32(max_len);
                self.schema(element, depth + 1);
            }
        }
    }

    const fn fields(&mut self, fields: &[Field], depth: usize) {
        self.count(fields.len());
        let mut rest = fields;
        while let [field, tail @ ..] = rest {
            self.name(field.name);
            self.u32(field.offset);
            self.schema(field.schema, depth + 1);
            rest = tail;
        }
    }

    const fn node(&mut self) {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.fits = false;
        }
    }

    const fn name(&mut self, name: &str) {
        if name.len() > 0xff {
            self.fits = false;
        }
        self.byte(name.len() as u8);
        self.bytes(name.as_bytes());
    }

    const fn count(&mut self, count: usize) {
        if count > 0xffff {
            self.fits = false;
        }
        self.bytes(&(count as u16).to_le_bytes());
    }

    const fn u32(&mut self, number: usize) {
        if number > u32::MAX as usize {
            self.fits = false;
        }
        self.bytes(&(number as u32).to_le_bytes());
    }

    const fn bytes(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let [byte, tail @ ..] = rest {
            self.byte(*byte);
            rest = tail;
        }
    }

    const fn byte(&mut self, byte: u8) {
        self.hash = (self.hash ^ byte as u64).wrapping_mul(FNV_PRIME);
        if self.len < self.out.len() {
            self.out[self.len] = byte;
        }
        self.len += 1;
    }
}

/// The scalar with this code in the format.
pub(super) const fn scalar(code: u8) -> Option<Scalar> {
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
