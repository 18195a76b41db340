//! Creating and joining a map: the only place that orders segment, registration and name.
//!
//! A new segment is complete, and its creator registered as a writer, before it has a
//! name. A segment that is opened is checked before it is mapped, and mapped before this
//! process registers.

use super::Store;
use crate::error::{CreateError, OpenError};
use crate::layout::Geometry;
use crate::segment::{self, Expected, Location, Opened, Segment, Settings};
use crate::sys::{NotRegistered, Registration};

/// What errors call the registration of a writer.
const REGISTER: &str = "register as a writer of";

/// Creates a map; its name must be free.
pub(crate) fn create<G: Geometry>(
    location: Location,
    expected: &Expected,
    geometry: G,
    settings: Settings,
) -> Result<Store<G>, CreateError> {
    let name = location.to_string();
    let unnamed = segment::create(location, expected, geometry, settings)?;
    let registration = register(unnamed.segment()).map_err(|refused| match refused {
        NotRegistered::Locks(source) => CreateError::Locks { name, source },
        NotRegistered::Other(source) => CreateError::Io {
            action: REGISTER,
            name,
            source,
        },
    })?;
    // Last, since the mode may take the right to write away from this user, too.
    let segment = unnamed.publish(settings.mode)?;
    Ok(Store {
        segment,
        registration: Some(registration),
        lock_timeout: settings.lock_timeout,
    })
}

/// Joins the map in a segment that was found and checked: as a writer, if it was opened
/// for writing. The geometry must have its dimensions.
pub(crate) fn join<G: Geometry>(
    opened: Opened,
    geometry: G,
    settings: Settings,
) -> Result<Store<G>, OpenError> {
    let name = opened.location().to_string();
    let writable = opened.is_writable();
    let segment = opened.map(geometry, settings)?;
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
    super::locks::register(segment, &registration)?;
    Ok(registration)
}
