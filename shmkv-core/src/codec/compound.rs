//! Arrays, `Option` and tuples of fields.
//!
//! `Option<T>` is one byte, 0 or 1, and then `T` or as many zeros: its size
//! does not depend on niches, which are the compiler's business. As whole keys
//! and values only `[u8; M]` and `()` are possible, since `[u8; 1 + T::LEN]`
//! cannot be written on stable Rust; a one-field struct with the derive serves
//! for the others.
//!
//! An array of anything but numbers is decoded into an array of `Option`s first,
//! for want of a safe way to fill one piece by piece that may fail. The optimiser
//! removes the copy; without it, a large array needs its size on the stack
//! several times. Prefer a `Vec` with `max_len` to thousands of elements.

use core::marker::PhantomData;

use super::error::{DecodeError, EncodeError};
use super::field::{ShmField, exact, exact_mut};
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

/// Writes an option whose payload takes `len` bytes.
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

/// Reads an option whose payload takes `len` bytes.
#[inline]
pub(super) fn decode_option<T>(
    bytes: &[u8],
    len: usize,
    decode: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    let mut parts = Parts::new(bytes, len.saturating_add(1))?;
    match *exact(parts.next(1)?)? {
        [0] => Ok(None),
        [1] => decode(parts.next(len)?).map(Some),
        [other] => Err(DecodeError::OutOfRange {
            expected: "an option's tag (0 or 1)",
            found: u64::from(other),
        }),
    }
}

impl<R> ShmField<R> for () {
    const LEN: usize = 0;
    const SCHEMA: &'static Schema = &Schema::Tuple(&[]);

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        exact_mut::<0>(out).map(|_| ())
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        exact::<0>(bytes).map(|_| ())
    }
}
whole!(value(), 0);

/// Nothing is stored of it, whatever it is about.
impl<R, T: ?Sized> ShmField<R> for PhantomData<T> {
    const LEN: usize = 0;
    const SCHEMA: &'static Schema = &Schema::Tuple(&[]);

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        exact_mut::<0>(out).map(|_| ())
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        exact::<0>(bytes).map(|_| PhantomData)
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
