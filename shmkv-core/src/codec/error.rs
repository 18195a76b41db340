//! [`EncodeError`] and [`DecodeError`]: why a value has no bytes, or bytes have no
//! value.
//!
//! Every message is one line that says what was expected and what was found. Each
//! level of a nested type puts its name in front, so that an error deep inside
//! reads `owner.tags[3]: …`. The cause is part of the message, so neither error
//! has a `source`.

use thiserror::Error;

use super::count::Count;

/// Why a key or a value cannot be stored.
///
/// ```
/// use shmkv_core::{EncodeError, ShmStr};
///
/// let error = "x".repeat(64).parse::<ShmStr<64>>().unwrap_err();
/// assert_eq!(error, EncodeError::TooLong { len: 64, max: 63 });
/// assert_eq!(
///     error.to_string(),
///     "expected at most 63 bytes of text, found 64"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The text is longer than its field.
    #[error("expected at most {} of text, found {len}", Count(*max, "byte"))]
    TooLong {
        /// Bytes in the text.
        len: usize,
        /// Bytes that fit.
        max: usize,
    },
    /// The collection has more elements than fit in its field.
    #[error("expected at most {}, found {len}", Count(*max, "element"))]
    TooMany {
        /// Elements in the collection.
        len: usize,
        /// Elements that fit.
        max: usize,
    },
    /// The text contains a NUL, at which readers would end it.
    #[error("expected text without a NUL, found one at byte {at}")]
    InteriorNul {
        /// Offset of the first NUL in bytes.
        at: usize,
    },
    /// The buffer to encode to is not as long as the type.
    #[error("expected a buffer of {}, found {found}", Count(*expected, "byte"))]
    WrongLength {
        /// Bytes that the type takes.
        expected: usize,
        /// Bytes in the buffer.
        found: usize,
    },
    /// The stored type cannot represent the value. The text says why.
    #[error("{0}")]
    Invalid(String),
    /// A part of the value cannot be stored.
    #[error("{path}: {error}")]
    Field {
        /// The part: `name`, `owner.name`, `tags[3]`.
        path: String,
        /// Why it cannot be stored; never a `Field` itself.
        error: Box<EncodeError>,
    },
}

/// Why stored bytes are not a value of the type.
///
/// It arises only if the bytes are damaged, or a program with the same schema but
/// another encoder wrote them.
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
    /// There are more or fewer bytes than the type takes.
    #[error("expected {}, found {found}", Count(*expected, "byte"))]
    WrongLength {
        /// Bytes that the type takes.
        expected: usize,
        /// Bytes that were passed.
        found: usize,
    },
    /// A number is outside the range of the type.
    #[error("expected {expected}, found {found}")]
    OutOfRange {
        /// The range of the type, in words.
        expected: &'static str,
        /// The stored number.
        found: u64,
    },
    /// No variant of an enum has the stored tag.
    #[error("expected a tag of enum `{name}`, found {tag}")]
    UnknownTag {
        /// The name of the enum.
        name: &'static str,
        /// The stored tag.
        tag: u32,
    },
    /// The text is not UTF-8.
    #[error("expected UTF-8, found an invalid sequence at byte {valid_up_to}")]
    NotUtf8 {
        /// Bytes before the first invalid one.
        valid_up_to: usize,
    },
    /// No NUL ends the text.
    #[error("expected a NUL within {} of text, found none", Count(*capacity, "byte"))]
    Unterminated {
        /// Bytes of the field.
        capacity: usize,
    },
    /// The stored length of a string or vector is greater than its field.
    #[error("expected a length of at most {max}, found {len}")]
    TooLong {
        /// The stored length.
        len: usize,
        /// The greatest length that fits.
        max: usize,
    },
    /// The field's type refuses the stored value. The text says why.
    #[error("{0}")]
    Invalid(String),
    /// A part of the value is damaged.
    #[error("{path}: {error}")]
    Field {
        /// The part: `name`, `owner.name`, `tags[3]`.
        path: String,
        /// What is wrong with it; never a `Field` itself.
        error: Box<DecodeError>,
    },
}

macro_rules! field_path {
    ($error:ident) => {
        impl $error {
            /// Adds the field `name` to the front of the path.
            ///
            /// An encoding written by hand calls it on the errors of its parts, as
            /// derived ones do.
            #[cold]
            #[must_use]
            pub fn in_field(self, name: &str) -> Self {
                self.within(name.to_owned())
            }

            /// Adds the element at `index` to the front of the path.
            #[cold]
            #[must_use]
            pub fn in_element(self, index: usize) -> Self {
                self.within(format!("[{index}]"))
            }

            /// The path to the part that failed; `None` if it is the whole.
            #[must_use]
            pub fn path(&self) -> Option<&str> {
                match self {
                    Self::Field { path, .. } => Some(path),
                    _ => None,
                }
            }

            /// The error without its path.
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
            "owner.tags[3]: expected at most 8 bytes of text, found 9"
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
