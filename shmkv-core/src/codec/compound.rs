//! Encodings of arrays, options and tuples.
//!
//! | type | bytes |
//! |---|---|
//! | `[T; M]` | `M` elements, one after another |
//! | `Option<T>` | one byte, 0 or 1, and then `T` or as many zeros |
//! | `(A, B, …)` | its parts, one after another |
//! | `()`, `PhantomData<T>` | none |
//!
//! The size of an option does not depend on niches, which the compiler chooses. Of
//! these types only `[u8; M]` and `()` are whole keys or values, because stable
//! Rust cannot express a size such as `1 + T::LEN`; for the others, wrap them in a
//! one-field struct with the derive.
//!
//! An array of anything but numbers is decoded into an array of `Option`s first,
//! because safe code cannot fill an array element by element if an element may
//! fail. The optimiser removes that copy. Unoptimised code needs several times the
//! size of the array on the stack, so prefer a `Vec` with `max_len` to thousands of
//! elements.

use core::marker::PhantomData;

use super::error::{DecodeError, EncodeError};
use super::field::{ShmField, as_array, as_array_mut};
use super::parts::{Parts, PartsMut};
use super::schema::tree::{Scalar, Schema};
use super::whole::whole;

impl<R, T: ShmField<R>, const M: usize> ShmField<R> for [T; M] {
    const LEN: usize = M * T::LEN;
    const SCHEMA: &'static Schema = &match T::SCHEMA {
        Schema::Scalar(Scalar::U8) => Schema::Bytes { len: M },
        element => Schema::Array { element, len: M },
    };

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        T::encode_slice(self, out)
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        T::decode_array(bytes)
    }

    #[inline(always)]
    fn as_encoded(&self) -> Option<&[u8]> {
        T::slice_as_encoded(self)
    }
}
whole!(both [u8; M], M, const M: usize);

impl<R, T: ShmField<R>> ShmField<R> for Option<T> {
    const LEN: usize = 1 + T::LEN;
    const SCHEMA: &'static Schema = &Schema::Option(T::SCHEMA);

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        encode_option(self.as_ref(), out, T::LEN, T::encode)
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode_option(bytes, T::LEN, T::decode)
    }
}

/// Encodes an option whose value takes `len` bytes.
#[inline]
pub(super) fn encode_option<T>(
    value: Option<&T>,
    out: &mut [u8],
    len: usize,
    encode: impl FnOnce(&T, &mut [u8]) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let mut parts = PartsMut::new(out, len.saturating_add(1))?;
    parts.next(1)?.fill(u8::from(value.is_some()));
    match value {
        Some(value) => encode(value, parts.next(len)?),
        None => {
            parts.finish();
            Ok(())
        }
    }
}

/// Decodes an option whose value takes `len` bytes.
#[inline]
pub(super) fn decode_option<T>(
    bytes: &[u8],
    len: usize,
    decode: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    let mut parts = Parts::new(bytes, len.saturating_add(1))?;
    match *as_array(parts.next(1)?)? {
        [0] => Ok(None),
        [1] => decode(parts.next(len)?).map(Some),
        [other] => Err(DecodeError::OutOfRange {
            expected: "the tag of an option (0 or 1)",
            found: u64::from(other),
        }),
    }
}

impl<R> ShmField<R> for () {
    const LEN: usize = 0;
    const SCHEMA: &'static Schema = &Schema::Tuple(&[]);

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        as_array_mut::<0>(out).map(|_| ())
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        as_array::<0>(bytes).map(|_| ())
    }
}
whole!(value(), 0);

/// Takes no bytes, whatever `T` is.
impl<R, T: ?Sized> ShmField<R> for PhantomData<T> {
    const LEN: usize = 0;
    const SCHEMA: &'static Schema = &Schema::Tuple(&[]);

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        as_array_mut::<0>(out).map(|_| ())
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        as_array::<0>(bytes).map(|_| PhantomData)
    }
}

macro_rules! tuple {
    ($($t:ident $index:tt),+) => {
        impl<R, $($t: ShmField<R>),+> ShmField<R> for ($($t,)+) {
            const LEN: usize = 0 $(+ $t::LEN)+;
            const SCHEMA: &'static Schema = &Schema::Tuple(&[$($t::SCHEMA),+]);

            #[inline]
            fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                let mut parts = PartsMut::new(out, <Self as ShmField<R>>::LEN)?;
                $(
                    self.$index
                        .encode(parts.next($t::LEN)?)
                        .map_err(|error| error.in_field(stringify!($index)))?;
                )+
                Ok(())
            }

            #[inline]
            fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                let mut parts = Parts::new(bytes, <Self as ShmField<R>>::LEN)?;
                Ok(($(
                    $t::decode(parts.next($t::LEN)?)
                        .map_err(|error| error.in_field(stringify!($index)))?,
                )+))
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
