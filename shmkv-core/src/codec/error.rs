//! Why a value has no bytes, or bytes have no value.
//!
//! Both errors name the field they arose in: each level of a nested type adds
//! its own name in front, so a failure deep inside reads `owner.tags[3]: …`.
//! The cause is part of the message and therefore not also a `source`.

use thiserror::Error;

/// Why a key or a value cannot be stored.
///
/// ```
/// use shmkv_core::{EncodeError, ShmStr};
///
/// let error = "x".repeat(64).parse::<ShmStr<64>>().unwrap_err();
/// assert_eq!(error, EncodeError::TooLong { len: 64, max: 63 });
/// assert_eq!(error.to_string(), "64 bytes of text where at most 63 fit");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The text has more bytes than its field.
    #[error("{len} bytes of text where at most {max} fit")]
    TooLong {
        /// Bytes in the text.
        len: usize,
        /// Bytes that fit.
        max: usize,
    },
    /// The collection has more elements than its field has places.
    #[error("{len} elements where at most {max} fit")]
    TooMany {
        /// Elements in the collection.
        len: usize,
        /// Elements that fit.
        max: usize,
    },
    /// The text contains a NUL, which would end it early.
    #[error("the text has a NUL at byte {at}, which would end it there")]
    InteriorNul {
        /// Position of the first NUL.
        at: usize,
    },
    /// The buffer to encode into is not as long as the type.
    #[error("a buffer of {found} bytes where {expected} are needed")]
    WrongLength {
        /// Bytes that the type takes.
        expected: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// The value has no representation in the stored type.
    #[error("{0}")]
    Invalid(String),
    /// A part of the value cannot be stored.
    #[error("{path}: {error}")]
    Field {
        /// Where: `name`, `owner.name`, `tags[3]`.
        path: String,
        /// What is wrong there; never itself a `Field`.
        error: Box<EncodeError>,
    },
}

/// Why stored bytes are not a value of the type.
///
/// Seen only if something else wrote the bytes: another program with the same
/// schema but a different encoder, or damage.
///
/// ```
/// use shmkv_core::field::{ShmField, role::ValueRole};
///
/// let error = <bool as ShmField<ValueRole>>::decode(&[7]).unwrap_err();
/// assert_eq!(error.to_string(), "expected a bool (0 or 1), found 7");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The buffer is not as long as the type.
    #[error("{found} bytes where {expected} were expected")]
    WrongLength {
        /// Bytes that the type takes.
        expected: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// A number is outside the range of the type.
    #[error("expected {expected}, found {found}")]
    OutOfRange {
        /// What belongs there.
        expected: &'static str,
        /// The number that is there.
        found: u64,
    },
    /// The tag of an enum names none of its variants.
    #[error("no variant of `{name}` has the tag {tag}")]
    UnknownTag {
        /// The enum.
        name: &'static str,
        /// The tag that is there.
        tag: u32,
    },
    /// The text is not UTF-8.
    #[error("the text stops being UTF-8 at byte {valid_up_to}")]
    NotUtf8 {
        /// Bytes that are valid.
        valid_up_to: usize,
    },
    /// The text has no NUL at its end.
    #[error("the text does not end within its {capacity} bytes")]
    Unterminated {
        /// Bytes of the field.
        capacity: usize,
    },
    /// A stored length is greater than the field.
    #[error("a length of {len} where at most {max} fit")]
    TooLong {
        /// The length that is there.
        len: usize,
        /// The greatest that fits.
        max: usize,
    },
    /// The stored type has a value that the field's type refuses.
    #[error("{0}")]
    Invalid(String),
    /// A part of the value is damaged.
    #[error("{path}: {error}")]
    Field {
        /// Where: `name`, `owner.name`, `tags[3]`.
        path: String,
        /// What is wrong there; never itself a `Field`.
        error: Box<DecodeError>,
    },
}

macro_rules! field_path {
    ($error:ident) => {
        impl $error {
            /// The same error, arisen in the field `name`.
            ///
            /// For encoders written by hand; the derive does it by itself.
            #[cold]
            #[must_use]
            pub fn in_field(self, name: &str) -> Self {
                self.within(name.to_owned())
            }

            /// The same error, arisen in the element at `index`.
            #[cold]
            #[must_use]
            pub fn in_element(self, index: usize) -> Self {
                self.within(format!("[{index}]"))
            }

            /// Where it arose, or `None` if in the whole.
            #[must_use]
            pub fn path(&self) -> Option<&str> {
                match self {
                    Self::Field { path, .. } => Some(path),
                    _ => None,
                }
            }

            /// What is wrong, without the place.
            #[must_use]
            pub fn cause(&self) -> &Self {
                match self {
                    Self::Field { error, .. } => error.cause(),
                    _ => self,
                }
            }

            fn within(self, outer: String) -> Self {
                match self {
                    Self::Field { path, error } => {
                        let dot = if path.starts_with('[') { "" } else { "." };
                        Self::Field {
                            path: format!("{outer}{dot}{path}"),
                            error,
                        }
                    }
                    cause => Self::Field {
                        path: outer,
                        error: Box::new(cause),
                    },
                }
            }
        }
    };
}

field_path!(EncodeError);
field_path!(DecodeError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_grows_outwards() {
        let error = EncodeError::TooLong { len: 9, max: 8 }
            .in_element(3)
            .in_field("tags")
            .in_field("owner");
        assert_eq!(
            error.to_string(),
            "owner.tags[3]: 9 bytes of text where at most 8 fit"
        );
        assert_eq!(error.path(), Some("owner.tags[3]"));
        assert_eq!(error.cause(), &EncodeError::TooLong { len: 9, max: 8 });
        let nested = DecodeError::Unterminated { capacity: 4 }
            .in_element(1)
            .in_element(0);
        assert_eq!(nested.path(), Some("[0][1]"));
    }

    #[test]
    fn errors_cross_threads_and_have_no_hidden_source() {
        fn check<E: std::error::Error + Send + Sync + 'static>(error: &E) {
            assert!(error.source().is_none());
        }
        check(&EncodeError::InteriorNul { at: 1 }.in_field("name"));
        check(&DecodeError::NotUtf8 { valid_up_to: 1 }.in_field("name"));
    }
}
