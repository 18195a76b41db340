//! [`ShmStr`]: text of bounded length, stored as C stores it.
//!
//! **Invariant.** `bytes` is UTF-8 without a NUL, then a NUL, then only zeros. So
//! equal texts have equal bytes, the bytes have the order of the texts, and
//! comparison can be derived.

use core::borrow::Borrow;
use core::ffi::CStr;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;
use core::str::FromStr;

use super::error::{DecodeError, EncodeError};
use super::field::{ShmField, as_array, as_array_mut};
use super::schema::tree::Schema;
use super::whole::{ToKey, ToValue, whole};

/// Text of at most `CAP - 1` bytes of UTF-8, stored in `CAP` bytes with a NUL at
/// its end.
///
/// Where a map has keys or values of this type, callers pass any `&str` or
/// `String`; reads return the type itself, which dereferences to `str`.
///
/// ```
/// use shmkv_core::ShmStr;
///
/// let name: ShmStr<16> = "boiler".parse()?;
/// assert_eq!(name, "boiler");
/// assert!(name.starts_with("boil"));
/// assert!("a name that is too long".parse::<ShmStr<16>>().is_err());
/// # Ok::<(), shmkv_core::EncodeError>(())
/// ```
///
/// `CAP` is at least 1, for the NUL:
///
/// ```compile_fail
/// let name = shmkv_core::ShmStr::<0>::default();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShmStr<const CAP: usize> {
    bytes: [u8; CAP],
}

impl<const CAP: usize> ShmStr<CAP> {
    /// The length of the longest text. Does not compile if `CAP` is 0.
    const MAX: usize = {
        assert!(CAP > 0, "`ShmStr<0>` cannot hold its terminating NUL");
        CAP - 1
    };

    /// Copies `text`.
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooLong`] if `text` has more than `CAP - 1` bytes,
    /// [`EncodeError::InteriorNul`] if it contains a NUL.
    pub fn new(text: &str) -> Result<Self, EncodeError> {
        let mut bytes = [0; CAP];
        Self::write(text, &mut bytes)?;
        Ok(Self { bytes })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        CStr::from_bytes_until_nul(&self.bytes)
            .ok()
            .and_then(|text| text.to_str().ok())
            .unwrap_or_default()
    }

    fn write(text: &str, out: &mut [u8; CAP]) -> Result<(), EncodeError> {
        // `contains` searches many bytes at a time, `position` one.
        if text.as_bytes().contains(&0) {
            let at = text.bytes().take_while(|byte| *byte != 0).count();
            return Err(EncodeError::InteriorNul { at });
        }
        match out.split_at_mut_checked(text.len()) {
            Some((head, tail @ [_, ..])) => {
                head.copy_from_slice(text.as_bytes());
                tail.fill(0);
                Ok(())
            }
            _ => Err(Self::too_long(text)),
        }
    }

    #[cold]
    fn too_long(text: &str) -> EncodeError {
        EncodeError::TooLong {
            len: text.len(),
            max: Self::MAX,
        }
    }
}

impl<R, const CAP: usize> ShmField<R> for ShmStr<CAP> {
    const LEN: usize = Self::MAX + 1;
    const SCHEMA: &'static Schema = &Schema::Text { capacity: CAP };

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        *as_array_mut(out)? = self.bytes;
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let stored = CStr::from_bytes_until_nul(as_array::<CAP>(bytes)?)
            .map_err(|_| DecodeError::Unterminated { capacity: CAP })?;
        let text = stored.to_str().map_err(|error| DecodeError::NotUtf8 {
            valid_up_to: error.valid_up_to(),
        })?;
        // Copied rather than kept, since another program may have left anything
        // after the NUL, and equal texts must have equal bytes.
        Self::new(text).map_err(|_| DecodeError::Unterminated { capacity: CAP })
    }
}
whole!(both ShmStr<CAP>, CAP, const CAP: usize);

impl<const CAP: usize> Default for ShmStr<CAP> {
    /// The empty text.
    fn default() -> Self {
        const { assert!(CAP > 0, "`ShmStr<0>` cannot hold its terminating NUL") };
        Self { bytes: [0; CAP] }
    }
}

impl<const CAP: usize> Deref for ShmStr<CAP> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const CAP: usize> AsRef<str> for ShmStr<CAP> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl<const CAP: usize> Borrow<str> for ShmStr<CAP> {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl<const CAP: usize> Hash for ShmStr<CAP> {
    /// The hash of the `str`, as [`Borrow`] demands.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl<const CAP: usize> fmt::Display for ShmStr<CAP> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl<const CAP: usize> fmt::Debug for ShmStr<CAP> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const CAP: usize> FromStr for ShmStr<CAP> {
    type Err = EncodeError;

    fn from_str(text: &str) -> Result<Self, EncodeError> {
        Self::new(text)
    }
}

impl<const CAP: usize> TryFrom<&str> for ShmStr<CAP> {
    type Error = EncodeError;

    fn try_from(text: &str) -> Result<Self, EncodeError> {
        Self::new(text)
    }
}

impl<const CAP: usize> PartialEq<str> for ShmStr<CAP> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl<const CAP: usize> PartialEq<&str> for ShmStr<CAP> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl<const CAP: usize> PartialEq<ShmStr<CAP>> for str {
    fn eq(&self, other: &ShmStr<CAP>) -> bool {
        self == other.as_str()
    }
}

impl<const CAP: usize> PartialEq<ShmStr<CAP>> for &str {
    fn eq(&self, other: &ShmStr<CAP>) -> bool {
        *self == other.as_str()
    }
}

impl<const CAP: usize> From<ShmStr<CAP>> for String {
    fn from(text: ShmStr<CAP>) -> Self {
        text.as_str().into()
    }
}

macro_rules! to_text {
    ($to:ident, $($text:ty),*) => {$(
        impl<const CAP: usize> $to<ShmStr<CAP>> for $text {
            #[inline]
            fn encode_into(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                ShmStr::<CAP>::write(self, as_array_mut(out)?)
            }
        }
    )*};
}

to_text!(ToKey, &str, &&str, &String, String);
to_text!(ToValue, &str, &&str, &String, String);
