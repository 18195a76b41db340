//! Kills or stops a process at every instruction, or at every system call, of one operation.
//!
//! The operation runs in a forked child. *Point* `i` is the state after its first `i` instructions
//! ([`Unit::Instruction`]; each iteration of a `rep` is one) or after its first `i` system-call
//! boundaries ([`Unit::Syscall`]: entry, exit, entry, …). A child killed there has been reaped before
//! a survivor looks, so the kernel holds nothing for it any more.
//!
//! [`run_stepped`] returns one child, stopped at point `i`, as a guard: the caller kills it, moves it
//! on, or runs it to its end. The loops over all points are in [`walk`](super::walk).
//!
//! A blocking system call does not hang the stepper: a child that sleeps for longer than
//! [`Plan::patience`] is reported as [`Stop::Asleep`], and can be killed, or woken and resumed.

use std::time::Duration;

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

#[allow(unused_imports)] // each test program uses its own part
pub(crate) use super::trace::begin;
use super::trace::{Begin, Event, Ticker, Tracee};

/// The patience that reports a sleep as soon as two ticks in a row find the child asleep.
const AT_ONCE: Duration = Duration::ZERO;

/// What a point counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Instruction,
    /// Entry and exit of each system call. A kill at the entry prevents the call.
    Syscall,
}

/// Where a run ended.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Stopped at the requested point.
    At(Stopped),
    /// Asleep inside a system call, on the way to the point after [`Stopped::point`].
    Asleep(Stopped),
    /// The operation had only this many points; the child is dead and reaped.
    Finished(usize),
}

impl Stop {
    /// The child, unless it finished.
    pub(crate) fn stopped(self) -> Option<Stopped> {
        match self {
            Self::At(stopped) | Self::Asleep(stopped) => Some(stopped),
            Self::Finished(_) => None,
        }
    }
}

/// A child in the middle of its operation. Killed and reaped on drop.
#[derive(Debug)]
pub(crate) struct Stopped {
    tracee: Tracee,
    unit: Unit,
    point: usize,
    patience: Duration,
    /// Resumed and asleep: it must be waited for before it is resumed again.
    asleep: bool,
    /// A signal to deliver when the child is resumed.
    signal: Option<Signal>,
}

impl Stopped {
    pub(crate) fn pid(&self) -> Pid {
        self.tracee.pid()
    }

    /// The point at which it is.
    pub(crate) fn point(&self) -> usize {
        self.point
    }

    /// Whether the last step slept inside a system call before it stopped here.
    pub(crate) fn slept(&self) -> bool {
        self.tracee.slept()
    }

    /// Kills and reaps the child, as dropping it does.
    pub(crate) fn kill(mut self) {
        self.tracee.kill();
    }

    /// Steps on to `point`.
    pub(crate) fn step_to(self, point: usize) -> Stop {
        self.drive(point, false)
    }

    /// Runs on at full speed to the end of the operation; [`Stop::Asleep`] if it sleeps for too long on the way.
    pub(crate) fn resume(mut self) -> Stop {
        let ticker = Ticker::start(&self.tracee);
        loop {
            if !self.asleep {
                ptrace::cont(self.pid(), self.signal.take()).expect("PTRACE_CONT");
            }
            self.asleep = false;
            match self.tracee.wait(&ticker, self.patience) {
                Event::End(_) => return Stop::Finished(self.point),
                Event::Signal(Signal::SIGTRAP) | Event::Syscall => {} // the step that was under way when it fell asleep
                Event::Signal(signal) => self.signal = Some(signal),
                Event::Asleep => {
                    self.asleep = true;
                    return Stop::Asleep(self);
                }
                Event::Gone(status) => panic!("the operation died by itself: {status:?}"),
            }
        }
    }

    /// The address of the next instruction.
    pub(super) fn address(&self) -> u64 {
        ptrace::getregs(self.pid()).expect("PTRACE_GETREGS").rip
    }

    /// Runs on at full speed to a breakpoint; false if the child did not reach one.
    fn go_to_trap(&mut self) -> bool {
        let ticker = Ticker::start(&self.tracee);
        ptrace::cont(self.pid(), None).expect("PTRACE_CONT");
        let event = self.tracee.wait(&ticker, self.patience);
        matches!(event, Event::Signal(Signal::SIGTRAP))
    }

    /// Runs on at full speed to the `hits`-th time that the instruction at `address` is next, which is
    /// point `point`; false if the child did not get there.
    pub(super) fn jump(&mut self, address: u64, hits: usize, point: usize) -> bool {
        let at = address as *mut std::ffi::c_void;
        let code = ptrace::read(self.pid(), at).expect("PTRACE_PEEKDATA");
        let trap = code & !0xff | 0xcc;
        for hit in 1..=hits {
            ptrace::write(self.pid(), at, trap).expect("PTRACE_POKEDATA");
            if !self.go_to_trap() {
                return false;
            }
            ptrace::write(self.pid(), at, code).expect("PTRACE_POKEDATA");
            let mut registers = ptrace::getregs(self.pid()).expect("PTRACE_GETREGS");
            assert_eq!(registers.rip, address + 1, "some other breakpoint");
            registers.rip = address;
            ptrace::setregs(self.pid(), registers).expect("PTRACE_SETREGS");
            if hit < hits {
                let ticker = Ticker::start(&self.tracee);
                ptrace::step(self.pid(), None).expect("PTRACE_SINGLESTEP");
                let event = self.tracee.wait(&ticker, self.patience);
                assert!(
                    matches!(event, Event::Signal(Signal::SIGTRAP)),
                    "a step, not {event:?}"
                );
            }
        }
        self.point = point;
        true
    }

    /// Steps to `point`. With `inside`, a sleep in the last step ends the run at once.
    pub(super) fn drive(mut self, point: usize, inside: bool) -> Stop {
        let ticker = Ticker::start(&self.tracee);
        while self.point < point {
            if !self.asleep {
                match self.unit {
                    Unit::Instruction => ptrace::step(self.pid(), self.signal.take()),
                    Unit::Syscall => ptrace::syscall(self.pid(), self.signal.take()),
                }
                .expect("resume the child");
            }
            self.asleep = false;
            let last = self.point + 1 == point;
            let patience = if inside && last {
                AT_ONCE
            } else {
                self.patience
            };
            match self.tracee.wait(&ticker, patience) {
                Event::Signal(Signal::SIGTRAP) | Event::Syscall => self.point += 1,
                Event::Signal(signal) => self.signal = Some(signal),
                Event::End(_) => return Stop::Finished(self.point),
                Event::Asleep => {
                    self.asleep = true;
                    return Stop::Asleep(self);
                }
                Event::Gone(status) => panic!(
                    "the operation died by itself after point {}: {status:?}",
                    self.point
                ),
            }
        }
        Stop::At(self)
    }
}

/// Runs `op` in a child up to the instruction after its first `i`.
pub(crate) fn run_stepped(i: usize, op: impl FnOnce()) -> Stop {
    Plan::default().run_to(i, op)
}

/// Which points of an operation are tried, and how long a sleep may take.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) unit: Unit,
    /// Whether point 0 is the operation's first instruction or where it calls [`begin`].
    pub(crate) begin: Begin,
    /// Every `stride`-th point of an operation that is short enough to be tried whole.
    pub(crate) stride: usize,
    /// Operations with more points than this are sampled.
    pub(crate) exhaustive_up_to: usize,
    /// How many points of a long operation are tried, one at random in each of as many equal parts.
    pub(crate) samples: usize,
    /// Selects the sample.
    pub(crate) seed: u64,
    /// How long a child may sleep in one system call before it counts as asleep for good. It must
    /// exceed the wait slice of the lock.
    pub(crate) patience: Duration,
    /// Points that are tried even where the others are sampled.
    pub(crate) always: Vec<usize>,
}

impl Default for Plan {
    /// Every instruction of an operation of up to 2,000 (some 45 s at 45,000 steps a second; one of 400 takes 2 s).
    fn default() -> Self {
        let patience = Duration::from_millis(60);
        Self {
            unit: Unit::Instruction,
            begin: Begin::AtOnce,
            stride: 1,
            exhaustive_up_to: 2_000,
            samples: 400,
            seed: 1,
            patience,
            always: Vec::new(),
        }
    }
}

impl Plan {
    /// At the entry and exit of every system call: for open, create and other long operations.
    pub(crate) fn syscalls() -> Self {
        Self {
            unit: Unit::Syscall,
            ..Self::default()
        }
    }

    /// Counts from where the operation calls [`begin`], so that a first write can register the process before.
    pub(crate) fn warmed_up(self) -> Self {
        Self {
            begin: Begin::Called,
            ..self
        }
    }

    /// Runs `op` in a child up to point `i`.
    pub(crate) fn run_to(&self, i: usize, op: impl FnOnce()) -> Stop {
        self.start(op).drive(i, false)
    }

    /// Runs `op` to point `i` and kills it there. False if it ended before.
    pub(crate) fn kill_at(&self, i: usize, op: impl FnOnce()) -> bool {
        self.run_to(i, op).stopped().map(Stopped::kill).is_some()
    }

    pub(super) fn start(&self, op: impl FnOnce()) -> Stopped {
        let tracee = Tracee::spawn(self.begin, || {
            op();
            0
        });
        Stopped {
            tracee,
            unit: self.unit,
            point: 0,
            patience: self.patience,
            asleep: false,
            signal: None,
        }
    }

    /// The points to try of an operation of `length` points.
    pub(super) fn points(&self, length: usize) -> Vec<usize> {
        let mut points: Vec<usize> = if length <= self.exhaustive_up_to {
            // A run can be longer than the measured one (a retry loop of the clock, a spin): continue until
            // it finishes.
            (0..4 * length.max(16))
                .step_by(self.stride.max(1))
                .collect()
        } else {
            let mut random = fastrand::Rng::with_seed(self.seed);
            let part = |k: usize| k * length / self.samples;
            (0..self.samples)
                .map(|k| random.usize(part(k)..part(k + 1).max(part(k) + 1)))
                .collect()
        };
        points.extend(&self.always);
        points.sort_unstable();
        points.dedup();
        points
    }
}
