//! The handles: their structs and conversions, and the names for their common types. The
//! operations are in the files beside this one.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};

use crate::codec::{KeyFootprint, ShmStr, ValueFootprint};
use crate::layout::Fixed;
use crate::store::Store;

/// A handle that reads a map and cannot change it.
///
/// [`ShmMap`] dereferences to it, and [`ShmMap::open_read_only`] returns it: then the
/// memory is mapped read-only, read permission suffices, and there are no writing
/// operations.
///
/// Reads take no lock, make no system call and write nothing. They finish even while a
/// writer is stopped or dead at any point of its work. The one exception is an entry that
/// writers keep changing; see [`get`](Self::get).
pub struct ShmReader<const N: usize, const K: usize, const V: usize, Key = [u8; K], Value = [u8; V]>
{
    pub(super) store: Store<Fixed<N, K, V>>,
    types: PhantomData<fn() -> (Key, Value)>,
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmReader<N, K, V, Key, Value> {
    pub(super) fn of(store: Store<Fixed<N, K, V>>) -> Self {
        let types = PhantomData;
        Self { store, types }
    }
}

/// A map of at most `N` entries, with keys of `K` bytes and values of `V` bytes, in shared
/// memory.
///
/// Any number of processes on a host, and any number of threads in each, read and write it
/// at once. With the default types it maps bytes to bytes; [`Map`](crate::Map) finds `K`
/// and `V` for other types.
///
/// The reading operations are those of [`ShmReader`], to which this dereferences:
/// [`get`](ShmReader::get), [`iter`](ShmReader::iter), [`len`](ShmReader::len) and more.
///
/// # Locks
///
/// A writing operation holds the lock of one shard, 1 of up to 1,024, for the time of a
/// copy. (`clear` holds it while it empties the shard; `flush`, and an insertion that finds
/// the map full, hold the locks of all shards.) If the holder of a lock dies, the next writer finds out and takes the lock over. If the
/// holder is stopped, other writers of that shard wait until the
/// [lock timeout](crate::Options::lock_timeout) and fail with
/// [`LockTimeout`](crate::AccessError::LockTimeout). Closures passed to this map run
/// without a lock; they may use the map.
///
/// # Fork, threads, drop
///
/// Handles are `Send` and `Sync`. A handle that may write registers with the kernel when it
/// is opened. A forked child may go on using its parent's handle: with its first write it
/// registers as a writer of its own, for which it needs the permission to open the segment
/// again. Keys and values pass through the stack: those of more than about 100 KiB need
/// threads with large stacks, larger still in builds without optimisation. Dropping a
/// handle unmaps the memory and does nothing else: the segment stays until its name is
/// removed ([`unlink`](Self::unlink), [`destroy`](Self::destroy)) and the last handle is
/// gone.
pub struct ShmMap<const N: usize, const K: usize, const V: usize, Key = [u8; K], Value = [u8; V]> {
    reader: ShmReader<N, K, V, Key, Value>,
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> ShmMap<N, K, V, Key, Value> {
    pub(super) fn of(store: Store<Fixed<N, K, V>>) -> Self {
        let reader = ShmReader::of(store);
        Self { reader }
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> Deref
    for ShmMap<N, K, V, Key, Value>
{
    type Target = ShmReader<N, K, V, Key, Value>;

    fn deref(&self) -> &Self::Target {
        &self.reader
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> AsFd
    for ShmReader<N, K, V, Key, Value>
{
    /// The segment's descriptor, to be sent to another process with `SCM_RIGHTS` and opened
    /// there with [`ShmMap::from_fd`]. Do not lock, truncate or close it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.store.as_fd()
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> AsFd
    for ShmMap<N, K, V, Key, Value>
{
    /// As [`ShmReader`]'s.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> fmt::Debug
    for ShmReader<N, K, V, Key, Value>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShmReader")
            .field("name", &format_args!("{}", self.store.location()))
            .field("len", &self.store.table().len())
            .field("capacity", &N)
            .field("key_size", &K)
            .field("value_size", &V)
            .finish_non_exhaustive()
    }
}

impl<const N: usize, const K: usize, const V: usize, Key, Value> fmt::Debug
    for ShmMap<N, K, V, Key, Value>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShmMap").field(&self.reader).finish()
    }
}

/// A map of at most `N` entries whose key and value sizes follow from the types.
///
/// It is [`ShmMap<N, K, V, Key, Value>`](ShmMap) with the right `K` and `V`. (The
/// projection that this page shows is how it finds them.)
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
/// A function that takes any map cannot name `Map<N, Key, Value>` of its own type
/// parameters; it takes `&ShmReader<N, K, V, Key, Value>` or `&ShmMap<…>`.
pub type Map<const N: usize, Key, Value> = <(
    <Key as KeyFootprint>::Bytes,
    <Value as ValueFootprint>::Bytes,
) as Shape<N, Key, Value>>::Map;

/// The read-only handle of a [`Map`]: [`ShmReader`] with the right `K` and `V`.
pub type Reader<const N: usize, Key, Value> = <(
    <Key as KeyFootprint>::Bytes,
    <Value as ValueFootprint>::Bytes,
) as Shape<N, Key, Value>>::Reader;

/// A map from text to text: keys of at most `K - 1` bytes of UTF-8, values of at most
/// `V - 1`.
///
/// `StrMap<10, 64, 256>` holds 10 entries of 63-byte keys and 255-byte values.
pub type StrMap<const N: usize, const K: usize, const V: usize> =
    ShmMap<N, K, V, ShmStr<K>, ShmStr<V>>;

/// The read-only handle of a [`StrMap`].
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
