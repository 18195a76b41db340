//! Opening a segment: find, check, map.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::header::{Expected, Header};
use super::location::Location;
use super::pages::Pages;
use super::{Segment, dirty};
use crate::codec::ParsedSchema;
use crate::error::OpenError;
use crate::layout::{Dimensions, Geometry};
use crate::sys::{self, Mapping, Object};

/// A segment that was found and checked, and is not yet mapped.
pub(crate) struct Opened {
    header: Header,
    object: Object,
    location: Location,
    writable: bool,
}

impl Opened {
    /// Finds and checks the segment at `location`.
    pub(crate) fn open(location: Location, writable: bool) -> Result<Self, OpenError> {
        let path = location.path().unwrap_or(Path::new(""));
        let object = Object::open(path, writable).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => OpenError::NotFound {
                name: location.to_string(),
            },
            _ => failed(&location, "open")(source),
        })?;
        Self::examine(object, location, writable)
    }

    /// Checks the anonymous segment that a received descriptor refers to.
    pub(crate) fn receive(fd: OwnedFd, writable: bool) -> Result<Self, OpenError> {
        let location = Location::Anonymous;
        let received = Object::of(fd.into()).map_err(failed(&location, "stat"))?;
        if !received.is_sealed() {
            return Err(OpenError::Unsealed);
        }
        // The descriptor shares its open file description, and so its locks, with the
        // sender's: this process needs one of its own.
        let file = received
            .reopen(writable)
            .map_err(failed(&location, "reopen"))?;
        let object = Object::of(file).map_err(failed(&location, "stat"))?;
        Self::examine(object, location, writable)
    }

    fn examine(object: Object, location: Location, writable: bool) -> Result<Self, OpenError> {
        let header = Header::read(&object, &location)?;
        Ok(Self {
            header,
            object,
            location,
            writable,
        })
    }

    /// The same, if it is what the program expects.
    pub(crate) fn expect(self, expected: &Expected) -> Result<Self, OpenError> {
        expected.accept(&self.header, &self.location)?;
        Ok(self)
    }

    /// Refuses entries of more than `limit` bytes.
    pub(crate) fn limit_entries(&self, limit: usize) -> Result<(), OpenError> {
        match self.header.dimensions.key_len() + self.header.dimensions.value_len() {
            found if found > limit => Err(OpenError::EntriesTooLarge {
                name: self.location.to_string(),
                found,
                limit,
            }),
            _ => Ok(()),
        }
    }

    /// The types of its keys and values.
    pub(crate) fn types(&self) -> Result<(ParsedSchema, ParsedSchema), OpenError> {
        let (key, value) = self.header.types(&self.location)?;
        let dimensions = &self.header.dimensions;
        if (key.size(), value.size()) != (dimensions.key_len(), dimensions.value_len()) {
            return Err(OpenError::Damaged {
                name: self.location.to_string(),
                what: "schema and header disagree on sizes",
            });
        }
        Ok((key, value))
    }

    /// Its sizes, and everything that follows from them.
    pub(crate) fn dimensions(&self) -> Dimensions {
        self.header.dimensions
    }

    /// Fingerprints of the key's and the value's type.
    pub(crate) fn fingerprints(&self) -> [u64; 2] {
        self.header.fingerprints
    }

    /// When it was created: nanoseconds since the Unix epoch.
    pub(crate) fn created(&self) -> u64 {
        self.header.created
    }

    /// Where it is.
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// Whether it was opened for writing.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    /// Maps it. The geometry must have the header's dimensions.
    pub(crate) fn map<G: Geometry>(
        self,
        geometry: G,
        pages: Pages,
    ) -> Result<Segment<G>, OpenError> {
        let Self {
            header,
            object,
            location,
            writable,
        } = self;
        let failed = |action| failed(&location, action);
        if writable && let Some(kind) = object.network_file_system().map_err(failed("stat"))? {
            let name = location.to_string();
            return Err(OpenError::NetworkFileSystem { name, kind });
        }
        let len = geometry.dimensions().schema_at();
        let mapping = map(&object, len, writable, pages)
            .map_err(|NotMapped { action, source }| failed(action)(source))?;
        let too_short = failed("map");
        let segment = Segment::new(geometry, mapping, header.seed, object, location.clone())
            .ok_or_else(|| too_short(io::ErrorKind::UnexpectedEof.into()))?;
        if location.is_file() {
            let boot = sys::boot_id().map_err(failed("read the boot ID for"))?;
            if !dirty::is_trusted(segment.control(), boot, writable) {
                let name = location.to_string();
                return Err(OpenError::Stale { name });
            }
        }
        Ok(segment)
    }
}

/// The error that a failed system call becomes.
fn failed(location: &Location, action: &'static str) -> impl FnOnce(io::Error) -> OpenError {
    let name = location.to_string();
    move |source| OpenError::Io {
        action,
        name,
        source,
    }
}

/// An object was not mapped.
pub(super) struct NotMapped {
    pub(super) action: &'static str,
    pub(super) source: io::Error,
}

/// Maps an object, with the pages that are asked for.
pub(super) fn map(
    object: &Object,
    len: usize,
    writable: bool,
    pages: Pages,
) -> Result<Mapping, NotMapped> {
    let failed = |action| move |source| NotMapped { action, source };
    let mapping = Mapping::new(object, len, writable, pages.huge).map_err(failed("map"))?;
    if pages.prefault {
        // To prefault a file on a disk for writing would count as changing all of it.
        let for_writing = writable && object.is_memory().map_err(failed("stat"))?;
        mapping.prefault(for_writing).map_err(failed("prefault"))?;
    }
    Ok(mapping)
}
