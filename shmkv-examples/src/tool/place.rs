//! What a NAME means, and how to open it.

use std::convert::Infallible;
use std::error::Error as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fs, io};

use shmkv_core::{OpenError, UntypedMap, UntypedReader};

use crate::Failure;

/// Where the named maps are.
pub(super) const DIRECTORY: &str = "/dev/shm";

/// How much of a map may be missing from the memory that it should occupy. All
/// of it is reserved when a map is made, but some file systems count otherwise.
const MISSING: u64 = 1 << 30;

/// Where a map is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In shared memory, under this name.
    Name(String),
    /// In a file.
    File(PathBuf),
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let name = text.strip_prefix(DIRECTORY).unwrap_or(text);
        let bare = name.strip_prefix('/').unwrap_or(name);
        Ok(if bare.contains('/') {
            Self::File(text.into())
        } else {
            Self::Name(format!("/{bare}"))
        })
    }
}

impl Place {
    /// Opens the map for reading only.
    pub(super) fn reader(&self) -> Result<UntypedReader, OpenError> {
        self.refuse_hollow()?;
        match self {
            Self::Name(name) => UntypedReader::open(name),
            Self::File(path) => UntypedReader::open_at(path),
        }
    }

    /// Opens the map for reading and writing.
    pub(super) fn map(&self) -> Result<UntypedMap, OpenError> {
        self.refuse_hollow()?;
        match self {
            Self::Name(name) => UntypedMap::open(name),
            Self::File(path) => UntypedMap::open_at(path),
        }
    }

    /// Whether what changes has to be written to a device, to outlast a restart.
    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Removes the name of the map.
    pub(super) fn unlink(&self, force: bool) -> Result<(), Failure> {
        match self.reader() {
            Err(error @ OpenError::NotFound { .. }) => return Err(error.into()),
            // Not a map, or nobody knows.
            Err(error @ (OpenError::NotASegment { .. } | OpenError::Io { .. })) if !force => {
                let mut message = error.to_string();
                if let Some(source) = error.source() {
                    message = format!("{message}: {source}");
                }
                return Err(format!("{message}; remove it all the same with --force").into());
            }
            // A map, or the remains of one.
            _ => {}
        }
        match self {
            Self::Name(name) => shmkv_core::unlink(name)?,
            Self::File(path) => fs::remove_file(path)?,
        }
        Ok(())
    }

    /// Whoever can make a file can make one of many terabytes without any
    /// memory behind it. Walking through it would take for ever, and fill the
    /// memory on the way.
    fn refuse_hollow(&self) -> Result<(), OpenError> {
        let path = match self {
            Self::Name(name) => &Path::new(DIRECTORY).join(name.trim_start_matches('/')),
            Self::File(path) => path,
        };
        let Ok(found) = fs::symlink_metadata(path) else {
            // Opening it will say why.
            return Ok(());
        };
        let there = found.blocks().saturating_mul(512);
        if found.is_file() && found.len() > there.saturating_add(MISSING) {
            return Err(OpenError::Io {
                action: "look into",
                name: path.display().to_string(),
                source: io::Error::other(format!(
                    "it claims {} bytes and occupies {there}",
                    found.len()
                )),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_in_the_middle_makes_a_path() {
        for (text, name) in [
            ("a", "/a"),
            ("/a", "/a"),
            ("/dev/shm/a", "/a"),
            (".a", "/.a"),
        ] {
            assert_eq!(text.parse(), Ok(Place::Name(name.into())), "{text}");
        }
        for path in ["./a", "/a/b", "a/b", "/dev/shm/a/b", "/dev/shmem/a", "../a"] {
            assert_eq!(path.parse(), Ok(Place::File(path.into())), "{path}");
        }
    }
}
