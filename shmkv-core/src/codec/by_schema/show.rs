//! From bytes to text for people, by the schema alone.
//!
//! Schema and bytes both come from a segment, so both may be hostile.
//!
//! **Invariant.** Bytes that are no value print as `<damaged>`, names and text
//! are escaped, and [`BUDGET`] bounds the work, however deep and wide the schema
//! claims to be.

use core::ffi::CStr;
use core::fmt::{self, Write};

use super::shape::split_elements;
use crate::codec::field::ShmField;
use crate::codec::field::role::ValueRole;
use crate::codec::length::little_endian;
use crate::codec::schema::display::Name;
use crate::codec::schema::parsed::{ParsedField, ParsedSchema, is_positional};
use crate::codec::schema::tree::Scalar;

/// Parts of a value that are printed. `…` stands for the rest.
const BUDGET: usize = 4_096;

/// Bytes without further meaning that are printed, in hexadecimal.
const HEX: usize = 64;

/// Bytes of one text that are printed.
const TEXT: usize = 64 * 1024;

/// Bytes of text that count as one part.
const TEXT_PER_PART: usize = 64;

/// Stands for a part whose bytes are no value of its type.
const DAMAGED: &str = "<damaged>";

/// What [`ParsedSchema::show`] returns.
struct Shown<'a> {
    schema: &'a ParsedSchema,
    bytes: &'a [u8],
}

impl ParsedSchema {
    /// Displays the value of this type that `bytes` hold, for people to read: at
    /// most 4096 parts of it, and of each text at most 64 KiB.
    ///
    /// Any bytes are safe to pass. A part whose bytes are no value of its type
    /// prints as `<damaged>`.
    ///
    /// ```
    /// use shmkv_core::schema::{ParsedSchema, Scalar, Schema};
    ///
    /// let pair = Schema::Tuple(&[&Schema::Scalar(Scalar::U16), &Schema::Text { capacity: 8 }]);
    /// let pair = ParsedSchema::from(&pair);
    /// assert_eq!(pair.show(b"\x01\x02boiler\0\0").to_string(), r#"(513, "boiler")"#);
    /// ```
    pub fn show<'a>(&'a self, bytes: &'a [u8]) -> impl fmt::Display + 'a {
        Shown {
            schema: self,
            bytes,
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = Printer { f, budget: BUDGET };
        printer.print(self.schema, self.bytes)
    }
}

struct Printer<'f, 'b> {
    f: &'f mut fmt::Formatter<'b>,
    budget: usize,
}

impl Printer<'_, '_> {
    fn print(&mut self, schema: &ParsedSchema, bytes: &[u8]) -> fmt::Result {
        self.print_sized(schema, schema.size(), bytes)
    }

    /// As `print`, if the size of the schema is known: it takes a walk to compute.
    fn print_sized(&mut self, schema: &ParsedSchema, size: usize, bytes: &[u8]) -> fmt::Result {
        if self.budget == 0 {
            return self.f.write_char('…');
        }
        self.spend(1);
        let Some(bytes) = bytes.get(..size) else {
            return self.f.write_str(DAMAGED);
        };
        match schema {
            ParsedSchema::Scalar(scalar) => self.print_scalar(*scalar, bytes),
            ParsedSchema::NonZero(_) if bytes.iter().all(|byte| *byte == 0) => {
                self.f.write_str(DAMAGED)
            }
            ParsedSchema::NonZero(scalar) => self.print_scalar(*scalar, bytes),
            ParsedSchema::Bytes { .. } => self.print_hex(bytes),
            ParsedSchema::Text { .. } => match CStr::from_bytes_until_nul(bytes) {
                Ok(text) => self.print_text(text.to_bytes()),
                Err(_) => {
                    self.spend(bytes.len() / TEXT_PER_PART);
                    self.f.write_str(DAMAGED)
                }
            },
            ParsedSchema::Pod { fields, .. } if fields.is_empty() => self.print_hex(bytes),
            ParsedSchema::Pod { name, fields, .. } | ParsedSchema::Struct { name, fields, .. } => {
                write!(self.f, "{}", Name(name))?;
                self.print_fields(fields, bytes)
            }
            ParsedSchema::Array { element, len } => self.print_elements(element, *len, bytes),
            ParsedSchema::Option(inner) => match bytes.split_first() {
                Some((0, _)) => self.f.write_str("None"),
                Some((1, payload)) => {
                    self.f.write_str("Some(")?;
                    self.print(inner, payload)?;
                    self.f.write_char(')')
                }
                _ => self.f.write_str(DAMAGED),
            },
            ParsedSchema::Tuple(items) => self.print_tuple(items, bytes),
            ParsedSchema::Enum {
                tag_width,
                variants,
                ..
            } => {
                let tag = bytes.get(..*tag_width).map(little_endian);
                let known = |tag| {
                    variants
                        .iter()
                        .find(|variant| u64::from(variant.tag) == tag)
                };
                match tag.and_then(known) {
                    Some(variant) => {
                        write!(self.f, "{}", Name(&variant.name))?;
                        self.print_fields(&variant.fields, bytes)
                    }
                    None => self.f.write_str(DAMAGED),
                }
            }
            ParsedSchema::String { max_len } => match split_elements(*max_len, 1, bytes) {
                Ok((_, text)) => self.print_text(text),
                Err(_) => self.f.write_str(DAMAGED),
            },
            ParsedSchema::Vec { element, max_len } => {
                match split_elements(*max_len, element.size(), bytes) {
                    Ok((len, bytes)) => self.print_elements(element, len, bytes),
                    Err(_) => self.f.write_str(DAMAGED),
                }
            }
        }
    }

    fn print_scalar(&mut self, scalar: Scalar, bytes: &[u8]) -> fmt::Result {
        match scalar {
            Scalar::U8 => self.print_decoded::<u8>(bytes),
            Scalar::U16 => self.print_decoded::<u16>(bytes),
            Scalar::U32 => self.print_decoded::<u32>(bytes),
            Scalar::U64 => self.print_decoded::<u64>(bytes),
            Scalar::U128 => self.print_decoded::<u128>(bytes),
            Scalar::I8 => self.print_decoded::<i8>(bytes),
            Scalar::I16 => self.print_decoded::<i16>(bytes),
            Scalar::I32 => self.print_decoded::<i32>(bytes),
            Scalar::I64 => self.print_decoded::<i64>(bytes),
            Scalar::I128 => self.print_decoded::<i128>(bytes),
            Scalar::F32 => self.print_decoded::<f32>(bytes),
            Scalar::F64 => self.print_decoded::<f64>(bytes),
            Scalar::Bool => self.print_decoded::<bool>(bytes),
            Scalar::Char => self.print_decoded::<char>(bytes),
        }
    }

    fn print_decoded<T: ShmField<ValueRole> + fmt::Debug>(&mut self, bytes: &[u8]) -> fmt::Result {
        match T::decode(bytes) {
            Ok(value) => write!(self.f, "{value:?}"),
            Err(_) => self.f.write_str(DAMAGED),
        }
    }

    fn print_text(&mut self, bytes: &[u8]) -> fmt::Result {
        self.spend(bytes.len() / TEXT_PER_PART);
        let Ok(text) = core::str::from_utf8(bytes) else {
            return self.f.write_str(DAMAGED);
        };
        let mut end = text.len().min(TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        write!(self.f, "{:?}", &text[..end])?;
        self.f.write_str(if end < text.len() { "…" } else { "" })
    }

    fn spend(&mut self, parts: usize) {
        self.budget = self.budget.saturating_sub(parts);
    }

    fn print_hex(&mut self, bytes: &[u8]) -> fmt::Result {
        self.f.write_str("0x")?;
        for byte in bytes.iter().take(HEX) {
            write!(self.f, "{byte:02x}")?;
        }
        if bytes.len() > HEX {
            self.f.write_char('…')?;
        }
        Ok(())
    }

    /// Prints fields as their type declares them: nothing, `(1, 2)` or
    /// ` { at: 1 }`.
    fn print_fields(&mut self, fields: &[ParsedField], bytes: &[u8]) -> fmt::Result {
        let positional = is_positional(fields);
        let (open, close) = match (fields.is_empty(), positional) {
            (true, _) => return Ok(()),
            (false, true) => ("(", ")"),
            (false, false) => (" { ", " }"),
        };
        self.f.write_str(open)?;
        for (index, field) in fields.iter().enumerate() {
            self.print_comma(index)?;
            if self.budget == 0 {
                self.f.write_char('…')?;
                break;
            }
            if !positional {
                self.spend(field.name.len() / TEXT_PER_PART);
                write!(self.f, "{}: ", Name(&field.name))?;
            }
            self.print(&field.schema, bytes.get(field.offset..).unwrap_or_default())?;
        }
        self.f.write_str(close)
    }

    fn print_tuple(&mut self, items: &[ParsedSchema], bytes: &[u8]) -> fmt::Result {
        self.f.write_char('(')?;
        let mut rest = bytes;
        for (index, item) in items.iter().enumerate() {
            self.print_comma(index)?;
            if self.budget == 0 {
                self.f.write_char('…')?;
                break;
            }
            let size = item.size();
            self.print_sized(item, size, rest)?;
            rest = rest.get(size..).unwrap_or_default();
        }
        self.f.write_str(if items.len() == 1 { ",)" } else { ")" })
    }

    fn print_elements(&mut self, element: &ParsedSchema, len: usize, bytes: &[u8]) -> fmt::Result {
        let size = element.size();
        self.f.write_char('[')?;
        let mut rest = bytes;
        for index in 0..len {
            self.print_comma(index)?;
            if self.budget == 0 {
                self.f.write_char('…')?;
                break;
            }
            self.print_sized(element, size, rest)?;
            rest = rest.get(size..).unwrap_or_default();
        }
        self.f.write_char(']')
    }

    fn print_comma(&mut self, index: usize) -> fmt::Result {
        self.f.write_str(if index > 0 { ", " } else { "" })
    }
}
