//! What the parts of an operation cost on this machine: the numbers that the simulation
//! uses.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::stat::fstat;
use shmkv_core::Map;

use crate::figures::{head, row};
use crate::futex;
use crate::outcome::Outcome;
use crate::process::{Name, pin, processors};
use crate::seed::SEED;

/// A word on a cache line of its own.
#[repr(align(128))]
struct Line<T>(T);

/// Nanoseconds per call: the best of five runs of `times` calls.
fn cost(times: u64, mut call: impl FnMut(u64)) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        for i in 0..times {
            call(i);
        }
        best = best.min(start.elapsed().as_nanos() as f64 / times as f64);
    }
    best
}

/// What one turn costs if two threads on two processors take turns.
fn turns(times: u64, turn: impl Fn(u64) + Sync) -> Outcome<f64> {
    let cpus = processors()?;
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        thread::scope(|scope| -> Outcome {
            let other = scope.spawn(|| -> Outcome {
                pin(cpus[1])?;
                (0..times).for_each(|i| turn(2 * i + 1));
                Ok(())
            });
            pin(cpus[0])?;
            (0..times).for_each(|i| turn(2 * i));
            other.join().map_err(|_| "a thread panicked")?
        })?;
        best = best.min(start.elapsed().as_nanos() as f64 / (2 * times) as f64);
    }
    Ok(best)
}

fn line() -> Outcome<f64> {
    let word = Line(AtomicU64::new(0));
    turns(500_000, |mine| {
        while word.0.load(SeqCst) != mine {}
        // As a lock is released. A plain store would wait in the store buffer.
        word.0.swap((mine + 1) % 1_000_000, SeqCst);
    })
}

fn wake_up() -> Outcome<f64> {
    let word = Line(AtomicU32::new(0));
    turns(20_000, |mine| {
        let mine = mine as u32;
        loop {
            let seen = word.0.load(SeqCst);
            if seen == mine {
                break;
            }
            futex::wait(&word.0, seen);
        }
        word.0.store((mine + 1) % 40_000, SeqCst);
        futex::wake_one(&word.0);
    })
}

type Many = Map<1_000_000, u64, [u8; 64]>;
type Few = Map<10, u64, [u8; 64]>;

/// Asking whether the holder of a lock lives: the kernel searches all locks on the
/// object.
fn ask(writers: usize) -> Outcome<f64> {
    let name = Name::new("ask");
    let map = Few::create(&name.0)?;
    let others = (1..writers).map(|_| Few::open(&name.0));
    let _others = others.collect::<Result<Vec<_>, _>>()?;
    let mut failed = Ok(());
    let mut cost = cost(5_000, |i| {
        let mut range = libc::flock {
            l_type: libc::F_RDLCK as i16,
            l_whence: libc::SEEK_SET as i16,
            l_start: (1 << 62) + 1 + (i % writers as u64) as i64,
            l_len: 1,
            l_pid: 0,
        };
        let asked = fstat(&map).and_then(|_| fcntl(&map, FcntlArg::F_OFD_GETLK(&mut range)));
        if let Err(error) = asked {
            failed = Err(error);
        }
    });
    failed?;
    cost = cost.max(0.0);
    Ok(cost)
}

/// Opening the map for writing and closing it, with so many writers registered.
fn register(writers: usize) -> Outcome<f64> {
    let name = Name::new("register");
    let _map = Few::create(&name.0)?;
    let others = (1..writers).map(|_| Few::open(&name.0));
    let _others = others.collect::<Result<Vec<_>, _>>()?;
    let mut failed = Ok(());
    let cost = cost(200, |_| {
        if let Err(error) = Few::open(&name.0) {
            failed = Err(error);
        }
    });
    failed?;
    Ok(cost)
}

/// An update and a get, of a map that fits the cache and of one that does not.
fn operations() -> Outcome<[f64; 4]> {
    let few = Few::create_anonymous()?;
    let many = Many::create_anonymous()?;
    let mut random = fastrand::Rng::with_seed(SEED);
    let keys: Vec<u64> = (0..1_000_000).map(|_| random.u64(..)).collect();
    let value = [1; 64];
    for key in &keys {
        many.insert(*key, value)?;
    }
    few.insert(keys[0], value)?;
    let order: Vec<u64> = (0..200_000)
        .map(|_| keys[random.usize(..keys.len())])
        .collect();
    let mut failed = Ok(());
    let mut note = |done: Result<_, _>| match done {
        Ok(old) => drop::<Option<[u8; 64]>>(black_box(old)),
        Err(error) => failed = Err(error),
    };
    let costs = [
        cost(200_000, |_| note(few.insert(keys[0], value))),
        cost(200_000, |i| note(many.insert(order[i as usize], value))),
        cost(200_000, |_| note(few.get(keys[0]))),
        cost(200_000, |i| note(many.get(order[i as usize]))),
    ];
    failed?;
    Ok(costs)
}

pub(crate) fn run() -> Outcome {
    let ns = |what: &str, ns: f64| row(&[what, &format!("{ns:.0} ns")]);
    head(&["on this machine", ""]);
    ns(
        "a cache line moved to the other processor, read and changed",
        line()?,
    );
    ns("waking a sleeper on the other processor", wake_up()?);
    let word = Line(AtomicU32::new(1));
    let look = cost(100_000, |_| {
        black_box(word.0.load(Relaxed));
        spin_loop();
    });
    ns("one look of a spinning waiter", look);
    let [few, many, get_few, get_many] = operations()?;
    ns("an update, one key", few);
    ns("an update, one of 10^6 keys", many);
    ns("a get, one key", get_few);
    ns("a get, one of 10^6 keys", get_many);
    for writers in [1, 10, 100, 200, 1000] {
        let what = format!("asking whether a holder lives, with {writers} writers");
        ns(&what, ask(writers)?);
    }
    for writers in [1, 200, 1000] {
        let what = format!("opening for writing and closing, with {writers} writers");
        ns(&what, register(writers)?);
    }
    Ok(())
}
