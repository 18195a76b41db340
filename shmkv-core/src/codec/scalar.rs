//! Encodings of numbers, `bool` and `char`: little-endian, in as many bytes as the
//! type takes in memory.
//!
//! Integers, `bool`, `char` and `NonZero` may be part of keys and of values; floats
//! of values only. `usize` and `isize` have no encoding on purpose: programs that
//! share a segment may differ in their width.

use core::num::NonZero;

use super::error::{DecodeError, EncodeError};
use super::field::role::ValueRole;
use super::field::{ShmField, as_array, as_array_mut};
use super::schema::tree::{Scalar, Schema};
use super::whole::whole;

/// A type for which every bit pattern is a value. Arrays of it decode without a
/// check per element, and both directions compile to one copy on a little-endian
/// machine.
macro_rules! number {
    ($t:ident, $scalar:ident, impl<$($r:ident)?> $role:ty) => {
        impl<$($r)?> ShmField<$role> for $t {
            const LEN: usize = size_of::<$t>();
            const SCHEMA: &'static Schema = &Schema::Scalar(Scalar::$scalar);

            #[inline]
            fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                *as_array_mut(out)? = self.to_le_bytes();
                Ok(())
            }

            #[inline]
            fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                as_array(bytes).map(|bytes| $t::from_le_bytes(*bytes))
            }

            #[inline(always)]
            fn slice_as_encoded(items: &[Self]) -> Option<&[u8]> {
                cfg!(target_endian = "little").then(|| bytemuck::cast_slice(items))
            }

            #[inline]
            fn encode_slice(items: &[Self], out: &mut [u8]) -> Result<(), EncodeError> {
                let found = out.len();
                let (chunks, rest) = out.as_chunks_mut();
                if chunks.len() != items.len() || !rest.is_empty() {
                    return Err(EncodeError::WrongLength {
                        expected: items.len().saturating_mul(size_of::<$t>()),
                        found,
                    });
                }
                for (chunk, item) in chunks.iter_mut().zip(items) {
                    *chunk = item.to_le_bytes();
                }
                Ok(())
            }

            #[inline]
            fn decode_array<const M: usize>(bytes: &[u8]) -> Result<[Self; M], DecodeError> {
                let (chunks, rest) = bytes.as_chunks();
                if chunks.len() != M || !rest.is_empty() {
                    return Err(DecodeError::WrongLength {
                        expected: M.saturating_mul(size_of::<$t>()),
                        found: bytes.len(),
                    });
                }
                let mut items = [$t::default(); M];
                for (item, chunk) in items.iter_mut().zip(chunks) {
                    *item = $t::from_le_bytes(*chunk);
                }
                Ok(items)
            }
        }
    };
}

macro_rules! integer {
    ($($t:ident $scalar:ident,)*) => {$(
        number!($t, $scalar, impl<R> R);
        whole!(both $t, size_of::<$t>());

        impl<R> ShmField<R> for NonZero<$t> {
            const LEN: usize = size_of::<$t>();
            const SCHEMA: &'static Schema = &Schema::NonZero(Scalar::$scalar);

            #[inline]
            fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                ShmField::<R>::encode(&self.get(), out)
            }

            #[inline]
            fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                NonZero::new(<$t as ShmField<R>>::decode(bytes)?).ok_or_else(|| DecodeError::OutOfRange {
                    expected: "a nonzero number",
                    found: 0,
                })
            }
        }
        whole!(both NonZero<$t>, size_of::<$t>());
    )*};
}

integer! {
    u8 U8, u16 U16, u32 U32, u64 U64, u128 U128,
    i8 I8, i16 I16, i32 I32, i64 I64, i128 I128,
}

number!(f32, F32, impl<> ValueRole);
number!(f64, F64, impl<> ValueRole);
whole!(value f32, 4);
whole!(value f64, 8);

impl<R> ShmField<R> for bool {
    const LEN: usize = 1;
    const SCHEMA: &'static Schema = &Schema::Scalar(Scalar::Bool);

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        *as_array_mut(out)? = [u8::from(*self)];
        Ok(())
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        match *as_array(bytes)? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(DecodeError::OutOfRange {
                expected: "a bool (0 or 1)",
                found: u64::from(other),
            }),
        }
    }
}
whole!(both bool, 1);

impl<R> ShmField<R> for char {
    const LEN: usize = 4;
    const SCHEMA: &'static Schema = &Schema::Scalar(Scalar::Char);

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        ShmField::<R>::encode(&u32::from(*self), out)
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let code = <u32 as ShmField<R>>::decode(bytes)?;
        char::from_u32(code).ok_or_else(|| DecodeError::OutOfRange {
            expected: "a Unicode scalar value",
            found: u64::from(code),
        })
    }
}
whole!(both char, 4);
