//! How a handle comes to be: by creating a segment, or by opening one.
//!
//! A new segment is complete, and its creator registered as a writer, before it
//! has a name. One that is opened is examined before it is mapped.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::codec::ParsedSchema;
use crate::durable;
use crate::error::{CreateError, OpenError};
use crate::handle::{Handle, Settings};
use crate::header::{Header, Spec};
use crate::home::Home;
use crate::layout::Geometry;
use crate::memory::Memory;
use crate::sys::{self, Mapping, NotRegistered, Object, ReserveError};

/// What errors call the registration of a writer.
const REGISTER: &str = "register as a writer of";

/// An object that may be a segment: found and examined, not yet mapped.
pub(crate) struct Candidate {
    /// What it says of itself.
    pub(crate) header: Header,
    object: Object,
    home: Home,
    writable: bool,
}

impl Candidate {
    /// Finds what is at `home`, to be read and written or to be read.
    pub(crate) fn open(home: Home, writable: bool) -> Result<Self, OpenError> {
        let path = home.path().unwrap_or(Path::new(""));
        let object = Object::open(path, writable).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => OpenError::NotFound {
                name: home.to_string(),
            },
            _ => OpenError::Io {
                action: "open",
                name: home.to_string(),
                source,
            },
        })?;
        Self::examine(object, home, writable)
    }

    /// Takes the anonymous object that a received descriptor names.
    pub(crate) fn receive(fd: OwnedFd, writable: bool) -> Result<Self, OpenError> {
        let home = Home::Anonymous;
        let io = |action| {
            let name = home.to_string();
            move |source| OpenError::Io {
                action,
                name,
                source,
            }
        };
        let received = Object::of(fd.into()).map_err(io("stat"))?;
        if !received.is_sealed() {
            return Err(OpenError::Unsealed);
        }
        // It shares its open file description, and so its locks, with the
        // sender: take one of our own.
        let file = received.reopen(writable).map_err(io("reopen"))?;
        let object = Object::of(file).map_err(io("stat"))?;
        Self::examine(object, home, writable)
    }

    fn examine(object: Object, home: Home, writable: bool) -> Result<Self, OpenError> {
        let header = Header::read(&object, &home)?;
        Ok(Self {
            header,
            object,
            home,
            writable,
        })
    }

    /// The same, if it is what the program expects.
    pub(crate) fn expected(self, spec: &Spec) -> Result<Self, OpenError> {
        spec.accept(&self.header, &self.home)?;
        Ok(self)
    }

    /// Refuses entries of more than `limit` bytes.
    pub(crate) fn no_larger_than(&self, limit: usize) -> Result<(), OpenError> {
        let dimensions = &self.header.dimensions;
        match dimensions.key_len + dimensions.value_len {
            found if found > limit => Err(OpenError::EntriesTooLarge {
                name: self.home.to_string(),
                found,
                limit,
            }),
            _ => Ok(()),
        }
    }

    /// The types of its keys and values.
    pub(crate) fn types(&self) -> Result<(ParsedSchema, ParsedSchema), OpenError> {
        let (key, value) = self.header.types(&self.home)?;
        let dimensions = &self.header.dimensions;
        if (key.size(), value.size()) != (dimensions.key_len, dimensions.value_len) {
            return Err(OpenError::Damaged {
                name: self.home.to_string(),
                what: "schema and header disagree on sizes",
            });
        }
        Ok((key, value))
    }

    /// Maps it. The geometry has the header's dimensions.
    pub(crate) fn admit<G: Geometry>(
        self,
        geometry: G,
        settings: Settings,
    ) -> Result<Handle<G>, OpenError> {
        let Self {
            header,
            object,
            home,
            writable,
        } = self;
        let name = || home.to_string();
        let io = |action| {
            let name = home.to_string();
            move |source| OpenError::Io {
                action,
                name,
                source,
            }
        };
        if writable && let Some(kind) = object.network_file_system().map_err(io("stat"))? {
            return Err(OpenError::NetworkFileSystem { name: name(), kind });
        }
        let len = geometry.dimensions().schema_at;
        let mapping = map(&object, len, writable, settings)
            .map_err(|Unmapped { action, source }| io(action)(source))?;
        let memory = Memory::new(geometry, mapping, header.seed)
            .ok_or_else(|| io("map")(io::ErrorKind::UnexpectedEof.into()))?;
        if home.is_file() {
            let boot = sys::boot_id().map_err(io("read the boot ID for"))?;
            if !durable::admits(memory.shared(), boot, writable) {
                return Err(OpenError::Stale { name: name() });
            }
        }
        if !writable {
            return Ok(Handle::read_only(memory, object, home, settings));
        }
        Handle::register_new(memory, object, &home, settings).map_err(|refused| match refused {
            NotRegistered::Locks(source) => OpenError::Locks {
                name: name(),
                source,
            },
            NotRegistered::Other(source) => io(REGISTER)(source),
        })
    }
}

/// Creates a segment; its name must be free.
pub(crate) fn create<G: Geometry>(
    home: Home,
    spec: &Spec,
    geometry: G,
    settings: Settings,
) -> Result<Handle<G>, CreateError> {
    let name = || home.to_string();
    let io = |action: &'static str| {
        let name = name();
        move |source: io::Error| CreateError::Io {
            action,
            name,
            source,
        }
    };
    let new = match home.path() {
        None => New::of(Object::anonymous().map_err(io("create"))?),
        // Looked at first, lest gigabytes are reserved in vain.
        Some(path) if path.symlink_metadata().is_ok() => {
            return Err(CreateError::AlreadyExists { name: name() });
        }
        Some(path) => New::in_directory(directory_of(path)).map_err(io("create"))?,
    };
    let New { object, temporary } = new;
    if let Some(kind) = object.network_file_system().map_err(io("stat"))? {
        return Err(CreateError::NetworkFileSystem { name: name(), kind });
    }
    let needed = spec.total_len();
    object.reserve(needed).map_err(|error| match error {
        ReserveError::NoSpace => CreateError::NoSpace {
            name: name(),
            needed,
        },
        ReserveError::FileSizeLimit(limit) => CreateError::FileSizeLimit {
            name: name(),
            needed,
            limit,
        },
        ReserveError::Io(source) => io("reserve space for")(source),
    })?;
    let seed = sys::random_seed().map_err(io("choose a hash seed for"))?;
    spec.write(&object, seed).map_err(io("write"))?;
    let len = geometry.dimensions().schema_at;
    let mapping = map(&object, len, true, settings)
        .map_err(|Unmapped { action, source }| io(action)(source))?;
    let memory = Memory::new(geometry, mapping, seed)
        .ok_or_else(|| io("map")(io::ErrorKind::UnexpectedEof.into()))?;
    if home.is_file() {
        let boot = sys::boot_id().map_err(io("read the boot ID for"))?;
        durable::stamp(memory.shared(), boot);
    }
    let handle = Handle::register_new(memory, object, &home, settings);
    let handle = handle.map_err(|refused| match refused {
        NotRegistered::Locks(source) => CreateError::Locks {
            name: name(),
            source,
        },
        NotRegistered::Other(source) => io(REGISTER)(source),
    })?;
    // Last, for it may take the right to write away from this user too.
    publish(handle.object(), &home, settings.mode, temporary).map_err(|source| {
        match source.kind() {
            io::ErrorKind::AlreadyExists => CreateError::AlreadyExists { name: name() },
            _ => io("link")(source),
        }
    })?;
    Ok(handle)
}

/// Why an object was not mapped.
struct Unmapped {
    action: &'static str,
    source: io::Error,
}

/// Maps an object, with such pages as the settings ask for.
fn map(
    object: &Object,
    len: usize,
    writable: bool,
    settings: Settings,
) -> Result<Mapping, Unmapped> {
    let failed = |action| move |source| Unmapped { action, source };
    let mapping =
        Mapping::new(object, len, writable, settings.huge_pages).map_err(failed("map"))?;
    if settings.prefault {
        // All of a file on a disk would count as changed, and be written there.
        let for_writing = writable && object.is_memory().map_err(failed("stat"))?;
        mapping.prefault(for_writing).map_err(failed("prefault"))?;
    }
    Ok(mapping)
}

/// Gives a complete segment its mode and its name.
fn publish(
    object: &Object,
    home: &Home,
    mode: u32,
    temporary: Option<Temporary>,
) -> io::Result<()> {
    let Some(path) = home.path() else {
        // Nobody executes it, and the kernel forbids what looks like it.
        object.set_mode(mode & 0o666)?;
        return object.seal();
    };
    object.set_mode(mode)?;
    let mut directory = None;
    if home.is_file() {
        object.sync()?;
        // One may be for writing only; then its names last when they last.
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

/// An empty object that nobody else knows of.
struct New {
    object: Object,
    temporary: Option<Temporary>,
}

impl New {
    fn of(object: Object) -> Self {
        let temporary = None;
        Self { object, temporary }
    }

    /// Without a name, or where that cannot be, under a private one.
    fn in_directory(directory: &Path) -> io::Result<Self> {
        if let Some(object) = Object::nameless_in(directory)? {
            return Ok(Self::of(object));
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

/// A temporary name, removed when the creation ends either way.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Nothing can be done about a name that cannot be removed.
        let _ = std::fs::remove_file(&self.0);
    }
}
