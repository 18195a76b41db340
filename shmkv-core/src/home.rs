//! Where a segment lives: names, paths, and what errors call them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::NameError;

/// Where the C library's `shm_open` puts its objects.
const DIRECTORY: &str = "/dev/shm";
/// The longest file name.
const NAME_MAX: usize = 255;

/// Where a segment lives.
#[derive(Clone, Debug)]
pub(crate) enum Home {
    /// A POSIX shared-memory object of this name.
    Named { name: String, path: PathBuf },
    /// A file.
    File(PathBuf),
    /// Nowhere: it exists as long as somebody has it open.
    Anonymous,
}

impl Home {
    /// The home of the shared-memory object `name`.
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

    /// The home that is the file at `path`, wherever this process goes later.
    pub(crate) fn file(path: &Path) -> Self {
        // Fails only where there is no working directory to start from.
        Self::File(std::path::absolute(path).unwrap_or_else(|_| path.into()))
    }

    /// The file to open, if there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Named { path, .. } | Self::File(path) => Some(path),
            Self::Anonymous => None,
        }
    }

    /// The name of a shared-memory object.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Named { name, .. } => Some(name),
            Self::File(_) | Self::Anonymous => None,
        }
    }

    /// Whether contents outlast a restart of the machine.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

impl fmt::Display for Home {
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
            assert!(Home::named(good).is_ok(), "{good:?}");
        }
        assert!(Home::named(&"x".repeat(255)).is_ok());
        assert_eq!(
            Home::named(&"x".repeat(256)).unwrap_err(),
            NameError::TooLong { len: 256 }
        );
        for empty in ["", "/"] {
            assert_eq!(Home::named(empty).unwrap_err(), NameError::Empty);
        }
        for bad in ["/a/b", "//a", "/.", "..", "a\0b"] {
            assert!(
                matches!(Home::named(bad), Err(NameError::Invalid { .. })),
                "{bad:?}"
            );
        }
    }
}
