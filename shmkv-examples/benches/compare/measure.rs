//! How long the operations of one process take.
//!
//! Everything is warmed up before it is measured. A repetition measures the candidates
//! right after each other, so that changes of the machine during a run affect all of
//! them.

use std::time::{Duration, Instant};

use crate::data::{BATCH, Key, Script};
use crate::figures::Row;
use crate::outcome::Outcome;
use crate::peers::Candidate;
use crate::store::Runner;
use crate::work::{ALONE, Work};

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) repetitions: usize,
    /// About how long one measurement takes.
    pub(crate) length: Duration,
    /// How long the warm-up before each takes.
    pub(crate) warmup: Duration,
}

impl Plan {
    /// The plan for maps of `n` entries. Large maps need a longer warm-up: the other maps
    /// have evicted even their page tables from the caches.
    pub(crate) fn new(quick: bool, n: usize) -> Self {
        let large = n > FEW_INSERTS;
        let (repetitions, length) = match (quick, large) {
            (false, false) => (REPETITIONS, 60),
            (false, true) => (REPETITIONS, 80),
            (true, false) => (3, 10),
            (true, true) => (3, 20),
        };
        let length = Duration::from_millis(length);
        let warmup = if large { length } else { length / 4 };
        Self {
            repetitions,
            length,
            warmup,
        }
    }

    /// The operations of the warm-up for a measurement of `count` operations.
    fn warming(&self, count: usize) -> usize {
        let share = self.warmup.as_secs_f64() / self.length.as_secs_f64();
        (count as f64 * share) as usize / BATCH * BATCH
    }
}

/// The number of repetitions, unless the run is quick.
const REPETITIONS: usize = 7;

/// The longest time for touching a map's memory.
const TOUR: Duration = Duration::from_secs(1);
/// Gets between two looks at the clock.
const STEP: usize = 256;

/// The most inserts that are measured of a candidate that takes microseconds for one.
pub(crate) const FEW_INSERTS: usize = 20_000;

/// Touches the memory of a full map before anything is measured, for at most [`TOUR`].
pub(crate) fn tour<K: Key, const V: usize>(
    runner: &mut dyn Runner<K, V>,
    script: &Script<K, V>,
) -> Outcome<()> {
    let begin = Instant::now();
    let mut at = 0;
    while at < script.hits.len() && begin.elapsed() < TOUR {
        runner.run(Work::Get, script, at, STEP)?;
        at += STEP;
    }
    Ok(())
}

/// Gets and updates of a full map.
pub(crate) fn steady<K: Key, const V: usize>(
    candidates: &mut [Candidate<K, V>],
    script: &Script<K, V>,
    plan: Plan,
    wanted: &[Work],
) -> Outcome<Vec<Row>> {
    let works: Vec<_> = ALONE
        .into_iter()
        .filter(|work| wanted.contains(work))
        .collect();
    let mut counts = Vec::new();
    for candidate in candidates.iter_mut() {
        for work in &works {
            counts.push(calibrate(candidate, *work, script, plan)?);
        }
    }
    repeat(candidates, &works, plan, |candidate, at, work, turn| {
        let count = counts[at * works.len() + work];
        let work = works[work];
        let warming = plan.warming(count);
        let from = turn * (warming + count);
        candidate.run(work, script, from, warming)?;
        let start = Instant::now();
        candidate.run(work, script, from + warming, count)?;
        Ok(per_operation(start.elapsed(), count))
    })
}

/// A removal and an insertion at 90 % fill, counted as one operation. Leaves the maps
/// 90 % full.
pub(crate) fn churn<K: Key, const V: usize>(
    candidates: &mut [Candidate<K, V>],
    script: &Script<K, V>,
    plan: Plan,
) -> Outcome<Vec<Row>> {
    let mut counts = Vec::new();
    for candidate in candidates.iter_mut() {
        if candidate.can(Work::Churn) {
            candidate.thin(script)?;
        }
        let start = Instant::now();
        let first = 16;
        if candidate.can(Work::Churn) {
            candidate.run(Work::Churn, script, 0, first)?;
        }
        let each = start.elapsed() / 16;
        counts.push((first, enough(each, plan)));
    }
    repeat(candidates, &[Work::Churn], plan, |candidate, at, _, _| {
        let (from, count) = counts[at];
        let warming = plan.warming(count);
        candidate.run(Work::Churn, script, from, warming)?;
        let start = Instant::now();
        candidate.run(Work::Churn, script, from + warming, count)?;
        let took = start.elapsed();
        counts[at].0 = from + warming + count;
        Ok(per_operation(took, count))
    })
}

/// Inserts into the empty map until it is full, again and again. Leaves the maps in any
/// state.
pub(crate) fn insert<K: Key, const V: usize>(
    candidates: &mut [Candidate<K, V>],
    script: &Script<K, V>,
    plan: Plan,
    clock: Duration,
) -> Outcome<Vec<Row>> {
    let repetitions = if plan.repetitions < REPETITIONS && script.n > FEW_INSERTS {
        1
    } else {
        plan.repetitions
    };
    let plan = Plan {
        repetitions,
        ..plan
    };
    repeat(candidates, &[Work::Insert], plan, |candidate, _, _, _| {
        let count = if candidate.slow {
            script.n.min(FEW_INSERTS)
        } else {
            script.n
        };
        let mut took = Duration::ZERO;
        let mut inserted = 0;
        let begin = Instant::now();
        while inserted == 0 || (took < plan.length && begin.elapsed() < 2 * plan.length) {
            candidate.clear()?;
            let start = Instant::now();
            candidate.run(Work::Insert, script, 0, count)?;
            took += start.elapsed().saturating_sub(clock);
            inserted += count;
        }
        Ok(per_operation(took, inserted))
    })
}

/// Measures some kinds of work, repeatedly. Each repetition does all kinds, and each kind
/// by all candidates in turn, starting with another one each time.
///
/// `measure` gets the candidate, its index, the index of the work, and the number of the
/// repetition.
fn repeat<K: Key, const V: usize>(
    candidates: &mut [Candidate<K, V>],
    works: &[Work],
    plan: Plan,
    mut measure: impl FnMut(&mut Candidate<K, V>, usize, usize, usize) -> Outcome<f64>,
) -> Outcome<Vec<Row>> {
    let row = |candidate: &Candidate<K, V>, work| Row {
        candidate: candidate.name.to_owned(),
        work,
        workers: 1,
        ns: Vec::new(),
    };
    let rows_of = |candidate| works.iter().map(move |work| row(candidate, *work));
    let mut rows: Vec<_> = candidates.iter().flat_map(rows_of).collect();
    for turn in 0..plan.repetitions {
        for (place, work) in works.iter().enumerate() {
            for step in 0..candidates.len() {
                let at = (step + turn) % candidates.len();
                let candidate = &mut candidates[at];
                if candidate.can(*work) {
                    let ns = measure(candidate, at, place, turn)
                        .map_err(|error| format!("{}, {}: {error}", candidate.name, work.word()))?;
                    rows[at * works.len() + place].ns.push(ns);
                }
            }
        }
    }
    Ok(rows)
}

/// How many operations take the time of one measurement. Also warms up.
fn calibrate<K: Key, const V: usize>(
    candidate: &mut Candidate<K, V>,
    work: Work,
    script: &Script<K, V>,
    plan: Plan,
) -> Outcome<usize> {
    let mut count = BATCH;
    while candidate.can(work) {
        let start = Instant::now();
        candidate.run(work, script, 0, count)?;
        let took = start.elapsed();
        if took > plan.length / 8 {
            return Ok(enough(took / u32::try_from(count)?, plan));
        }
        count *= 2;
    }
    Ok(count)
}

/// The number of operations, in whole batches, that take the time of one measurement.
fn enough(each: Duration, plan: Plan) -> usize {
    let count = plan.length.as_nanos() / each.as_nanos().max(1);
    usize::try_from(count).unwrap_or(BATCH).max(BATCH) / BATCH * BATCH
}

fn per_operation(took: Duration, count: usize) -> f64 {
    took.as_secs_f64() * 1e9 / count as f64
}
