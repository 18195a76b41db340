//! The segment of a trial, and what is checked from outside: its lock word and its registrations.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use shmkv_core::{AccessError, ShmMap, ShmReader};

use super::cases::ensure;
use crate::support::proc::{Child, SegmentName};

/// The length of a value. Copying it takes most of a write, so a writer stopped at random often holds the
/// lock.
const LARGE: usize = 32 << 10;
pub(crate) type Map = ShmMap<16, 8, LARGE>;
pub(crate) type Reader = ShmReader<16, 8, LARGE>;

pub(crate) const KEY: [u8; 8] = *b"the key.";
/// The key that a process stores that takes over a lock; the holder stores [`KEY`].
pub(crate) const OTHER: [u8; 8] = *b"another.";

/// Enough for a live writer to finish, on a loaded machine too.
pub(crate) const LONG: Duration = Duration::from_secs(30);
/// Far longer than the kernel needs to release a registration, and shorter than idle processes live.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the impatient wait for a stopped holder.
const SHORT: Duration = Duration::from_millis(60);

/// A value of equal bytes, by which a torn one is recognised.
pub(crate) fn value(byte: u8) -> [u8; LARGE] {
    [byte; LARGE]
}

/// The byte of a value; an error if it is torn.
pub(crate) fn byte_of(value: &[u8; LARGE]) -> Result<u8, String> {
    let byte = value[0];
    let whole = value.iter().all(|it| *it == byte);
    if whole {
        Ok(byte)
    } else {
        Err("a torn value".to_owned())
    }
}

/// A segment with an entry, which reads the lock word and the registrations without the library.
pub(crate) struct Segment {
    pub(crate) name: SegmentName,
    file: File,
}

impl Segment {
    pub(crate) fn new() -> Self {
        let name = SegmentName::unique();
        let map = Map::options().mode(0o644).create(name.as_str()).unwrap();
        map.insert(KEY, value(0)).unwrap();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.path())
            .unwrap();
        Self { name, file }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Opens the map with a long lock timeout.
    pub(crate) fn open(&self) -> Map {
        Map::options().lock_timeout(LONG).open(self.name()).unwrap()
    }

    /// Opens the map with a short lock timeout.
    pub(crate) fn open_impatient(&self) -> Map {
        Map::options()
            .lock_timeout(SHORT)
            .open(self.name())
            .unwrap()
    }

    /// The id of the holder according to the lock word; 0 if the lock is free.
    pub(crate) fn holder(&self) -> u32 {
        let mut word = [0; 4];
        self.file.read_exact_at(&mut word, 1024).unwrap();
        u32::from_ne_bytes(word) & ((1 << 30) - 1)
    }

    /// The ids that are registered with the kernel.
    pub(crate) fn registered(&self) -> Vec<u32> {
        let base = 1 << 62;
        let mut ids = Vec::new();
        let mut from: i64 = base;
        loop {
            let mut range = libc::flock {
                l_type: libc::F_WRLCK as i16,
                l_whence: libc::SEEK_SET as i16,
                l_start: from,
                l_len: 1 << 30,
                l_pid: 0,
            };
            fcntl(&self.file, FcntlArg::F_OFD_GETLK(&mut range)).unwrap();
            if range.l_type == libc::F_UNLCK as i16 {
                return ids;
            }
            ids.push((range.l_start - base) as u32);
            from = range.l_start + 1;
        }
    }

    /// Waits until exactly `ids` are registered. The kernel may release a registration a moment after other
    /// processes see that its owner has ended; a process that reads the owner's `/proc` entry may delay it
    /// as long.
    pub(crate) fn only_registered(&self, ids: &[u32], what: &str) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let registered = self.registered();
            if registered == ids {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!(
                    "{what}: {registered:?} are registered, not {ids:?}"
                ));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Stops `writer`, which does nothing but write, while it holds the lock.
    pub(crate) fn stop_in_lock(&self, writer: &Child) {
        let mut random = fastrand::Rng::with_seed(u64::from(writer.pid().as_raw().unsigned_abs()));
        let start = Instant::now();
        while start.elapsed() < LONG {
            std::thread::sleep(Duration::from_micros(random.u64(50..400)));
            writer.stop();
            if self.holder() != 0 {
                return;
            }
            writer.cont();
        }
        panic!("the writer was never stopped while it held the lock");
    }

    /// Checks that `map` takes over the lock of a dead holder, and that everything is whole.
    pub(crate) fn is_taken_over_by(&self, map: &Map) -> Result<(), String> {
        ensure(self.holder() != 0, "the dead writer does not hold the lock")?;
        let before = map.stats().takeovers;
        map.insert(OTHER, value(1))
            .map_err(|error| format!("the next writer: {error}"))?;
        ensure(
            map.stats().takeovers == before + 1,
            "the next writer did not take the lock over",
        )?;
        ensure(self.holder() == 0, "the next writer still holds the lock")?;
        let found = map.get(KEY).map_err(|error| error.to_string())?;
        byte_of(&found.ok_or("the key is missing")?)?;
        let faults = map.check();
        ensure(faults.is_empty(), &format!("{faults:?}"))
    }

    /// Checks that other writers time out while a live holder is stopped, and that reads succeed.
    pub(crate) fn is_respected(&self) -> Result<(), String> {
        let holder = self.holder();
        ensure(holder != 0, "the lock is free")?;
        let map = self.open_impatient();
        let answer = map.insert(OTHER, value(1)).map(|_| ());
        ensure(
            matches!(answer, Err(AccessError::LockTimeout { waited }) if waited == SHORT),
            &format!("the other writer's answer: {answer:?}"),
        )?;
        ensure(self.holder() == holder, "the lock has another holder")?;
        let reader = Reader::open(self.name()).map_err(|error| error.to_string())?;
        for found in [map.get(KEY), reader.get(KEY)] {
            let found = found.map_err(|error| format!("a reader: {error}"))?;
            byte_of(&found.ok_or("the key is missing")?)?;
        }
        ensure(
            matches!(reader.get(OTHER), Ok(None)),
            "the writer that timed out has stored its key",
        )
    }
}
