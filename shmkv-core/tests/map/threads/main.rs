//! Can many threads share one handle, and may closures use the map, or panic?
//!
//! The program also runs under ThreadSanitizer, which needs a nightly toolchain. The dependencies are built
//! with the sanitizer but std is not, hence one suppression. Every access to a segment is atomic, so the
//! sanitizer must report nothing else:
//!
//! ```sh
//! TSAN_OPTIONS="suppressions=$PWD/shmkv-core/tests/map/threads/tsan.supp" \
//! RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
//!     cargo +nightly test -p shmkv-core --test threads --target x86_64-unknown-linux-gnu
//! ```
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod closures;
mod common;
mod panics;
#[path = "../../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};

use common::{Outcome, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use shmkv_core::iter::{Iter, Keys, Values};
use shmkv_core::{AccessError, Exchange, Map, Pod, ShmMap, ShmReader, Stats, Version, Versioned};
use support::report::Report;
use support::seed::seed;

/// One shard, so that everything a closure does needs the lock of the operation that runs it.
type Small = Map<10, u64, Words>;
/// Four shards.
type Sharded = Map<4096, u64, Words>;
type Words = Pod<[u64; 16], 128>;

const THREADS: usize = 4;

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let trials = vec![
        Trial::test("counts_are_exact", counts_are_exact),
        Trial::test("values_are_whole_small", || {
            values_are_whole(&Small::create_anonymous()?, 8)
        }),
        Trial::test("values_are_whole_sharded", || {
            values_are_whole(&Sharded::create_anonymous()?, 3000)
        }),
        Trial::test("exchanges_are_exclusive", exchanges_are_exclusive),
        Trial::test("handles_move_and_are_shared", handles_move_and_are_shared),
        Trial::test(
            "closures_may_use_the_map",
            closures::closures_may_use_the_map,
        ),
        Trial::test(
            "closures_may_use_another_thread",
            closures::closures_may_use_another_thread,
        ),
        Trial::test("panics_in_closures", panics::panics_in_closures),
        Trial::test("panics_in_encodings", panics::panics_in_encodings),
    ];
    libtest_mimic::run(&args, trials).exit();
}

fn spread(value: u64) -> Words {
    Pod(std::array::from_fn(|i| {
        value.wrapping_mul(2 * i as u64 + 1)
    }))
}

/// The number in a value; an error if the value is torn.
fn value(words: &Words) -> Result<u64, Failed> {
    ensure(*words == spread(words[0]), "torn value")?;
    Ok(words[0])
}

/// Threads that count in the same entries lose no count.
fn counts_are_exact() -> Outcome {
    let map = Map::<10, u64, u64>::create_anonymous()?;
    let each = 40_000;
    std::thread::scope(|scope| {
        let counters = [0; THREADS].map(|_| {
            scope.spawn(|| {
                for i in 0..each {
                    map.get_or_insert_with(i % 3, || 0)?;
                    map.update(i % 3, |count| *count += 1)?;
                }
                Ok::<(), AccessError>(())
            })
        });
        counters
            .into_iter()
            .try_for_each(|counter| counter.join().expect("a thread"))
    })?;
    let mut counted = 0;
    for count in map.values() {
        counted += count?;
    }
    let mut violations = map
        .check()
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let updates = THREADS as u64 * each;
    if counted != updates {
        violations.push(format!("the sum is {counted}, after {updates} updates"));
    }
    Report::new("threads", "counting")
        .count("updates", updates)
        .count("threads", THREADS)
        .require(&violations)
}

/// Writers and readers use one handle. Every value is whole, and a thread's own key has the value that it
/// stored.
fn values_are_whole<const N: usize>(map: &ShmMap<N, 8, 128, u64, Words>, keys: u64) -> Outcome {
    let seed = seed();
    let is_running = AtomicBool::new(true);
    let reads = AtomicU64::new(0);
    let writes = 100_000;
    let write = |me: u64| -> Outcome {
        let mut random = fastrand::Rng::with_seed(seed ^ me);
        let own = keys + me;
        for i in 1..=writes {
            let key = random.u64(..keys);
            match random.u8(..8) {
                0..3 => drop(map.insert(key, spread(random.u64(..)))?),
                3 => drop(map.remove(key)?.as_ref().map(value).transpose()?),
                4 => drop(map.replace(key, spread(i))?),
                5 => drop(map.update(key, |words| *words = spread(words[0].wrapping_add(1)))?),
                _ => {
                    map.insert(own, spread(i))?;
                    ensure(
                        map.get(own)? == Some(spread(i)),
                        "the own key does not have the value stored last",
                    )?;
                }
            }
            if random.u16(..) == 0 {
                map.retain(|key, words| *key >= keys || words[0].is_multiple_of(2))?;
            }
        }
        Ok(())
    };
    let read = || -> Outcome {
        let mut random = fastrand::Rng::with_seed(seed);
        while is_running.load(SeqCst) {
            map.get(random.u64(..keys))?
                .as_ref()
                .map(value)
                .transpose()?;
            if random.u8(..) == 0 {
                for words in map.values() {
                    value(&words?)?;
                }
            }
            reads.fetch_add(1, SeqCst);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let readers = [scope.spawn(read), scope.spawn(read)];
        let write = &write;
        let writers = [0, 1].map(|me| scope.spawn(move || write(me)));
        let written = writers.map(|thread| thread.join().expect("a thread"));
        is_running.store(false, SeqCst);
        let read = readers.map(|thread| thread.join().expect("a thread"));
        written.into_iter().chain(read).collect::<Outcome>()
    })?;
    let faults: Vec<String> = map.check().iter().map(ToString::to_string).collect();
    Report::new("threads", &format!("whole values, N = {N}"))
        .count("writes", 2 * writes)
        .count("reads", reads.load(SeqCst))
        .note("seed", seed)
        .require(&faults)
}

/// If several threads insert the same key, exchange the same version, or remove the same key, one succeeds.
fn exchanges_are_exclusive() -> Outcome {
    const RACES: u64 = 5_000;
    let map = Map::<10, u64, u64>::create_anonymous()?;
    let won = [0; 3].map(AtomicU64::new);
    let start = Barrier::new(THREADS);
    let race = |me: u64| -> Result<(), AccessError> {
        let win = |kind: usize, won_this: bool| won[kind].fetch_add(won_this.into(), SeqCst);
        for i in 0..RACES {
            start.wait();
            win(0, map.try_insert(i, me)?);
            start.wait();
            let seen = map.get_versioned(i)?;
            start.wait();
            if let Some(seen) = seen {
                win(1, map.compare_exchange(i, seen.version, me)?.is_stored());
            }
            start.wait();
            win(2, map.remove(i)?.is_some());
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let race = &race;
        let racers = [0; THREADS].map(|me| scope.spawn(move || race(me)));
        racers
            .into_iter()
            .try_for_each(|racer| racer.join().expect("a thread"))
    })?;
    let mut violations: Vec<String> = map.check().iter().map(ToString::to_string).collect();
    for (kind, won) in ["inserts", "exchanges", "removals"].iter().zip(&won) {
        let won = won.load(SeqCst);
        if won != RACES {
            violations.push(format!("{won} winners of {RACES} races for {kind}"));
        }
    }
    Report::new("threads", "races for one key")
        .count("races", 3 * RACES)
        .count("threads", THREADS)
        .require(&violations)
}

/// Handles and iterators are `Send` and `Sync`, and a handle works in another thread after its first owner
/// has dropped it.
fn handles_move_and_are_shared() -> Outcome {
    fn shared<T: Send + Sync>() {}
    type Entries<'m> = Iter<'m, 10, 8, 8, u64, u64>;
    shared::<ShmMap<10, 8, 8>>();
    shared::<ShmReader<10, 8, 8>>();
    // Handles hold no key and no value, so those need not be `Send` or `Sync`.
    shared::<ShmReader<10, 8, 8, std::rc::Rc<u64>, std::cell::Cell<u64>>>();
    shared::<Entries<'_>>();
    shared::<Keys<'_, 10, 8, 8, u64, u64>>();
    shared::<Values<'_, 10, 8, 8, u64, u64>>();
    shared::<(Stats, Version, Versioned<u64>, Exchange<u64>, AccessError)>();
    let map = Arc::new(Map::<10, u64, u64>::create_anonymous()?);
    let threads = [0, 1, 2, 3].map(|i| {
        let map = Arc::clone(&map);
        std::thread::spawn(move || map.insert(i, i).map(|_| ()))
    });
    for thread in threads {
        thread.join().expect("a thread")?;
    }
    let map = Arc::into_inner(map).expect("the last owner");
    let sum = std::thread::spawn(move || map.values().sum::<Result<u64, _>>());
    ensure(sum.join().expect("a thread")? == 6, "the sum of the values")?;
    Report::new("threads", "handles")
        .count("threads", 5)
        .print();
    Ok(())
}
