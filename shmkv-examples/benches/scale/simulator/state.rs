//! The state of the simulated machine, and its scheduler: which process has which
//! processor, and which event comes next.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::setup::{Report, Setup};

/// The kernel's time slice, in nanoseconds.
pub(super) const SLICE: u64 = 3_000_000;
/// The number of keys whose cache lines are simulated.
pub(super) const HOT: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// A process finishes its step.
    Step(usize),
    /// A spinning process sees that its lock is free.
    Look(usize),
    /// The time slice of a processor ends.
    Slice(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Thinking,
    Trying { slow: bool },
    Spinning,
    Asking,
    GoingToSleep,
    Asleep,
    Holding,
    Leaving,
    Reading,
}

pub(super) struct Process {
    pub(super) state: State,
    /// Events of an earlier generation are stale, and ignored.
    pub(super) generation: u32,
    /// When its step ends, or, without a processor, how long the step still takes.
    pub(super) due: u64,
    pub(super) processor: Option<usize>,
    pub(super) shard: usize,
    pub(super) key: usize,
    /// When it requested its lock.
    pub(super) requested: u64,
    /// When it was preempted, if that was while it held its lock.
    pub(super) preempted: Option<u64>,
    pub(super) seen: [u32; HOT],
}

/// A cache line, which one processor has at a time.
#[derive(Clone, Default)]
pub(super) struct Line {
    pub(super) owner: usize,
    /// When the transfers requested so far are done.
    pub(super) free: u64,
}

#[derive(Clone, Default)]
pub(super) struct Lock {
    pub(super) holder: Option<usize>,
    /// Whether the lock word says that processes sleep.
    pub(super) marked: bool,
    pub(super) spinning: Vec<usize>,
    pub(super) asleep: VecDeque<usize>,
    pub(super) line: Line,
}

/// The cache lines of a key's bucket and slot.
#[derive(Clone, Copy, Default)]
pub(super) struct Key {
    pub(super) writer: usize,
    pub(super) version: u32,
    pub(super) shared: bool,
}

pub(super) struct Simulator {
    pub(super) setup: Setup,
    pub(super) now: u64,
    /// By time, then by the order in which they were scheduled.
    events: BinaryHeap<Reverse<(u64, u64, Event, u32)>>,
    order: u64,
    pub(super) processes: Vec<Process>,
    idle: Vec<usize>,
    pub(super) ready: VecDeque<usize>,
    pub(super) running: Vec<Option<usize>>,
    pub(super) locks: Vec<Lock>,
    pub(super) keys: [Key; HOT],
    pub(super) count: Line,
    pub(super) zipf: Vec<f64>,
    pub(super) random: fastrand::Rng,
    pub(super) report: Report,
}

impl Simulator {
    /// The machine at time 0, with every process ready to run.
    pub(super) fn new(setup: Setup) -> Self {
        let mut sum = 0.0;
        let weights = (1..=setup.zipf).map(|rank| {
            sum += (rank as f64).powf(-0.99);
            sum
        });
        let mut simulator = Self {
            now: 0,
            events: BinaryHeap::new(),
            order: 0,
            processes: Vec::new(),
            idle: (0..setup.processors).rev().collect(),
            ready: VecDeque::new(),
            running: vec![None; setup.processors],
            locks: vec![Lock::default(); setup.shards],
            keys: [Key::default(); HOT],
            count: Line::default(),
            zipf: weights.collect(),
            random: fastrand::Rng::with_seed(setup.seed),
            report: Report::default(),
            setup,
        };
        for process in 0..setup.processes {
            simulator.processes.push(Process {
                state: State::Thinking,
                generation: 0,
                due: simulator.random.u64(..1_000),
                processor: None,
                shard: 0,
                key: HOT,
                requested: 0,
                preempted: None,
                seen: [0; HOT],
            });
            simulator.make_ready(process);
        }
        if setup.processes > setup.processors {
            for processor in 0..setup.processors {
                let first = simulator.random.u64(..SLICE);
                simulator.schedule(first, Event::Slice(processor), 0);
            }
        }
        simulator
    }

    pub(super) fn schedule(&mut self, time: u64, event: Event, generation: u32) {
        self.order += 1;
        self.events
            .push(Reverse((time, self.order, event, generation)));
    }

    /// The next event with its time and generation.
    pub(super) fn next(&mut self) -> Option<(u64, Event, u32)> {
        let Reverse((time, _, event, generation)) = self.events.pop()?;
        Some((time, event, generation))
    }

    /// The process enters `state`, which takes `time`.
    pub(super) fn enter(&mut self, process: usize, state: State, time: u64) {
        let it = &mut self.processes[process];
        it.state = state;
        it.generation += 1;
        it.due = self.now + time;
        let (due, generation) = (it.due, it.generation);
        self.schedule(due, Event::Step(process), generation);
    }

    /// The process runs as soon as a processor is idle.
    pub(super) fn make_ready(&mut self, process: usize) {
        match self.idle.pop() {
            Some(processor) => self.dispatch(process, processor),
            None => self.ready.push_back(process),
        }
    }

    fn dispatch(&mut self, process: usize, processor: usize) {
        self.running[processor] = Some(process);
        let it = &mut self.processes[process];
        it.processor = Some(processor);
        if let Some(since) = it.preempted.take() {
            self.report.away.add(self.now - since);
            let lock = &self.locks[it.shard];
            let waiting = lock.spinning.len() + lock.asleep.len();
            self.report.stalled.add(waiting as u64);
        }
        let (state, left) = (it.state, it.due);
        self.enter(process, state, left);
        if state == State::Spinning {
            self.schedule(self.now + self.setup.line, Event::Look(process), 0);
        }
    }

    /// The processor is given to the next process that is ready.
    pub(super) fn leave_processor(&mut self, processor: usize) {
        self.running[processor] = None;
        match self.ready.pop_front() {
            Some(next) => self.dispatch(next, processor),
            None => self.idle.push(processor),
        }
    }

    pub(super) fn preempt(&mut self, process: usize, processor: usize) {
        let it = &mut self.processes[process];
        it.processor = None;
        it.generation += 1;
        it.due -= self.now;
        if it.state == State::Holding {
            it.preempted = Some(self.now);
        }
        self.ready.push_back(process);
        self.leave_processor(processor);
    }
}
