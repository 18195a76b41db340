//! Many processes on many processors, simulated; and two processes, measured and
//! simulated.

use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use shmkv_core::Map;

use crate::figures::{head, percent, row, time};
use crate::outcome::Outcome;
use crate::process::{Helper, Name, ended, pin, processors};
use crate::seed::SEED;
use crate::simulator::{self, Setup};

/// Updates of a map that is larger than the caches, with no pause other than the
/// caller's own work.
const BUSY: Setup = Setup {
    processors: 2,
    processes: 2,
    shards: 1,
    zipf: 0,
    updates: 1.0,
    think: 100,
    hold: 150,
    read: 150,
    line: 100,
    count_every: 0,
    duration: 50_000_000,
    seed: SEED,
};

/// Simulates, and prints a row of the table.
fn show(name: &str, setup: Setup) {
    let start = Instant::now();
    let mut report = simulator::run(setup);
    let updates = report.updates.max(1) as f64;
    let rate = report.operations as f64 / setup.duration as f64 * 1e3;
    let convoy = report.convoys.at(0.99);
    row(&[
        &format!("{} / {}", setup.processes, setup.processors),
        name,
        &format!("{rate:.1} M/s"),
        &percent(report.taken as f64 / updates),
        &percent(report.slept as f64 / updates),
        &time(report.waits.at(0.5)),
        &time(report.waits.at(0.99)),
        &time(report.waits.at(1.0)),
        &convoy.to_string(),
    ]);
    if report.away.len() > 0 {
        eprintln!(
            "    {} holders preempted, for p50 {}, p99 {}, max {}; processes that waited for them: p50 {}, p99 {}, max {}",
            report.away.len(),
            time(report.away.at(0.5)),
            time(report.away.at(0.99)),
            time(report.away.at(1.0)),
            report.stalled.at(0.5),
            report.stalled.at(0.99),
            report.stalled.at(1.0),
        );
    }
    eprintln!("    {:.1} s", start.elapsed().as_secs_f64());
}

fn columns() {
    head(&[
        "processes / cores",
        "load",
        "all operations",
        "lock taken by another",
        "sleep",
        "wait p50",
        "p99",
        "max",
        "convoy p99",
    ]);
}

pub(crate) fn run() -> Outcome {
    println!("Measured here, two processes:\n");
    head(&["load", "one alone", "both", "both, simulated"]);
    for (name, setup) in [
        (
            "hot",
            Setup {
                zipf: 1,
                think: 15,
                ..BUSY
            },
        ),
        (
            "million",
            Setup {
                shards: 512,
                think: 30,
                ..BUSY
            },
        ),
    ] {
        let [one, both] = measure(name)?;
        // What an update of one process takes, without thinking and an uncontended lock.
        let hold = (1e3 / one) as u64 - setup.think.min((1e3 / one) as u64);
        let hold = hold.saturating_sub(16);
        let setup = Setup {
            hold,
            line: LINE_HERE,
            ..setup
        };
        let simulated = simulator::run(setup).operations as f64 / setup.duration as f64 * 1e3;
        let rates = [one, both, simulated].map(|rate| format!("{rate:.2} M/s"));
        row(&[name, &rates[0], &rates[1], &rates[2]]);
    }
    println!("\nSimulated, updates only:\n");
    columns();
    for (processes, processors, line) in [(2, 2, 60), (8, 8, 60), (64, 64, 100), (200, 64, 100)] {
        let duration = if processes > processors {
            2 * BUSY.duration
        } else {
            BUSY.duration
        };
        let machine = Setup {
            processes,
            processors,
            line,
            duration,
            ..BUSY
        };
        let calm = Setup {
            think: 10_000,
            ..machine
        };
        show("1 shard, 0.1 µs apart", machine);
        show("1 shard, 10 µs apart", calm);
        show(
            "1,024 shards, 0.1 µs apart",
            Setup {
                shards: 1024,
                ..machine
            },
        );
        show(
            "1,024 shards, 10 µs apart",
            Setup {
                shards: 1024,
                ..calm
            },
        );
        let zipf = Setup {
            shards: 1024,
            zipf: 1_000_000,
            ..machine
        };
        show("1,024 shards, Zipf, 0.1 µs apart", zipf);
        show(
            "1,024 shards, Zipf, 10 µs apart",
            Setup {
                think: 10_000,
                ..zipf
            },
        );
    }
    println!("\nSimulated, variants on 64 cores, 0.1 µs apart, 1,024 shards:\n");
    columns();
    let large = Setup {
        processes: 64,
        processors: 64,
        shards: 1024,
        ..BUSY
    };
    let zipf = Setup {
        zipf: 1_000_000,
        ..large
    };
    show(
        "95 % reads",
        Setup {
            updates: 0.05,
            ..large
        },
    );
    show(
        "95 % reads, Zipf",
        Setup {
            updates: 0.05,
            ..zipf
        },
    );
    show("200 ns for a cache line", Setup { line: 200, ..large });
    show("200 ns for a cache line, Zipf", Setup { line: 200, ..zipf });
    show(
        "inserts and removals",
        Setup {
            count_every: 1,
            ..large
        },
    );
    show(
        "inserts and removals, 200 ns for a cache line",
        Setup {
            count_every: 1,
            line: 200,
            ..large
        },
    );
    show(
        "inserts and removals, counted in steps of 16",
        Setup {
            count_every: 16,
            ..large
        },
    );
    show(
        "256 shards",
        Setup {
            shards: 256,
            ..large
        },
    );
    show(
        "4,096 shards",
        Setup {
            shards: 4096,
            ..large
        },
    );
    Ok(())
}

/// The cost of a cache line as `machine` measures it; a line that is read and changed
/// moves twice.
const LINE_HERE: u64 = 60;

type Hot = Map<10, u64, [u8; 64]>;
type Million = Map<1_000_000, u64, [u8; 64]>;

/// Millions of updates per second: of one process, and of two together.
fn measure(load: &str) -> Outcome<[f64; 2]> {
    let name = Name::new(load);
    let mut random = fastrand::Rng::with_seed(SEED);
    if load == "hot" {
        Hot::create(&name.0)?.insert(0, [0; 64])?;
    } else {
        let map = Million::create(&name.0)?;
        for _ in 0..1_000_000 {
            map.insert(random.u64(..), [0; 64])?;
        }
    }
    let mut rates = [0.0; 2];
    for (together, rate) in rates.iter_mut().enumerate() {
        let cpus = processors()?.map(|cpu| cpu.to_string());
        let start = |cpu: &String| Helper::start(&["contention", load, &name.0, cpu]);
        let helpers: Vec<_> = cpus[..=together]
            .iter()
            .map(start)
            .collect::<Outcome<_>>()?;
        thread::sleep(Duration::from_secs(3));
        for helper in helpers {
            *rate += helper.finish()?[0];
        }
    }
    Ok(rates)
}

/// The main function of a process that updates until it is asked for results: millions
/// of updates per second.
pub(crate) fn child(words: &[&str]) -> Outcome {
    let [load, name, cpu] = words else {
        return Err("a task of `contention` has three arguments".into());
    };
    let end = ended();
    pin(cpu.parse()?)?;
    let value = [1; 64];
    let mut start = Instant::now();
    let mut done = 0_u64;
    if *load == "hot" {
        let map = Hot::open(name)?;
        while !end.load(Relaxed) {
            black_box(map.insert(0, value)?);
            done += 1;
        }
    } else {
        let map = Million::open(name)?;
        let mut random = fastrand::Rng::with_seed(SEED);
        let keys: Vec<u64> = (0..1_000_000).map(|_| random.u64(..)).collect();
        random.seed(cpu.parse()?);
        for key in &keys {
            black_box(map.insert(*key, value)?); // So that every page is mapped.
        }
        start = Instant::now();
        while !end.load(Relaxed) {
            black_box(map.insert(keys[random.usize(..keys.len())], value)?);
            done += 1;
        }
    }
    println!("{}", done as f64 / start.elapsed().as_secs_f64() / 1e6);
    Ok(())
}
