//! [`Adapter`]: fields that are stored as something else, `#[shm(max_len = …)]`
//! and `#[shm(with = …)]`. Called by derived code only.
//!
//! An adapter has the methods of [`ShmField`] for a type other than itself, so
//! that derived code treats all fields alike.

use core::fmt::Display;

use super::compound::{decode_option, encode_option};
use super::error::{DecodeError, EncodeError};
use super::field::ShmField;
use super::length::length_width;
use super::parts::{Parts, PartsMut};
use super::schema::tree::Schema;

/// Stores a `T` as something else.
#[diagnostic::on_unimplemented(
    message = "this `shm` attribute does not apply to a field of type `{T}`",
    label = "not a type that the attribute is for",
    note = "`max_len` is for `String`, `Vec<T>` and an `Option` of either",
    note = "`with = W` needs `W: ShmKey` or `W: ShmValue`, `W: TryFrom<&{T}>` and `{T}: TryFrom<W>`"
)]
pub trait Adapter<R, T> {
    /// As [`ShmField::LEN`].
    const LEN: usize;
    /// As [`ShmField::SCHEMA`].
    const SCHEMA: &'static Schema;
    /// As [`ShmField::encode`].
    fn encode(value: &T, out: &mut [u8]) -> Result<(), EncodeError>;
    /// As [`ShmField::decode`].
    fn decode(bytes: &[u8]) -> Result<T, DecodeError>;
}

/// The memory in bytes that a decoder reserves at most because of a stored length,
/// which may be hostile. A longer vector grows as its elements arrive.
const RESERVED: usize = 1 << 20;

/// Stores a length, in as few bytes as hold `MAX`, and then at most `MAX` elements.
pub enum MaxLen<const MAX: usize> {}

impl<const MAX: usize> MaxLen<MAX> {
    const WIDTH: usize = {
        assert!(
            MAX <= u32::MAX as usize,
            "`max_len` is at most 4,294,967,295"
        );
        length_width(MAX)
    };

    /// Writes the length, returns the bytes for that many elements of `size`
    /// bytes, and fills the rest with zeros.
    fn split_mut(out: &mut [u8], len: usize, size: usize) -> Result<&mut [u8], EncodeError> {
        let mut parts = PartsMut::new(out, Self::WIDTH + MAX * size)?;
        let prefix = parts.next(Self::WIDTH)?;
        for (byte, of_len) in prefix.iter_mut().zip(len.to_le_bytes()) {
            *byte = of_len;
        }
        let elements = parts.next(len * size)?;
        parts.finish();
        Ok(elements)
    }

    /// Reads the length, and returns it and the bytes of that many elements.
    fn split(bytes: &[u8], size: usize) -> Result<(usize, &[u8]), DecodeError> {
        let mut parts = Parts::new(bytes, Self::WIDTH + MAX * size)?;
        let prefix = parts.next(Self::WIDTH)?;
        let len = prefix
            .iter()
            .rfold(0, |len, byte| len << 8 | usize::from(*byte));
        if len > MAX {
            return Err(DecodeError::TooLong { len, max: MAX });
        }
        Ok((len, parts.next(len * size)?))
    }
}

/// The size of an element. Does not compile if it is 0, since four hostile bytes
/// could then stand for 2³² elements.
#[track_caller]
const fn element_size(size: usize) -> usize {
    assert!(
        size > 0,
        "a `Vec` of elements that take no bytes is only a number: store a `u32`"
    );
    size
}

/// Encodes `text` as a `String` with `#[shm(max_len = MAX)]`.
pub fn encode_text<const MAX: usize>(text: &str, out: &mut [u8]) -> Result<(), EncodeError> {
    let len = text.len();
    if len > MAX {
        return Err(EncodeError::TooLong { len, max: MAX });
    }
    MaxLen::<MAX>::split_mut(out, len, 1)?.copy_from_slice(text.as_bytes());
    Ok(())
}

impl<R, const MAX: usize> Adapter<R, String> for MaxLen<MAX> {
    const LEN: usize = Self::WIDTH + MAX;
    const SCHEMA: &'static Schema = &Schema::String { max_len: MAX };

    fn encode(value: &String, out: &mut [u8]) -> Result<(), EncodeError> {
        encode_text::<MAX>(value, out)
    }

    fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
        let (_, text) = Self::split(bytes, 1)?;
        match core::str::from_utf8(text) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(DecodeError::NotUtf8 {
                valid_up_to: error.valid_up_to(),
            }),
        }
    }
}

impl<R, T: ShmField<R>, const MAX: usize> Adapter<R, Vec<T>> for MaxLen<MAX> {
    const LEN: usize = Self::WIDTH + MAX * element_size(T::LEN);
    const SCHEMA: &'static Schema = &Schema::Vec {
        element: T::SCHEMA,
        max_len: MAX,
    };

    fn encode(value: &Vec<T>, out: &mut [u8]) -> Result<(), EncodeError> {
        let len = value.len();
        if len > MAX {
            return Err(EncodeError::TooMany { len, max: MAX });
        }
        T::encode_slice(value, Self::split_mut(out, len, T::LEN)?)
    }

    fn decode(bytes: &[u8]) -> Result<Vec<T>, DecodeError> {
        let (len, elements) = Self::split(bytes, T::LEN)?;
        let mut parts = Parts::new(elements, elements.len())?;
        // An element may be larger in memory than encoded.
        let at_once = RESERVED / size_of::<T>().max(1);
        let mut items = Vec::with_capacity(len.min(at_once));
        for index in 0..len {
            let item = T::decode(parts.next(T::LEN)?);
            items.push(item.map_err(|error| error.in_element(index))?);
        }
        Ok(items)
    }
}

impl<R, T, const MAX: usize> Adapter<R, Option<T>> for MaxLen<MAX>
where
    Self: Adapter<R, T>,
{
    const LEN: usize = 1 + <Self as Adapter<R, T>>::LEN;
    const SCHEMA: &'static Schema = &Schema::Option(<Self as Adapter<R, T>>::SCHEMA);

    fn encode(value: &Option<T>, out: &mut [u8]) -> Result<(), EncodeError> {
        let len = <Self as Adapter<R, T>>::LEN;
        encode_option(value.as_ref(), out, len, <Self as Adapter<R, T>>::encode)
    }

    fn decode(bytes: &[u8]) -> Result<Option<T>, DecodeError> {
        let len = <Self as Adapter<R, T>>::LEN;
        decode_option(bytes, len, <Self as Adapter<R, T>>::decode)
    }
}

/// Stores a field as a `W`, converted both ways by `TryFrom`.
pub struct With<W>(core::marker::PhantomData<W>);

impl<R, T, W> Adapter<R, T> for With<W>
where
    W: ShmField<R> + for<'a> TryFrom<&'a T, Error: Display>,
    T: TryFrom<W, Error: Display>,
{
    const LEN: usize = W::LEN;
    const SCHEMA: &'static Schema = W::SCHEMA;

    #[inline]
    fn encode(value: &T, out: &mut [u8]) -> Result<(), EncodeError> {
        match W::try_from(value) {
            Ok(stored) => stored.encode(out),
            Err(error) => Err(EncodeError::Invalid(error.to_string())),
        }
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<T, DecodeError> {
        T::try_from(W::decode(bytes)?).map_err(|error| DecodeError::Invalid(error.to_string()))
    }
}
