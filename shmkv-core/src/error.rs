//! The errors, one enum for each stage of a map's life: naming, creating, opening,
//! using.
//!
//! A message is one line: what was tried, on what, why it failed and, where that
//! helps, what to do. The kernel's own error is the `source` and is not repeated
//! in the message. An operation that fails has changed nothing, unless the
//! variant's documentation says otherwise.

use std::io;
use std::time::Duration;

use crate::codec::{DecodeError, EncodeError, SchemaError};

/// A string is not the name of a segment.
///
/// Names follow the rules of `shm_open`: 1 to 255 bytes without `/` or NUL, after
/// one optional leading `/`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing follows the optional leading `/`.
    #[error("empty segment name: give 1 to 255 bytes, such as \"/settings\"")]
    Empty,
    /// The name, without its leading `/`, is too long.
    #[error("segment name too long: {len} bytes, at most 255 are allowed")]
    TooLong {
        /// Bytes, without the leading `/`.
        len: usize,
    },
    /// The name contains a `/` after its start or a NUL, or is `.` or `..`.
    #[error(
        "invalid segment name {name:?}: no `/` except at the start, no NUL, and neither `.` nor `..`"
    )]
    Invalid {
        /// The name as given.
        name: String,
    },
}

/// A segment was not created. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The name is invalid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key or value type is too large to be described in a segment.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Something already has that name.
    #[error("cannot create {name}: it already exists; open it, or remove the name first")]
    AlreadyExists {
        /// The name or path.
        name: String,
    },
    /// The file system has too little free space; on `/dev/shm`, space is memory.
    #[error(
        "cannot create {name}: it needs {needed} bytes, more than its file system has free; free some space or enlarge the file system"
    )]
    NoSpace {
        /// The name or path.
        name: String,
        /// Bytes that the segment needs.
        needed: u64,
    },
    /// The segment would exceed this process's file size limit (`RLIMIT_FSIZE`).
    #[error(
        "cannot create {name}: it needs {needed} bytes, and RLIMIT_FSIZE allows this process {limit}; raise the limit"
    )]
    FileSizeLimit {
        /// The name or path.
        name: String,
        /// Bytes that the segment needs.
        needed: u64,
        /// Bytes that the limit allows.
        limit: u64,
    },
    /// The segment would be on a network file system, whose locks and mappings do
    /// not work between hosts the way this crate needs.
    #[error(
        "cannot create {name}: {kind} is a network file system; use a local one, such as /dev/shm"
    )]
    NetworkFileSystem {
        /// The name or path.
        name: String,
        /// The kind of file system.
        kind: &'static str,
    },
    /// Open file description locks, by which other processes see that a writer is
    /// alive, do not work for this object (seccomp, overlayfs, an old kernel).
    #[error(
        "cannot register as a writer of {name}: open file description locks do not work there; use /dev/shm, and allow fcntl in the sandbox"
    )]
    Locks {
        /// The name or path.
        name: String,
        /// The kernel's error.
        source: io::Error,
    },
    /// A system call failed for another reason.
    #[error("cannot {action} {name}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The name or path.
        name: String,
        /// The kernel's error.
        source: io::Error,
    },
}

/// A segment was not opened. No entry has been changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is invalid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key or value type is too large to be described in a segment.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Nothing has that name.
    #[error("cannot open {name}: it does not exist")]
    NotFound {
        /// The name or path.
        name: String,
    },
    /// The object is not a segment of this crate.
    #[error("cannot open {name}: not a shmkv segment, it starts with \"{}\"", found.escape_ascii())]
    NotASegment {
        /// The name or path.
        name: String,
        /// Its first bytes, at most eight.
        found: Vec<u8>,
    },
    /// The segment was created on a machine of the other byte order.
    #[error("cannot open {name}: it was created on a machine of the other byte order")]
    ByteOrder {
        /// The name or path.
        name: String,
    },
    /// The segment has another layout version, that of another version of this crate.
    #[error(
        "cannot open {name}: its layout version is {found}, this program's is {expected}; create it anew, or build all programs with one version of shmkv"
    )]
    LayoutVersion {
        /// The name or path.
        name: String,
        /// The version that this program knows.
        expected: u32,
        /// The version of the segment.
        found: u32,
    },
    /// The segment uses features that this version of the crate lacks.
    #[error(
        "cannot open {name}: it uses features unknown to this program ({unknown:#x}); build the program with a newer shmkv"
    )]
    Features {
        /// The name or path.
        name: String,
        /// A bit for each unknown feature.
        unknown: u64,
    },
    /// The segment was created with another `N`, or for plain bytes of another
    /// length.
    #[error("cannot open {name}: size mismatch: {}", sizes(expected, found))]
    Sizes {
        /// The name or path.
        name: String,
        /// `N`, `K` and `V` of this program.
        expected: [u64; 3],
        /// `N`, `K` and `V` of the segment.
        found: [u64; 3],
    },
    /// The segment was created for another key or value type, and so perhaps for
    /// other sizes.
    #[error("cannot open {name}: type mismatch: {}", differences.join("; "))]
    Types {
        /// The name or path.
        name: String,
        /// The differences, one string each: what the segment has and what this
        /// program has. Differing sizes come last.
        differences: Vec<String>,
    },
    /// The object is shorter or longer than its header says, or shorter than a header.
    #[error(
        "cannot open {name}: wrong length, {found} bytes instead of {expected}: it was truncated or extended"
    )]
    Length {
        /// The name or path.
        name: String,
        /// The right length in bytes.
        expected: u64,
        /// The length found, in bytes.
        found: u64,
    },
    /// The header or the schema is damaged.
    #[error("cannot open {name}: damaged segment: {what}")]
    Damaged {
        /// The name or path.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The machine restarted after the file was last changed and before it was
    /// flushed: what reached the disk may be half a change.
    #[error(
        "cannot open {name}: the machine restarted before its last changes were flushed, so its contents cannot be trusted; create it anew"
    )]
    Stale {
        /// The name or path.
        name: String,
    },
    /// The header claims entries larger than a program that does not know their
    /// types accepts, since a wrong claim would cost it its memory.
    #[error(
        "cannot open {name} without its types: its entries are {found} bytes, the limit is {limit}"
    )]
    EntriesTooLarge {
        /// The name or path.
        name: String,
        /// Bytes of a key and a value together.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The object behind a received descriptor is not sealed against shrinking:
    /// another process could truncate it, which would kill this one (SIGBUS).
    #[error(
        "cannot open the received descriptor: not sealed against shrinking; send that of a map made by `create_anonymous`"
    )]
    Unsealed,
    /// The segment is on a network file system, whose locks and mappings do
    /// not work between hosts the way this crate needs.
    #[error(
        "cannot open {name} for writing: {kind} is a network file system; use a local one, such as /dev/shm"
    )]
    NetworkFileSystem {
        /// The name or path.
        name: String,
        /// The kind of file system.
        kind: &'static str,
    },
    /// Open file description locks, by which other processes see that a writer is
    /// alive, do not work for this object (seccomp, overlayfs, an old kernel).
    #[error(
        "cannot register as a writer of {name}: open file description locks do not work there; use /dev/shm, and allow fcntl in the sandbox"
    )]
    Locks {
        /// The name or path.
        name: String,
        /// The kernel's error.
        source: io::Error,
    },
    /// A system call failed for another reason, such as missing permission.
    #[error("cannot {action} {name}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The name or path.
        name: String,
        /// The kernel's error.
        source: io::Error,
    },
}

/// The sizes that differ, in words.
pub(crate) fn sizes(expected: &[u64; 3], found: &[u64; 3]) -> String {
    let differing: Vec<String> = ["N", "K", "V"]
        .iter()
        .zip(expected.iter().zip(found))
        .filter(|(_, (expected, found))| expected != found)
        .map(|(name, (expected, found))| {
            format!("{name} is {found} in the segment, {expected} in this program")
        })
        .collect();
    differing.join("; ")
}

/// An operation on an open map failed. The map is unchanged, unless the variant
/// says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The map holds `N` entries, so a new key does not fit.
    #[error("the map is full: {capacity} of {capacity} entries are in use")]
    Full {
        /// Entries that fit: `N`.
        capacity: usize,
    },
    /// The shard of this key is full, though the map is not. This does not happen
    /// with keys that were not chosen against the map's random seed.
    #[error("this key's shard is full (the map is not)")]
    ShardFull,
    /// The map's counters contradict its entries: another process damaged them.
    #[error("the map is damaged: its counters contradict its entries; create it anew")]
    Damaged,
    /// The key cannot be encoded.
    #[error("cannot encode the key: {0}")]
    Key(EncodeError),
    /// The value cannot be encoded.
    #[error("cannot encode the value: {0}")]
    Value(EncodeError),
    /// Bytes in the map are not a key or value of its type. If a writing operation
    /// reports this of the value that it replaced or removed, the operation has
    /// taken place.
    #[error("cannot decode an entry of the map: {0}")]
    Decode(DecodeError),
    /// Live writers held the lock until the lock timeout passed; one of them may be
    /// stopped. A lock is never taken from a live writer.
    #[error("timed out after {waited:?} waiting for a lock held by a live writer")]
    LockTimeout {
        /// The lock timeout.
        waited: Duration,
    },
    /// Writers changed this entry so often that no attempt to read it, or to
    /// change it, succeeded in time.
    #[error("no stable read of this entry: writers kept changing it for {waited:?}")]
    Contended {
        /// How long it was tried.
        waited: Duration,
    },
    /// A system call that a writer needs failed: to register this process, or to
    /// mark a file as changed.
    #[error("cannot {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The kernel's error.
        source: io::Error,
    },
}

/// Any error of this crate, so that `?` works in a function that returns
/// `Result<(), shmkv_core::Error>`.
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

#[cfg(test)]
mod tests;
