//! Processes: fork with and without exec, stopping, killing, waiting; names that are theirs alone.
//!
//! A [`Child`] is killed and reaped when it is dropped and dies with its parent, so a failing test leaves nothing behind. Its
//! closure's result is the exit code (0 to 255); a panic in it is 101, as for any Rust program. For other users and namespaces see [`world`](super::world).

use std::cell::Cell;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, pipe};

/// The variable in which a process executed anew finds its role.
pub(crate) const ROLE: &str = "SHMKV_TEST_ROLE";

/// A child process. Killed and reaped on drop.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    ended: Cell<Option<WaitStatus>>,
}

impl Child {
    fn new(pid: Pid) -> Self {
        Self {
            pid,
            ended: Cell::new(None),
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends `signal`; no harm if the child has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.ended.get().is_none() {
            kill(self.pid, signal).expect("kill");
        }
    }

    /// SIGKILL, then waits until the kernel has let go of everything that the child held.
    pub(crate) fn kill(&self) -> WaitStatus {
        self.signal(Signal::SIGKILL);
        self.wait()
    }

    /// SIGSTOP, then waits until the child stands still.
    pub(crate) fn stop(&self) {
        self.signal(Signal::SIGSTOP);
        let status = self.wait_for(WaitPidFlag::WUNTRACED);
        assert!(
            matches!(status, WaitStatus::Stopped(..)),
            "to be stopped, but: {status:?}"
        );
    }

    /// SIGCONT.
    pub(crate) fn cont(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Waits for the end.
    pub(crate) fn wait(&self) -> WaitStatus {
        self.wait_for(WaitPidFlag::empty())
    }

    /// Waits for the end; `None` if it has not come by then.
    pub(crate) fn wait_timeout(&self, timeout: Duration) -> Option<WaitStatus> {
        let start = Instant::now();
        loop {
            match self.wait_for(WaitPidFlag::WNOHANG) {
                WaitStatus::StillAlive if start.elapsed() > timeout => return None,
                WaitStatus::StillAlive => std::thread::sleep(Duration::from_micros(200)),
                ended => return Some(ended),
            }
        }
    }

    /// Waits for the end, at most `timeout`; the exit code, or why there is none.
    pub(crate) fn exit_code(&self, timeout: Duration) -> Result<i32, String> {
        match self.wait_timeout(timeout) {
            Some(WaitStatus::Exited(_, code)) => Ok(code),
            Some(other) => Err(format!("{other:?}")),
            None => Err(format!("still running after {timeout:?}")),
        }
    }

    fn wait_for(&self, flags: WaitPidFlag) -> WaitStatus {
        if let Some(status) = self.ended.get() {
            return status;
        }
        loop {
            match waitpid(self.pid, Some(flags)) {
                Ok(status) => {
                    if matches!(status, WaitStatus::Exited(..) | WaitStatus::Signaled(..)) {
                        self.ended.set(Some(status));
                    }
                    return status;
                }
                Err(Errno::EINTR) => {}
                Err(error) => panic!("waitpid({}): {error}", self.pid),
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Forks a child that runs `main` and exits with its result.
pub(crate) fn fork_child(main: impl FnOnce() -> i32) -> Child {
    // SAFETY: the test programs are single-threaded (contract of `support`), so the child may do anything.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Parent { child } => Child::new(child),
        ForkResult::Child => {
            die_with_parent();
            // `_exit`: neither the parent's destructors nor its buffered output are this process's business.
            let code = catch_unwind(AssertUnwindSafe(main)).unwrap_or(101);
            // SAFETY: `_exit` has no precondition.
            unsafe { libc::_exit(code) }
        }
    }
}

pub(super) fn die_with_parent() {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and touches no memory.
    let set = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    assert_eq!(set, 0, "PR_SET_PDEATHSIG");
}

/// Starts this test program anew (fork and exec) in the role `name`, which its `main` finds with [`role`].
pub(crate) fn spawn_role(name: &str, args: &[&str]) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("current_exe"));
    command.env(ROLE, name).args(args);
    // SAFETY: between fork and exec, `prctl` is async-signal-safe; the assertion allocates only when it fails.
    unsafe {
        command.pre_exec(|| {
            die_with_parent();
            Ok(())
        })
    };
    let pid = command.spawn().expect("spawn").id();
    // `std`'s own handle neither kills nor waits when it is dropped, so ours alone does.
    Child::new(Pid::from_raw(pid.cast_signed()))
}

/// The role that [`spawn_role`] started this process in. Ask it first thing in `main`; the arguments are `std::env::args`.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// A pipe on which a child says that it is ready: make it, fork, `signal` in the child, `wait` in the parent.
#[derive(Debug)]
pub(crate) struct Ready {
    read: OwnedFd,
    write: OwnedFd,
}

impl Ready {
    pub(crate) fn new() -> Self {
        let (read, write) = pipe().expect("pipe");
        Self { read, write }
    }

    /// In the child.
    pub(crate) fn signal(&self) {
        File::from(self.write.try_clone().expect("dup"))
            .write_all(b".")
            .expect("write");
    }

    /// In the parent: whether the child said so; false at once if it died instead, and after `timeout`.
    pub(crate) fn wait(self, timeout: Duration) -> bool {
        drop(self.write); // or the child's end would go unnoticed
        let timeout = PollTimeout::try_from(timeout).expect("a time-out of at most 24 days");
        let ready = poll(
            &mut [PollFd::new(self.read.as_fd(), PollFlags::POLLIN)],
            timeout,
        )
        .expect("poll");
        ready == 1 && File::from(self.read).read(&mut [0]).expect("read") == 1
    }
}

/// A segment name that no other test has, `/shmkv-test-<pid>-<counter>`. Dropped where it was made, it removes the object.
#[derive(Debug)]
pub(crate) struct SegmentName {
    name: String,
    owner: Pid,
}

impl SegmentName {
    pub(crate) fn unique() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let owner = getpid();
        // Relaxed: only distinctness matters.
        let name = format!(
            "/shmkv-test-{owner}-{}",
            COUNTER.fetch_add(1, Ordering::Relaxed)
        );
        Self { name, owner }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }

    /// Where the object shows in the file system.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/dev/shm{}", self.name))
    }

    pub(crate) fn exists(&self) -> bool {
        self.path().exists()
    }
}

impl Drop for SegmentName {
    fn drop(&mut self) {
        if getpid() == self.owner {
            let _ = std::fs::remove_file(self.path());
        }
    }
}

/// Everything in /dev/shm whose name starts like a test's, of this process: what a leak check compares with nothing.
pub(crate) fn leftovers() -> Vec<String> {
    let prefix = format!("shmkv-test-{}-", getpid());
    let entries = std::fs::read_dir("/dev/shm").expect("/dev/shm");
    let names = entries.map(|entry| {
        entry
            .expect("entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    names.filter(|name| name.starts_with(&prefix)).collect()
}
