//! Makes the n-th system call of an operation fail, as the kernel would.
//!
//! The operation runs in a forked child under ptrace. At the entry of its n-th call the call number is
//! replaced by -1, so the kernel does nothing; at the exit the result is replaced by `-errno`. Only
//! calls between the markers count, not those of the fork and the exit. The C library, and everything
//! above it, sees what it would see of the kernel.
//!
//! Limit: a call cannot do part of its work and then fail (a `close` that fails here leaves the
//! descriptor open).

use std::collections::BTreeMap;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use super::report::Report;
use super::trace::{Begin, Event, Ticker, Tracee};

/// A child asleep for longer than this is killed and reported as [`Ended::Asleep`].
const PATIENCE: Duration = Duration::from_secs(2);

/// A system call by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call(pub(crate) libc::c_long);

macro_rules! names {
    ($($name:ident $number:ident)*) => {
        impl Call {
            /// As in `man 2`; `None` for one that a shared map has no reason to make.
            pub(crate) fn name(self) -> Option<&'static str> {
                match self.0 { $(libc::$number => Some(stringify!($name)),)* _ => None }
            }
        }
    };
}
names! {
    read SYS_read write SYS_write open SYS_open close SYS_close stat SYS_stat fstat SYS_fstat lstat SYS_lstat
    lseek SYS_lseek mmap SYS_mmap mprotect SYS_mprotect munmap SYS_munmap brk SYS_brk ioctl SYS_ioctl
    pread64 SYS_pread64 pwrite64 SYS_pwrite64 access SYS_access mremap SYS_mremap msync SYS_msync madvise SYS_madvise
    dup SYS_dup getpid SYS_getpid fcntl SYS_fcntl flock SYS_flock fsync SYS_fsync fdatasync SYS_fdatasync
    truncate SYS_truncate ftruncate SYS_ftruncate rename SYS_rename link SYS_link unlink SYS_unlink
    readlink SYS_readlink chmod SYS_chmod fchmod SYS_fchmod fchown SYS_fchown umask SYS_umask getuid SYS_getuid
    getrlimit SYS_getrlimit prlimit64 SYS_prlimit64 statfs SYS_statfs fstatfs SYS_fstatfs gettid SYS_gettid
    futex SYS_futex sched_yield SYS_sched_yield nanosleep SYS_nanosleep clock_nanosleep SYS_clock_nanosleep
    clock_gettime SYS_clock_gettime fallocate SYS_fallocate openat SYS_openat mkdirat SYS_mkdirat
    newfstatat SYS_newfstatat unlinkat SYS_unlinkat renameat SYS_renameat renameat2 SYS_renameat2 linkat SYS_linkat
    symlinkat SYS_symlinkat readlinkat SYS_readlinkat fchmodat SYS_fchmodat faccessat SYS_faccessat
    faccessat2 SYS_faccessat2 getrandom SYS_getrandom memfd_create SYS_memfd_create statx SYS_statx
    rt_sigaction SYS_rt_sigaction rt_sigprocmask SYS_rt_sigprocmask sigaltstack SYS_sigaltstack
    getdents64 SYS_getdents64 copy_file_range SYS_copy_file_range openat2 SYS_openat2 close_range SYS_close_range
    clone SYS_clone clone3 SYS_clone3 kill SYS_kill getppid SYS_getppid poll SYS_poll
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "syscall {}", self.0),
        }
    }
}

/// How the operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With this result, of the child's closure.
    Returned(i32),
    /// By a signal, an exit or a panic (exit code 101).
    Died(WaitStatus),
    /// It did not end: it slept for two seconds and was killed.
    Asleep,
}

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The calls that the operation made, in order, including the failed one.
    pub(crate) calls: Vec<Call>,
    /// The call that was made to fail; `None` if the operation made fewer calls.
    pub(crate) failed: Option<Call>,
    pub(crate) ended: Ended,
}

/// Runs `op` in a child and lists its system calls.
pub(crate) fn list_calls(op: impl FnOnce() -> i32) -> Run {
    run(None, op)
}

/// Runs `op` in a child whose `n`-th system call (from 0) fails with `errno`.
pub(crate) fn fail_nth(n: usize, errno: Errno, op: impl FnOnce() -> i32) -> Run {
    run(Some((n, errno)), op)
}

fn run(fault: Option<(usize, Errno)>, op: impl FnOnce() -> i32) -> Run {
    let mut tracee = Tracee::spawn(Begin::AtOnce, op);
    let ticker = Ticker::start(&tracee);
    let mut calls = Vec::new();
    let mut failed = None;
    let mut inside = false;
    let mut signal: Option<Signal> = None;
    let ended = loop {
        ptrace::syscall(tracee.pid(), signal.take()).expect("PTRACE_SYSCALL");
        match tracee.wait(&ticker, PATIENCE) {
            Event::Syscall => {
                let mut registers = ptrace::getregs(tracee.pid()).expect("PTRACE_GETREGS");
                let due = fault.filter(|&(n, _)| n + usize::from(inside) == calls.len());
                if inside {
                    if let Some((_, errno)) = due {
                        registers.rax = i64::from(-(errno as i32)).cast_unsigned();
                    }
                } else {
                    let call = Call(registers.orig_rax.cast_signed());
                    calls.push(call);
                    if due.is_some() {
                        failed = Some(call);
                        registers.orig_rax = u64::MAX;
                    }
                }
                if due.is_some() {
                    ptrace::setregs(tracee.pid(), registers).expect("PTRACE_SETREGS");
                }
                inside = !inside;
            }
            Event::Signal(other) => signal = Some(other),
            Event::End(code) => break Ended::Returned(code),
            Event::Gone(status) => break Ended::Died(status),
            Event::Asleep => break Ended::Asleep,
        }
    };
    Run {
        calls,
        failed,
        ended,
    }
}

/// How often each call was made to fail, over all runs, and what `check` found wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) failed: BTreeMap<Call, usize>,
    pub(crate) violations: Vec<String>,
}

impl Coverage {
    /// How many failures were injected.
    pub(crate) fn total(&self) -> usize {
        self.failed.values().sum()
    }

    /// The calls and their counts: `openat 2, fstat 1`.
    pub(crate) fn names(&self) -> String {
        let each: Vec<String> = self
            .failed
            .iter()
            .map(|(call, count)| format!("{call} {count}"))
            .collect();
        each.join(", ")
    }

    /// Prints the figures; an error if there was a violation.
    pub(crate) fn report(&self, question: &str, case: &str) -> Result<(), libtest_mimic::Failed> {
        Report::new(question, case)
            .count("failed calls", self.total())
            .note("of", format_args!("[{}]", self.names()))
            .require(&self.violations)
    }
}

/// Fails each system call of `op` in turn, with each errno that `errnos` returns for it (a call without
/// any is skipped). Each time, `setup` makes a fresh state, `op` runs on it in a child, and
/// `check(run, state)` runs here.
pub(crate) fn for_each_call<S>(
    errnos: impl Fn(Call) -> Vec<Errno>,
    mut setup: impl FnMut() -> S,
    op: impl Fn(&S) -> i32,
    mut check: impl FnMut(&Run, &S) -> Result<(), String>,
) -> Coverage {
    let mut coverage = Coverage::default();
    let state = setup();
    let calls = list_calls(|| op(&state)).calls;
    drop(state);
    for (n, &call) in calls.iter().enumerate() {
        for errno in errnos(call) {
            let state = setup();
            let run = fail_nth(n, errno, || op(&state));
            // An operation that is not deterministic may make another call in this place, or none.
            let Some(failed) = run.failed else { continue };
            *coverage.failed.entry(failed).or_default() += 1;
            if let Err(violation) = check(&run, &state) {
                coverage.violations.push(format!(
                    "call {n} ({failed}) failing with {errno:?}: {violation}"
                ));
            }
        }
    }
    coverage
}
