//! Whole keys and values, and what callers may pass for them.
//!
//! The size is a parameter of [`ShmKey`] and [`ShmValue`] so that a wrong `K`
//! or `V` is an ordinary unsatisfied bound, which `cargo check` reports and
//! which names the size that would fit. The footprint traits answer the other
//! way round: they find the size for the `Map` alias.

use super::error::EncodeError;
use super::field::ShmField;
use super::field::role::{KeyRole, ValueRole};

/// A type that can be a key of `K` bytes. Derive it.
///
/// Keys are equal when their bytes are equal, so anything with two bytes for
/// one value (a float: `0.0 == -0.0`) cannot be part of one. The exception are
/// plain-old-data keys ([`Pod`](crate::Pod), `#[shm(pod)]`,
/// [`impl_pod!`](crate::impl_pod)): with a float inside, `0.0` and `-0.0` are
/// two keys, and a NaN finds itself.
///
/// The type and its value's are described in the segment within limits: 64 KiB,
/// 8192 types, fields and variants, 32 levels. A map of larger ones does not
/// compile, and neither does one of keys without any bytes:
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
    note = "a generic type, an `Option`, a tuple or an array is wrapped in a one-field struct that derives it"
)]
pub trait ShmKey<const K: usize>: ShmField<KeyRole> {
    /// Bytes of a key: `K`.
    const SIZE: usize = K;

    /// A number that differs, in all likelihood, between different types; see
    /// [`Schema::fingerprint`](crate::schema::Schema::fingerprint).
    const FINGERPRINT: u64 = Self::SCHEMA.fingerprint();
}

/// A type that can be a value of `V` bytes. Derive it.
///
/// `()` is a value of no bytes: a map of it is a set.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a shared-memory value of {V} bytes",
    label = "not a value type of {V} bytes",
    note = "derive `ShmValue` on it; for a `bytemuck::Pod` type write `pod!({Self})`; for text use `ShmStr<N>`",
    note = "a generic type, an `Option`, a tuple or an array is wrapped in a one-field struct that derives it"
)]
pub trait ShmValue<const V: usize>: ShmField<ValueRole> {
    /// Bytes of a value: `V`.
    const SIZE: usize = V;

    /// A number that differs, in all likelihood, between different types; see
    /// [`Schema::fingerprint`](crate::schema::Schema::fingerprint).
    const FINGERPRINT: u64 = Self::SCHEMA.fingerprint();
}

/// Finds `K` for a key type.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a shared-memory key",
    label = "not a key type",
    note = "derive `ShmKey` on it; for a `bytemuck::Pod` type write `pod!({Self})`; for text use `ShmStr<N>`",
    note = "a generic type, an `Option`, a tuple or an array is wrapped in a one-field struct that derives it"
)]
pub trait KeyFootprint {
    /// `[u8; K]`.
    type Bytes;
}

/// Finds `V` for a value type.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a shared-memory value",
    label = "not a value type",
    note = "derive `ShmValue` on it; for a `bytemuck::Pod` type write `pod!({Self})`; for text use `ShmStr<N>`",
    note = "a generic type, an `Option`, a tuple or an array is wrapped in a one-field struct that derives it"
)]
pub trait ValueFootprint {
    /// `[u8; V]`.
    type Bytes;
}

/// What may be passed where a map wants a `Key`: the key or a reference to it,
/// and for text keys any `&str`.
#[diagnostic::on_unimplemented(
    message = "a map keyed by `{Key}` cannot be asked with `{Self}`",
    label = "expected `{Key}` or a reference to it"
)]
pub trait ToKey<Key> {
    /// Writes the bytes of the key, exactly as `Key` would.
    ///
    /// # Errors
    ///
    /// As [`ShmField::encode`].
    fn encode_into(&self, out: &mut [u8]) -> Result<(), EncodeError>;

    /// The bytes themselves, if they are in memory already.
    #[doc(hidden)]
    #[inline(always)]
    fn as_encoded(&self) -> Option<&[u8]> {
        None
    }
}

/// What may be passed where a map wants a `Value`: the value or a reference to
/// it, and for text values any `&str`.
#[diagnostic::on_unimplemented(
    message = "a map of `{Value}` cannot store `{Self}`",
    label = "expected `{Value}` or a reference to it"
)]
pub trait ToValue<Value> {
    /// Writes the bytes of the value, exactly as `Value` would.
    ///
    /// # Errors
    ///
    /// As [`ShmField::encode`].
    fn encode_into(&self, out: &mut [u8]) -> Result<(), EncodeError>;

    /// The bytes themselves, if they are in memory already.
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

            #[inline(always)]
            fn as_encoded(&self) -> Option<&[u8]> {
                ShmField::as_encoded(*self)
            }
        }
    };
}

to_whole!(ToKey, KeyRole);
to_whole!(ToValue, ValueRole);

/// Makes a type with a fixed encoding a whole key, a whole value, or both.
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
