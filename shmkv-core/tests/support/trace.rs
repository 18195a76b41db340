//! A forked child under ptrace, held between a begin and an end marker: what `step` and `inject` are made of.
//!
//! The child runs `PTRACE_TRACEME`, stops at the begin marker (`int3`), runs the operation, and stops at the end marker
//! (`ud2` with a magic register: SIGILL, so that a wait status alone tells it from a single step's SIGTRAP). The kernel
//! kills it if this process dies (`PTRACE_O_EXITKILL`), and [`Tracee`]'s drop kills and reaps it, so no test leaves one.
//!
//! A system call that sleeps would make `waitpid` sleep too. A [`Ticker`] therefore interrupts it every 2 ms, and a child
//! whose `/proc` state is S for a whole [`Tracee::wait`] patience is reported as [`Event::Asleep`]. Every wait takes a
//! `&Ticker`, so a wait that nothing would interrupt does not compile.
//!
//! Threads that the operation starts and processes that it forks are not traced: they run free.

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

/// What the end marker leaves in `rax`; an `abort` compiled to `ud2` does not.
const END_MAGIC: u64 = 0x7368_6d6b_7665_6e64;
const TICK: Duration = Duration::from_millis(2);
/// Long enough for anything but a hang.
const HUNG_AFTER: Duration = Duration::from_secs(30);

/// Why the child stopped running, or why the wait did.
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
    /// Not stopped: it has been asleep in a system call for the whole patience.
    Asleep,
}

/// Interrupts this thread's system calls every 2 ms while it lives, and keeps the thread on the child's CPU.
///
/// Stop and resume then are two switches on a core that is awake, instead of two wake-ups of another one.
pub(crate) struct Ticker(CpuSet);

impl Ticker {
    /// On the CPU of `child`, which has been on one only since its birth.
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

/// Where the part of an operation begins that is stepped or tampered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// At its first instruction.
    AtOnce,
    /// Where it calls [`begin`]; what it does before (registering, touching pages) runs at full speed.
    Called,
}

/// The begin marker. Kills a process that nobody traces.
#[inline(always)]
pub(crate) fn begin() {
    // SAFETY: a breakpoint; the tracer takes the SIGTRAP and resumes behind it. Being opaque, it is also a compiler barrier,
    // so nothing moves across it.
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
    /// Forks a child that stands at the begin marker of `op`.
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

    /// Waits for the next event; a child that sleeps for `patience` without a break is one.
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
                        // Two ticks in one sleep: not merely on its way through one.
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

    /// What the operation returned, if the child stands at the end marker.
    fn end(&self) -> Option<i32> {
        let registers = ptrace::getregs(self.pid).expect("PTRACE_GETREGS");
        // `rdi` was widened from an i32 by the marker; the low half is the value.
        (registers.rax == END_MAGIC).then_some(registers.rdi as i32)
    }

    /// In an interruptible sleep, by `/proc/<pid>/stat` (the state follows the command's closing parenthesis).
    fn is_asleep(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('S'))
    }

    /// SIGKILL, then waits until the kernel has let go of everything that the child held.
    pub(crate) fn kill(&mut self) {
        if self.gone {
            return;
        }
        self.gone = true;
        kill(self.pid, Signal::SIGKILL).expect("kill");
        loop {
            match waitpid(self.pid, Some(WaitPidFlag::__WALL)) {
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => return,
                Ok(_) | Err(Errno::EINTR) => {} // a stop that nobody had fetched, or a tick
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

/// The child's whole life. Standard output is not flushed: its buffer is a copy of the parent's.
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
    // Only a panic leads here; its message is out. 101 is what Rust programs exit with then.
    let code = if ended.is_err() { 101 } else { 102 };
    // SAFETY: `_exit` has no precondition.
    unsafe { libc::_exit(code) }
}

/// Confines this thread to `cpus`; what it was confined to before.
fn move_to(cpus: &CpuSet) -> CpuSet {
    let before = sched_getaffinity(Pid::from_raw(0)).expect("sched_getaffinity");
    sched_setaffinity(Pid::from_raw(0), cpus).expect("sched_setaffinity");
    before
}
