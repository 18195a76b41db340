//! The worlds that a process may live in: another PID namespace, another user, a full file system, one CPU.
//!
//! Namespaces, mounts and other users need root; ask [`is_root`] first and say so when a case is left out. Each function
//! changes the child that it forks and leaves this process as it was, except where it says otherwise.

use std::fs::File;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, CpuSet, sched_setaffinity, setns, unshare};
use nix::unistd::{Gid, Pid, Uid, geteuid, setgid, setgroups, setuid};

use super::proc::{Child, die_with_parent, fork_child};

const NO_NAME: Option<&str> = None;

/// Forks a child that is PID 1 of a PID namespace of its own, yet a direct child of this process.
pub(crate) fn fork_in_pid_namespace(main: impl FnOnce() -> i32) -> Child {
    let own = File::open("/proc/self/ns/pid").expect("/proc/self/ns/pid");
    // Both calls change only where this process's *next* children are born.
    unshare(CloneFlags::CLONE_NEWPID).expect("unshare(CLONE_NEWPID)");
    let child = fork_child(main);
    setns(own, CloneFlags::CLONE_NEWPID).expect("setns to the own PID namespace");
    child
}

/// Forks a child that is user and group `id`, without groups and so without privileges.
pub(crate) fn fork_as_uid(id: u32, main: impl FnOnce() -> i32) -> Child {
    fork_child(move || {
        setgroups(&[]).expect("setgroups");
        setgid(Gid::from_raw(id)).expect("setgid");
        setuid(Uid::from_raw(id)).expect("setuid");
        die_with_parent(); // a change of user clears it
        main()
    })
}

/// Forks a child that sees a tmpfs of `size` bytes at `target`, alone; the mount ends with it.
pub(crate) fn fork_with_tmpfs(target: &str, size: usize, main: impl FnOnce() -> i32) -> Child {
    fork_child(move || {
        let _tmpfs = Tmpfs::mount(target, size);
        main()
    })
}

/// The same; which pages are huge is up to the mount's option: `never`, `advise`, `within_size`, `always`.
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

/// A small tmpfs mounted in a mount namespace of this process's own. Unmounted on drop.
#[derive(Debug)]
pub(crate) struct Tmpfs(PathBuf);

impl Tmpfs {
    /// Leaves the shared mount namespace for good: call it in a child.
    pub(crate) fn mount(target: impl AsRef<Path>, size: usize) -> Self {
        Self::mount_with(target, &format!("size={size},mode=1777"))
    }

    /// As [`mount`](Self::mount), with options as those of `mount -o`.
    pub(crate) fn mount_with(target: impl AsRef<Path>, options: &str) -> Self {
        unshare(CloneFlags::CLONE_NEWNS).expect("unshare(CLONE_NEWNS)");
        // Or the mount would show, and stay, outside.
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

/// Namespaces, mounts and other users are for root.
pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

/// Keeps this thread on one CPU.
pub(crate) fn pin_to_cpu(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu).expect("a CPU number");
    sched_setaffinity(Pid::from_raw(0), &set).expect("sched_setaffinity");
}
