//! Where the type in a segment differs from the type in the program.
//!
//! **Invariant.** The result is empty exactly if the schemas are equal.
//!
//! A difference is reported at the deepest place that explains it: a changed
//! field by its path, not as two whole structs. Offsets that merely shifted
//! because of another difference are not reported.

use core::fmt;

use super::display::Name;
use super::parsed::{ParsedField, ParsedSchema, ParsedVariant};
use super::tree::Schema;
use crate::codec::count::Count;

/// One place in which the type in a segment differs from the type in this
/// program. [`ParsedSchema::diff`] finds them.
///
/// ```
/// use shmkv_core::schema::{Field, ParsedSchema, Scalar, Schema};
///
/// let reading = |temp: &'static Schema| -> Schema {
///     let fields = vec![Field { name: "temp", offset: 0, schema: temp }];
///     Schema::Struct { name: "Reading", size: 4, fields: fields.leak() }
/// };
/// let found = ParsedSchema::from(&reading(&Schema::Scalar(Scalar::F32)));
/// let here = reading(&Schema::Scalar(Scalar::U32));
/// let differences = found.diff(&here);
/// assert_eq!(differences.len(), 1);
/// assert_eq!(
///     differences[0].to_string(),
///     "Reading.temp: f32 in the segment, u32 in this program"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The path to the place, starting with the name of the whole type; empty if
    /// that has no name and differs as a whole.
    pub path: String,
    /// What the segment has there; `None` if it has nothing.
    pub found: Option<String>,
    /// What this program has there; `None` if it has nothing.
    pub expected: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        let found = self.found.as_deref().unwrap_or("missing");
        let expected = self.expected.as_deref().unwrap_or("missing");
        write!(f, "{found} in the segment, {expected} in this program")
    }
}

impl ParsedSchema {
    /// Every place in which this type, found in a segment, differs from the type
    /// that the program expects; empty if both are the same. [`Difference`] has an
    /// example.
    #[must_use]
    pub fn diff(&self, expected: &Schema) -> Vec<Difference> {
        let expected = Self::from(expected);
        let mut differences = Differences(Vec::new());
        differences.compare(expected.name(), self, &expected);
        differences.0
    }

    /// Its declared name; empty if it has none.
    fn name(&self) -> &str {
        match self {
            Self::Struct { name, .. } | Self::Enum { name, .. } | Self::Pod { name, .. } => name,
            _ => "",
        }
    }

    /// What it is, to tell apart two types that print alike.
    fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(_) | Self::NonZero(_) => "a scalar",
            Self::Bytes { .. } => "a byte string",
            Self::Text { .. } => "text",
            Self::Pod { .. } => "plain old data",
            Self::Array { .. } => "an array",
            Self::Option(_) => "an option",
            Self::Tuple(_) => "a tuple",
            Self::Struct { .. } => "a struct",
            Self::Enum { .. } => "an enum",
            Self::String { .. } => "a string",
            Self::Vec { .. } => "a vector",
        }
    }
}

/// The differences found so far.
struct Differences(Vec<Difference>);

impl Differences {
    fn report(&mut self, path: &str, found: Option<String>, expected: Option<String>) {
        self.0.push(Difference {
            path: path.to_owned(),
            found,
            expected,
        });
    }

    /// Adds every difference between two types that stand at `path`.
    fn compare(&mut self, path: &str, found: &ParsedSchema, expected: &ParsedSchema) {
        if found == expected {
            return;
        }
        let before = self.0.len();
        match (found, expected) {
            (
                ParsedSchema::Struct {
                    name, fields: a, ..
                },
                ParsedSchema::Struct {
                    name: other,
                    fields: b,
                    ..
                },
            )
            | (
                ParsedSchema::Pod {
                    name, fields: a, ..
                },
                ParsedSchema::Pod {
                    name: other,
                    fields: b,
                    ..
                },
            ) => {
                self.compare_names(path, name, other);
                self.compare_fields(path, a, b, true);
            }
            (
                ParsedSchema::Enum {
                    name,
                    tag_width: a_width,
                    variants: a,
                    ..
                },
                ParsedSchema::Enum {
                    name: other,
                    tag_width: b_width,
                    variants: b,
                    ..
                },
            ) => {
                self.compare_names(path, name, other);
                if a_width != b_width {
                    let tag = |width: &usize| Some(format!("a tag of {}", Count(*width, "byte")));
                    self.report(path, tag(a_width), tag(b_width));
                }
                self.compare_variants(path, a, b, a_width == b_width);
            }
            (ParsedSchema::Option(a), ParsedSchema::Option(b)) => {
                self.compare(&format!("{path}?"), a, b);
            }
            (
                ParsedSchema::Array { element: a, len },
                ParsedSchema::Array {
                    element: b,
                    len: other,
                },
            )
            | (
                ParsedSchema::Vec {
                    element: a,
                    max_len: len,
                },
                ParsedSchema::Vec {
                    element: b,
                    max_len: other,
                },
            ) if len == other => self.compare(&format!("{path}[]"), a, b),
            (ParsedSchema::Tuple(a), ParsedSchema::Tuple(b)) if a.len() == b.len() => {
                for (index, (a, b)) in a.iter().zip(b).enumerate() {
                    self.compare(&join(path, &index.to_string()), a, b);
                }
            }
            _ => {}
        }
        if self.0.len() > before {
            return;
        }
        // No part explains the difference: it is one of kind or of size.
        let (a, b) = (found.to_string(), expected.to_string());
        if a == b {
            let bytes = |schema: &ParsedSchema| {
                let (kind, size) = (schema.kind(), Count(schema.size(), "byte"));
                Some(if found.kind() == expected.kind() {
                    size.to_string()
                } else {
                    format!("{kind} of {size}")
                })
            };
            self.report(path, bytes(found), bytes(expected));
        } else {
            self.report(path, Some(a), Some(b));
        }
    }

    fn compare_names(&mut self, path: &str, found: &str, expected: &str) {
        if found != expected {
            let named = |name| Some(format!("named `{}`", Name(name)));
            self.report(path, named(found), named(expected));
        }
    }

    /// `compare_offsets` is false if another difference has shifted the fields.
    fn compare_fields(
        &mut self,
        path: &str,
        found: &[ParsedField],
        expected: &[ParsedField],
        compare_offsets: bool,
    ) {
        let before = self.0.len();
        for field in expected {
            let path = join(path, &field.name);
            match found.iter().find(|other| other.name == field.name) {
                Some(other) => self.compare(&path, &other.schema, &field.schema),
                None => self.report(&path, None, Some(field.schema.to_string())),
            }
        }
        for field in found {
            if !expected.iter().any(|other| other.name == field.name) {
                let path = join(path, &field.name);
                self.report(&path, Some(field.schema.to_string()), None);
            }
        }
        if self.0.len() > before {
            return;
        }
        // Same fields: their order or their offsets may differ.
        for (a, b) in found.iter().zip(expected) {
            if a.name != b.name {
                let order = |fields: &[ParsedField]| {
                    let names: Vec<_> = fields.iter().map(|f| Name(&f.name).to_string()).collect();
                    Some(format!("fields in the order {}", names.join(", ")))
                };
                return self.report(path, order(found), order(expected));
            }
            if compare_offsets && a.offset != b.offset {
                let offset = |field: &ParsedField| Some(format!("at offset {}", field.offset));
                self.report(&join(path, &b.name), offset(a), offset(b));
            }
        }
    }

    fn compare_variants(
        &mut self,
        path: &str,
        found: &[ParsedVariant],
        expected: &[ParsedVariant],
        compare_offsets: bool,
    ) {
        let shown = |variant: &ParsedVariant| Some(format!("a variant with tag {}", variant.tag));
        for variant in expected {
            let path = format!("{path}::{}", Name(&variant.name));
            match found.iter().find(|other| other.name == variant.name) {
                Some(other) => {
                    if other.tag != variant.tag {
                        self.report(&path, shown(other), shown(variant));
                    }
                    self.compare_fields(&path, &other.fields, &variant.fields, compare_offsets);
                }
                None => self.report(&path, None, shown(variant)),
            }
        }
        for variant in found {
            if !expected.iter().any(|other| other.name == variant.name) {
                let path = format!("{path}::{}", Name(&variant.name));
                self.report(&path, shown(variant), None);
            }
        }
    }
}

/// `path.field`, or `field` alone if there is no path.
fn join(path: &str, field: &str) -> String {
    let dot = if path.is_empty() { "" } else { "." };
    format!("{path}{dot}{}", Name(field))
}
