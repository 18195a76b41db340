//! Creating a segment: it is complete before it has a name.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::header::Expected;
use super::location::Location;
use super::open::{NotMapped, map};
use super::pages::Pages;
use super::{Segment, dirty};
use crate::error::CreateError;
use crate::layout::Geometry;
use crate::sys::{self, Object, ReserveError};

/// A complete segment that no other process can find yet.
pub(crate) struct Unnamed<G> {
    segment: Segment<G>,
    temporary: Option<Temporary>,
}

/// Creates a segment, up to its name, which must be free.
pub(crate) fn create<G: Geometry>(
    location: Location,
    expected: &Expected,
    geometry: G,
    pages: Pages,
) -> Result<Unnamed<G>, CreateError> {
    let failed = |action| failed(&location, action);
    let NewObject { object, temporary } = match location.path() {
        None => NewObject::nameless(Object::anonymous().map_err(failed("create"))?),
        // Checked first, so that gigabytes are not reserved in vain.
        Some(path) if path.symlink_metadata().is_ok() => {
            let name = location.to_string();
            return Err(CreateError::AlreadyExists { name });
        }
        Some(path) => NewObject::in_directory(directory_of(path)).map_err(failed("create"))?,
    };
    if let Some(kind) = object.network_file_system().map_err(failed("stat"))? {
        let name = location.to_string();
        return Err(CreateError::NetworkFileSystem { name, kind });
    }
    reserve(&object, &location, expected.total_len())?;
    let seed = sys::random_seed().map_err(failed("choose a hash seed for"))?;
    expected.write(&object, seed).map_err(failed("write"))?;
    let len = geometry.dimensions().schema_at();
    let mapping = map(&object, len, true, pages)
        .map_err(|NotMapped { action, source }| failed(action)(source))?;
    let too_short = failed("map");
    let segment = Segment::new(geometry, mapping, seed, object, location.clone())
        .ok_or_else(|| too_short(io::ErrorKind::UnexpectedEof.into()))?;
    if location.is_file() {
        let boot = sys::boot_id().map_err(failed("read the boot ID for"))?;
        dirty::stamp(segment.control(), boot);
    }
    Ok(Unnamed { segment, temporary })
}

/// The error that a failed system call becomes.
fn failed(location: &Location, action: &'static str) -> impl FnOnce(io::Error) -> CreateError {
    let name = location.to_string();
    move |source| CreateError::Io {
        action,
        name,
        source,
    }
}

/// Reserves every byte of a segment.
fn reserve(object: &Object, location: &Location, needed: u64) -> Result<(), CreateError> {
    let name = || location.to_string();
    object.reserve(needed).map_err(|refused| match refused {
        ReserveError::NoSpace => CreateError::NoSpace {
            name: name(),
            needed,
        },
        ReserveError::FileSizeLimit(limit) => CreateError::FileSizeLimit {
            name: name(),
            needed,
            limit,
        },
        ReserveError::Io(source) => failed(location, "reserve space for")(source),
    })
}

impl<G: Geometry> Unnamed<G> {
    /// The segment.
    pub(crate) fn segment(&self) -> &Segment<G> {
        &self.segment
    }

    /// Gives the segment its mode and its name: from here on other processes find it.
    pub(crate) fn give_name(self, mode: u32) -> Result<Segment<G>, CreateError> {
        let Self { segment, temporary } = self;
        let location = &segment.location;
        link(&segment.object, location, mode, temporary).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => CreateError::AlreadyExists {
                name: location.to_string(),
            },
            _ => failed(location, "publish")(source),
        })?;
        Ok(segment)
    }
}

fn link(
    object: &Object,
    location: &Location,
    mode: u32,
    temporary: Option<Temporary>,
) -> io::Result<()> {
    let Some(path) = location.path() else {
        // Execute permission has no use here, and recent kernels refuse it for a memfd.
        object.set_mode(mode & 0o666)?;
        return object.seal();
    };
    object.set_mode(mode)?;
    let mut directory = None;
    if location.is_file() {
        object.sync()?;
        // A directory may be writable only; then its names last as long as they last.
        directory = match File::open(directory_of(path)) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
            opened => Some(opened?),
        };
    }
    match &temporary {
        None => object.link(path)?,
        Some(Temporary(from)) => std::fs::hard_link(from, path)?,
    }
    drop(temporary);
    if let Some(directory) = directory
        && let Err(error) = directory.sync_all()
    {
        // A name that may not last is worse than none.
        if object.is_at(path).unwrap_or(false) {
            let _ = std::fs::remove_file(path);
        }
        return Err(error);
    }
    Ok(())
}

/// An empty object that no other process knows of.
struct NewObject {
    object: Object,
    temporary: Option<Temporary>,
}

impl NewObject {
    fn nameless(object: Object) -> Self {
        let temporary = None;
        Self { object, temporary }
    }

    /// An object without a name or, on file systems that have no such files, under a
    /// private one.
    fn in_directory(directory: &Path) -> io::Result<Self> {
        if let Some(object) = Object::nameless_in(directory)? {
            return Ok(Self::nameless(object));
        }
        let (object, path) = Object::private_in(directory, sys::random_seed()?)?;
        let temporary = Some(Temporary(path));
        Ok(Self { object, temporary })
    }
}

/// The directory in which `path` is a name.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A temporary name, removed when the creation ends, whether or not it succeeds.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Nothing can be done about a name that cannot be removed.
        let _ = std::fs::remove_file(&self.0);
    }
}
