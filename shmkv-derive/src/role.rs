//! Which of the two traits is derived.
//!
//! A leaf: the checks of field types, the parser and the expansion all ask for
//! it.

/// The derived trait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// `ShmKey`.
    Key,
    /// `ShmValue`.
    Value,
}
