//! The state of a file's contents: whether they may be trusted after a restart.
//!
//! The kernel writes mapped memory to the device in no particular order, so contents that
//! were in use when the machine went down cannot be trusted, unless a flush had completed
//! and nothing had changed since. The header's `clean` word records that. The device must
//! never say [`Clean`](State::Clean) of contents that have changed: before the first
//! change after a flush, a writer stores [`Dirtying`](State::Dirtying), syncs it to the
//! device, and only then stores [`Dirty`](State::Dirty). A writer that finds `Dirtying`,
//! because another one died there, does the same.
//!
//! ```text
//!          flush              before a change          synced
//! Dirty ----------> Clean ----------------> Dirtying ---------> Dirty
//!   |  the device refused
//!   +---------------------> Failed (for good)
//! ```
//!
//! `flush` holds all locks while it syncs, so the device's copy may show them as held. The
//! first writer after a restart takes them over without telling the device: no change was
//! under way, so the repair changes counters of versions and takeovers, and no entry.

use std::io;

use super::Segment;
use crate::layout::{Control, Geometry};
use crate::sync::{
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

/// The state of a file's contents, as the header's `clean` word stores it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
enum State {
    /// Changed since the last flush, if there was one.
    Dirty = 0,
    /// Exactly what a completed flush wrote.
    Clean = 1,
    /// About to change; the device may still say `Clean`.
    Dirtying = 2,
    /// The device refused a write, and the kernel may never try it again: this file will
    /// not be clean any more.
    Failed = 3,
}

impl State {
    /// The state of these contents. An unknown word, which only damage can leave, counts
    /// as `Dirtying`: the device is told once more.
    fn of(control: &Control) -> Self {
        match control.clean.load(Relaxed) {
            0 => Self::Dirty,
            1 => Self::Clean,
            3 => Self::Failed,
            _ => Self::Dirtying,
        }
    }

    fn store(self, control: &Control) {
        control.clean.store(self as u64, Release);
    }
}

/// Records the boot under which a segment is written.
pub(super) fn stamp(control: &Control, boot: [u64; 2]) {
    for (word, part) in control.boot.iter().zip(boot) {
        word.store(part, Release);
    }
}

/// Whether the contents may be trusted under this boot. If so, a writer records it.
pub(super) fn is_trusted(control: &Control, boot: [u64; 2], writable: bool) -> bool {
    // In this order: a writer that clears the mark has recorded its boot before.
    let clean = State::of(control) == State::Clean;
    fence(Acquire);
    let found = control.boot.each_ref().map(|word| word.load(Relaxed));
    fence(Acquire);
    if found != boot && clean && writable {
        stamp(control, boot);
    }
    found == boot || clean
}

impl<G: Geometry> Segment<G> {
    /// Whether the device has to be told before the contents change.
    pub(crate) fn must_mark_dirty(&self) -> bool {
        self.location.is_file()
            && !matches!(State::of(self.control()), State::Dirty | State::Failed)
    }

    /// Tells the device that the contents are about to change.
    pub(crate) fn mark_dirty(&self) -> io::Result<()> {
        State::Dirtying.store(self.control());
        self.mapping.sync_head()?;
        State::Dirty.store(self.control());
        Ok(())
    }

    /// Writes everything to the device, and marks it clean. No writer may be at work.
    pub(crate) fn flush(&self) -> io::Result<()> {
        let control = self.control();
        match State::of(control) {
            // The mark is written once more below: the writer that stored it may have
            // died before the device had it.
            State::Clean => {}
            State::Failed => return Err(io::Error::other("an earlier flush of this file failed")),
            State::Dirty | State::Dirtying => self.object.sync().inspect_err(|_| {
                // The kernel may from now on regard the pages as written.
                State::Failed.store(control);
            })?,
        }
        State::Clean.store(control);
        self.mapping.sync_head().inspect_err(|_| {
            // Everything except this word is on the device, which may or may not say that
            // it is clean: the next writer tells it first.
            State::Dirtying.store(control);
        })
    }
}
