//! A process is killed at the entry and the exit of every system call of creating, opening, removing and
//! flushing a map. Afterwards the name is absent or leads to a complete map, and every operation on it
//! works.

use std::cell::RefCell;
use std::path::PathBuf;

use nix::errno::Errno;
use shmkv_core::{Error, OpenError};

use super::lab::{LabMap, LabReader, stamp_of, value};
use crate::support::directory::Directory;
use crate::support::proc::{SegmentName, leftovers};
use crate::support::seccomp::{UNNAMED_FILES, refuse};
use crate::support::step::{self, Plan};
use crate::support::walk::{self, Tally};

type Map = LabMap<19, 256>;
type Reader = LabReader<19, 256>;

const KEY: u64 = 1;
const FLUSHED: u64 = 100;
const LATER: u64 = 200;

/// A case, and the result of its kills.
pub(crate) type Case = (&'static str, Tally);

/// A name in `/dev/shm`, and a map under it if the case starts with one.
struct Named {
    name: SegmentName,
    map: RefCell<Option<Map>>,
}

impl Named {
    fn empty() -> Self {
        Self {
            name: SegmentName::unique(),
            map: RefCell::new(None),
        }
    }

    fn with_map() -> Self {
        let named = Self::empty();
        let map = Map::create(named.name.as_str()).expect("create");
        map.insert(KEY, value(KEY, FLUSHED)).expect("insert");
        named.map.replace(Some(map));
        named
    }

    /// With a map that no process has open.
    fn with_name_only() -> Self {
        let named = Self::with_map();
        named.map.replace(None);
        named
    }

    /// Checks that the name is absent or leads to a complete map, with the entry or without; and that it
    /// can be used again.
    fn examine(&self) -> Result<(), String> {
        let name = self.name.as_str();
        let own = name.trim_start_matches('/');
        if let Some(other) = leftovers().iter().find(|it| *it != own) {
            return Err(format!("{other} was left behind"));
        }
        if self.name.exists() {
            examine_map(Reader::open(name), Map::open(name))?;
        } else {
            let missing = Map::open(name);
            if !matches!(missing, Err(OpenError::NotFound { .. })) {
                return Err(format!("opening an absent name gave {missing:?}"));
            }
            let made = Map::create(name).map_err(|e| format!("a new create: {e}"))?;
            use_it(&made)?;
        }
        let both = Map::open_or_create(name).map_err(|e| format!("open_or_create: {e}"))?;
        use_it(&both)?;
        both.destroy().map_err(|e| format!("destroy: {e}"))?;
        let new = Map::create(name).map_err(|e| format!("create after destroy: {e}"))?;
        use_it(&new)?;
        match self.map.take() {
            Some(old) => use_it(&old), // it has no name any more, and must still work
            None => Ok(()),
        }
    }
}

/// Creation, opening, removal in `/dev/shm`.
pub(crate) fn named() -> Vec<Case> {
    let case = |case: &'static str, setup: fn() -> Named, op: fn(&Named)| {
        let plan = Plan::syscalls();
        let examine = |_, named: &Named| named.examine();
        (case, walk::for_each_kill_point(&plan, setup, op, examine))
    };
    vec![
        case("create", Named::empty, |named| {
            Map::create(named.name.as_str()).expect("create");
        }),
        case("create, then write", Named::empty, |named| {
            let map = Map::create(named.name.as_str()).expect("create");
            map.insert(KEY, value(KEY, FLUSHED)).expect("insert");
        }),
        case("open", Named::with_name_only, |named| {
            Map::open(named.name.as_str()).expect("open");
        }),
        case("open, then write", Named::with_map, |named| {
            let map = Map::open(named.name.as_str()).expect("open");
            map.insert(KEY, value(KEY, LATER)).expect("insert");
        }),
        case("open_read_only", Named::with_name_only, |named| {
            Reader::open(named.name.as_str()).expect("open");
        }),
        case("open_or_create/absent", Named::empty, |named| {
            Map::open_or_create(named.name.as_str()).expect("create");
        }),
        case("open_or_create/present", Named::with_name_only, |named| {
            Map::open_or_create(named.name.as_str()).expect("open");
        }),
        case("unlink/by handle", Named::with_map, |named| {
            named
                .map
                .borrow()
                .as_ref()
                .unwrap()
                .unlink()
                .expect("unlink");
        }),
        case("unlink/by name", Named::with_name_only, |named| {
            shmkv_core::unlink(named.name.as_str()).expect("unlink");
        }),
        case("destroy", Named::with_map, |named| {
            named.map.take().unwrap().destroy().expect("destroy");
        }),
        case("drop", Named::with_map, |named| drop(named.map.take())),
    ]
}

/// A file in a directory of its own.
struct InFile(Directory);

impl InFile {
    fn empty() -> Self {
        Self(Directory::new())
    }

    /// With a map that was flushed.
    fn with_map() -> Self {
        let file = Self::empty();
        let map = Map::create_at(file.path()).expect("create");
        map.insert(KEY, value(KEY, FLUSHED)).expect("insert");
        map.flush().expect("flush");
        file
    }

    fn path(&self) -> PathBuf {
        self.0.file("map")
    }

    /// As [`Named::examine`]; up to `strays` temporary names may be left.
    fn examine(&self, strays: usize) -> Result<(), String> {
        let path = self.path();
        if path.exists() {
            let reader = Map::options().open_read_only_at(&path);
            examine_map(reader, Map::open_at(&path))?;
        }
        let both = Map::options().open_or_create_at(&path);
        let both = both.map_err(|e: Error| format!("open_or_create: {e}"))?;
        use_it(&both)?;
        both.flush().map_err(|e| format!("flush: {e}"))?;
        both.destroy().map_err(|e| format!("destroy: {e}"))?;
        drop(Map::create_at(&path).map_err(|e| format!("create after destroy: {e}"))?);
        let found = self.0.names();
        if found.len() > 1 + strays {
            return Err(format!("left behind: {found:?}"));
        }
        Ok(())
    }
}

/// Creation, opening and flushing in a file.
pub(crate) fn in_file() -> Vec<Case> {
    let case = |case: &'static str, setup: fn() -> InFile, strays: usize, op: fn(&InFile)| {
        let plan = Plan::syscalls().warmed_up();
        let examine = |_, file: &InFile| file.examine(strays);
        (case, walk::for_each_kill_point(&plan, setup, op, examine))
    };
    vec![
        case("create_at", InFile::empty, 0, |file| {
            step::begin();
            Map::create_at(file.path()).expect("create");
        }),
        // A file system without `O_TMPFILE`: only here can a death leave a file behind, under a temporary
        // name that no later creation uses.
        case(
            "create_at/with a temporary name",
            InFile::empty,
            1,
            |file| {
                refuse(UNNAMED_FILES, Errno::EOPNOTSUPP);
                step::begin();
                Map::create_at(file.path()).expect("create");
            },
        ),
        case("open_at", InFile::with_map, 0, |file| {
            step::begin();
            Map::open_at(file.path()).expect("open");
        }),
        case("flush", InFile::with_map, 0, |file| {
            let map = Map::open_at(file.path()).expect("open");
            map.insert(KEY, value(KEY, LATER)).expect("insert");
            step::begin();
            map.flush().expect("flush");
        }),
        case("first write after a flush", InFile::with_map, 0, |file| {
            let map = Map::open_at(file.path()).expect("open");
            step::begin();
            map.insert(KEY, value(KEY, LATER)).expect("insert");
        }),
    ]
}

/// Checks that a map with a name is complete, readable and writable.
fn examine_map(
    reader: Result<Reader, OpenError>,
    map: Result<Map, OpenError>,
) -> Result<(), String> {
    let reader = reader.map_err(|e| format!("open read-only: {e}"))?;
    let found = reader.get(KEY).map_err(|e| format!("get: {e}"))?;
    let stamp = found.map(|bytes| stamp_of(KEY, &bytes)).transpose()?;
    if !matches!(stamp, None | Some(FLUSHED | LATER)) {
        return Err(format!("stamp {stamp:?}"));
    }
    if let Some(fault) = reader.check().iter().find(|fault| !fault.is_harmless()) {
        return Err(fault.to_string());
    }
    let map = map.map_err(|e| format!("open: {e}"))?;
    use_it(&map)
}

/// Writes and reads an entry, and checks the map.
fn use_it(map: &Map) -> Result<(), String> {
    map.insert(KEY, value(KEY, LATER))
        .map_err(|e| format!("insert: {e}"))?;
    let found = map.get(KEY).map_err(|e| format!("get: {e}"))?;
    if found != Some(value(KEY, LATER)) {
        return Err("the inserted value is not there".into());
    }
    match map.check().first() {
        Some(fault) => Err(fault.to_string()),
        None if map.len() != 1 => Err(format!("len is {}", map.len())),
        None => Ok(()),
    }
}
