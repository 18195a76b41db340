//! Arrays, `Option` and tuples of fields.
//!
//! `Option<T>` is one byte, 0 or 1, and then `T` or as many zeros: its size
//! does not depend on niches, which are the compiler's business. As whole keys
//! and values only `[u8; M]` and `()` are possible, since `[u8; 1 + T::LEN]`
//! cannot be written on stable Rust; a one-field struct with the derive serves
//! for the others.

use super::field::{exact, exact_mut};
use super::root::root;
use super::{DecodeError, EncodeError, Scalar, Schema, ShmField};

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
}
root!(both [u8; M], M, const M: usize);

impl<R, T: ShmField<R>> ShmField<R> for Option<T> {
    const LEN: usize = 1 + T::LEN;
    const SCHEMA: &'static Schema = &Schema::Option(T::SCHEMA);

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        let found = out.len();
        let (tag, payload) = out
            .split_first_mut()
            .filter(|(_, payload)| payload.len() == T::LEN)
            .ok_or(EncodeError::WrongLength {
                expected: 1 + T::LEN,
                found,
            })?;
        match self {
            None => {
                *tag = 0;
                payload.fill(0);
                Ok(())
            }
            Some(value) => {
                *tag = 1;
                value.encode(payload)
            }
        }
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (tag, payload) = bytes
            .split_first()
            .filter(|(_, payload)| payload.len() == T::LEN)
            .ok_or(DecodeError::WrongLength {
                expected: 1 + T::LEN,
                found: bytes.len(),
            })?;
        match tag {
            0 => Ok(None),
            1 => T::decode(payload).map(Some),
            &other => Err(DecodeError::OutOfRange {
                expected: "an option's tag (0 or 1)",
                found: u64::from(other),
            }),
        }
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
root!(value(), 0);

macro_rules! tuple {
    ($($t:ident $index:tt),+) => {
        impl<R, $($t: ShmField<R>),+> ShmField<R> for ($($t,)+) {
            const LEN: usize = 0 $(+ $t::LEN)+;
            const SCHEMA: &'static Schema = &Schema::Tuple(&[$($t::SCHEMA),+]);

            #[inline]
            fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                let found = out.len();
                let wrong = || EncodeError::WrongLength {
                    expected: <Self as ShmField<R>>::LEN,
                    found,
                };
                let rest = out;
                $(
                    let (head, rest) = rest.split_at_mut_checked($t::LEN).ok_or_else(wrong)?;
                    self.$index
                        .encode(head)
                        .map_err(|error| error.in_field(stringify!($index)))?;
                )+
                if rest.is_empty() { Ok(()) } else { Err(wrong()) }
            }

            #[inline]
            #[allow(non_snake_case, reason = "the bytes of `A` are named after it")]
            fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                let wrong = || DecodeError::WrongLength {
                    expected: <Self as ShmField<R>>::LEN,
                    found: bytes.len(),
                };
                let rest = bytes;
                $(
                    let ($t, rest) = rest.split_at_checked($t::LEN).ok_or_else(wrong)?;
                )+
                if !rest.is_empty() {
                    return Err(wrong());
                }
                Ok(($(
                    <$t as ShmField<R>>::decode($t)
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
