//! What can go wrong, one type for each area.
//!
//! Every message says what was expected and what was found; no error has
//! changed anything, unless its documentation says so. The kernel's own error
//! is the `source`, never repeated in the message.

use std::io;
use std::time::Duration;

use crate::codec::{DecodeError, EncodeError, SchemaError};

/// Why a name is not the name of a segment.
///
/// Names follow the rules of `shm_open`: 1 to 255 bytes without `/` and NUL,
/// one leading `/` allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing is left beside the leading `/`.
    #[error("the name of a segment must not be empty")]
    Empty,
    /// The name, without its leading `/`, is too long.
    #[error("the name of a segment has at most 255 bytes, this one has {len}")]
    TooLong {
        /// Bytes, without the leading `/`.
        len: usize,
    },
    /// A character that names cannot have, or a name that directories have.
    #[error(
        "{name:?} cannot be the name of a segment: no `/` but one at the start, no NUL, not `.` or `..`"
    )]
    Invalid {
        /// The name as given.
        name: String,
    },
}

/// Why a segment was not created. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key or value type is too large to be described in a segment.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Something of that name exists.
    #[error("{name} already exists")]
    AlreadyExists {
        /// The name or path.
        name: String,
    },
    /// The file system cannot reserve the space; on `/dev/shm` that is memory.
    #[error("{name} needs {needed} bytes, and its file system has fewer to reserve")]
    NoSpace {
        /// The name or path.
        name: String,
        /// Bytes that the segment needs.
        needed: u64,
    },
    /// The process may not create files this long (`RLIMIT_FSIZE`).
    #[error("{name} needs {needed} bytes, and this process may create files of at most {limit}")]
    FileSizeLimit {
        /// The name or path.
        name: String,
        /// Bytes that the segment needs.
        needed: u64,
        /// Bytes that the limit allows.
        limit: u64,
    },
    /// A network file system: its locks and mappings do not reach other hosts'
    /// processes the way this crate needs.
    #[error("{name} is on {kind}, a network file system; a map needs a local one")]
    NetworkFileSystem {
        /// The name or path.
        name: String,
        /// The kind of file system.
        kind: &'static str,
    },
    /// The kernel does not let this process lock a byte of the object, so that
    /// nobody could tell whether it is alive (seccomp, overlayfs, an old kernel).
    #[error("open file description locks are not available for {name}")]
    Locks {
        /// The name or path.
        name: String,
        /// The kernel's error.
        source: io::Error,
    },
    /// The kernel refused something else.
    #[error("cannot {action} {name}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The name or path.
        name: String,
        /// The kernel's error.
        source: io::Error,
    },
}

/// Why a segment was not opened. No entry has been touched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key or value type is too large to be described in a segment.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Nothing of that name exists.
    #[error("{name} does not exist")]
    NotFound {
        /// The name or path.
        name: String,
    },
    /// The object was not made by this crate.
    #[error("{name} is not a shmkv segment: it starts with \"{}\"", found.escape_ascii())]
    NotASegment {
        /// The name or path.
        name: String,
        /// Its first bytes, at most eight.
        found: Vec<u8>,
    },
    /// The segment was made on a machine of the other byte order.
    #[error("{name} was made on a machine of the other byte order")]
    ByteOrder {
        /// The name or path.
        name: String,
    },
    /// The segment has another layout, made by another version of this crate.
    #[error("{name} has layout version {found}, and this program knows version {expected}")]
    LayoutVersion {
        /// The name or path.
        name: String,
        /// The version that this program knows.
        expected: u32,
        /// The version of the segment.
        found: u32,
    },
    /// The segment uses features that this version of the crate lacks.
    #[error("{name} uses features that this program does not know: {unknown:#x}")]
    Features {
        /// The name or path.
        name: String,
        /// A bit for each unknown feature.
        unknown: u64,
    },
    /// The segment holds another number of entries, or plain bytes of another
    /// length.
    #[error("{name} has other sizes: {}", sizes(expected, found))]
    Sizes {
        /// The name or path.
        name: String,
        /// Entries, bytes of a key, bytes of a value, as this program asks.
        expected: [u64; 3],
        /// The same, as the segment has them.
        found: [u64; 3],
    },
    /// The segment has keys or values of another type, and for that reason
    /// perhaps of another size.
    #[error("{name} has other types: {}", differences.join("; "))]
    Types {
        /// The name or path.
        name: String,
        /// What differs, a line each: what the segment has, what this program
        /// asks for. Differing sizes come last.
        differences: Vec<String>,
    },
    /// The object is shorter or longer than its header says.
    #[error("{name} has {found} bytes where its header says {expected}")]
    Length {
        /// The name or path.
        name: String,
        /// Bytes by the header.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The header contradicts itself.
    #[error("{name} is damaged: {what}")]
    Damaged {
        /// The name or path.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The file was last written before the machine was restarted, and not
    /// flushed after that: whatever reached the disk may be half a change.
    #[error(
        "{name} was in use when the machine was last restarted, and its contents cannot be trusted"
    )]
    Stale {
        /// The name or path.
        name: String,
    },
    /// The segment claims entries so large that a program which does not know
    /// them would risk its memory.
    #[error("{name} has entries of {found} bytes; without their type at most {limit} are read")]
    EntriesTooLarge {
        /// The name or path.
        name: String,
        /// Bytes of a key and a value.
        found: usize,
        /// Bytes that are accepted.
        limit: usize,
    },
    /// A received descriptor names an object that others may shorten, which
    /// would kill this process.
    #[error("the received descriptor is not sealed against shrinking")]
    Unsealed,
    /// A network file system: its locks and mappings do not reach other hosts'
    /// processes the way this crate needs.
    #[error("{name} is on {kind}, a network file system; a map needs a local one")]
    NetworkFileSystem {
        /// The name or path.
        name: String,
        /// The kind of file system.
        kind: &'static str,
    },
    /// The kernel does not let this process lock a byte of the object, so that
    /// nobody could tell whether it is alive (seccomp, overlayfs, an old kernel).
    #[error("open file description locks are not available for {name}")]
    Locks {
        /// The name or path.
        name: String,
        /// The kernel's error.
        source: io::Error,
    },
    /// The kernel refused something else, permission for example.
    #[error("cannot {action} {name}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The name or path.
        name: String,
        /// The kernel's error.
        source: io::Error,
    },
}

/// The sizes that differ, in words.
pub(crate) fn sizes(expected: &[u64; 3], found: &[u64; 3]) -> String {
    let names = ["entries (N)", "bytes in a key (K)", "bytes in a value (V)"];
    let differing: Vec<String> = names
        .iter()
        .zip(expected.iter().zip(found))
        .filter(|(_, (expected, found))| expected != found)
        .map(|(name, (expected, found))| {
            format!("{found} {name}, this program asks for {expected}")
        })
        .collect();
    differing.join("; ")
}

/// Why an operation on an open map failed. The map is unchanged, unless said
/// otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The map holds `N` entries; there is no room for a new key.
    #[error("the map is full: it holds {capacity} entries")]
    Full {
        /// Entries that the map can hold.
        capacity: usize,
    },
    /// The map is not full, but the part of it where this key belongs is. For
    /// keys that were not chosen against the map's secret seed this does not
    /// happen.
    #[error("the part of the map where this key belongs is full")]
    Crowded,
    /// The map's counters contradict its entries: another process damaged them.
    #[error("the map is damaged: its counters contradict its entries")]
    Damaged,
    /// The key cannot be represented.
    #[error("key does not fit: {0}")]
    Key(EncodeError),
    /// The value cannot be represented.
    #[error("value does not fit: {0}")]
    Value(EncodeError),
    /// Bytes in the map are not a key or value of its type. Where this comes
    /// from a writing operation, about the value that it replaced or removed,
    /// the operation has been done.
    #[error("the map holds bytes that are not of its type: {0}")]
    Decode(DecodeError),
    /// The lock could not be had before the map's deadline, because living
    /// writers held it; one may be stopped. Nothing is ever taken from the
    /// living.
    #[error("other writers, which live, kept the lock for {waited:?}")]
    LockTimeout {
        /// The deadline.
        waited: Duration,
    },
    /// Writers changed this entry so often that it could not be read, or
    /// changed, in between.
    #[error("writers change this entry too often")]
    Contended,
    /// The kernel refused what a writer needs: to register itself, or to note
    /// in a file that its contents change.
    #[error("cannot {action}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The kernel's error.
        source: io::Error,
    },
}

/// Any error of this crate, for `fn main() -> Result<(), shmkv_core::Error>`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// From creating a segment.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// From opening a segment.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// From an operation on a map.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// From making a key or a value.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// From removing a name.
    #[error(transparent)]
    Io(#[from] io::Error),
}
