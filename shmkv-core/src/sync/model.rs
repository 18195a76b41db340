//! Atomics under loom, and parts of the protocol taken out.

pub(crate) use loom::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, fence};

use super::Part;

/// Whether `part` is in force in this run of a model.
pub(crate) fn kept(_part: Part) -> bool {
    true
}
