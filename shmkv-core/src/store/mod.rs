//! A segment, and this process's place among its writers: everything that can be done
//! with a map, in bytes.
//!
//! [`Store`] takes the locks that the table's operations need, and decides what happens
//! when writers are at work or the map is full. It knows nothing of types: the typed and
//! the untyped map both stand on it. `open` creates and joins, `locks` takes locks, `read`
//! has the ladder of lookups, `write` that of changes.

mod locks;
mod open;
mod read;
mod settings;
mod stats;
mod version;
mod write;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

pub(crate) use self::open::{
    Address, Description, Types, create, open, open_untyped, receive, unlink,
};
pub(crate) use self::read::Scan;
pub(crate) use self::settings::Settings;
pub use self::stats::Stats;
pub use self::version::{Exchange, Version, Versioned};
use crate::error::AccessError;
use crate::layout::{Dimensions, Geometry};
use crate::lock::MAX_ID;
use crate::segment::Segment;
use crate::sys::{self, Deadline, Object, Registration};
use crate::table::Table;

/// An open map, in bytes.
#[derive(Debug)]
pub(crate) struct Store<G> {
    segment: Segment<G>,
    /// `None` on a read-only handle.
    registration: Option<Registration>,
    lock_timeout: Duration,
}

impl<G: Geometry> Store<G> {
    /// The table, for what needs neither a lock nor patience.
    #[inline]
    pub(crate) fn table(&self) -> Table<'_, G> {
        self.segment.table()
    }

    /// The map's dimensions.
    #[inline]
    pub(crate) fn dimensions(&self) -> &Dimensions {
        self.segment.dimensions()
    }

    /// The object itself.
    #[inline(always)]
    fn object(&self) -> &Object {
        self.segment.object()
    }

    /// The object's descriptor.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.object().as_fd()
    }

    /// Where the map is, for people.
    pub(crate) fn location(&self) -> impl fmt::Display {
        self.segment.location()
    }

    /// Its name, if it is in a shared-memory object.
    pub(crate) fn name(&self) -> Option<&str> {
        self.segment.location().name()
    }

    /// Bytes that are mapped.
    pub(crate) fn mapped_bytes(&self) -> usize {
        self.segment.len()
    }

    /// How many of them this process reaches through huge pages.
    pub(crate) fn huge_page_bytes(&self) -> io::Result<usize> {
        self.segment.huge_page_bytes()
    }

    /// How many writers are alive.
    pub(crate) fn live_writers(&self) -> io::Result<usize> {
        sys::count_alive(self.object(), MAX_ID)
    }

    /// Removes the segment's name, if it still leads to this segment.
    pub(crate) fn unlink(&self) -> io::Result<()> {
        self.segment.unlink()
    }

    /// Whether no name leads to the segment any more.
    pub(crate) fn is_unlinked(&self) -> io::Result<bool> {
        self.segment.is_unlinked()
    }

    /// Whether this handle may write.
    fn is_writable(&self) -> bool {
        self.registration.is_some()
    }

    /// A deadline that the lock timeout sets.
    fn deadline(&self) -> Deadline {
        Deadline::new(self.lock_timeout)
    }

    /// The error when a lock was not free in time.
    fn timed_out(&self) -> AccessError {
        let waited = self.lock_timeout;
        AccessError::LockTimeout { waited }
    }
}
