//! Shared-memory objects: creating, opening, naming and sealing them, and reserving
//! their space. Nothing is mapped here.
//!
//! An object is a regular file: on `/dev/shm` (POSIX shared memory), at a path, or
//! without a name (`memfd`). `segment` fills it in before it has a name, so that a
//! name appears with a complete segment behind it or not at all, and a creator that
//! dies leaves nothing behind.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{self, AtFlags, FallocateFlags, FcntlArg, SealFlag};
use nix::libc;
use nix::sys::memfd::{self, MFdFlags};
use nix::sys::resource::{self, Resource};
use nix::sys::statfs;

/// An open object, with the device and inode that identify it.
#[derive(Debug)]
pub(crate) struct Object {
    file: File,
    device: u64,
    inode: u64,
}

/// Why space was not reserved.
#[derive(Debug)]
pub(crate) enum ReserveError {
    /// The file system has too little free space.
    NoSpace,
    /// The process may create files of at most this many bytes (`RLIMIT_FSIZE`).
    FileSizeLimit(u64),
    /// The kernel's error.
    Io(io::Error),
}

/// Network and cluster file systems, by magic number. On two hosts their mappings are
/// not one memory, and their locks not one kernel's.
const NETWORK: [(i64, &str); 15] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x2003_0528, "OrangeFS"),
    (0x786f_4256, "vboxsf"),
];

/// Space is reserved in steps of this many bytes: a signal interrupts one step, which
/// is then repeated.
const RESERVE_STEP: u64 = 64 << 20;

impl Object {
    /// The object that an open file is, if it is a regular file.
    pub(crate) fn of(file: File) -> io::Result<Self> {
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        Ok(Self {
            file,
            device: found.dev(),
            inode: found.ino(),
        })
    }

    /// Opens the object at `path`. Follows no symbolic link, which another user may have
    /// put there, and does not block, as opening a FIFO would.
    pub(crate) fn open(path: &Path, writable: bool) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(writable)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)?;
        Self::of(file)
    }

    /// A new, empty object without a name, on the file system of `directory`; `None` if
    /// that does not support such objects.
    pub(crate) fn nameless_in(directory: &Path) -> io::Result<Option<Self>> {
        let made = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(0o600)
            .custom_flags(libc::O_TMPFILE)
            .open(directory);
        match made {
            Ok(file) => Self::of(file).map(Some),
            Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL) => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// A new, empty object under a temporary name, of this process and `tag`.
    pub(crate) fn private_in(directory: &Path, tag: u64) -> io::Result<(Self, PathBuf)> {
        let path = directory.join(format!(".shmkv-{}-{tag:016x}", std::process::id()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(0o600)
            .create_new(true)
            .open(&path)?;
        match Self::of(file) {
            Ok(object) => Ok((object, path)),
            Err(error) => {
                // Best effort: an empty file may be left behind.
                let _ = std::fs::remove_file(&path);
                Err(error)
            }
        }
    }

    /// A new, empty object that never has a name and can be sealed.
    pub(crate) fn anonymous() -> io::Result<Self> {
        let name = c"shmkv";
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let no_exec = MFdFlags::from_bits_retain(libc::MFD_NOEXEC_SEAL);
        let fd = match memfd::memfd_create(name, flags | no_exec) {
            // Kernels before 6.3 do not know `MFD_NOEXEC_SEAL`.
            Err(Errno::EINVAL) => memfd::memfd_create(name, flags)?,
            made => made?,
        };
        Self::of(File::from(fd))
    }

    /// Sets the permission bits, whatever the umask.
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(mode))
    }

    /// Makes the object `len` bytes long and reserves all of them, so that no later access
    /// finds the file system full, which would be a SIGBUS.
    pub(crate) fn reserve(&self, len: u64) -> Result<(), ReserveError> {
        // Compared first: exceeding the limit is a signal, SIGXFSZ, and not an error.
        let (limit, _) = resource::getrlimit(Resource::RLIMIT_FSIZE).map_err(ReserveError::from)?;
        if len > limit {
            return Err(ReserveError::FileSizeLimit(limit));
        }
        // Asked first: a reservation that must fail would take all free space before it
        // does.
        if self.free_space()?.is_some_and(|free| len > free) {
            return Err(ReserveError::NoSpace);
        }
        let mut at = 0;
        while at < len {
            let step = RESERVE_STEP.min(len - at);
            let (offset, bytes) = (at.cast_signed(), step.cast_signed());
            match fcntl::fallocate(&self.file, FallocateFlags::empty(), offset, bytes) {
                Ok(()) => at += step,
                Err(Errno::EINTR) => {}
                Err(Errno::EOPNOTSUPP) => return Ok(self.write_zeros(at, len)?),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// An upper bound of the bytes that are free on the file system; `None` if it has no
    /// size, as that of anonymous objects.
    fn free_space(&self) -> Result<Option<u64>, ReserveError> {
        let found = statfs::fstatfs(&self.file)?;
        // Signed on some platforms; a negative size means nothing.
        #[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
        let block = u64::try_from(found.block_size()).unwrap_or(0);
        let free = found.blocks_free().saturating_mul(block);
        Ok((found.blocks() != 0).then_some(free))
    }

    /// Reserves by writing zeros, on file systems without `fallocate`.
    fn write_zeros(&self, from: u64, len: u64) -> io::Result<()> {
        let zeros = vec![0; 1 << 20];
        let mut at = from;
        while at < len {
            let step = (len - at).min(zeros.len() as u64);
            self.write_at(&zeros[..step as usize], at)?;
            at += step;
        }
        Ok(())
    }

    /// The object's length in bytes.
    pub(crate) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Reads exactly `out.len()` bytes.
    pub(crate) fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(out, at)
    }

    /// Writes all of `bytes`.
    pub(crate) fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }

    /// Writes the object to its device, and waits until it is there.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Gives a nameless object its name; an error if the name is taken.
    pub(crate) fn link(&self, path: &Path) -> io::Result<()> {
        let from = self.proc_path();
        let (here, flags) = (fcntl::AT_FDCWD, AtFlags::AT_SYMLINK_FOLLOW);
        nix::unistd::linkat(here, from.as_path(), here, path, flags)?;
        Ok(())
    }

    /// Forbids, for good, to change the length.
    pub(crate) fn seal(&self) -> io::Result<()> {
        let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
        fcntl::fcntl(&self.file, FcntlArg::F_ADD_SEALS(seals))?;
        Ok(())
    }

    /// Whether the object can no longer be shortened.
    pub(crate) fn is_sealed(&self) -> bool {
        fcntl::fcntl(&self.file, FcntlArg::F_GET_SEALS)
            .is_ok_and(|seals| seals & SealFlag::F_SEAL_SHRINK.bits() != 0)
    }

    /// The kind of network file system that the object is on, if it is on one.
    pub(crate) fn network_file_system(&self) -> io::Result<Option<&'static str>> {
        // Signed in glibc, unsigned in musl.
        #[allow(clippy::unnecessary_cast)]
        let kind = statfs::fstatfs(&self.file)?.filesystem_type().0 as i64;
        let known = NETWORK.iter().find(|(magic, _)| *magic == kind);
        Ok(known.map(|(_, name)| *name))
    }

    /// Whether the object is in memory only: on `/dev/shm` or another tmpfs, or
    /// anonymous.
    pub(crate) fn is_memory(&self) -> io::Result<bool> {
        Ok(statfs::fstatfs(&self.file)?.filesystem_type() == statfs::TMPFS_MAGIC)
    }

    /// The same object through an open file description of its own.
    pub(crate) fn reopen(&self, writable: bool) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(writable)
            .custom_flags(libc::O_NONBLOCK)
            .open(self.proc_path())?;
        if self.is(&file) {
            Ok(file)
        } else {
            Err(replaced())
        }
    }

    /// Whether the descriptor still refers to the object that was opened. The program may
    /// have closed it and opened another file under its number.
    pub(crate) fn is_intact(&self) -> bool {
        self.is(&self.file)
    }

    /// Whether `file` is this object.
    fn is(&self, file: &File) -> bool {
        file.metadata()
            .is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode)
    }

    /// Whether `path` names this very object.
    pub(crate) fn is_at(&self, path: &Path) -> io::Result<bool> {
        let found = std::fs::symlink_metadata(path)?;
        Ok(found.dev() == self.device && found.ino() == self.inode)
    }

    /// A path that leads to the object, with a name or without.
    fn proc_path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }
}

impl AsFd for Object {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl From<io::Error> for ReserveError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Io(error),
        }
    }
}

impl From<Errno> for ReserveError {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}

/// The descriptor no longer refers to the object.
fn replaced() -> io::Error {
    io::Error::other(
        "this program closed or replaced the map's file descriptor; open the map again",
    )
}
