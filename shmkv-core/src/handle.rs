//! A segment that this process has open: its birth, its names, its locks.
//!
//! Creation and opening happen here, on the layers below; what a map does with
//! the table is a layer above. A new segment is complete before it has a name.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::codec::ParsedSchema;
use crate::error::{AccessError, CreateError, OpenError};
use crate::header::{Header, Spec};
use crate::home::Home;
use crate::layout::Geometry;
use crate::lock::{self, Acquired, Guard, MAX_ID, Os};
use crate::memory::Memory;
use crate::sync::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::sys::{self, Claim, Deadline, Mapping, Object, Refusal, futex};

/// How a segment is created or opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Permission bits of a new segment.
    pub(crate) mode: u32,
    /// How long to wait for a living holder of a lock.
    pub(crate) lock_timeout: Duration,
}

/// States of a file's contents, in the header's `clean` word.
const CHANGED: u64 = 0;
/// What a completed flush wrote, and nothing else.
const CLEAN: u64 = 1;
/// About to change; the device may still say `CLEAN`.
const UNCERTAIN: u64 = 2;

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
        let received = Object::of(fd.into()).map_err(io("look at"))?;
        if !received.is_sealed() {
            return Err(OpenError::Unsealed);
        }
        // It shares its open file description, and so its locks, with the
        // sender: take one of our own.
        let file = received.reopen(writable).map_err(io("re-open"))?;
        let object = Object::of(file).map_err(io("look at"))?;
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

    /// The types of its keys and values.
    pub(crate) fn types(&self) -> Result<(ParsedSchema, ParsedSchema), OpenError> {
        let (key, value) = self.header.types(&self.home)?;
        let dimensions = &self.header.dimensions;
        if (key.size(), value.size()) != (dimensions.key_len, dimensions.value_len) {
            return Err(OpenError::Damaged {
                name: self.home.to_string(),
                what: "its schema describes other sizes than it has",
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
        let claim = if writable {
            if let Some(kind) = object.network_file_system().map_err(io("look at"))? {
                return Err(OpenError::NetworkFileSystem { name: name(), kind });
            }
            let claim = Claim::new(&object);
            Some(claim.map_err(|source| OpenError::Locks {
                name: name(),
                source,
            })?)
        } else {
            None
        };
        let len = geometry.dimensions().schema_at;
        let mapping = Mapping::new(&object, len, writable).map_err(io("map"))?;
        let memory = Memory::new(geometry, mapping, header.seed)
            .ok_or_else(|| io("map")(io::ErrorKind::UnexpectedEof.into()))?;
        if home.is_file() {
            let boot = sys::boot_id().map_err(io("read the boot id for"))?;
            let shared = memory.shared();
            // In this order: whoever clears the mark has stamped the boot.
            let clean = shared.clean.load(Acquire) == CLEAN;
            let found = shared.boot.each_ref().map(|word| word.load(Relaxed));
            if found != boot && !clean {
                return Err(OpenError::Stale { name: name() });
            }
            if found != boot && writable {
                stamp(&memory, boot);
            }
        }
        let lock_timeout = settings.lock_timeout;
        Ok(Handle {
            memory,
            object,
            home,
            claim,
            lock_timeout,
        })
    }
}

/// An open segment.
#[derive(Debug)]
pub(crate) struct Handle<G> {
    pub(crate) memory: Memory<G>,
    object: Object,
    home: Home,
    /// `None` on a read-only handle.
    claim: Option<Claim>,
    lock_timeout: Duration,
}

/// The lock of a shard, held by this process.
pub(crate) type Locked<'a> = Guard<'a, Object>;

impl<G: Geometry> Handle<G> {
    /// Creates a segment; its name must be free.
    pub(crate) fn create(
        home: Home,
        spec: &Spec,
        geometry: G,
        settings: Settings,
    ) -> Result<Self, CreateError> {
        let name = || home.to_string();
        let io = |action: &'static str| {
            let name = name();
            move |source: io::Error| CreateError::Io {
                action,
                name,
                source,
            }
        };
        let (object, temporary) = match home.path() {
            None => (Object::anonymous().map_err(io("create"))?, None),
            Some(path) if path.symlink_metadata().is_ok() => {
                // Looked at first, lest gigabytes are reserved in vain.
                return Err(CreateError::AlreadyExists { name: name() });
            }
            Some(path) => {
                let directory = directory_of(path);
                match Object::nameless_in(directory).map_err(io("create"))? {
                    Some(object) => (object, None),
                    None => {
                        let tag = sys::random_seed().map_err(io("create"))?;
                        let made = Object::private_in(directory, tag).map_err(io("create"))?;
                        (made.0, Some(Temporary(made.1)))
                    }
                }
            }
        };
        if let Some(kind) = object.network_file_system().map_err(io("look at"))? {
            return Err(CreateError::NetworkFileSystem { name: name(), kind });
        }
        object
            .set_mode(settings.mode)
            .map_err(io("set the mode of"))?;
        let needed = spec.total_len();
        object.reserve(needed).map_err(|refusal| match refusal {
            Refusal::NoSpace => CreateError::NoSpace {
                name: name(),
                needed,
            },
            Refusal::FileSizeLimit(limit) => CreateError::FileSizeLimit {
                name: name(),
                needed,
                limit,
            },
            Refusal::Io(source) => io("reserve space for")(source),
        })?;
        let seed = sys::random_seed().map_err(io("seed"))?;
        spec.write(&object, seed).map_err(io("write"))?;
        let boot = sys::boot_id().map_err(io("read the boot id for"))?;
        let claim = Claim::new(&object).map_err(|source| CreateError::Locks {
            name: name(),
            source,
        })?;
        let mapping =
            Mapping::new(&object, geometry.dimensions().schema_at, true).map_err(io("map"))?;
        let memory = Memory::new(geometry, mapping, seed)
            .ok_or_else(|| io("map")(io::ErrorKind::UnexpectedEof.into()))?;
        stamp(&memory, boot);
        match (home.path(), &temporary) {
            (None, _) => object.seal().map_err(io("seal"))?,
            (Some(path), temporary) => {
                let linked = match temporary {
                    None => object.link(path),
                    Some(Temporary(from)) => std::fs::hard_link(from, path),
                };
                linked.map_err(|source| match source.kind() {
                    io::ErrorKind::AlreadyExists => CreateError::AlreadyExists { name: name() },
                    _ => io("name")(source),
                })?;
            }
        }
        drop(temporary);
        let lock_timeout = settings.lock_timeout;
        Ok(Self {
            memory,
            object,
            home,
            claim: Some(claim),
            lock_timeout,
        })
    }

    /// Whether this handle may write.
    pub(crate) fn is_writable(&self) -> bool {
        self.claim.is_some()
    }

    /// The object itself.
    pub(crate) fn object(&self) -> &Object {
        &self.object
    }

    /// Where the segment lives.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Writers that have ever registered.
    pub(crate) fn writers(&self) -> u64 {
        self.memory.shared().next_id.load(Relaxed)
    }

    /// Writers that are alive.
    pub(crate) fn live_writers(&self) -> io::Result<usize> {
        sys::count_alive(&self.object, MAX_ID)
    }

    /// How long operations wait for a living writer.
    pub(crate) fn lock_timeout(&self) -> Duration {
        self.lock_timeout
    }

    /// Removes the segment's name, if it is still this segment's.
    pub(crate) fn unlink(&self) -> io::Result<()> {
        let Some(path) = self.home.path() else {
            let message = "an anonymous segment has no name to remove";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        if !self.object.is_at(path)? {
            let message = format!("{} now names another segment; it was left alone", self.home);
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        std::fs::remove_file(path)
    }

    /// Takes the lock of one shard, repairing what a dead holder left.
    #[inline]
    pub(crate) fn lock(&self, shard: usize) -> Result<Locked<'_>, AccessError> {
        let me = match self.claim.as_ref().and_then(Claim::id) {
            Some(id) => id,
            None => self.register()?,
        };
        let table = self.memory.table();
        let word = &table.shard(shard).lock;
        let mut deadline = Deadline::new(self.lock_timeout);
        let acquired = lock::acquire(word, shard, me, &self.object, || deadline.has_passed());
        let guard = match acquired {
            Ok(Acquired::Clean(guard)) => guard,
            Ok(Acquired::OwnerDied(orphan)) => orphan.recover(&table),
            Err(lock::TimedOut) => {
                return Err(AccessError::LockTimeout {
                    waited: self.lock_timeout,
                });
            }
        };
        if self.home.is_file() && self.memory.shared().clean.load(Relaxed) != CHANGED {
            return self.mark_unclean(guard);
        }
        Ok(guard)
    }

    /// Takes the locks of all shards, in their order.
    pub(crate) fn lock_all(&self) -> Result<Vec<Locked<'_>>, AccessError> {
        let shards = self.memory.table().shards().len();
        let mut all = Vec::with_capacity(shards);
        for shard in 0..shards {
            match self.lock(shard) {
                Ok(guard) => all.push(guard),
                Err(error) => {
                    release_all(all);
                    return Err(error);
                }
            }
        }
        Ok(all)
    }

    /// Writes a file-backed segment to its device, and marks it clean: until
    /// the next change its contents outlast a restart of the machine.
    pub(crate) fn flush(&self) -> Result<(), AccessError> {
        let all = self.lock_all()?;
        let flushed = self.write_back();
        release_all(all);
        flushed.map_err(|source| AccessError::Io {
            action: "flush the map",
            source,
        })
    }

    fn write_back(&self) -> io::Result<()> {
        self.memory.mapping().sync()?;
        if self.home.is_file() {
            self.memory.shared().clean.store(CLEAN, Release);
            self.memory.mapping().sync_head()?;
        }
        Ok(())
    }

    /// Notes, on the device, that the contents are about to change.
    #[cold]
    fn mark_unclean<'a>(&'a self, guard: Locked<'a>) -> Result<Locked<'a>, AccessError> {
        // If this process dies in between, the next writer does it again.
        let clean = &self.memory.shared().clean;
        clean.store(UNCERTAIN, Release);
        match self.memory.mapping().sync_head() {
            Ok(()) => {
                clean.store(CHANGED, Release);
                Ok(guard)
            }
            Err(source) => {
                guard.release();
                let action = "note in the file that the map changes";
                Err(AccessError::Io { action, source })
            }
        }
    }

    /// Makes this process a writer.
    #[cold]
    fn register(&self) -> Result<u32, AccessError> {
        let failed = |source| AccessError::Io {
            action: "register as a writer of the map",
            source,
        };
        let Some(claim) = &self.claim else {
            return Err(failed(io::ErrorKind::PermissionDenied.into()));
        };
        let table = self.memory.table();
        let next_id = &self.memory.shared().next_id;
        let next = || 1 + (next_id.fetch_add(1, Relaxed) % u64::from(MAX_ID)) as u32;
        // After 2^30 ids, or in a damaged segment, somebody dead may hold a
        // lock under an id that is ours now.
        let disown = |id| {
            for shard in table.shards() {
                lock::disown(&shard.lock, id);
            }
        };
        claim.register(&self.object, next, disown).map_err(failed)
    }
}

/// Gives all locks back.
pub(crate) fn release_all(all: Vec<Locked<'_>>) {
    for guard in all {
        guard.release();
    }
}

/// Notes the boot under which the segment is written.
fn stamp<G: Geometry>(memory: &Memory<G>, boot: [u64; 2]) {
    for (word, part) in memory.shared().boot.iter().zip(boot) {
        word.store(part, Release);
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

impl Os for Object {
    fn is_alive(&self, id: u32) -> bool {
        sys::is_alive(self, id)
    }

    fn sleep(&self, word: &AtomicU32, seen: u32, at_most: Duration) {
        futex::wait(word, seen, at_most);
    }

    fn wake_one(&self, word: &AtomicU32) {
        futex::wake_one(word);
    }

    fn spin(&self) {
        std::hint::spin_loop();
    }
}
