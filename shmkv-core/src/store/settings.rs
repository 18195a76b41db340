//! How a map is created or opened.

use std::time::Duration;

use crate::segment::Pages;

/// The settings of a handle. The public `Options` are built on them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Permission bits of a new segment.
    pub(crate) mode: u32,
    /// How long to wait for a lock that a live writer holds.
    pub(crate) lock_timeout: Duration,
    /// Whether to map all pages at once.
    pub(crate) prefault: bool,
    /// Whether to ask for huge pages.
    pub(crate) huge_pages: bool,
}

impl Settings {
    /// Those of a handle for which nothing is set.
    pub(crate) const DEFAULT: Self = Self {
        mode: 0o600,
        lock_timeout: Duration::from_secs(10),
        prefault: false,
        huge_pages: false,
    };

    /// How the segment is to be mapped.
    pub(super) fn pages(&self) -> Pages {
        Pages {
            prefault: self.prefault,
            huge: self.huge_pages,
        }
    }
}
