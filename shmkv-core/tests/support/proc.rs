//! Child processes, with and without exec: fork, stop, kill, wait; and segment names of their own.
//!
//! Dropping a [`Child`] kills and reaps it, and a child dies with its parent, so a failed test leaves
//! no process behind. The result of the child's closure is its exit code (0 to 255); a panic exits
//! with 101, as in any Rust program. For other users and namespaces see
//! [`environment`](super::environment).

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

/// The environment variable that tells an executed process its role.
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

    /// Sends `signal`; does nothing if the child has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.ended.get().is_none() {
            kill(self.pid, signal).expect("kill");
        }
    }

    /// Sends SIGKILL and reaps the child.
    pub(crate) fn kill(&self) -> WaitStatus {
        self.signal(Signal::SIGKILL);
        self.wait()
    }

    /// Sends SIGSTOP and waits until the child has stopped.
    pub(crate) fn stop(&self) {
        self.signal(Signal::SIGSTOP);
        let status = self.wait_for(WaitPidFlag::WUNTRACED);
        assert!(
            matches!(status, WaitStatus::Stopped(..)),
            "expected the child to stop: {status:?}"
        );
    }

    /// Sends SIGCONT.
    pub(crate) fn cont(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Waits until the child ends.
    pub(crate) fn wait(&self) -> WaitStatus {
        self.wait_for(WaitPidFlag::empty())
    }

    /// Waits until the child ends; `None` after `timeout`.
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

    /// Waits for the exit code, at most `timeout`; the error says why there is none.
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
            // `_exit`: the parent's destructors and buffered output must not run a second time here.
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

/// Executes this test program again, in the role `name`, which its `main` asks for with [`role`].
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
    // Dropping `std`'s handle neither kills nor waits, so only `Child` does.
    Child::new(Pid::from_raw(pid.cast_signed()))
}

/// The role that [`spawn_role`] gave this process. `main` asks for it first; the arguments are in
/// `std::env::args`.
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

    /// In the parent: true once the child is ready; false if it dies first, or after `timeout`.
    pub(crate) fn wait(self, timeout: Duration) -> bool {
        drop(self.write); // while it is open, the pipe does not close when the child ends
        let timeout = PollTimeout::try_from(timeout).expect("a time-out of at most 24 days");
        let ready = poll(
            &mut [PollFd::new(self.read.as_fd(), PollFlags::POLLIN)],
            timeout,
        )
        .expect("poll");
        ready == 1 && File::from(self.read).read(&mut [0]).expect("read") == 1
    }
}

/// A segment name that no other test has, `/shmkv-test-<pid>-<counter>`. The process that made it
/// removes the object on drop.
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

    /// The path of the object in the file system.
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

/// The objects in /dev/shm that this process's tests have made. A leak check expects none.
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
