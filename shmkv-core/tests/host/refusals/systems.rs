//! File systems that are full or remote, users without permission, kernels without locks.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use libtest_mimic::Failed;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::libc;
use nix::sys::resource::{Resource, setrlimit};
use shmkv_core::{AccessError, CreateError, OpenError, ShmMap};

use super::cases::{Cases, KEY, Map, Reader, VALUE, existing};
use crate::support::directory::Directory;
use crate::support::environment;
use crate::support::proc::{SegmentName, fork_child};
use crate::support::seccomp::{OFD_LOCKS, refuse};

const LONG: Duration = Duration::from_secs(30);
const NOBODY: u32 = 65_534;

/// Needs about a megabyte.
type Large = ShmMap<1000, 8, 1000>;

/// Needs about a hundred kilobytes: many pages.
type Small = ShmMap<64, 8, 1000>;

fn no_space(error: &CreateError) -> bool {
    matches!(
        error,
        CreateError::NoSpace {
            needed: 1_000_000..,
            ..
        }
    )
}

fn nothing_in(path: &str) -> bool {
    std::fs::read_dir(path).unwrap().next().is_none()
}

pub(crate) fn full_file_system() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let child = environment::fork_with_tmpfs("/dev/shm", 256 << 10, || {
        let mut cases = Cases::default();
        let parts = ["/large", "bytes", "more than its file system has free"];
        cases.refused("full", Large::create("/large"), no_space, &parts);
        let at = Large::create_at("/dev/shm/large");
        cases.refused("full, by path", at, no_space, &["/dev/shm/large"]);
        cases.holds("nothing is left", nothing_in("/dev/shm"));

        // The reservation holds when the file system fills up: no entry causes a SIGBUS or an error.
        let map = Small::create("/small").unwrap();
        let filled = std::fs::write("/dev/shm/filler", vec![1; 1 << 20]);
        cases.holds(
            "full",
            filled.is_err_and(|it| it.kind() == ErrorKind::StorageFull),
        );
        for i in 0..64_u64 {
            map.insert(i.to_ne_bytes(), [1; 1000]).unwrap();
        }
        let beyond = map.insert(KEY, [1; 1000]);
        let full = |it: &AccessError| matches!(it, AccessError::Full { capacity: 64 });
        cases.refused("entry N + 1", beyond, full, &["full", "64 entries"]);
        cases.holds(
            "every entry",
            map.iter().all(|entry| entry.is_ok()) && map.len() == 64,
        );
        cases.exit_code()
    });
    cases.child("the child with a small /dev/shm", child.exit_code(LONG));
    cases.report("full file system")
}

/// Another process may have punched a hole that the full file system cannot fill. An access to it would be a
/// SIGBUS, and prefaulting is an error.
pub(crate) fn holes() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let child = environment::fork_with_tmpfs("/dev/shm", 256 << 10, || {
        let mut cases = Cases::default();
        let map = Small::create("/small").unwrap();
        map.insert(KEY, [1; 1000]).unwrap();
        let prefault = Small::options().prefault(true);
        cases.holds("without a hole", prefault.open("/small").is_ok());
        let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let file = File::options().write(true).open("/dev/shm/small").unwrap();
        fallocate(&file, hole, 64 << 10, 16 << 10).unwrap();
        std::fs::write("/dev/shm/filler", vec![1; 1 << 20]).unwrap_err();
        let prefault_failed = |it: &OpenError| {
            matches!(
                it,
                OpenError::Io {
                    action: "prefault",
                    ..
                }
            )
        };
        let parts = ["cannot prefault", "/small", "Bad address"];
        let opened = prefault.open("/small");
        cases.refused("a hole", opened, prefault_failed, &parts);
        let opened = prefault.open_read_only("/small");
        cases.refused("a hole, read", opened, prefault_failed, &parts);
        cases.holds("without prefaulting", Small::open("/small").is_ok());
        std::fs::remove_file("/dev/shm/filler").unwrap();
        cases.holds("a hole and free space", prefault.open("/small").is_ok());
        cases.exit_code()
    });
    cases.child("the child with a small /dev/shm", child.exit_code(LONG));
    cases.report("holes")
}

pub(crate) fn file_size_limit() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let name = SegmentName::unique();
    let child = fork_child(|| {
        let mut cases = Cases::default();
        setrlimit(Resource::RLIMIT_FSIZE, 100_000, 100_000).unwrap();
        let limited = |it: &CreateError| {
            let right = |needed, limit| needed > 1_000_000 && limit == 100_000;
            matches!(*it, CreateError::FileSizeLimit { needed, limit, .. } if right(needed, limit))
        };
        let parts = [name.as_str(), "RLIMIT_FSIZE allows this process 100000"];
        cases.refused("limit", Large::create(name.as_str()), limited, &parts);
        cases.refused(
            "limit, anonymous",
            Large::create_anonymous(),
            limited,
            &parts[1..],
        );
        cases.holds("no name", !name.exists());
        cases.holds("less is allowed", Map::create(name.as_str()).is_ok());
        cases.exit_code()
    });
    cases.child("the child with a limit", child.exit_code(LONG));
    cases.report("file size limit")
}

pub(crate) fn permissions() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let directory = Directory::under(Path::new("/dev/shm"));
    std::fs::set_permissions(directory.file("."), PermissionsExt::from_mode(0o755))?;
    let private = existing(); // mode 0600
    let child = environment::fork_as_uid(NOBODY, || {
        let mut cases = Cases::default();
        let create = |it: &CreateError| matches!(it, CreateError::Io { action: "create", source, .. } if source.kind() == ErrorKind::PermissionDenied);
        let path = directory.file("map");
        let parts = ["cannot create", path.to_str().unwrap(), "Permission denied"];
        cases.refused(
            "a directory of root's",
            Map::create_at(&path),
            create,
            &parts,
        );
        let open = |it: &OpenError| matches!(it, OpenError::Io { action: "open", source, .. } if source.kind() == ErrorKind::PermissionDenied);
        let parts = ["cannot open", private.as_str(), "Permission denied"];
        cases.refused("root's own", Map::open(private.as_str()), open, &parts);
        cases.refused(
            "root's own, read",
            Reader::open(private.as_str()),
            open,
            &parts,
        );
        let removed = shmkv_core::unlink(private.as_str());
        cases.refused(
            "unlink",
            removed,
            |it| it.raw_os_error().is_some(),
            &["not permitted"],
        );
        cases.exit_code()
    });
    cases.child("the child of another user", child.exit_code(LONG));
    cases.holds("nothing was made", directory.names().is_empty());
    cases.report("permissions")
}

/// A sandbox that forbids open file description locks: other processes could not tell whether this one is
/// alive.
pub(crate) fn forbidden_locks() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let (name, new) = (existing(), SegmentName::unique());
    let inherited = Map::open(name.as_str())?;
    for errno in [Errno::EPERM, Errno::ENOSYS, Errno::EINVAL] {
        let child = fork_child(|| {
            let registered = Map::open(name.as_str()).unwrap();
            refuse(OFD_LOCKS, errno);

            let mut cases = Cases::default();
            let create = |it: &CreateError| matches!(it, CreateError::Locks { .. });
            let open = |it: &OpenError| matches!(it, OpenError::Locks { .. });
            let part = "open file description locks do not work";
            let parts = [new.as_str(), part, errno.desc()];
            cases.refused("create", Map::create(new.as_str()), create, &parts);
            let anonymous = Map::create_anonymous();
            cases.refused("create, anonymous", anonymous, create, &parts[1..]);
            let parts = [name.as_str(), part, errno.desc()];
            cases.refused("open", Map::open(name.as_str()), open, &parts);
            cases.holds("no name", !new.exists());
            let reader = Reader::open(name.as_str());
            let read = reader.is_ok_and(|it| it.get(KEY).is_ok());
            cases.holds("reading needs no lock", read);
            // The first write of a forked child registers it as another writer.
            let io = |it: &AccessError| matches!(it, AccessError::Io { .. });
            let parts = ["cannot register as a writer", errno.desc()];
            cases.refused(
                "a child's first write",
                inherited.insert(KEY, VALUE),
                io,
                &parts,
            );
            cases.holds("a child reads", inherited.get(KEY).is_ok());
            cases.holds("a writer stays one", registered.insert(KEY, VALUE).is_ok());
            cases.exit_code()
        });
        cases.child("the child in a sandbox", child.exit_code(LONG));
    }
    cases.report("forbidden locks")
}

// ---- Network file systems cannot be mounted here. So this program replaces the kernel's answer about the kind of the
// file system: these two functions take precedence over those of the C library.

/// The kind of file system to report; 0: the real one.
static PRETENDED: AtomicI64 = AtomicI64::new(0);

/// # Safety
///
/// As `fstatfs(2)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn fstatfs64(fd: libc::c_int, into: *mut libc::statfs64) -> libc::c_int {
    // SAFETY: the caller's pointer is good for the kernel's answer.
    let result = unsafe { libc::syscall(libc::SYS_fstatfs, fd, into) };
    let pretended = PRETENDED.load(Relaxed);
    if result == 0 && pretended != 0 {
        // SAFETY: the kernel has just filled it in.
        unsafe { (*into).f_type = pretended };
    }
    result as libc::c_int
}

/// # Safety
///
/// As `fstatfs(2)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn fstatfs(fd: libc::c_int, into: *mut libc::statfs64) -> libc::c_int {
    // SAFETY: as the caller promises; on 64-bit machines both structs are the same.
    unsafe { fstatfs64(fd, into) }
}

pub(crate) fn network_file_systems() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let name = existing();
    let kinds = [
        ("NFS", 0x6969),
        ("SMB", 0x517b),
        ("CIFS", 0xff53_4d42),
        ("SMB2", 0xfe53_4d42),
        ("FUSE", 0x6573_5546),
        ("9p", 0x0102_1997),
        ("Ceph", 0x00c3_6400),
        ("AFS", 0x5346_414f),
        ("Lustre", 0x0bd0_0bd0),
    ];
    for (kind, magic) in kinds {
        let directory = Directory::new();
        let path = directory.file("map");
        PRETENDED.store(magic, Relaxed);
        let created = Map::create_at(&path);
        let opened = Map::open(name.as_str());
        let reader = Reader::open(name.as_str());
        PRETENDED.store(0, Relaxed);
        let create = |it: &CreateError| matches!(it, CreateError::NetworkFileSystem { kind: found, .. } if *found == kind);
        let open = |it: &OpenError| matches!(it, OpenError::NetworkFileSystem { kind: found, .. } if *found == kind);
        let parts = [kind, "is a network file system", "use a local one"];
        cases.refused(kind, created, create, &parts);
        cases.refused(kind, opened, open, &parts);
        cases.holds("reading is allowed", reader.is_ok());
        cases.holds("nothing is left", directory.names().is_empty());
    }
    PRETENDED.store(0x0102_1994, Relaxed); // tmpfs
    cases.holds(
        "a local file system is accepted",
        Map::open(name.as_str()).is_ok(),
    );
    PRETENDED.store(0, Relaxed);
    cases.report("network file systems")
}
