//! Two workers at once: their throughput, and the latency of a get.

use crate::clock;
use crate::data::{Key, Script};
use crate::figures::{Latency, Reach, Row};
use crate::measure::{Plan, tour};
use crate::orders::{Done, Order, latencies};
use crate::outcome::Outcome;
use crate::peers::{Candidate, OURS};
use crate::team::{Share, Task, Worker, command, command_threads};
use crate::work::{TOGETHER, Work};

/// The figures of two workers.
pub(crate) struct Together {
    pub(crate) rows: Vec<Row>,
    pub(crate) latencies: Vec<Latency>,
}

/// A candidate, and the threads that share it; none if processes do.
struct Entrant<'s, K: Key, const V: usize> {
    candidate: &'s mut Candidate<K, V>,
    threads: Vec<Share<'s, K, V>>,
}

/// The work of workers 0 and 1; worker 1 may be idle.
type Works = (Work, Option<Work>);

/// Measures full maps. `scripts` are those of the two threads.
pub(crate) fn measure<'s, K: Key, const V: usize>(
    candidates: &'s mut [Candidate<K, V>],
    scripts: &'s [Script<K, V>; 2],
    task: &Task,
    processors: [usize; 2],
    plan: Plan,
    wanted: &[Work],
) -> Outcome<Together> {
    let mut entrants: Vec<Entrant<'s, K, V>> = Vec::new();
    let mut shared = Vec::new();
    for candidate in candidates.iter_mut() {
        let mut threads = Vec::new();
        match candidate.reach {
            Reach::Thread => continue,
            Reach::Processes => {
                candidate.lend(2)?;
                shared.push(candidate.name.to_owned());
            }
            Reach::Threads => {
                for (script, processor) in scripts.iter().zip(processors) {
                    threads.push(Share {
                        runner: candidate.twin().ok_or("threads cannot share it")?,
                        script,
                        latencies: latencies()?,
                        processor,
                    });
                }
            }
        }
        entrants.push(Entrant { candidate, threads });
    }
    let mut workers = Vec::new();
    for (worker, processor) in processors.into_iter().enumerate() {
        let mut task = task.clone();
        task.worker = worker;
        task.processor = processor;
        task.candidates = shared.clone();
        workers.push(Worker::start(&task)?);
    }
    for worker in &mut workers {
        worker.ready()?;
    }
    // The worker processes have touched the memory of their maps; so do the threads.
    for share in entrants.iter_mut().flat_map(|entrant| &mut entrant.threads) {
        tour(&mut *share.runner, share.script)?;
    }

    let works: Vec<_> = TOGETHER
        .into_iter()
        .filter(|work| wanted.contains(work))
        .collect();
    let rows = mixed(&mut entrants, &mut workers, plan, &works)?;
    let mut latencies = Vec::new();
    if wanted.contains(&Work::Latency) {
        latencies = beside_a_writer(&mut entrants, &mut workers, plan)?;
    }
    Ok(Together { rows, latencies })
}

/// Each kind of work, by one worker and by two in turn.
fn mixed<K: Key, const V: usize>(
    entrants: &mut [Entrant<'_, K, V>],
    workers: &mut [Worker],
    plan: Plan,
    works: &[Work],
) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for work in works {
        for entrant in entrants.iter() {
            rows.extend([1, 2].map(|workers| Row {
                candidate: entrant.candidate.name.to_owned(),
                work: *work,
                workers,
                ns: Vec::new(),
            }));
        }
    }
    for turn in 0..plan.repetitions {
        for (place, work) in works.iter().enumerate() {
            for step in 0..entrants.len() {
                let at = (step + turn) % entrants.len();
                let row = 2 * (place * entrants.len() + at);
                let entrant = &mut entrants[at];
                let done = entrant.perform(workers, plan, (*work, None))?;
                rows[row].ns.push(per_operation(&done));
                let both = if entrant.candidate.one_writer {
                    by_one_writer(*work)
                } else {
                    (*work, Some(*work))
                };
                let done = entrant.perform(workers, plan, both)?;
                rows[row + 1].ns.push(per_operation(&done));
            }
        }
    }
    Ok(rows)
}

/// The same share of updates, all by worker 0.
fn by_one_writer(work: Work) -> Works {
    match work {
        Work::Mix { updates } => {
            let all = Work::Mix {
                updates: 2 * updates,
            };
            (all, Some(Work::Mix { updates: 0 }))
        }
        other => (other, Some(other)),
    }
}

/// The latencies of worker 1's gets while worker 0 updates; the last one is that of the
/// clock alone.
fn beside_a_writer<K: Key, const V: usize>(
    entrants: &mut [Entrant<'_, K, V>],
    workers: &mut [Worker],
    plan: Plan,
) -> Outcome<Vec<Latency>> {
    let mut found: Vec<Option<Latency>> = vec![None; entrants.len() + 1];
    let mut rates = vec![0.0; entrants.len() + 1];
    let works = (Work::Update, Some(Work::Latency));
    for turn in 0..plan.repetitions {
        for step in 0..found.len() {
            let at = (step + turn) % found.len();
            let done = match entrants.get_mut(at) {
                Some(entrant) => entrant.perform(workers, plan, works)?,
                None => {
                    let mut orders = orders(OURS, plan, works)?;
                    if let Some(order) = orders.last_mut() {
                        order.candidate = String::new();
                    }
                    command(workers, &orders)?
                }
            };
            rates[at] += rate(&done[0]) / plan.repetitions as f64;
            found[at] = done[1].latency.clone();
        }
    }
    let latencies = found.into_iter().zip(rates);
    Ok(latencies
        .filter_map(|(latency, rate)| {
            Some(Latency {
                writer_ns: 1.0 / rate,
                ..latency?
            })
        })
        .collect())
}

impl<K: Key, const V: usize> Entrant<'_, K, V> {
    fn perform(&mut self, workers: &mut [Worker], plan: Plan, works: Works) -> Outcome<Vec<Done>> {
        let name = self.candidate.name;
        self.candidate.lend(if works.1.is_some() { 2 } else { 1 })?;
        let orders = orders(name, plan, works)?;
        let done = if self.threads.is_empty() {
            command(workers, &orders)
        } else {
            command_threads(&mut self.threads, &orders)
        };
        Ok(done.map_err(|error| format!("{name}, {}: {error}", works.0.word()))?)
    }
}

/// Orders to begin at the same moment, after the warm-up.
fn orders(candidate: &str, plan: Plan, (first, second): Works) -> Outcome<Vec<Order>> {
    let length = u64::try_from(plan.length.as_nanos())?;
    let start = clock::now()? + u64::try_from(plan.warmup.as_nanos())?;
    let order = |work| Order {
        candidate: candidate.to_owned(),
        work,
        start,
        length,
    };
    Ok([Some(first), second]
        .into_iter()
        .flatten()
        .map(order)
        .collect())
}

/// Operations per nanosecond.
fn rate(done: &Done) -> f64 {
    done.operations as f64 / done.nanoseconds as f64
}

/// Nanoseconds per operation, of all workers together.
fn per_operation(done: &[Done]) -> f64 {
    1.0 / done.iter().map(rate).sum::<f64>()
}
