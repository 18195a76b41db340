//! How a segment is mapped.

/// The pages that a mapping asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pages {
    /// Whether to map all pages at once.
    pub(crate) prefault: bool,
    /// Whether to ask for huge pages.
    pub(crate) huge: bool,
}
