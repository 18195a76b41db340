//! Proves the log and the checker together, on a register in shared memory, correct and broken, whose
//! processes are killed at random.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use crate::dummy::Outcome;
use crate::support::history::check;
use crate::support::history::event::{Answer, Event, Op, Seen};
use crate::support::proc;
use crate::support::record::{Lane, Log};
use crate::support::report::Report;
use crate::support::shared::SharedWords;

/// One word per key: the version in the upper half, the value in the lower; value 0 means absent.
#[derive(Clone, Copy, PartialEq)]
enum Register {
    Correct,
    /// Broken: reads a copy that is refreshed every few operations.
    StaleReads,
    /// Broken: updates with a load and a store.
    LosesUpdates,
}

fn unpack(word: u64) -> Option<Seen> {
    let seen = Seen {
        value: word & 0xffff_ffff,
        version: word >> 32,
    };
    (seen.value != 0).then_some(seen)
}

impl Register {
    /// Stores `value` under the next version if `only_if` accepts the entry; returns that entry.
    fn swap(
        self,
        word: &AtomicU64,
        value: u64,
        only_if: impl Fn(Option<Seen>) -> bool,
    ) -> Result<Option<Seen>, Option<Seen>> {
        loop {
            let old = word.load(SeqCst);
            if !only_if(unpack(old)) {
                return Err(unpack(old));
            }
            let new = (((old >> 32) + 1) << 32) | value;
            // A pause, in which another process may store, or a kill come.
            (0..PAUSE).for_each(|_| std::hint::spin_loop());
            if self == Self::LosesUpdates {
                word.store(new, SeqCst);
                return Ok(unpack(old));
            }
            if word.compare_exchange(old, new, SeqCst, SeqCst).is_ok() {
                (0..PAUSE).for_each(|_| std::hint::spin_loop());
                return Ok(unpack(old));
            }
        }
    }

    /// Runs a random operation on a random key.
    fn step(
        self,
        lane: &Lane<'_>,
        words: &SharedWords,
        copies: &mut [u64],
        value: u64,
        random: &mut fastrand::Rng,
    ) {
        let at = random.usize(..copies.len());
        let (word, key) = (&words[at], at as u64);
        let always = |_| true;
        match random.u8(..10) {
            0..4 => {
                if self != Self::StaleReads || random.u8(..4) == 0 {
                    copies[at] = 0;
                }
                lane.record(key, Op::Get, || {
                    let stale = copies[at];
                    copies[at] = if stale == 0 { word.load(SeqCst) } else { stale };
                    Some(Answer::Saw(unpack(copies[at])))
                });
            }
            4..6 => {
                lane.record(key, Op::Insert { value }, || {
                    self.swap(word, value, always).ok().map(Answer::Saw)
                });
            }
            6 => {
                lane.record(key, Op::Remove, || {
                    self.swap(word, 0, always).ok().map(Answer::Saw)
                });
            }
            7..9 => {
                lane.record(key, Op::Update { value }, || {
                    let (Ok(seen) | Err(seen)) = self.swap(word, value, |seen| seen.is_some());
                    Some(Answer::Saw(seen))
                });
            }
            _ => {
                let read = || Some(Answer::Saw(unpack(word.load(SeqCst))));
                let Some(Answer::Saw(Some(Seen { version, .. }))) = lane.record(key, Op::Get, read)
                else {
                    return;
                };
                lane.record(
                    key,
                    Op::CompareExchange {
                        expected: version,
                        value,
                    },
                    || {
                        let found = self.swap(word, value, |seen| {
                            seen.is_some_and(|seen| seen.version == version)
                        });
                        Some(found.map_or_else(Answer::Changed, |_| Answer::Stored(version + 1)))
                    },
                );
            }
        }
    }
}

const PAUSE: usize = 40;
const WRITERS: usize = 3;
const KEYS: usize = 4;

/// The history of writers that share `register` until their lanes are full, with `kills` kills.
fn run(register: Register, per_lane: usize, kills: usize, seed: u64) -> Vec<Event> {
    let log = Log::new(WRITERS, per_lane);
    let words = SharedWords::new(KEYS);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut spawned = 0;
    let mut start = |lane: usize, mut random: fastrand::Rng| {
        spawned += 1;
        let first = spawned << 20; // so that the values of this process are unique
        proc::fork_child(|| {
            let lane = log.lane(lane);
            let mut copies = [0; KEYS];
            for value in first.. {
                if lane.remaining() < 2 {
                    break; // a step logs up to two operations
                }
                if random.u8(..10) == 0 {
                    std::thread::yield_now();
                }
                register.step(&lane, &words, &mut copies, value, &mut random);
            }
            0
        })
    };
    let mut writers: Vec<_> = (0..WRITERS)
        .map(|lane| start(lane, random.fork()))
        .collect();
    for _ in 0..kills {
        std::thread::sleep(Duration::from_micros(random.u64(50..500)));
        let lane = random.usize(..WRITERS);
        writers[lane].kill();
        writers[lane] = start(lane, random.fork());
    }
    for writer in &writers {
        assert_eq!(writer.exit_code(Duration::from_secs(20)), Ok(0));
    }
    log.events()
}

pub(crate) fn of_killed_processes() -> Outcome {
    let seed = fastrand::u64(..);
    let history = run(Register::Correct, 100_000, 400, seed);
    let start = Instant::now();
    let verdict = check(&history);
    let rate = verdict.operations as f64 / start.elapsed().as_secs_f64();
    let report = Report::new("support", "history/of killed processes")
        .count("operations", verdict.operations)
        .count("keys", verdict.keys);
    let report = report
        .count("cut off", verdict.cut_off)
        .count("steps", verdict.tried)
        .note("seed", seed);
    report
        .count("operations/s", format_args!("{rate:.0}"))
        .require(&verdict.violations)?;
    for (wrong, what) in [
        (Register::StaleReads, "stale reads"),
        (Register::LosesUpdates, "lost updates"),
    ] {
        let start = Instant::now();
        let verdict = check(&run(wrong, 20_000, 20, seed));
        let caught = verdict.violations.len();
        Report::new("support", &format!("history/{what}"))
            .count("keys caught, as expected", caught)
            .time("after", start.elapsed())
            .print();
        if caught == 0 {
            return Err(format!("accepted: {what}, seed {seed}").into());
        }
    }
    Ok(())
}
