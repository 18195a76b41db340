//! Taking a buffer apart field by field.

use super::error::{DecodeError, EncodeError};

/// A buffer being written from its start.
pub struct PartsMut<'a> {
    rest: &'a mut [u8],
    expected: usize,
    found: usize,
}

impl<'a> PartsMut<'a> {
    /// Takes a buffer, which has to be `expected` bytes long.
    ///
    /// # Errors
    ///
    /// It is not.
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
    /// There are fewer.
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

    /// Writes zero to whatever was not taken.
    #[inline]
    pub fn finish(self) {
        self.rest.fill(0);
    }
}

/// A buffer being read from its start.
pub struct Parts<'a> {
    rest: &'a [u8],
    expected: usize,
    found: usize,
}

impl<'a> Parts<'a> {
    /// Takes a buffer, which has to be `expected` bytes long.
    ///
    /// # Errors
    ///
    /// It is not.
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
    /// There are fewer.
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
