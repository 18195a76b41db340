//! Where a segment is: names, paths, and what errors call them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::NameError;

/// Where the C library's `shm_open` puts its objects.
const DIRECTORY: &str = "/dev/shm";
/// The longest file name.
const NAME_MAX: usize = 255;

/// Where a segment is.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// A POSIX shared-memory object of this name.
    Named { name: String, path: PathBuf },
    /// A file.
    File(PathBuf),
    /// Nowhere: it exists for as long as a process has it open.
    Anonymous,
}

impl Location {
    /// The location of the shared-memory object `name`.
    pub(crate) fn named(name: &str) -> Result<Self, NameError> {
        let bare = name.strip_prefix('/').unwrap_or(name);
        if bare.is_empty() {
            return Err(NameError::Empty);
        }
        if bare.len() > NAME_MAX {
            return Err(NameError::TooLong { len: bare.len() });
        }
        if bare.contains(['/', '\0']) || bare == "." || bare == ".." {
            return Err(NameError::Invalid { name: name.into() });
        }
        Ok(Self::Named {
            name: format!("/{bare}"),
            path: Path::new(DIRECTORY).join(bare),
        })
    }

    /// The location of the file at `path`, resolved against the working directory now.
    pub(crate) fn file(path: &Path) -> Self {
        // This fails only if there is no working directory.
        Self::File(std::path::absolute(path).unwrap_or_else(|_| path.into()))
    }

    /// The path to open; `None` for an anonymous segment.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Named { path, .. } | Self::File(path) => Some(path),
            Self::Anonymous => None,
        }
    }

    /// The name, if it is that of a shared-memory object.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Named { name, .. } => Some(name),
            Self::File(_) | Self::Anonymous => None,
        }
    }

    /// Whether it is a file, whose contents may outlast a restart of the machine.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named { name, .. } => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Anonymous => f.write_str("the anonymous segment"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_shm_open() {
        for good in ["a", "/a", "/with space", "/..a", "/\u{fc}"] {
            assert!(Location::named(good).is_ok(), "{good:?}");
        }
        assert!(Location::named(&"x".repeat(255)).is_ok());
        assert_eq!(
            Location::named(&"x".repeat(256)).unwrap_err(),
            NameError::TooLong { len: 256 }
        );
        for empty in ["", "/"] {
            assert_eq!(Location::named(empty).unwrap_err(), NameError::Empty);
        }
        for bad in ["/a/b", "//a", "/.", "..", "a\0b"] {
            assert!(
                matches!(Location::named(bad), Err(NameError::Invalid { .. })),
                "{bad:?}"
            );
        }
    }
}
