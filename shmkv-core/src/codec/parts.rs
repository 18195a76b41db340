//! [`PartsMut`] and [`Parts`]: writing and reading a buffer part by part, from its
//! start. Called by derived code, and by the encodings of tuples, options, lists
//! and addresses.
//!
//! **Invariant.** Nothing indexes a slice: a buffer that is too short ends in an
//! error, not in a panic. If the lengths are constants, the compiler folds the
//! checks into the one that `new` makes, and a struct of numbers becomes plain
//! moves. For that, errors are made only when needed: they own memory, and dropping
//! an unneeded one would cost a call per field.

use super::error::{DecodeError, EncodeError};

/// A buffer that is written from its start.
pub struct PartsMut<'a> {
    rest: &'a mut [u8],
    expected: usize,
    found: usize,
}

impl<'a> PartsMut<'a> {
    /// Starts with a buffer of `expected` bytes.
    ///
    /// # Errors
    ///
    /// The buffer has another length.
    #[inline]
    pub fn new(out: &'a mut [u8], expected: usize) -> Result<Self, EncodeError> {
        let found = out.len();
        if found != expected {
            return Err(EncodeError::WrongLength { expected, found });
        }
        Ok(Self {
            rest: out,
            expected,
            found,
        })
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    ///
    /// Fewer bytes are left.
    #[inline]
    pub fn next(&mut self, len: usize) -> Result<&'a mut [u8], EncodeError> {
        match self.rest.split_off_mut(..len) {
            Some(part) => Ok(part),
            None => Err(EncodeError::WrongLength {
                expected: self.expected,
                found: self.found,
            }),
        }
    }

    /// Writes zeros to the bytes that are left.
    #[inline]
    pub fn finish(self) {
        self.rest.fill(0);
    }
}

/// A buffer that is read from its start.
pub struct Parts<'a> {
    rest: &'a [u8],
    expected: usize,
    found: usize,
}

impl<'a> Parts<'a> {
    /// Starts with a buffer of `expected` bytes.
    ///
    /// # Errors
    ///
    /// The buffer has another length.
    #[inline]
    pub fn new(bytes: &'a [u8], expected: usize) -> Result<Self, DecodeError> {
        let found = bytes.len();
        if found != expected {
            return Err(DecodeError::WrongLength { expected, found });
        }
        Ok(Self {
            rest: bytes,
            expected,
            found,
        })
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    ///
    /// Fewer bytes are left.
    #[inline]
    pub fn next(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_off(..len) {
            Some(part) => Ok(part),
            None => Err(DecodeError::WrongLength {
                expected: self.expected,
                found: self.found,
            }),
        }
    }
}
