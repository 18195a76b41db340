//! [`Pod`]: plain old data, types that are stored as their own memory.
//!
//! Nothing here is `unsafe`: `bytemuck::Pod` promises that a type has no padding and
//! no invalid bit pattern. An implementation for all such types would collide with
//! every derive. So a foreign type is wrapped in [`Pod`], and a type of the user's
//! own crate uses [`impl_pod!`](crate::impl_pod) or the derive.

use core::fmt;
use core::ops::{Deref, DerefMut};

use super::error::{DecodeError, EncodeError};
use super::field::ShmField;
use super::schema::tree::Schema;
use super::whole::{ToKey, ToValue, whole};

/// A [`bytemuck::Pod`](https://docs.rs/bytemuck/latest/bytemuck/trait.Pod.html) type of `SIZE` bytes as a key or value, stored as its own
/// memory.
///
/// Write it as [`pod!(T)`](crate::pod), which fills in the size. Callers pass a
/// bare `T` or `&T`; reads return a `Pod`, which dereferences to `T`.
///
/// Keys are compared by their bytes: with a float inside, `0.0` and `-0.0` are two
/// keys, and a NaN finds itself. The bytes have the byte order of the machine, and
/// the segment describes only their number, so it cannot tell apart two `Pod`
/// types of one size. `#[shm(pod)]` on a derive also describes the fields.
///
/// ```
/// use shmkv_core::{Map, Pod, pod};
///
/// let map = Map::<16, u32, pod!([f32; 3])>::create_anonymous()?;
/// map.set(7, [1.0, 2.0, 3.0])?;
/// assert_eq!(map.get(7)?, Some(Pod([1.0, 2.0, 3.0])));
/// # Ok::<(), shmkv_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Pod<T, const SIZE: usize>(pub T);

/// The key or value type for a [`bytemuck::Pod`](https://docs.rs/bytemuck/latest/bytemuck/trait.Pod.html) type: [`Pod`] with the right size.
///
/// ```
/// use shmkv_core::{ShmValue, pod};
///
/// fn is_value<const V: usize, T: ShmValue<V>>() -> usize {
///     T::SIZE
/// }
/// assert_eq!(is_value::<12, pod!([f32; 3])>(), 12);
/// ```
#[macro_export]
macro_rules! pod {
    ($t:ty) => {
        $crate::Pod<$t, { ::core::mem::size_of::<$t>() }>
    };
}

/// Makes a [`bytemuck::Pod`](https://docs.rs/bytemuck/latest/bytemuck/trait.Pod.html) type of your own a key and a value, stored as its own
/// memory.
///
/// ```
/// use shmkv_core::{ShmValue, impl_pod};
///
/// #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
/// #[repr(C)]
/// struct Pose {
///     x: f32,
///     y: f32,
///     z: f32,
/// }
/// impl_pod!(Pose);
///
/// assert_eq!(<Pose as ShmValue<12>>::SIZE, 12);
/// ```
#[macro_export]
macro_rules! impl_pod {
    ($t:ident) => {
        const _: () = {
            const __SHM_SIZE: ::core::primitive::usize = ::core::mem::size_of::<$t>();

            impl<__ShmRole> $crate::field::ShmField<__ShmRole> for $t {
                const LEN: ::core::primitive::usize = __SHM_SIZE;
                const SCHEMA: &'static $crate::schema::Schema = &$crate::schema::Schema::Pod {
                    name: ::core::stringify!($t),
                    size: __SHM_SIZE,
                    fields: &[],
                };

                #[inline]
                fn encode(
                    &self,
                    __shm_out: &mut [::core::primitive::u8],
                ) -> ::core::result::Result<(), $crate::EncodeError> {
                    $crate::__private::encode_pod(self, __shm_out)
                }

                #[inline]
                fn decode(
                    __shm_bytes: &[::core::primitive::u8],
                ) -> ::core::result::Result<Self, $crate::DecodeError> {
                    $crate::__private::decode_pod(__shm_bytes)
                }

                #[inline]
                fn as_encoded(&self) -> ::core::option::Option<&[::core::primitive::u8]> {
                    ::core::option::Option::Some($crate::__private::pod_bytes(self))
                }
            }

            impl $crate::ShmKey<{ __SHM_SIZE }> for $t {}
            impl $crate::field::KeyFootprint for $t {
                type Bytes = [::core::primitive::u8; __SHM_SIZE];
            }
            impl $crate::ShmValue<{ __SHM_SIZE }> for $t {}
            impl $crate::field::ValueFootprint for $t {
                type Bytes = [::core::primitive::u8; __SHM_SIZE];
            }
        };
    };
}

/// Copies the memory of `value` to `out`.
#[inline]
pub fn encode_pod<T: bytemuck::Pod>(value: &T, out: &mut [u8]) -> Result<(), EncodeError> {
    let bytes = bytemuck::bytes_of(value);
    if out.len() != bytes.len() {
        return Err(EncodeError::WrongLength {
            expected: bytes.len(),
            found: out.len(),
        });
    }
    out.copy_from_slice(bytes);
    Ok(())
}

/// The memory of `value`.
#[inline]
pub fn pod_bytes<T: bytemuck::Pod>(value: &T) -> &[u8] {
    bytemuck::bytes_of(value)
}

/// Copies `bytes` into a new value.
#[inline]
pub fn decode_pod<T: bytemuck::Pod>(bytes: &[u8]) -> Result<T, DecodeError> {
    bytemuck::try_pod_read_unaligned(bytes).map_err(|_| DecodeError::WrongLength {
        expected: size_of::<T>(),
        found: bytes.len(),
    })
}

impl<R, T: bytemuck::Pod, const SIZE: usize> ShmField<R> for Pod<T, SIZE> {
    const LEN: usize = {
        assert!(
            SIZE == size_of::<T>(),
            "the `SIZE` of `Pod<T, SIZE>` is not the size of `T`: write `pod!(T)`"
        );
        SIZE
    };
    const SCHEMA: &'static Schema = &Schema::Pod {
        name: "",
        size: SIZE,
        fields: &[],
    };

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        encode_pod(&self.0, out)
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode_pod(bytes).map(Pod)
    }

    #[doc(hidden)]
    #[inline(always)]
    fn as_encoded(&self) -> Option<&[u8]> {
        Some(bytemuck::bytes_of(&self.0))
    }
}
whole!(both Pod<T, SIZE>, SIZE, T: bytemuck::Pod, const SIZE: usize);

macro_rules! to_pod {
    ($to:ident) => {
        impl<T: bytemuck::Pod, const SIZE: usize> $to<Pod<T, SIZE>> for T {
            #[inline]
            fn encode_into(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                encode_pod(self, out)
            }

            #[doc(hidden)]
            #[inline(always)]
            fn as_encoded(&self) -> Option<&[u8]> {
                Some(bytemuck::bytes_of(self))
            }
        }

        impl<T: bytemuck::Pod, const SIZE: usize> $to<Pod<T, SIZE>> for &T {
            #[inline]
            fn encode_into(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                encode_pod(*self, out)
            }

            #[doc(hidden)]
            #[inline(always)]
            fn as_encoded(&self) -> Option<&[u8]> {
                Some(bytemuck::bytes_of(*self))
            }
        }
    };
}

to_pod!(ToKey);
to_pod!(ToValue);

impl<T, const SIZE: usize> From<T> for Pod<T, SIZE> {
    fn from(value: T) -> Self {
        Pod(value)
    }
}

impl<T, const SIZE: usize> Deref for Pod<T, SIZE> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T, const SIZE: usize> DerefMut for Pod<T, SIZE> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: fmt::Debug, const SIZE: usize> fmt::Debug for Pod<T, SIZE> {
    /// Prints as `T` does, since the wrapper is of no interest to the reader.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
