//! Processes, processors, locks and cache lines, one event after the other.
//!
//! A process thinks, draws a key, and reads or updates it. An update takes the lock
//! of the key's shard as `shmkv-core/src/lock.rs` does: a compare-exchange; if that
//! fails a hundred looks; then a question to the kernel, and sleep, for at most 10
//! to 20 ms; the one who unlocks wakes one sleeper if the word is marked. Nobody
//! queues for a lock: whoever comes when it is free has it.
//!
//! The line of a lock is a resource that one processor has at a time: it costs
//! `line` to get it from another, and those who want it are served in turn. The
//! lines of a hot key's bucket and slot cost twice that if another processor used
//! them last. All other memory is part of `hold` and `read`. If there are more
//! processes than processors they take turns, a time slice each.

mod steps;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::figures::Sample;

/// What is simulated. Times are in nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) processors: usize,
    pub(crate) processes: usize,
    pub(crate) shards: usize,
    /// Keys are drawn by Zipf's law with exponent 0.99 from this many, or, if it is
    /// 0, uniformly from very many.
    pub(crate) zipf: usize,
    /// The share of operations that are updates.
    pub(crate) updates: f64,
    pub(crate) think: u64,
    pub(crate) hold: u64,
    pub(crate) read: u64,
    pub(crate) line: u64,
    /// So many updates add, once, to a word that all shards share, as each insertion
    /// and removal does; 0 if none does.
    pub(crate) count_every: u64,
    pub(crate) duration: u64,
    pub(crate) seed: u64,
}

// As `machine` measured them, where it does.

/// A compare-exchange of a line that the processor has.
const LOCAL: u64 = 8;
/// What a waiter spends on looking before it asks.
const SPIN: u64 = 100 * 25;
/// Asking the kernel whether a holder lives.
const ASK: u64 = 1_400;
/// Falling asleep.
const SLEEP: u64 = 700;
/// What waking somebody costs the waker, and when the sleeper runs, if there is a
/// processor for it.
const WAKE: u64 = 1_000;
const RISE: u64 = 3_000;
/// The kernel's time slice.
const SLICE: u64 = 3_000_000;
/// Keys whose lines are followed.
const HOT: usize = 64;

#[derive(Default)]
pub(crate) struct Result {
    pub(crate) operations: u64,
    pub(crate) updates: u64,
    /// From the wish for a lock to having it.
    pub(crate) waits: Sample,
    /// How often the first compare-exchange failed, and how often somebody slept.
    pub(crate) taken: u64,
    pub(crate) slept: u64,
    /// Who waited for a lock when it was given back after a wait.
    pub(crate) convoys: Sample,
    /// Holders that lost their processor: who waited for them in the end, and for
    /// how long they were away.
    pub(crate) stalled: Sample,
    pub(crate) away: Sample,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A process's next step.
    Step(usize),
    /// A spinning process sees that its lock is free.
    Look(usize),
    /// The end of a time slice.
    Slice(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
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

struct Process {
    state: State,
    /// Events of an earlier one have been overtaken.
    generation: u32,
    /// When its step is due, or, without a processor, how long it will take.
    due: u64,
    processor: Option<usize>,
    shard: usize,
    key: usize,
    wished: u64,
    preempted: Option<u64>,
    seen: [u32; HOT],
}

#[derive(Clone, Default)]
struct Line {
    owner: usize,
    free: u64,
}

#[derive(Clone, Default)]
struct Lock {
    holder: Option<usize>,
    marked: bool,
    spinning: Vec<usize>,
    asleep: VecDeque<usize>,
    line: Line,
}

#[derive(Clone, Copy, Default)]
struct Key {
    writer: usize,
    version: u32,
    shared: bool,
}

pub(crate) struct Simulator {
    setup: Setup,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, What, u32)>>,
    order: u64,
    processes: Vec<Process>,
    idle: Vec<usize>,
    ready: VecDeque<usize>,
    running: Vec<Option<usize>>,
    locks: Vec<Lock>,
    keys: [Key; HOT],
    count: Line,
    zipf: Vec<f64>,
    random: fastrand::Rng,
    result: Result,
}

impl Simulator {
    pub(crate) fn run(setup: Setup) -> Result {
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
            result: Result::default(),
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
                wished: 0,
                preempted: None,
                seen: [0; HOT],
            });
            simulator.make_ready(process);
        }
        if setup.processes > setup.processors {
            for processor in 0..setup.processors {
                let first = simulator.random.u64(..SLICE);
                simulator.event(first, What::Slice(processor), 0);
            }
        }
        while let Some(Reverse((time, _, what, generation))) = simulator.events.pop() {
            if time > setup.duration {
                break;
            }
            simulator.now = time;
            simulator.happen(what, generation);
        }
        simulator.result
    }

    fn event(&mut self, time: u64, what: What, generation: u32) {
        self.order += 1;
        self.events
            .push(Reverse((time, self.order, what, generation)));
    }

    fn happen(&mut self, what: What, generation: u32) {
        match what {
            What::Slice(processor) => {
                self.event(self.now + SLICE, What::Slice(processor), 0);
                if let Some(process) = self.running[processor]
                    && !self.ready.is_empty()
                {
                    self.preempt(process, processor);
                }
            }
            What::Step(process) if self.processes[process].generation == generation => {
                self.step(process);
            }
            What::Look(process)
                if self.processes[process].state == State::Spinning
                    && self.processes[process].processor.is_some() =>
            {
                if self.locks[self.processes[process].shard].holder.is_none() {
                    self.stop_spinning(process);
                    self.try_lock(process, true);
                }
            }
            What::Step(_) | What::Look(_) => {}
        }
    }

    /// The process goes on to `state`, and finishes that after `time`.
    fn enter(&mut self, process: usize, state: State, time: u64) {
        let it = &mut self.processes[process];
        it.state = state;
        it.generation += 1;
        it.due = self.now + time;
        let (due, generation) = (it.due, it.generation);
        self.event(due, What::Step(process), generation);
    }

    fn make_ready(&mut self, process: usize) {
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
            self.result.away.add(self.now - since);
            let lock = &self.locks[it.shard];
            let waiting = lock.spinning.len() + lock.asleep.len();
            self.result.stalled.add(waiting as u64);
        }
        let (state, left) = (it.state, it.due);
        self.enter(process, state, left);
        if state == State::Spinning {
            self.event(self.now + self.setup.line, What::Look(process), 0);
        }
    }

    /// Somebody else gets the processor.
    fn leave_processor(&mut self, processor: usize) {
        self.running[processor] = None;
        match self.ready.pop_front() {
            Some(next) => self.dispatch(next, processor),
            None => self.idle.push(processor),
        }
    }

    fn preempt(&mut self, process: usize, processor: usize) {
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
