//! Environments for a process: another PID namespace, another user, a full file system.
//!
//! Namespaces, mounts and other users need root: ask [`is_root`] first, and say so when a case is
//! left out. Each function changes only the child that it forks, except where it says otherwise.

use std::fs::File;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

use super::proc::{Child, die_with_parent, fork_child};

const NO_NAME: Option<&str> = None;

/// Forks a child that is PID 1 of a PID namespace of its own, yet a direct child of this process.
pub(crate) fn fork_in_pid_namespace(main: impl FnOnce() -> i32) -> Child {
    let own = File::open("/proc/self/ns/pid").expect("/proc/self/ns/pid");
    // Both calls affect only the children that this process forks afterwards.
    unshare(CloneFlags::CLONE_NEWPID).expect("unshare(CLONE_NEWPID)");
    let child = fork_child(main);
    setns(own, CloneFlags::CLONE_NEWPID).expect("setns to the own PID namespace");
    child
}

/// Forks a child with user and group id `id`, no other groups, and so no privileges.
pub(crate) fn fork_as_uid(id: u32, main: impl FnOnce() -> i32) -> Child {
    fork_child(move || {
        setgroups(&[]).expect("setgroups");
        setgid(Gid::from_raw(id)).expect("setgid");
        setuid(Uid::from_raw(id)).expect("setuid");
        die_with_parent(); // `setuid` has cleared it
        main()
    })
}

/// Forks a child that has a tmpfs of `size` bytes at `target`. No other process sees the mount, which
/// ends with the child.
pub(crate) fn fork_with_tmpfs(target: &str, size: usize, main: impl FnOnce() -> i32) -> Child {
    fork_child(move || {
        let _tmpfs = Tmpfs::mount(target, size);
        main()
    })
}

/// As [`fork_with_tmpfs`], with the mount option `huge`: `never`, `advise`, `within_size` or `always`.
pub(crate) fn fork_with_huge_tmpfs(
    target: &str,
    size: usize,
    huge: &str,
    main: impl FnOnce() -> i32,
) -> Child {
    fork_child(move || {
        let _tmpfs = Tmpfs::mount_with(target, &format!("size={size},mode=1777,huge={huge}"));
        main()
    })
}

/// A tmpfs in this process's own mount namespace. Unmounted on drop.
#[derive(Debug)]
pub(crate) struct Tmpfs(PathBuf);

impl Tmpfs {
    /// Moves this process to a mount namespace of its own for good: call it in a child.
    pub(crate) fn mount(target: impl AsRef<Path>, size: usize) -> Self {
        Self::mount_with(target, &format!("size={size},mode=1777"))
    }

    /// As [`mount`](Self::mount), with options as those of `mount -o`.
    pub(crate) fn mount_with(target: impl AsRef<Path>, options: &str) -> Self {
        unshare(CloneFlags::CLONE_NEWNS).expect("unshare(CLONE_NEWNS)");
        // Otherwise the mount would propagate to the namespace of the parent, and stay there.
        mount(
            NO_NAME,
            "/",
            NO_NAME,
            MsFlags::MS_REC | MsFlags::MS_PRIVATE,
            NO_NAME,
        )
        .expect("make / private");
        mount(
            Some("tmpfs"),
            target.as_ref(),
            Some("tmpfs"),
            MsFlags::empty(),
            Some(options),
        )
        .expect("mount tmpfs");
        Self(target.as_ref().to_owned())
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

/// Whether this process may use namespaces, mounts and other users.
pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}
