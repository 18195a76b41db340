//! [`ShmField`]: the contract between a type and its bytes.
//!
//! It is safe to implement: a wrong implementation stores wrong data, but cannot
//! cause undefined behaviour. The trait has a role as its parameter so that one
//! type may be part of keys, of values, or of both, and so that floats can be part
//! of values only.

use super::error::{DecodeError, EncodeError};
use super::parts::{Parts, PartsMut};
use super::schema::tree::Schema;

/// The two uses of a type, as the parameter of [`ShmField`]: a marker type each.
pub mod role {
    /// Part of a key: equal values have equal bytes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum KeyRole {}

    /// Part of a value: equal values may have different bytes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ValueRole {}
}

/// A type that can be part of a key or of a value, always of [`LEN`](Self::LEN)
/// bytes.
///
/// [`ShmKey`](crate::ShmKey) and [`ShmValue`](crate::ShmValue) derive it. Implement
/// it by hand only for an encoding of your own:
///
/// ```
/// use shmkv_core::field::{ShmField, role::ValueRole};
/// use shmkv_core::schema::{Scalar, Schema};
/// use shmkv_core::{DecodeError, EncodeError};
///
/// /// A temperature, stored in tenths of a degree.
/// struct Celsius(i16);
///
/// impl<R> ShmField<R> for Celsius {
///     const LEN: usize = 2;
///     const SCHEMA: &'static Schema = &Schema::Scalar(Scalar::I16);
///
///     fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
///         ShmField::<R>::encode(&self.0, out)
///     }
///
///     fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
///         <i16 as ShmField<R>>::decode(bytes).map(Celsius)
///     }
/// }
///
/// let mut bytes = [0; 2];
/// ShmField::<ValueRole>::encode(&Celsius(-5), &mut bytes)?;
/// assert_eq!(bytes, [0xfb, 0xff]);
/// # Ok::<(), EncodeError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of this shared-memory key or value",
    label = "not a type of fixed size with a known encoding",
    note = "derive `ShmKey` or `ShmValue` on it; for a `bytemuck::Pod` type write `pod!({Self})`; for text use `ShmStr<N>`"
)]
pub trait ShmField<R>: Sized {
    /// The size in bytes of every encoded value.
    const LEN: usize;

    /// What the bytes mean. Its [`size`](Schema::size) must be `LEN`.
    const SCHEMA: &'static Schema;

    /// Writes the value to `out`: every byte, unused ones as zero.
    ///
    /// # Errors
    ///
    /// The value does not fit, or `out` is not `LEN` bytes long. The contents of
    /// `out` are then unspecified.
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError>;

    /// Reads a value from its bytes. It should not panic, whatever they are:
    /// another process may have written them.
    ///
    /// # Errors
    ///
    /// No value has these bytes, or `bytes` is not `LEN` bytes long.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;

    /// The value's own memory, if that is its encoding. The map then copies the
    /// bytes once rather than twice.
    #[doc(hidden)]
    #[inline(always)]
    fn as_encoded(&self) -> Option<&[u8]> {
        Self::slice_as_encoded(core::slice::from_ref(self))
    }

    /// The memory of consecutive values, if that is their encoding.
    #[doc(hidden)]
    #[inline(always)]
    fn slice_as_encoded(items: &[Self]) -> Option<&[u8]> {
        let _ = items;
        None
    }

    /// Writes `items` one after another. Numbers override it with a loop that
    /// compiles to one copy.
    #[doc(hidden)]
    fn encode_slice(items: &[Self], out: &mut [u8]) -> Result<(), EncodeError> {
        let mut parts = PartsMut::new(out, items.len().saturating_mul(Self::LEN))?;
        for (index, item) in items.iter().enumerate() {
            item.encode(parts.next(Self::LEN)?)
                .map_err(|error| error.in_element(index))?;
        }
        Ok(())
    }

    /// Reads `M` consecutive values.
    #[doc(hidden)]
    fn decode_array<const M: usize>(bytes: &[u8]) -> Result<[Self; M], DecodeError> {
        let mut parts = Parts::new(bytes, M.saturating_mul(Self::LEN))?;
        let mut slots = [const { None }; M];
        for (index, slot) in slots.iter_mut().enumerate() {
            let item = Self::decode(parts.next(Self::LEN)?);
            *slot = Some(item.map_err(|error| error.in_element(index))?);
        }
        Ok(slots.map(|slot| match slot {
            Some(item) => item,
            None => unreachable!("the loop above fills every slot or returns"),
        }))
    }
}

/// `out` as an array, if it has the length of the type.
#[inline]
pub(super) fn as_array_mut<const LEN: usize>(
    out: &mut [u8],
) -> Result<&mut [u8; LEN], EncodeError> {
    let found = out.len();
    out.try_into().map_err(|_| EncodeError::WrongLength {
        expected: LEN,
        found,
    })
}

/// `bytes` as an array, if they have the length of the type.
#[inline]
pub(super) fn as_array<const LEN: usize>(bytes: &[u8]) -> Result<&[u8; LEN], DecodeError> {
    bytes.try_into().map_err(|_| DecodeError::WrongLength {
        expected: LEN,
        found: bytes.len(),
    })
}
