//! What a process does, step by step: think, take the lock or wait for it, change the
//! entry, release the lock; or read.

use super::state::{Event, HOT, Line, Simulator, State};

// Times in nanoseconds, as the part `machine` measured them where it does.

/// A compare-exchange on a cache line that the processor has.
const LOCAL: u64 = 8;
/// All looks of a spinning process at the lock word.
const SPIN: u64 = 100 * 25;
/// Asking the kernel whether the holder lives.
const ASK: u64 = 1_400;
/// Falling asleep.
const SLEEP: u64 = 700;
/// What waking a sleeper costs the process that wakes it.
const WAKE: u64 = 1_000;
/// How long until the sleeper runs, if a processor is idle.
const RISE: u64 = 3_000;

impl Simulator {
    /// How long until the processor of `process` has the cache line of its lock.
    fn touch(&mut self, process: usize) -> u64 {
        let it = &self.processes[process];
        let line = &mut self.locks[it.shard].line;
        Self::transfer(line, it.processor.unwrap_or(0), self.now, self.setup.line) - self.now
    }

    fn transfer(line: &mut Line, processor: usize, now: u64, cost: u64) -> u64 {
        let cost = if line.owner == processor { LOCAL } else { cost };
        line.owner = processor;
        line.free = line.free.max(now) + cost;
        line.free
    }

    pub(super) fn try_lock(&mut self, process: usize, slow: bool) {
        let time = self.touch(process);
        self.enter(process, State::Trying { slow }, time);
    }

    pub(super) fn stop_spinning(&mut self, process: usize) {
        let shard = self.processes[process].shard;
        self.locks[shard].spinning.retain(|other| *other != process);
    }

    pub(super) fn step(&mut self, process: usize) {
        let shard = self.processes[process].shard;
        match self.processes[process].state {
            State::Thinking => self.begin(process),
            State::Reading => self.think(process),
            State::Trying { slow } => {
                if self.locks[shard].holder.is_none() {
                    self.locks[shard].holder = Some(process);
                    self.locks[shard].marked = slow;
                    let wait = self.now - self.processes[process].requested;
                    self.report.waits.add(wait);
                    let hold = self.setup.hold + self.lines(process, true) + self.counted(process);
                    self.enter(process, State::Holding, hold);
                } else if slow {
                    self.enter(process, State::Asking, ASK);
                } else {
                    self.report.taken += 1;
                    self.locks[shard].spinning.push(process);
                    self.enter(process, State::Spinning, SPIN);
                }
            }
            State::Spinning => {
                self.stop_spinning(process);
                if self.locks[shard].holder.is_some() {
                    self.enter(process, State::Asking, ASK);
                } else {
                    self.try_lock(process, true);
                }
            }
            State::Asking => {
                // Marking the lock word takes its cache line from the holder.
                let time = self.touch(process);
                if self.locks[shard].holder.is_some() {
                    self.locks[shard].marked = true;
                    self.enter(process, State::GoingToSleep, time + SLEEP);
                } else {
                    self.enter(process, State::Trying { slow: true }, time);
                }
            }
            State::GoingToSleep => {
                if self.locks[shard].holder.is_none() || !self.locks[shard].marked {
                    self.try_lock(process, true); // The word has changed.
                    return;
                }
                self.report.slept += 1;
                self.locks[shard].asleep.push_back(process);
                let slice = 10_000_000 + process as u64 % 11 * 1_000_000;
                self.enter(process, State::Asleep, slice);
                if let Some(processor) = self.processes[process].processor.take() {
                    self.leave_processor(processor);
                }
            }
            State::Asleep => {
                // The sleep timed out.
                self.locks[shard].asleep.retain(|other| *other != process);
                self.rise(process, 0);
            }
            State::Holding => {
                let time = self.touch(process);
                self.enter(process, State::Leaving, time);
            }
            State::Leaving => self.unlock(process),
        }
    }

    /// A sleeper tries its lock as soon as it has a processor.
    fn rise(&mut self, process: usize, after: u64) {
        let it = &mut self.processes[process];
        it.state = State::Trying { slow: true };
        it.generation += 1;
        it.due = after + self.setup.line;
        self.make_ready(process);
    }

    fn unlock(&mut self, process: usize) {
        let shard = self.processes[process].shard;
        let lock = &mut self.locks[shard];
        lock.holder = None;
        let marked = std::mem::take(&mut lock.marked);
        let waiting = lock.spinning.len() + lock.asleep.len();
        let mut spinning = lock.spinning.clone();
        let woken = if marked {
            lock.asleep.pop_front()
        } else {
            None
        };
        if waiting > 0 {
            self.report.convoys.add(waiting as u64);
        }
        self.random.shuffle(&mut spinning);
        for (turn, other) in spinning.into_iter().enumerate() {
            let seen = self.now + self.setup.line * (1 + turn as u64);
            self.schedule(seen, Event::Look(other), 0);
        }
        if let Some(woken) = woken {
            self.rise(woken, RISE);
        }
        self.think_after(process, if marked { WAKE } else { 0 });
    }

    fn think(&mut self, process: usize) {
        self.think_after(process, 0);
    }

    fn think_after(&mut self, process: usize, first: u64) {
        self.report.operations += 1;
        let mean = self.setup.think as f64;
        let think = (-mean * (1.0 - self.random.f64()).ln()) as u64;
        self.enter(process, State::Thinking, first + think);
    }

    fn begin(&mut self, process: usize) {
        let rank = self.rank();
        let shard = match rank {
            Some(rank) => (rank as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32,
            None => self.random.u64(..1 << 32),
        };
        let it = &mut self.processes[process];
        it.shard = shard as usize % self.setup.shards;
        it.key = rank.unwrap_or(HOT);
        it.requested = self.now;
        if self.random.f64() < self.setup.updates {
            self.report.updates += 1;
            self.try_lock(process, false);
        } else {
            let time = self.setup.read + self.lines(process, false);
            self.enter(process, State::Reading, time);
        }
    }

    /// A rank by Zipf's law; `None` if keys are drawn uniformly.
    fn rank(&mut self) -> Option<usize> {
        let point = self.random.f64() * self.zipf.last()?;
        Some(self.zipf.partition_point(|sum| *sum < point))
    }

    /// What the cache lines of a hot key cost.
    fn lines(&mut self, process: usize, write: bool) -> u64 {
        let it = &mut self.processes[process];
        let Some(key) = self.keys.get_mut(it.key) else {
            return 0;
        };
        let seen = &mut it.seen[it.key];
        let mine = key.writer == process && !(write && key.shared);
        let moved = if write {
            !mine
        } else {
            !mine && *seen != key.version
        };
        if write {
            key.writer = process;
            key.version += 1;
        }
        key.shared = !write && (key.shared || moved);
        *seen = key.version;
        if moved { 2 * self.setup.line } else { 0 }
    }

    /// What the word that all shards share costs.
    fn counted(&mut self, process: usize) -> u64 {
        let every = self.setup.count_every;
        if every == 0 || self.random.u64(..every) > 0 {
            return 0;
        }
        let processor = self.processes[process].processor.unwrap_or(0);
        Self::transfer(&mut self.count, processor, self.now, self.setup.line) - self.now
    }
}
