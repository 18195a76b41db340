//! How far an input got.

/// How far an input got, before something refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    /// Even its schema, or its header, was refused.
    Refused,
    /// It had types.
    Types,
    /// It had values of its types.
    Values,
}
