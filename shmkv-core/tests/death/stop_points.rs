//! What can other processes do while a writer is stopped at any instruction?
//!
//! Readers finish. Other writers time out and change nothing. The stopped writer, when it continues,
//! finishes as if nothing had happened.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
#[path = "../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use shmkv_core::AccessError;

use crash::keys::Keys;
use crash::lab::{ABSENT, Lab, LabMap, LabReader, value};
use crash::points;
use crash::scenario::{self, Scenario, ShardedLab, SmallLab, stamps};
use crash::survivor::before_recovery;
use support::report::Report;
use support::step::Stop;
use support::walk;

/// What the reports are called.
const QUESTION: &str = "stopped at every instruction";

static POINTS: AtomicUsize = AtomicUsize::new(0);

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1); // every test here forks
    let trials = vec![
        Trial::test("single_shard", single_shard),
        Trial::test("several_shards", several_shards),
    ];
    let conclusion = libtest_mimic::run(&args, trials);
    let points = POINTS.load(Ordering::Relaxed);
    Report::new(QUESTION, "in total")
        .count("stop points", points)
        .print();
    conclusion.exit();
}

/// At one point in this many the other writer waits a while instead of giving up at once, so that the
/// stopped one later finds the waiters' bit of its lock set, and runs on from there at full speed.
const SELDOM: usize = 200;
/// Of operations with more points than this, one point in [`STRIDE`] is tried.
const LONG: usize = 3_000;
const STRIDE: usize = 13;

fn single_shard() -> Result<(), Failed> {
    let lab = SmallLab::new();
    let others = OtherWriters::new(&lab);
    let keys = Keys::find(&lab);
    for scenario in scenario::small(&lab, &keys) {
        stop_everywhere(&scenario, &others)?;
    }
    Ok(())
}

fn several_shards() -> Result<(), Failed> {
    let lab = ShardedLab::new();
    let others = OtherWriters::new(&lab);
    for scenario in scenario::sharded(&lab) {
        stop_everywhere(&scenario, &others)?;
    }
    Ok(())
}

/// Handles of other writers, registered before any writer is stopped.
struct OtherWriters<const N: usize, const V: usize> {
    /// Gives up at once.
    hasty: LabMap<N, V>,
    /// Waits a while.
    patient: LabMap<N, V>,
}

impl<const N: usize, const V: usize> OtherWriters<N, V> {
    fn new(lab: &Lab<N, V>) -> Self {
        let open = |deadline| {
            let map = lab.another(deadline);
            assert_eq!(map.remove(ABSENT).unwrap(), None);
            map
        };
        Self {
            hasty: open(Duration::ZERO),
            patient: open(Duration::from_millis(5)),
        }
    }
}

/// What was measured at the points of one operation.
#[derive(Default)]
struct Observed {
    worst: Duration,
    reads: usize,
    refused: usize,
}

impl Observed {
    /// Runs a read and measures it.
    fn time<R>(&mut self, read: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = read();
        self.worst = self.worst.max(start.elapsed());
        self.reads += 1;
        result
    }

    /// Every kind of read, through one handle.
    fn read<const N: usize, const V: usize>(
        &mut self,
        handle: &LabReader<N, V>,
        key: u64,
    ) -> Result<(), AccessError> {
        self.time(|| handle.get(key))?;
        self.time(|| handle.get_versioned(key))?;
        self.time(|| handle.contains_key(key))?;
        self.time(|| handle.len());
        if N <= scenario::SMALL {
            self.time(|| handle.iter().try_for_each(|entry| entry.map(drop)))?;
        }
        Ok(())
    }

    /// Checks that a writer that finds the shard locked times out and changes nothing.
    fn write<const N: usize, const V: usize>(
        &mut self,
        scenario: &Scenario<'_, N, V>,
        other: &LabMap<N, V>,
    ) -> Result<(), String> {
        let before = scenario.lab.image();
        let (key, stamp) = (scenario.subject, 1);
        let outcome = if before.held() == 0 {
            other.remove(ABSENT)
        } else {
            other.insert(key, value(key, stamp))
        };
        match outcome {
            Err(AccessError::LockTimeout { .. }) if before.held() > 0 => self.refused += 1,
            Ok(None) if before.held() == 0 => {}
            answer => {
                let outcome = answer.map(|it| it.is_some());
                return Err(format!("the other writer: {outcome:?}"));
            }
        }
        if scenario.lab.image().without_waiters() != before.without_waiters() {
            return Err("a writer that timed out has changed the map".into());
        }
        Ok(())
    }
}

fn stop_everywhere<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    others: &OtherWriters<N, V>,
) -> Result<(), Failed> {
    let lab = scenario.lab;
    let mut observed = Observed::default();
    let observe = |point: usize| {
        for handle in [&lab.reader, &*lab.map] {
            for key in [scenario.subject, scenario.bystander] {
                let read = observed.read(handle, key);
                read.map_err(|e| format!("a read: {e}"))?;
            }
        }
        before_recovery(scenario)?;
        let seldom = point.is_multiple_of(SELDOM);
        let other = if seldom {
            &others.patient
        } else {
            &others.hasty
        };
        observed.write(scenario, other)
    };
    scenario.reset();
    let length = walk::for_each_stop_point(&points::plan(), || scenario.run(), |_| Ok(())).length;
    let mut plan = points::plan();
    if length > LONG {
        plan.stride = STRIDE;
    }
    scenario.reset();
    let mut tally = walk::for_each_stop_point(&plan, || scenario.run(), observe);
    tally.violations.extend(finished(scenario).err());
    let mut resumed = 0;
    for point in (0..length).step_by(SELDOM.max(length / 20)) {
        scenario.reset();
        if let Stop::At(stopped) = plan.run_to(point, || scenario.run()) {
            observed.write(scenario, &others.patient)?;
            let outcome = match stopped.resume() {
                Stop::Finished(_) => finished(scenario),
                other => Err(format!("did not finish: {other:?}")),
            };
            resumed += 1;
            let outcome = outcome.map_err(|e| format!("resumed at {point}: {e}"));
            tally.violations.extend(outcome.err());
        }
    }
    POINTS.fetch_add(tally.points, Ordering::Relaxed);
    Report::new(QUESTION, &scenario.name)
        .count("stop points", tally.points)
        .count("reads", observed.reads)
        .time("worst read", observed.worst)
        .count("writers timed out", observed.refused)
        .count("resumed at full speed", resumed)
        .require(&tally.violations)
}

/// Checks that the operation has taken effect, and that its stops have left no trace.
fn finished<const N: usize, const V: usize>(scenario: &Scenario<'_, N, V>) -> Result<(), String> {
    let lab = scenario.lab;
    let seen = lab.read(&lab.reader, scenario.keys())?;
    if stamps(&seen) != scenario.after {
        return Err("the contents are wrong".into());
    }
    if lab.reader.len() != seen.len() {
        return Err("len is wrong".into());
    }
    if lab.image().held() > 0 {
        return Err("the lock is still held".into());
    }
    match lab.reader.check().first() {
        Some(fault) => Err(fault.to_string()),
        None => Ok(()),
    }
}
