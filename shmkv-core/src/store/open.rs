//! Creating and joining a map: the only place that orders segment, registration and name.
//!
//! A new segment is complete, and its creator registered as a writer, before it has a
//! name. A segment that is opened is checked before it is mapped, and mapped before this
//! process registers.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::Store;
use super::locks;
use super::settings::Settings;
use crate::codec::{ParsedSchema, Schema};
use crate::error::{CreateError, NameError, OpenError};
use crate::layout::{Dimensions, Geometry};
use crate::segment::{self, Expected, Location, Opened, Segment};
use crate::sys::{NotRegistered, Registration};

/// Where a caller wants a map to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Address<'a> {
    /// The shared-memory object with this name.
    Name(&'a str),
    /// The file at this path.
    Path(&'a Path),
    /// Nowhere: without a name.
    Anonymous,
}

impl Address<'_> {
    fn location(self) -> Result<Location, NameError> {
        match self {
            Self::Name(name) => Location::named(name),
            Self::Path(path) => Ok(Location::file(path)),
            Self::Anonymous => Ok(Location::Anonymous),
        }
    }
}

/// The types of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Types {
    pub(crate) key: &'static Schema,
    pub(crate) value: &'static Schema,
}

/// What errors call the registration of a writer.
const REGISTER: &str = "register as a writer of";

/// Creates a map; its name must be free.
pub(crate) fn create<G: Geometry>(
    address: Address<'_>,
    types: Types,
    geometry: G,
    settings: Settings,
) -> Result<Store<G>, CreateError> {
    let location = address.location()?;
    let name = location.to_string();
    let expected = Expected::new(*geometry.dimensions(), types.key, types.value)?;
    let unnamed = segment::create(location, &expected, geometry, settings.pages())?;
    let registration = register(unnamed.segment()).map_err(|refused| match refused {
        NotRegistered::Locks(source) => CreateError::Locks { name, source },
        NotRegistered::Other(source) => CreateError::Io {
            action: REGISTER,
            name,
            source,
        },
    })?;
    // Last, since the mode may take the right to write away from this user, too.
    let segment = unnamed.give_name(settings.mode)?;
    Ok(Store {
        segment,
        registration: Some(registration),
        lock_timeout: settings.lock_timeout,
    })
}

/// Opens a map of these types, to write or to read.
pub(crate) fn open<G: Geometry>(
    address: Address<'_>,
    writable: bool,
    types: Types,
    geometry: G,
    settings: Settings,
) -> Result<Store<G>, OpenError> {
    let opened = Opened::open(address.location()?, writable)?;
    join_typed(opened, types, geometry, settings)
}

/// Opens the anonymous map of these types behind a received descriptor.
pub(crate) fn receive<G: Geometry>(
    fd: OwnedFd,
    writable: bool,
    types: Types,
    geometry: G,
    settings: Settings,
) -> Result<Store<G>, OpenError> {
    let opened = Opened::receive(fd, writable)?;
    join_typed(opened, types, geometry, settings)
}

fn join_typed<G: Geometry>(
    opened: Opened,
    types: Types,
    geometry: G,
    settings: Settings,
) -> Result<Store<G>, OpenError> {
    let expected = Expected::new(*geometry.dimensions(), types.key, types.value)?;
    join(opened.expect(&expected)?, geometry, settings)
}

/// What a segment says of its types and its origin.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) key: ParsedSchema,
    pub(crate) value: ParsedSchema,
    /// Of the key's and the value's type.
    pub(crate) fingerprints: [u64; 2],
    /// Nanoseconds since the Unix epoch.
    pub(crate) created: u64,
}

/// Opens a map of any types, whose entries have at most `limit` bytes.
pub(crate) fn open_untyped(
    address: Address<'_>,
    writable: bool,
    limit: usize,
    settings: Settings,
) -> Result<(Store<Dimensions>, Description), OpenError> {
    let opened = Opened::open(address.location()?, writable)?;
    opened.limit_entries(limit)?;
    let (key, value) = opened.types()?;
    let description = Description {
        key,
        value,
        fingerprints: opened.fingerprints(),
        created: opened.created(),
    };
    let dimensions = opened.dimensions();
    Ok((join(opened, dimensions, settings)?, description))
}

/// Joins the map in a segment that was found and checked: as a writer, if it was opened
/// for writing. The geometry must have its dimensions.
fn join<G: Geometry>(
    opened: Opened,
    geometry: G,
    settings: Settings,
) -> Result<Store<G>, OpenError> {
    let name = opened.location().to_string();
    let writable = opened.is_writable();
    let segment = opened.map(geometry, settings.pages())?;
    let registration = writable.then(|| register(&segment)).transpose();
    let registration = registration.map_err(|refused| match refused {
        NotRegistered::Locks(source) => OpenError::Locks { name, source },
        NotRegistered::Other(source) => OpenError::Io {
            action: REGISTER,
            name,
            source,
        },
    })?;
    Ok(Store {
        segment,
        registration,
        lock_timeout: settings.lock_timeout,
    })
}

/// Registers this process as a writer at once, while it can: later it may have given up
/// privileges.
fn register<G: Geometry>(segment: &Segment<G>) -> Result<Registration, NotRegistered> {
    let registration = Registration::new()?;
    locks::register(segment, &registration)?;
    Ok(registration)
}

/// Removes the name of a shared-memory object, whatever it is.
pub(crate) fn unlink(name: &str) -> io::Result<()> {
    let location = Location::named(name)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    location.path().map_or(Ok(()), std::fs::remove_file)
}
