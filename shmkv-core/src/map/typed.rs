//! Names for maps whose sizes follow from their types.

use super::{ShmMap, ShmReader};
use crate::codec::{KeyFootprint, ShmStr, ValueFootprint};

/// A map of at most `N` entries whose key and value sizes follow from the types.
///
/// It is [`ShmMap<N, K, V, Key, Value>`](ShmMap) with the right `K` and `V`; the
/// alias only saves counting bytes. (The projection that this page shows is how
/// it finds them.)
///
/// ```
/// use shmkv_core::{Map, pod};
///
/// #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
/// #[repr(C)]
/// struct Pose { x: f32, y: f32, z: f32 }
///
/// type Poses = Map<64, u64, pod!(Pose)>;
/// # fn main() -> Result<(), shmkv_core::Error> {
/// let poses = Poses::create_anonymous()?;
/// poses.insert(7, Pose { x: 0.0, y: 1.0, z: 2.0 })?;
/// assert_eq!(poses.get(7)?.map(|pose| pose.y), Some(1.0));
/// # Ok(())
/// # }
/// ```
///
/// A function that takes any map cannot say `Map<N, Key, Value>` of its own type
/// parameters; it takes `&ShmReader<N, K, V, Key, Value>` or `&ShmMap<…>`.
pub type Map<const N: usize, Key, Value> = <(
    <Key as KeyFootprint>::Bytes,
    <Value as ValueFootprint>::Bytes,
) as Shape<N, Key, Value>>::Map;

/// What [`Map`] is to [`ShmMap`], for [`ShmReader`].
pub type Reader<const N: usize, Key, Value> = <(
    <Key as KeyFootprint>::Bytes,
    <Value as ValueFootprint>::Bytes,
) as Shape<N, Key, Value>>::Reader;

/// A map from text to text: keys of at most `K - 1` bytes of UTF-8, values of at
/// most `V - 1`.
///
/// `StrMap<10, 64, 256>` holds 10 entries of 63-character keys and
/// 255-character values.
pub type StrMap<const N: usize, const K: usize, const V: usize> =
    ShmMap<N, K, V, ShmStr<K>, ShmStr<V>>;

/// What [`StrMap`] is to [`ShmMap`], for [`ShmReader`].
pub type StrReader<const N: usize, const K: usize, const V: usize> =
    ShmReader<N, K, V, ShmStr<K>, ShmStr<V>>;

/// How [`Map`] gets from types to sizes.
#[doc(hidden)]
pub trait Shape<const N: usize, Key, Value> {
    /// The map of these sizes.
    type Map;
    /// Its read-only handle.
    type Reader;
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> Shape<N, Key, Value>
    for ([u8; K], [u8; V])
{
    type Map = ShmMap<N, K, V, Key, Value>;
    type Reader = ShmReader<N, K, V, Key, Value>;
}
