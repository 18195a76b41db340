//! T1 for names: a process is killed at the entry and the exit of every system call of creating, opening, removing and
//! flushing a map. Afterwards the name is absent or complete, and nobody is in anybody's way.

use std::cell::RefCell;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use nix::libc;
use shmkv_core::{Error, OpenError};

use super::lab::{LabMap, LabReader, stamp_of, value};
use crate::support::proc::{SegmentName, leftovers};
use crate::support::step::{self, Plan};
use crate::support::walk::{self, Tally};

type Map = LabMap<19, 256>;
type Reader = LabReader<19, 256>;

const KEY: u64 = 1;
const FLUSHED: u64 = 100;
const LATER: u64 = 200;

/// The kill points of one case, and what was wrong after them.
pub(crate) type Case = (&'static str, Tally);

/// A name in `/dev/shm`, and a map under it if the case starts with one.
struct Place {
    name: SegmentName,
    map: RefCell<Option<Map>>,
}

impl Place {
    fn empty() -> Self {
        Self {
            name: SegmentName::unique(),
            map: RefCell::new(None),
        }
    }

    fn with_map() -> Self {
        let place = Self::empty();
        let map = Map::create(place.name.as_str()).expect("create");
        map.insert(KEY, value(KEY, FLUSHED)).expect("insert");
        place.map.replace(Some(map));
        place
    }

    /// Drops the handle that the parent has.
    fn with_name_only() -> Self {
        let place = Self::with_map();
        place.map.replace(None);
        place
    }

    /// The name is absent, or opens as a whole map with the entry or without; and is of use again.
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
            Some(old) => use_it(&old), // it has no name now, and works
            None => Ok(()),
        }
    }
}

/// Creation, opening, removal in `/dev/shm`.
pub(crate) fn named() -> Vec<Case> {
    let case = |case: &'static str, setup: fn() -> Place, op: fn(&Place)| {
        let plan = Plan::syscalls();
        let examine = |_, place: &Place| place.examine();
        (case, walk::for_each_kill_point(&plan, setup, op, examine))
    };
    vec![
        case("create", Place::empty, |place| {
            Map::create(place.name.as_str()).expect("create");
        }),
        case("create, then write", Place::empty, |place| {
            let map = Map::create(place.name.as_str()).expect("create");
            map.insert(KEY, value(KEY, FLUSHED)).expect("insert");
        }),
        case("open", Place::with_name_only, |place| {
            Map::open(place.name.as_str()).expect("open");
        }),
        case("open, then write", Place::with_map, |place| {
            let map = Map::open(place.name.as_str()).expect("open");
            map.insert(KEY, value(KEY, LATER)).expect("insert");
        }),
        case("open_read_only", Place::with_name_only, |place| {
            Reader::open(place.name.as_str()).expect("open");
        }),
        case("open_or_create/absent", Place::empty, |place| {
            Map::open_or_create(place.name.as_str()).expect("create");
        }),
        case("open_or_create/present", Place::with_name_only, |place| {
            Map::open_or_create(place.name.as_str()).expect("open");
        }),
        case("unlink/by handle", Place::with_map, |place| {
            place
                .map
                .borrow()
                .as_ref()
                .unwrap()
                .unlink()
                .expect("unlink");
        }),
        case("unlink/by name", Place::with_name_only, |place| {
            shmkv_core::unlink(place.name.as_str()).expect("unlink");
        }),
        case("destroy", Place::with_map, |place| {
            place.map.take().unwrap().destroy().expect("destroy");
        }),
        case("drop", Place::with_map, |place| drop(place.map.take())),
    ]
}

/// A file in a directory of its own, which goes when this is dropped where it was made.
struct Shelf {
    directory: PathBuf,
    owner: u32,
}

impl Shelf {
    fn empty() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let owner = std::process::id();
        // Relaxed: only distinctness matters.
        let count = COUNTER.fetch_add(1, Relaxed);
        let directory = std::env::temp_dir().join(format!("shmkv-test-{owner}-{count}"));
        fs::create_dir(&directory).expect("mkdir");
        Self { directory, owner }
    }

    /// With a map that was flushed.
    fn with_map() -> Self {
        let shelf = Self::empty();
        let map = Map::create_at(shelf.path()).expect("create");
        map.insert(KEY, value(KEY, FLUSHED)).expect("insert");
        map.flush().expect("flush");
        shelf
    }

    fn path(&self) -> PathBuf {
        self.directory.join("map")
    }

    /// As [`Place::examine`]; so many temporary names may have stayed.
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
        let found = names_in(&self.directory).map_err(|e| e.to_string())?;
        if found.len() > 1 + strays {
            return Err(format!("left behind: {found:?}"));
        }
        Ok(())
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        if std::process::id() == self.owner {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// Creation, opening and flushing in a file.
pub(crate) fn filed() -> Vec<Case> {
    let case = |case: &'static str, setup: fn() -> Shelf, strays: usize, op: fn(&Shelf)| {
        let plan = Plan::syscalls().warmed_up();
        let examine = |_, shelf: &Shelf| shelf.examine(strays);
        (case, walk::for_each_kill_point(&plan, setup, op, examine))
    };
    vec![
        case("create_at", Shelf::empty, 0, |shelf| {
            step::begin();
            Map::create_at(shelf.path()).expect("create");
        }),
        // A file system without nameless files: the one case in which a death leaves a file, under a name that nobody
        // else will ever want.
        case(
            "create_at/with a temporary name",
            Shelf::empty,
            1,
            |shelf| {
                forbid_nameless_files().expect("seccomp");
                step::begin();
                Map::create_at(shelf.path()).expect("create");
            },
        ),
        case("open_at", Shelf::with_map, 0, |shelf| {
            step::begin();
            Map::open_at(shelf.path()).expect("open");
        }),
        case("flush", Shelf::with_map, 0, |shelf| {
            let map = Map::open_at(shelf.path()).expect("open");
            map.insert(KEY, value(KEY, LATER)).expect("insert");
            step::begin();
            map.flush().expect("flush");
        }),
        case("first write after a flush", Shelf::with_map, 0, |shelf| {
            let map = Map::open_at(shelf.path()).expect("open");
            step::begin();
            map.insert(KEY, value(KEY, LATER)).expect("insert");
        }),
    ]
}

/// A map that has a name is complete, readable and writable.
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

/// A write and a read; then nothing is wrong with it.
fn use_it(map: &Map) -> Result<(), String> {
    map.insert(KEY, value(KEY, LATER))
        .map_err(|e| format!("insert: {e}"))?;
    let found = map.get(KEY).map_err(|e| format!("get: {e}"))?;
    if found != Some(value(KEY, LATER)) {
        return Err("an insert that does not show".into());
    }
    match map.check().first() {
        Some(fault) => Err(fault.to_string()),
        None if map.len() != 1 => Err(format!("len is {}", map.len())),
        None => Ok(()),
    }
}

fn names_in(directory: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(directory)?;
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// From now on this process gets EOPNOTSUPP for `O_TMPFILE`.
fn forbid_nameless_files() -> io::Result<()> {
    // Offsets in `struct seccomp_data`: the call's number, and the low half of its third argument, the flags of `openat`.
    let (number, flags) = (0, 16 + 2 * 8);
    let load = |offset| (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset);
    let tmpfile = (libc::O_TMPFILE & !libc::O_DIRECTORY).cast_unsigned();
    let answer = libc::SECCOMP_RET_ERRNO | libc::EOPNOTSUPP.cast_unsigned();
    let number_is = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let flag_is_set = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
    let answer_with = libc::BPF_RET | libc::BPF_K;
    let mut program = [
        load(number),
        (number_is, 0, 3, libc::SYS_openat as u32),
        load(flags),
        (flag_is_set, 0, 1, tmpfile),
        (answer_with, 0, 0, answer),
        (answer_with, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
    .map(|(code, jt, jf, k)| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    });
    let filter = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: PR_SET_NO_NEW_PRIVS takes numbers.
    let private = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: `filter` and its program outlive the call, which copies them.
    let set = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const filter,
        )
    };
    match (private, set) {
        (0, 0) => Ok(()),
        _ => Err(io::Error::new(
            ErrorKind::Unsupported,
            io::Error::last_os_error(),
        )),
    }
}
