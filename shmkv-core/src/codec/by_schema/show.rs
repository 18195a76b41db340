//! Printing a value of a type that this program does not have.
//!
//! Schema and bytes both come from a segment, so both may be hostile: whatever
//! does not fit together is shown as damaged, text is escaped, and the work is
//! bounded by [`BUDGET`] however deep and wide the schema claims to be.

use core::ffi::CStr;
use core::fmt::{self, Write};

use super::shape::counted;
use crate::codec::field::ShmField;
use crate::codec::field::role::ValueRole;
use crate::codec::length::number;
use crate::codec::schema::display::Name;
use crate::codec::schema::parsed::{ParsedField, ParsedSchema, positional};
use crate::codec::schema::tree::Scalar;

/// Parts of a value that are printed; the rest is `…`.
const BUDGET: usize = 4_096;

/// Bytes of one run that are printed in hexadecimal.
const HEX: usize = 64;

/// Bytes of one text that are printed.
const TEXT: usize = 64 * 1024;

/// Bytes of text that count as one part.
const TEXT_PER_PART: usize = 64;

/// Stands in the text for what the bytes do not say.
const DAMAGED: &str = "<damaged>";

/// A value as text; see [`ParsedSchema::show`].
struct Shown<'a> {
    schema: &'a ParsedSchema,
    bytes: &'a [u8],
}

impl ParsedSchema {
    /// The value of this type that `bytes` hold, as text for people.
    ///
    /// Any bytes are safe to pass; what makes no sense prints as `<damaged>`.
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
        printer.value(self.schema, self.bytes)
    }
}

struct Printer<'f, 'b> {
    f: &'f mut fmt::Formatter<'b>,
    budget: usize,
}

impl Printer<'_, '_> {
    fn value(&mut self, schema: &ParsedSchema, bytes: &[u8]) -> fmt::Result {
        self.sized(schema, schema.size(), bytes)
    }

    /// `size` is that of the schema, which takes a walk to compute.
    fn sized(&mut self, schema: &ParsedSchema, size: usize, bytes: &[u8]) -> fmt::Result {
        if self.budget == 0 {
            return self.f.write_char('…');
        }
        self.spend(1);
        let Some(bytes) = bytes.get(..size) else {
            return self.f.write_str(DAMAGED);
        };
        match schema {
            ParsedSchema::Scalar(scalar) => self.scalar(*scalar, bytes),
            ParsedSchema::NonZero(_) if bytes.iter().all(|byte| *byte == 0) => {
                self.f.write_str(DAMAGED)
            }
            ParsedSchema::NonZero(scalar) => self.scalar(*scalar, bytes),
            ParsedSchema::Bytes { .. } => self.hex(bytes),
            ParsedSchema::Text { .. } => match CStr::from_bytes_until_nul(bytes) {
                Ok(text) => self.text(text.to_bytes()),
                Err(_) => {
                    self.spend(bytes.len() / TEXT_PER_PART);
                    self.f.write_str(DAMAGED)
                }
            },
            ParsedSchema::Pod { fields, .. } if fields.is_empty() => self.hex(bytes),
            ParsedSchema::Pod { name, fields, .. } | ParsedSchema::Struct { name, fields, .. } => {
                write!(self.f, "{}", Name(name))?;
                self.fields(fields, bytes)
            }
            ParsedSchema::Array { element, len } => self.elements(element, *len, bytes),
            ParsedSchema::Option(inner) => match bytes.split_first() {
                Some((0, _)) => self.f.write_str("None"),
                Some((1, payload)) => {
                    self.f.write_str("Some(")?;
                    self.value(inner, payload)?;
                    self.f.write_char(')')
                }
                _ => self.f.write_str(DAMAGED),
            },
            ParsedSchema::Tuple(items) => self.tuple(items, bytes),
            ParsedSchema::Enum {
                tag_width,
                variants,
                ..
            } => {
                let tag = bytes.get(..*tag_width).map(number);
                let known = |tag| {
                    variants
                        .iter()
                        .find(|variant| u64::from(variant.tag) == tag)
                };
                match tag.and_then(known) {
                    Some(variant) => {
                        write!(self.f, "{}", Name(&variant.name))?;
                        self.fields(&variant.fields, bytes)
                    }
                    None => self.f.write_str(DAMAGED),
                }
            }
            ParsedSchema::String { max_len } => match counted(*max_len, 1, bytes) {
                Ok((_, text)) => self.text(text),
                Err(_) => self.f.write_str(DAMAGED),
            },
            ParsedSchema::Vec { element, max_len } => {
                match counted(*max_len, element.size(), bytes) {
                    Ok((len, bytes)) => self.elements(element, len, bytes),
                    Err(_) => self.f.write_str(DAMAGED),
                }
            }
        }
    }

    fn scalar(&mut self, scalar: Scalar, bytes: &[u8]) -> fmt::Result {
        match scalar {
            Scalar::U8 => self.decoded::<u8>(bytes),
            Scalar::U16 => self.decoded::<u16>(bytes),
            Scalar::U32 => self.decoded::<u32>(bytes),
            Scalar::U64 => self.decoded::<u64>(bytes),
            Scalar::U128 => self.decoded::<u128>(bytes),
            Scalar::I8 => self.decoded::<i8>(bytes),
            Scalar::I16 => self.decoded::<i16>(bytes),
            Scalar::I32 => self.decoded::<i32>(bytes),
            Scalar::I64 => self.decoded::<i64>(bytes),
            Scalar::I128 => self.decoded::<i128>(bytes),
            Scalar::F32 => self.decoded::<f32>(bytes),
            Scalar::F64 => self.decoded::<f64>(bytes),
            Scalar::Bool => self.decoded::<bool>(bytes),
            Scalar::Char => self.decoded::<char>(bytes),
        }
    }

    fn decoded<T: ShmField<ValueRole> + fmt::Debug>(&mut self, bytes: &[u8]) -> fmt::Result {
        match T::decode(bytes) {
            Ok(value) => write!(self.f, "{value:?}"),
            Err(_) => self.f.write_str(DAMAGED),
        }
    }

    fn text(&mut self, bytes: &[u8]) -> fmt::Result {
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

    fn hex(&mut self, bytes: &[u8]) -> fmt::Result {
        self.f.write_str("0x")?;
        for byte in bytes.iter().take(HEX) {
            write!(self.f, "{byte:02x}")?;
        }
        if bytes.len() > HEX {
            self.f.write_char('…')?;
        }
        Ok(())
    }

    /// As the declaration has them: nothing, `(1, 2)` or ` { at: 1 }`.
    fn fields(&mut self, fields: &[ParsedField], bytes: &[u8]) -> fmt::Result {
        let positional = positional(fields);
        let (open, close) = match (fields.is_empty(), positional) {
            (true, _) => return Ok(()),
            (false, true) => ("(", ")"),
            (false, false) => (" { ", " }"),
        };
        self.f.write_str(open)?;
        for (index, field) in fields.iter().enumerate() {
            self.comma(index)?;
            if self.budget == 0 {
                self.f.write_char('…')?;
                break;
            }
            if !positional {
                self.spend(field.name.len() / TEXT_PER_PART);
                write!(self.f, "{}: ", Name(&field.name))?;
            }
            self.value(&field.schema, bytes.get(field.offset..).unwrap_or_default())?;
        }
        self.f.write_str(close)
    }

    fn tuple(&mut self, items: &[ParsedSchema], bytes: &[u8]) -> fmt::Result {
        self.f.write_char('(')?;
        let mut rest = bytes;
        for (index, item) in items.iter().enumerate() {
            self.comma(index)?;
            if self.budget == 0 {
                self.f.write_char('…')?;
                break;
            }
            let size = item.size();
            self.sized(item, size, rest)?;
            rest = rest.get(size..).unwrap_or_default();
        }
        self.f.write_str(if items.len() == 1 { ",)" } else { ")" })
    }

    fn elements(&mut self, element: &ParsedSchema, len: usize, bytes: &[u8]) -> fmt::Result {
        let size = element.size();
        self.f.write_char('[')?;
        let mut rest = bytes;
        for index in 0..len {
            self.comma(index)?;
            if self.budget == 0 {
                self.f.write_char('…')?;
                break;
            }
            self.sized(element, size, rest)?;
            rest = rest.get(size..).unwrap_or_default();
        }
        self.f.write_char(']')
    }

    fn comma(&mut self, index: usize) -> fmt::Result {
        self.f.write_str(if index > 0 { ", " } else { "" })
    }
}
