//! A forked child under ptrace, held between a begin and an end marker. `step` and `inject` build on it.
//!
//! The child calls `PTRACE_TRACEME`, stops at the begin marker (`int3`), runs the operation, and stops
//! at the end marker (`ud2` with a magic number in a register: it raises SIGILL, so the wait status
//! alone distinguishes it from the SIGTRAP of a single step). If this process dies, the kernel kills
//! the child (`PTRACE_O_EXITKILL`); dropping a [`Tracee`] kills and reaps it. So no test leaves one.
//!
//! While the child sleeps in a system call, `waitpid` would sleep too. A [`Ticker`] therefore
//! interrupts it every 2 ms, and a child whose `/proc` state is S for the whole patience of
//! [`Tracee::wait`] is reported as [`Event::Asleep`]. Every wait takes a `&Ticker`, so a wait that
//! nothing interrupts does not compile.
//!
//! Threads and processes that the operation starts are not traced: they run freely.

use std::arch::asm;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::sys::ptrace;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!(
    "the markers and the registers in support::{trace, inject} are those of x86-64 Linux"
);

/// What the end marker has in `rax`; an `abort` compiled to `ud2` has something else there.
const END_MAGIC: u64 = 0x7368_6d6b_7665_6e64;
const TICK: Duration = Duration::from_millis(2);
/// Long enough for anything but a hang.
const HUNG_AFTER: Duration = Duration::from_secs(30);

/// Why a wait ended.
#[derive(Debug)]
pub(crate) enum Event {
    /// A signal is about to be delivered; SIGTRAP after a single step.
    Signal(Signal),
    /// At the entry or exit of a system call.
    Syscall,
    /// At the end marker, with what the operation returned.
    End(i32),
    /// Dead and reaped, without having reached the end marker.
    Gone(WaitStatus),
    /// Not stopped: asleep in a system call for the whole patience.
    Asleep,
}

/// Interrupts this thread's system calls every 2 ms while it lives, and keeps the thread on the child's CPU.
///
/// On one CPU, a stop and a resume are two context switches; on two, each would wake another core.
pub(crate) struct Ticker(CpuSet);

impl Ticker {
    /// Moves this thread to the CPU to which `child` has been confined since its fork.
    pub(crate) fn start(child: &Tracee) -> Self {
        static HANDLER: Once = Once::new();
        HANDLER.call_once(|| {
            extern "C" fn tick(_: libc::c_int) {}
            // No SA_RESTART: the handler is there to make `waitpid` return EINTR.
            let action =
                SigAction::new(SigHandler::Handler(tick), SaFlags::empty(), SigSet::empty());
            // SAFETY: the handler does nothing, so it is async-signal-safe.
            unsafe { sigaction(Signal::SIGALRM, &action) }.expect("sigaction");
        });
        let before = move_to(&child.cpu);
        Self::set(TICK);
        Self(before)
    }

    fn set(period: Duration) {
        let period = libc::timeval {
            tv_sec: 0,
            tv_usec: libc::suseconds_t::from(period.subsec_micros()),
        };
        let timer = libc::itimerval {
            it_interval: period,
            it_value: period,
        };
        // SAFETY: `timer` is a valid itimerval, and a null old value is allowed.
        let set =
            unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
        assert_eq!(set, 0, "setitimer");
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        Self::set(Duration::ZERO);
        move_to(&self.0);
    }
}

/// Where the traced part of an operation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// At its first instruction.
    AtOnce,
    /// Where it calls [`begin`]; what it does before (registering, touching pages) runs at full speed.
    Called,
}

/// The begin marker. It kills a process that is not traced.
#[inline(always)]
pub(crate) fn begin() {
    // SAFETY: a breakpoint; the tracer consumes the SIGTRAP and resumes after it. It is opaque to the
    // compiler, so no memory access moves across it.
    unsafe { asm!("int3") };
}

/// The child. Killed and reaped on drop.
#[derive(Debug)]
pub(crate) struct Tracee {
    pid: Pid,
    cpu: CpuSet,
    gone: bool,
    slept: bool,
}

impl Tracee {
    /// Forks a child and waits until it is at the begin marker of `op`.
    pub(crate) fn spawn(from: Begin, op: impl FnOnce() -> i32) -> Self {
        let mut cpu = CpuSet::new();
        cpu.set(sched_getcpu().expect("getcpu"))
            .expect("a CPU of the set");
        let before = move_to(&cpu); // for the child to inherit
        // SAFETY: the test programs are single-threaded (contract of `support`), so the child may do anything.
        let pid = match unsafe { fork() }.expect("fork") {
            ForkResult::Child => run_between_markers(from, op),
            ForkResult::Parent { child } => child,
        };
        move_to(&before);
        let mut tracee = Self {
            pid,
            cpu,
            gone: false,
            slept: false,
        };
        let ticker = Ticker::start(&tracee);
        match tracee.wait(&ticker, HUNG_AFTER) {
            Event::Signal(Signal::SIGTRAP) => {}
            other => panic!("child {pid} did not reach the begin marker: {other:?}"),
        }
        let options = ptrace::Options::PTRACE_O_EXITKILL | ptrace::Options::PTRACE_O_TRACESYSGOOD;
        ptrace::setoptions(pid, options).expect("PTRACE_SETOPTIONS");
        tracee
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether the last wait saw the child asleep in a system call.
    pub(crate) fn slept(&self) -> bool {
        self.slept
    }

    /// Waits for the next event. A child that sleeps for `patience` without interruption is one too.
    pub(crate) fn wait(&mut self, _: &Ticker, patience: Duration) -> Event {
        let mut since: Option<Instant> = None;
        let mut asleep: Option<Instant> = None;
        self.slept = false;
        loop {
            let status = match waitpid(self.pid, Some(WaitPidFlag::__WALL)) {
                Ok(status) => status,
                Err(Errno::EINTR) => {
                    assert!(
                        since.get_or_insert_with(Instant::now).elapsed() < HUNG_AFTER,
                        "child {} hangs",
                        self.pid
                    );
                    if !self.is_asleep() {
                        asleep = None;
                    } else if let Some(start) = asleep {
                        // Asleep at two ticks in a row: more than a pause on the way through a call.
                        self.slept = true;
                        if start.elapsed() >= patience {
                            return Event::Asleep;
                        }
                    } else {
                        asleep = Some(Instant::now());
                    }
                    continue;
                }
                Err(error) => panic!("waitpid({}): {error}", self.pid),
            };
            return match status {
                WaitStatus::Stopped(_, Signal::SIGILL) => {
                    self.end().map_or(Event::Signal(Signal::SIGILL), Event::End)
                }
                WaitStatus::Stopped(_, signal) => Event::Signal(signal),
                WaitStatus::PtraceSyscall(_) => Event::Syscall,
                WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {
                    self.gone = true;
                    Event::Gone(status)
                }
                other => panic!("unexpected wait status {other:?}"),
            };
        }
    }

    /// What the operation returned, if the child is at the end marker.
    fn end(&self) -> Option<i32> {
        let registers = ptrace::getregs(self.pid).expect("PTRACE_GETREGS");
        // `rdi` was widened from an i32 by the marker; the low half is the value.
        (registers.rax == END_MAGIC).then_some(registers.rdi as i32)
    }

    /// Whether the child is in an interruptible sleep, according to `/proc/<pid>/stat` (the state
    /// follows the closing parenthesis of the command).
    fn is_asleep(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('S'))
    }

    /// Sends SIGKILL and reaps the child.
    pub(crate) fn kill(&mut self) {
        if self.gone {
            return;
        }
        self.gone = true;
        kill(self.pid, Signal::SIGKILL).expect("kill");
        loop {
            match waitpid(self.pid, Some(WaitPidFlag::__WALL)) {
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => return,
                Ok(_) | Err(Errno::EINTR) => {} // a stop that was not waited for yet, or a tick
                Err(error) => panic!("waitpid({}): {error}", self.pid),
            }
        }
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        self.kill();
    }
}

/// All that the child does. It does not flush standard output, whose buffer is a copy of the parent's.
fn run_between_markers(from: Begin, op: impl FnOnce() -> i32) -> ! {
    let ended = catch_unwind(AssertUnwindSafe(|| {
        ptrace::traceme().expect("PTRACE_TRACEME");
        if from == Begin::AtOnce {
            begin();
        }
        let code = op();
        // SAFETY: the tracer recognises the magic and never resumes the child from here.
        unsafe { asm!("ud2", in("rax") END_MAGIC, in("rdi") i64::from(code)) };
    }));
    // Only a panic gets here, and has printed its message. Rust programs exit with 101 after one.
    let code = if ended.is_err() { 101 } else { 102 };
    // SAFETY: `_exit` has no precondition.
    unsafe { libc::_exit(code) }
}

/// Confines this thread to `cpus`, and returns what it was confined to before.
fn move_to(cpus: &CpuSet) -> CpuSet {
    let before = sched_getaffinity(Pid::from_raw(0)).expect("sched_getaffinity");
    sched_setaffinity(Pid::from_raw(0), cpus).expect("sched_setaffinity");
    before
}
