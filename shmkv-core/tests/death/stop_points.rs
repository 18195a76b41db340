//! T3: a writer is stopped at every instruction, and readers finish; other writers give up at their deadline and change
//! nothing; and when it goes on, the stopped one finishes as if nothing had happened.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
#[path = "../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use shmkv_core::AccessError;

use crash::death;
use crash::keys::Keys;
use crash::lab::{ABSENT, Lab, LabMap, LabReader, value};
use crash::scenario::{self, Scenario, ShardedLab, SmallLab, stamps};
use crash::survivor::before_recovery;
use support::report::Report;
use support::step::Stop;
use support::walk;

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
    Report::new("T3", "in total")
        .count("stop points", points)
        .print();
    conclusion.exit();
}

/// At every so many points the other writer waits a while instead of giving up at once, so that the stopped one later finds
/// that somebody may sleep on its lock; and the stopped one runs on from there at full speed.
const SELDOM: usize = 200;
/// Of operations with more points than this, every so many are tried.
const LONG: usize = 3_000;
const STRIDE: usize = 13;

fn single_shard() -> Result<(), Failed> {
    let lab = SmallLab::new();
    let rivals = Rivals::new(&lab);
    let keys = Keys::find(&lab);
    for scenario in scenario::small(&lab, &keys) {
        stop_everywhere(&scenario, &rivals)?;
    }
    Ok(())
}

fn several_shards() -> Result<(), Failed> {
    let lab = ShardedLab::new();
    let rivals = Rivals::new(&lab);
    for scenario in scenario::sharded(&lab) {
        stop_everywhere(&scenario, &rivals)?;
    }
    Ok(())
}

/// Handles of other writers, registered before anything is stopped.
struct Rivals<const N: usize, const V: usize> {
    hasty: LabMap<N, V>,
    patient: LabMap<N, V>,
}

impl<const N: usize, const V: usize> Rivals<N, V> {
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

/// What was measured and counted at the points of one operation.
#[derive(Default)]
struct Looks {
    worst: Duration,
    reads: usize,
    refused: usize,
}

impl Looks {
    /// Runs a read and takes its time.
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

    /// A writer that finds the shard locked is refused and changes nothing.
    fn write<const N: usize, const V: usize>(
        &mut self,
        scenario: &Scenario<'_, N, V>,
        rival: &LabMap<N, V>,
    ) -> Result<(), String> {
        let before = scenario.lab.image();
        let (key, stamp) = (scenario.subject, 1);
        let outcome = if before.held() == 0 {
            rival.remove(ABSENT)
        } else {
            rival.insert(key, value(key, stamp))
        };
        match outcome {
            Err(AccessError::LockTimeout { .. }) if before.held() > 0 => self.refused += 1,
            Ok(None) if before.held() == 0 => {}
            other => {
                let outcome = other.map(|it| it.is_some());
                return Err(format!("the other writer: {outcome:?}"));
            }
        }
        if scenario.lab.image().without_waiters() != before.without_waiters() {
            return Err("a writer that gave up has changed the map".into());
        }
        Ok(())
    }
}

fn stop_everywhere<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    rivals: &Rivals<N, V>,
) -> Result<(), Failed> {
    let lab = scenario.lab;
    let mut looks = Looks::default();
    let look = |point: usize| {
        for handle in [&lab.reader, &*lab.map] {
            for key in [scenario.subject, scenario.bystander] {
                let read = looks.read(handle, key);
                read.map_err(|e| format!("a read: {e}"))?;
            }
        }
        before_recovery(scenario)?;
        let seldom = point.is_multiple_of(SELDOM);
        let rival = if seldom {
            &rivals.patient
        } else {
            &rivals.hasty
        };
        looks.write(scenario, rival)
    };
    scenario.reset();
    let length = walk::for_each_stop_point(&death::plan(), || scenario.run(), |_| Ok(())).length;
    let mut plan = death::plan();
    if length > LONG {
        plan.stride = STRIDE;
    }
    scenario.reset();
    let mut tally = walk::for_each_stop_point(&plan, || scenario.run(), look);
    tally.violations.extend(finished(scenario).err());
    let mut resumed = 0;
    for point in (0..length).step_by(SELDOM.max(length / 20)) {
        scenario.reset();
        if let Stop::At(stopped) = plan.run_to(point, || scenario.run()) {
            looks.write(scenario, &rivals.patient)?;
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
    Report::new("T3", &scenario.name)
        .count("stop points", tally.points)
        .count("reads", looks.reads)
        .time("worst read", looks.worst)
        .count("writers refused", looks.refused)
        .count("resumed at full speed", resumed)
        .require(&tally.violations)
}

/// The operation is done, and nothing shows that it was held up.
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
        return Err("the lock was not given back".into());
    }
    match lab.reader.check().first() {
        Some(fault) => Err(fault.to_string()),
        None => Ok(()),
    }
}
