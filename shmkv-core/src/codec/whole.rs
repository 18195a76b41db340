//! [`ShmKey`] and [`ShmValue`]: types that are whole keys and values, and
//! [`ToKey`] and [`ToValue`]: what callers may pass for them.
//!
//! The size is a parameter of [`ShmKey`] and [`ShmValue`], so that a wrong `K` or
//! `V` is an unsatisfied bound: `cargo check` reports it and names the size that
//! fits. The footprint traits answer the other way round: from them, the alias
//! `Map` finds the sizes of its types.

use super::error::EncodeError;
use super::field::ShmField;
use super::field::role::{KeyRole, ValueRole};

/// A type that can be a key of `K` bytes. Derive it.
///
/// A map compares keys by their bytes. A type whose equal values may differ in
/// their bytes, such as a float (`0.0 == -0.0`), cannot be part of a key.
/// Plain-old-data keys ([`Pod`](crate::Pod), `#[shm(pod)]`,
/// [`impl_pod!`](crate::impl_pod)) are the exception: with a float inside, `0.0`
/// and `-0.0` are two keys, and a NaN finds itself.
///
/// ```
/// use shmkv_core::ShmKey;
///
/// #[derive(ShmKey)]
/// struct Id {
///     site: u32,
///     sensor: u16,
/// }
///
/// assert_eq!(<Id as ShmKey<6>>::SIZE, 6);
/// ```
///
/// The descriptions of both types of a map are limited to 64 KiB, 8192 types,
/// fields and variants, and 32 levels. A map of larger types does not compile, and
/// neither does one whose keys have no bytes:
///
/// ```compile_fail
/// #[derive(shmkv_core::ShmKey)]
/// struct Nothing;
///
/// let map = shmkv_core::Map::<10, Nothing, u8>::create_anonymous();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a shared-memory key of {K} bytes",
    label = "not a key type of {K} bytes",
    note = "derive `ShmKey` on it; for a `bytemuck::Pod` type write `pod!({Self})`; for text use `ShmStr<N>`",
    note = "wrap a generic type, an `Option`, a tuple or an array in a one-field struct that derives it"
)]
pub trait ShmKey<const K: usize>: ShmField<KeyRole> {
    /// The size of a key in bytes, `K`.
    const SIZE: usize = K;

    /// A hash of the type's schema; see
    /// [`Schema::fingerprint`](crate::schema::Schema::fingerprint).
    const FINGERPRINT: u64 = Self::SCHEMA.fingerprint();
}

/// A type that can be a value of `V` bytes. Derive it.
///
/// `()` is a value of 0 bytes: a map of it is a set.
///
/// ```
/// use shmkv_core::ShmValue;
///
/// #[derive(ShmValue)]
/// struct Reading {
///     at: u64,
///     celsius: Option<f32>,
/// }
///
/// assert_eq!(<Reading as ShmValue<13>>::SIZE, 8 + 1 + 4);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a shared-memory value of {V} bytes",
    label = "not a value type of {V} bytes",
    note = "derive `ShmValue` on it; for a `bytemuck::Pod` type write `pod!({Self})`; for text use `ShmStr<N>`",
    note = "wrap a generic type, an `Option`, a tuple or an array in a one-field struct that derives it"
)]
pub trait ShmValue<const V: usize>: ShmField<ValueRole> {
    /// The size of a value in bytes, `V`.
    const SIZE: usize = V;

    /// A hash of the type's schema; see
    /// [`Schema::fingerprint`](crate::schema::Schema::fingerprint).
    const FINGERPRINT: u64 = Self::SCHEMA.fingerprint();
}

/// Maps a key type to its size `K`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a shared-memory key",
    label = "not a key type",
    note = "derive `ShmKey` on it; for a `bytemuck::Pod` type write `pod!({Self})`; for text use `ShmStr<N>`",
    note = "wrap a generic type, an `Option`, a tuple or an array in a one-field struct that derives it"
)]
pub trait KeyFootprint {
    /// `[u8; K]`.
    type Bytes;
}

/// Maps a value type to its size `V`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a shared-memory value",
    label = "not a value type",
    note = "derive `ShmValue` on it; for a `bytemuck::Pod` type write `pod!({Self})`; for text use `ShmStr<N>`",
    note = "wrap a generic type, an `Option`, a tuple or an array in a one-field struct that derives it"
)]
pub trait ValueFootprint {
    /// `[u8; V]`.
    type Bytes;
}

/// What callers may pass where a map takes a `Key`: the key or a reference to it,
/// and for text keys also a `&str` or a `String`.
#[diagnostic::on_unimplemented(
    message = "a map with keys of type `{Key}` does not take `{Self}` as a key",
    label = "expected `{Key}` or a reference to it"
)]
pub trait ToKey<Key> {
    /// Writes the bytes of the key to `out`, the same as `Key` itself would.
    ///
    /// # Errors
    ///
    /// As [`ShmField::encode`].
    fn encode_into(&self, out: &mut [u8]) -> Result<(), EncodeError>;

    /// The encoded bytes, if they are in memory already.
    #[doc(hidden)]
    #[inline(always)]
    fn as_encoded(&self) -> Option<&[u8]> {
        None
    }
}

/// What callers may pass where a map takes a `Value`: the value or a reference to
/// it, and for text values also a `&str` or a `String`.
#[diagnostic::on_unimplemented(
    message = "a map with values of type `{Value}` does not take `{Self}` as a value",
    label = "expected `{Value}` or a reference to it"
)]
pub trait ToValue<Value> {
    /// Writes the bytes of the value to `out`, the same as `Value` itself would.
    ///
    /// # Errors
    ///
    /// As [`ShmField::encode`].
    fn encode_into(&self, out: &mut [u8]) -> Result<(), EncodeError>;

    /// The encoded bytes, if they are in memory already.
    #[doc(hidden)]
    #[inline(always)]
    fn as_encoded(&self) -> Option<&[u8]> {
        None
    }
}

macro_rules! to_whole {
    ($to:ident, $role:ty) => {
        impl<T: ShmField<$role>> $to<T> for T {
            #[inline]
            fn encode_into(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                self.encode(out)
            }

            #[doc(hidden)]
            #[inline(always)]
            fn as_encoded(&self) -> Option<&[u8]> {
                ShmField::as_encoded(self)
            }
        }

        impl<T: ShmField<$role>> $to<T> for &T {
            #[inline]
            fn encode_into(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                (**self).encode(out)
            }

            #[doc(hidden)]
            #[inline(always)]
            fn as_encoded(&self) -> Option<&[u8]> {
                ShmField::as_encoded(*self)
            }
        }
    };
}

to_whole!(ToKey, KeyRole);
to_whole!(ToValue, ValueRole);

/// Makes a type with an encoding of `$size` bytes a whole key, a whole value, or
/// both.
macro_rules! whole {
    (key $t:ty, $size:expr $(, $($generics:tt)*)?) => {
        impl $(<$($generics)*>)? $crate::codec::whole::ShmKey<{ $size }> for $t {}
        impl $(<$($generics)*>)? $crate::codec::whole::KeyFootprint for $t {
            type Bytes = [u8; $size];
        }
    };
    (value $t:ty, $size:expr $(, $($generics:tt)*)?) => {
        impl $(<$($generics)*>)? $crate::codec::whole::ShmValue<{ $size }> for $t {}
        impl $(<$($generics)*>)? $crate::codec::whole::ValueFootprint for $t {
            type Bytes = [u8; $size];
        }
    };
    (both $t:ty, $size:expr $(, $($generics:tt)*)?) => {
        $crate::codec::whole::whole!(key $t, $size $(, $($generics)*)?);
        $crate::codec::whole::whole!(value $t, $size $(, $($generics)*)?);
    };
}
pub(super) use whole;
