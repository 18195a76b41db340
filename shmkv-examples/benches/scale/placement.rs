//! Where entries go: the rule of `shmkv-core/src/table/write.rs`, for maps too large for
//! this machine.
//!
//! Only what placement depends on is simulated: for each slot the distance of its entry
//! from its home bucket, and its class; for each bucket the eight overflow counters. A
//! hash is 64 random bits, so home buckets and classes are independent and uniform, and
//! the numbers of entries per shard are multinomial.
//!
//! Shards are independent, so they are simulated one after the other. Churn is N times
//! the removal of a random entry of the map and an insertion. One shard then loses
//! entries in proportion to those it has, and gains them at a fixed rate: this process
//! is simulated, in continuous time.

use std::time::Instant;

use shmkv_core::Map;

use crate::figures::{head, row};
use crate::outcome::Outcome;
use crate::seed::SEED;
use crate::tail;

const SLOTS: usize = 7;

#[derive(Clone, Default)]
struct Bucket {
    /// Live entries: steps from the home bucket times 8, plus the class.
    entries: [u16; SLOTS],
    live: u8,
    /// As in the map: a counter at 255 is never decremented.
    overflow: [u8; 8],
}

struct Shard {
    buckets: Vec<Bucket>,
    live: u64,
    random: fastrand::Rng,
}

/// Totals over the entries and buckets of a shard or a map.
#[derive(Default)]
struct Totals {
    entries: u64,
    displaced: u64,
    steps: u64,
    farthest: u64,
    full: u64,
    overflowing: u64,
    sticky: u64,
    /// The buckets that a miss visits, summed over home buckets and classes.
    miss: u64,
    farthest_miss: u64,
    homes: u64,
    /// The entries of the fullest shard, as a share of its slots.
    fullest: f64,
}

impl Shard {
    fn new(number: u64, buckets: u64) -> Self {
        Self {
            buckets: vec![Bucket::default(); buckets as usize],
            live: 0,
            random: fastrand::Rng::with_seed(SEED ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        }
    }

    fn insert(&mut self) -> Outcome {
        let home = self.random.usize(..self.buckets.len());
        let class = self.random.usize(..8);
        let mut at = home;
        let mut steps = 0;
        while usize::from(self.buckets[at].live) == SLOTS {
            at = (at + 1) % self.buckets.len();
            steps += 1;
            if steps == self.buckets.len() {
                return Err("a shard is full".into());
            }
        }
        let bucket = &mut self.buckets[at];
        bucket.entries[usize::from(bucket.live)] = u16::try_from(steps * 8 + class)?;
        bucket.live += 1;
        self.live += 1;
        self.pass(home, steps, class, |count| count.saturating_add(1));
        Ok(())
    }

    /// Removes a random entry.
    fn remove(&mut self) {
        let (at, slot) = loop {
            let at = self.random.usize(..self.buckets.len());
            let slot = self.random.usize(..SLOTS);
            if slot < usize::from(self.buckets[at].live) {
                break (at, slot);
            }
        };
        let bucket = &mut self.buckets[at];
        let last = usize::from(bucket.live) - 1;
        let entry = usize::from(bucket.entries[slot]);
        bucket.entries.swap(slot, last);
        bucket.live -= 1;
        self.live -= 1;
        let (steps, class) = (entry / 8, entry % 8);
        let count = self.buckets.len();
        let home = (at + count - steps) % count;
        let lower = |count: u8| if count == 255 { 255 } else { count - 1 };
        self.pass(home, steps, class, lower);
    }

    /// Changes the counters of all buckets that an entry passed on its path.
    fn pass(&mut self, home: usize, steps: usize, class: usize, change: impl Fn(u8) -> u8) {
        let mut at = home;
        for _ in 0..steps {
            let counter = &mut self.buckets[at].overflow[class];
            *counter = change(*counter);
            at = (at + 1) % self.buckets.len();
        }
    }

    /// `mean` removals and as many insertions, on average.
    fn churn(&mut self, mean: f64) -> Outcome {
        let mut time = 0.0;
        while time < mean {
            // Per unit of time 1 insertion and live / mean removals.
            let removals = self.live as f64 / mean;
            time += 1.0 / (1.0 + removals);
            if self.random.f64() * (1.0 + removals) < 1.0 {
                self.insert()?;
            } else {
                self.remove();
            }
        }
        Ok(())
    }

    fn add_to(&self, into: &mut Totals) {
        into.entries += self.live;
        let slots = self.buckets.len() * SLOTS;
        into.fullest = into.fullest.max(self.live as f64 / slots as f64);
        for (at, bucket) in self.buckets.iter().enumerate() {
            into.full += u64::from(usize::from(bucket.live) == SLOTS);
            into.overflowing += u64::from(bucket.overflow != [0; 8]);
            for entry in &bucket.entries[..bucket.live.into()] {
                let steps = u64::from(entry / 8);
                into.displaced += u64::from(steps > 0);
                into.steps += steps;
                into.farthest = into.farthest.max(steps);
            }
            for class in 0..8 {
                into.sticky += u64::from(bucket.overflow[class] == 255);
                into.homes += 1;
                let (mut passed, mut visits) = (at, 1);
                while self.buckets[passed].overflow[class] != 0 && visits <= self.buckets.len() {
                    passed = (passed + 1) % self.buckets.len();
                    visits += 1;
                }
                into.miss += visits as u64;
                into.farthest_miss = into.farthest_miss.max(visits as u64);
            }
        }
    }
}

impl Totals {
    fn print(&self, n: &str, state: &str) {
        let entries = self.entries as f64;
        row(&[
            n,
            state,
            &format!("{:.2} %", 100.0 * self.displaced as f64 / entries),
            &format!("{:.3}", 1.0 + self.steps as f64 / entries),
            &(1 + self.farthest).to_string(),
            &format!("{:.3}", self.miss as f64 / self.homes as f64),
            &self.farthest_miss.to_string(),
            &format!("{:.1} %", 100.0 * self.fullest),
            &self.sticky.to_string(),
        ]);
    }
}

/// A full map: freshly filled, and after N removals and insertions.
fn simulate(n: u64) -> Outcome<[Totals; 2]> {
    let (shards, buckets) = tail::dimensions(n);
    // How many entries each shard gets.
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut counts = vec![0_u64; shards as usize];
    for _ in 0..n {
        counts[random.usize(..shards as usize)] += 1;
    }
    let mut totals = [Totals::default(), Totals::default()];
    for (number, count) in counts.into_iter().enumerate() {
        let mut shard = Shard::new(number as u64, buckets);
        for _ in 0..count {
            shard.insert()?;
        }
        shard.add_to(&mut totals[0]);
        shard.churn(n as f64 / shards as f64)?;
        shard.add_to(&mut totals[1]);
    }
    Ok(totals)
}

/// The same for a real map: the number of full buckets, and of overflowing ones.
fn measure() -> Outcome<[[usize; 2]; 2]> {
    const N: usize = 1_000_000;
    let map = Map::<N, u64, u8>::create_anonymous()?;
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut keys: Vec<u64> = (0..N).map(|_| random.u64(..)).collect();
    for key in &keys {
        map.insert(*key, 0)?;
    }
    let counts = || {
        let stats = map.stats();
        [stats.full_buckets, stats.overflowing_buckets]
    };
    let fresh = counts();
    for _ in 0..N {
        let place = random.usize(..N);
        map.remove(keys[place])?;
        keys[place] = random.u64(..);
        map.insert(keys[place], 0)?;
    }
    Ok([fresh, counts()])
}

pub(crate) fn run() -> Outcome {
    head(&[
        "N",
        "state",
        "not in their home bucket",
        "buckets per hit",
        "at most",
        "buckets per miss",
        "at most",
        "fullest shard",
        "counters at 255",
    ]);
    let mut million = None;
    for n in [10_000, 1_000_000, 100_000_000] {
        let start = Instant::now();
        let totals = simulate(n)?;
        let name = format!("10^{}", n.ilog10());
        totals[0].print(&name, "fresh");
        totals[1].print(&name, "churned");
        eprintln!("10^{}: {:.1} s", n.ilog10(), start.elapsed().as_secs_f64());
        if n == 1_000_000 {
            million = Some(totals);
        }
    }
    println!("\nN = 10^6, simulated and a real map:\n");
    head(&["", "full buckets", "overflowing buckets"]);
    let names = ["fresh", "churned"];
    let totals = million.iter().flatten();
    for ((name, totals), real) in names.iter().zip(totals).zip(measure()?) {
        let simulated = [totals.full.to_string(), totals.overflowing.to_string()];
        row(&[&format!("{name}, simulated"), &simulated[0], &simulated[1]]);
        let real = real.map(|count| count.to_string());
        row(&[&format!("{name}, measured"), &real[0], &real[1]]);
    }
    println!("\nThe probability that some shard of a full map is full:\n");
    head(&[
        "N",
        "shards",
        "mean entries per shard",
        "log2 of the probability",
    ]);
    let (worst, _) = tail::worst(3_000_000);
    for n in [4_096, 10_000, 1_000_000, 1 << 20, 100_000_000, worst] {
        let (shards, _) = tail::dimensions(n);
        let probability = format!("{:.1}", tail::log2_full(n));
        let mean = (n / shards).to_string();
        row(&[&n.to_string(), &shards.to_string(), &mean, &probability]);
    }
    println!("\nThe last row is the worst N up to 3,000,000.");
    Ok(())
}
