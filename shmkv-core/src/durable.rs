//! What a segment in a file says of its contents after the machine restarts.
//!
//! Memory that is mapped from a file reaches the device in no order, so contents
//! that were in use when the machine went down cannot be trusted, unless a flush
//! had completed and nothing had changed since. The header's `clean` word says
//! so, and the device must never say `CLEAN` of contents that have changed: before
//! the first change after a flush a writer says `UNCERTAIN`, writes that to the
//! device, and only then `CHANGED`. Whoever finds `UNCERTAIN`, because another died
//! there, does the same.
//!
//! A lock that was held when a file was flushed is taken over after a restart, by
//! whoever comes first, without telling the device: nothing was under way then, so
//! the repair changes counters of versions and of takeovers, and no entry.

use std::io;

use crate::layout::Shared;
use crate::sync::{
    Ordering::{Acquire, Relaxed, Release},
    fence,
};
use crate::sys::{Mapping, Object};

/// States of a file's contents. Changed since the last flush, if there was one.
const CHANGED: u64 = 0;
/// What a completed flush wrote, and nothing else.
const CLEAN: u64 = 1;
/// About to change; the device may still say `CLEAN`.
const UNCERTAIN: u64 = 2;
/// The device refused to write something, and may never be told of it again:
/// this file will not be clean.
const BROKEN: u64 = 3;

/// Notes the boot under which a segment is written.
pub(crate) fn stamp(shared: &Shared, boot: [u64; 2]) {
    for (word, part) in shared.boot.iter().zip(boot) {
        word.store(part, Release);
    }
}

/// Whether the contents may be trusted under this boot. A writer stamps it.
pub(crate) fn admits(shared: &Shared, boot: [u64; 2], writable: bool) -> bool {
    // In this order: whoever clears the mark has stamped the boot.
    let clean = shared.clean.load(Relaxed) == CLEAN;
    fence(Acquire);
    let found = shared.boot.each_ref().map(|word| word.load(Relaxed));
    fence(Acquire);
    if found != boot && clean && writable {
        stamp(shared, boot);
    }
    found == boot || clean
}

/// Whether the device has still to be told that the contents change.
pub(crate) fn must_be_told(shared: &Shared) -> bool {
    !matches!(shared.clean.load(Relaxed), CHANGED | BROKEN)
}

/// Tells the device that the contents are about to change.
pub(crate) fn before_change(shared: &Shared, mapping: &Mapping) -> io::Result<()> {
    shared.clean.store(UNCERTAIN, Release);
    mapping.sync_head()?;
    shared.clean.store(CHANGED, Release);
    Ok(())
}

/// Writes everything to the device. No writer may be at work.
pub(crate) fn flush(shared: &Shared, mapping: &Mapping, object: &Object) -> io::Result<()> {
    match shared.clean.load(Relaxed) {
        // Said once more below: whoever said it may have died before the device
        // heard of it.
        CLEAN => {}
        BROKEN => return Err(io::Error::other("an earlier flush of this file failed")),
        _ => object.sync().inspect_err(|_| {
            // The kernel may take the pages for written from now on.
            shared.clean.store(BROKEN, Release);
        })?,
    }
    shared.clean.store(CLEAN, Release);
    mapping.sync_head().inspect_err(|_| {
        // Everything but this word is on the device, which may or may not say
        // that it is clean: the next writer tells it first.
        shared.clean.store(UNCERTAIN, Release);
    })
}
