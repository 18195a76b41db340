//! What is counted.

use crate::outcome::Outcome;

/// An operation whose instructions are counted, on maps of one kind.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    /// Does the operation many times, and returns how often.
    pub(crate) work: fn() -> Outcome<usize>,
}
