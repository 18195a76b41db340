//! The orders that two workers get, and how they carry them out.
//!
//! An order names a moment to begin. Until then the worker warms up, with the work that
//! it is about to do; then it works for a given time. So each worker is measured while
//! the other one works, too.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::data::{Key, Script};
use crate::figures::Latency;
use crate::outcome::Outcome;
use crate::store::Runner;
use crate::work::Work;

/// The work of one worker, at a given time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) candidate: String,
    pub(crate) work: Work,
    /// On the monotonic clock, in nanoseconds, like `length`.
    pub(crate) start: u64,
    pub(crate) length: u64,
}

/// What the worker did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) operations: usize,
    pub(crate) nanoseconds: u64,
    /// The latencies of all orders for [`Work::Latency`] so far.
    pub(crate) latency: Option<Latency>,
}

/// Latencies of a candidate.
pub(crate) type Latencies = Histogram<u64>;

/// An empty histogram: up to a minute, to three digits.
pub(crate) fn latencies() -> Outcome<Latencies> {
    Ok(Histogram::new_with_bounds(1, 60_000_000_000, 3)?)
}

/// The most operations between two looks at the clock.
const MOST: usize = 4096;
/// About how long the operations between two looks at the clock take, in nanoseconds.
const STEP: u64 = 30_000;

/// Carries out an order. Without a runner, measures the clock alone.
pub(crate) fn perform<K: Key, const V: usize>(
    order: &Order,
    mut runner: Option<&mut dyn Runner<K, V>>,
    script: &Script<K, V>,
    histogram: &mut Latencies,
) -> Outcome<Done> {
    let mut one_by_one = latencies()?;
    let mut turn = |from: usize, count: usize, histogram: &mut Latencies| match &mut runner {
        Some(runner) if order.work == Work::Latency => {
            runner.latencies(script, from, count, histogram)
        }
        Some(runner) => runner.run(order.work, script, from, count),
        None => clock_alone(count, histogram),
    };
    let mut count = 1;
    let mut at = 0;
    let mut time = clock::now()?;
    while time < order.start {
        turn(at, count, &mut one_by_one)?;
        at += count;
        let last = std::mem::replace(&mut time, clock::now()?);
        if time - last < STEP / 2 && count < MOST {
            count *= 2;
        } else if time - last > 2 * STEP && count > 1 {
            count /= 2;
        }
    }
    // Later than ordered only if the last step of the warm-up took long.
    let begin = time;
    let mut operations = 0;
    while operations == 0 || time < begin + order.length {
        turn(at, count, histogram)?;
        at += count;
        operations += count;
        time = clock::now()?;
    }
    let latency = (order.work == Work::Latency).then(|| summary(order, histogram));
    Ok(Done {
        operations,
        nanoseconds: time - begin,
        latency,
    })
}

/// As [`Runner::latencies`], with nothing between the readings of the clock.
fn clock_alone(count: usize, histogram: &mut Latencies) -> Outcome<()> {
    for _ in 0..count {
        let last = clock::now()?;
        histogram.saturating_record(clock::now()? - last);
    }
    Ok(())
}

fn summary(order: &Order, histogram: &Latencies) -> Latency {
    let at = |quantile| histogram.value_at_quantile(quantile);
    Latency {
        candidate: Some(order.candidate.clone()).filter(|name| !name.is_empty()),
        samples: histogram.len(),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        p9999: at(0.9999),
        max: histogram.max(),
        writer_ns: 0.0,
    }
}
