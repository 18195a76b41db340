//! Where a map is, and how to open it: what NAME stands for.

use std::convert::Infallible;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fs, io};

use shmkv_core::OpenError;
use shmkv_core::untyped::{UntypedMap, UntypedReader};

use super::report::failed;
use crate::failure::{Failure, chain};

/// The directory of named maps.
pub(super) const DIRECTORY: &str = "/dev/shm";

/// How many bytes of a map may be unallocated. A map's memory is reserved when it is
/// created, but some file systems count differently.
const UNALLOCATED: u64 = 1 << 30;

/// Where a map is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// In shared memory, under this name.
    Name(String),
    /// In a file.
    File(PathBuf),
}

impl FromStr for Location {
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

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Location {
    /// Opens the map read-only.
    pub(super) fn reader(&self) -> Result<UntypedReader, Failure> {
        self.try_reader().map_err(|error| self.not_opened(&error))
    }

    /// As [`reader`](Self::reader), for a caller that needs to know what went wrong.
    pub(super) fn try_reader(&self) -> Result<UntypedReader, OpenError> {
        self.refuse_sparse()?;
        match self {
            Self::Name(name) => UntypedReader::open(name),
            Self::File(path) => UntypedReader::open_at(path),
        }
    }

    /// Opens the map for writing.
    pub(super) fn map(&self) -> Result<UntypedMap, Failure> {
        let opened = self.refuse_sparse().and_then(|()| match self {
            Self::Name(name) => UntypedMap::open(name),
            Self::File(path) => UntypedMap::open_at(path),
        });
        opened.map_err(|error| self.not_opened(&error))
    }

    /// Whether a change must be flushed to a device to outlast a restart.
    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Removes the name of the map.
    pub(super) fn unlink(&self, force: bool) -> Result<(), Failure> {
        match self.try_reader() {
            Err(OpenError::NotFound { .. }) => return Err(self.not_found("unlink")),
            // Not a map, or possibly not one.
            Err(error @ (OpenError::NotASegment { .. } | OpenError::Io { .. })) if !force => {
                let why = match &error {
                    OpenError::NotASegment { found, .. } => not_a_map(found),
                    error => chain(error),
                };
                return Err(
                    format!("cannot unlink {self}: {why}; --force removes it anyway").into(),
                );
            }
            // A map, or the remains of one.
            _ => {}
        }
        let removed = match self {
            Self::Name(name) => shmkv_core::unlink(name),
            Self::File(path) => fs::remove_file(path),
        };
        removed.map_err(|error| failed(format_args!("cannot unlink {self}"), &error))
    }

    /// The message for an error of opening.
    fn not_opened(&self, error: &OpenError) -> Failure {
        match error {
            OpenError::NotFound { .. } => self.not_found("open"),
            OpenError::NotASegment { found, .. } => {
                format!("cannot open {self}: {}", not_a_map(found)).into()
            }
            other => chain(other).into(),
        }
    }

    fn not_found(&self, action: &str) -> Failure {
        match self {
            Self::Name(_) => {
                format!("cannot {action} {self}: no such map; 'shmkv list' shows the maps").into()
            }
            Self::File(_) => format!("cannot {action} {self}: no such file").into(),
        }
    }

    /// Refuses a file with far less memory than its length.
    ///
    /// Any user who can create a file can give it a length of many terabytes without
    /// allocating memory. Reading all of it would take hours, and allocate it.
    fn refuse_sparse(&self) -> Result<(), OpenError> {
        let path = match self {
            Self::Name(name) => &Path::new(DIRECTORY).join(name.trim_start_matches('/')),
            Self::File(path) => path,
        };
        let Ok(found) = fs::symlink_metadata(path) else {
            // Opening it fails too, and says why.
            return Ok(());
        };
        let allocated = found.blocks().saturating_mul(512);
        if found.is_file() && found.len() > allocated.saturating_add(UNALLOCATED) {
            return Err(OpenError::Io {
                action: "open",
                name: path.display().to_string(),
                source: io::Error::other(format!(
                    "only {allocated} of its {} bytes are allocated",
                    found.len()
                )),
            });
        }
        Ok(())
    }
}

fn not_a_map(found: &[u8]) -> String {
    if found.is_empty() {
        "not a shmkv map (the file is empty)".to_owned()
    } else {
        format!(
            "not a shmkv map (it starts with \"{}\")",
            found.escape_ascii()
        )
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
            assert_eq!(text.parse(), Ok(Location::Name(name.into())), "{text}");
        }
        for path in ["./a", "/a/b", "a/b", "/dev/shm/a/b", "/dev/shmem/a", "../a"] {
            assert_eq!(path.parse(), Ok(Location::File(path.into())), "{path}");
        }
    }
}
