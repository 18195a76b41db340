//! One handle and many threads; closures that use the map; closures that panic.
//!
//! The same program under ThreadSanitizer, which needs a nightly toolchain and rebuilds the dependencies but not std
//! (every access to the segment is an atomic, so it must find nothing):
//!
//! ```sh
//! RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
//!     cargo +nightly test -p shmkv-core --test threads --target x86_64-unknown-linux-gnu
//! ```
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use shmkv_core::{
    AccessError, DecodeError, EncodeError, Exchange, Iter, Keys, Map, Pod, Schema, ShmField,
    ShmMap, ShmReader, ShmValue, Stats, ToKey, ToValue, Values, Version, Versioned,
};
use support::report::Report;
use support::seed::seed;

type Outcome = Result<(), Failed>;
/// One shard: everything that a closure does meets the lock of the operation that runs it.
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
        Trial::test("closures_may_use_the_map", closures_may_use_the_map),
        Trial::test(
            "closures_may_use_another_thread",
            closures_may_use_another_thread,
        ),
        Trial::test("panics_in_closures", panics_in_closures),
        Trial::test("panics_in_encodings", panics_in_encodings),
    ];
    libtest_mimic::run(&args, trials).exit();
}

fn ensure(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn spread(value: u64) -> Words {
    Pod(std::array::from_fn(|i| {
        value.wrapping_mul(2 * i as u64 + 1)
    }))
}

/// Fails for a value that is not whole.
fn value(words: &Words) -> Result<u64, Failed> {
    ensure(*words == spread(words[0]), "torn value")?;
    Ok(words[0])
}

/// All threads count in the same entries; no count is lost.
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
        violations.push(format!("{counted} counted, not {updates}"));
    }
    Report::new("threads", "counting")
        .count("updates", updates)
        .count("threads", THREADS)
        .require(&violations)
}

/// Writers and readers through one handle; a thread's own keys are as it left them.
fn values_are_whole<const N: usize>(map: &ShmMap<N, 8, 128, u64, Words>, keys: u64) -> Outcome {
    let seed = seed();
    let goes_on = AtomicBool::new(true);
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
                        "own key not as it was left",
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
        while goes_on.load(SeqCst) {
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
        let readers = [scope.spawn(&read), scope.spawn(&read)];
        let write = &write;
        let writers = [0, 1].map(|me| scope.spawn(move || write(me)));
        let written = writers.map(|thread| thread.join().expect("a thread"));
        goes_on.store(false, SeqCst);
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

/// Of several threads that insert one key one succeeds, of those that exchange one version one, of those that remove one.
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

/// What may be shared, is; what is handed to a thread works there after the first owner has let go.
fn handles_move_and_are_shared() -> Outcome {
    fn shared<T: Send + Sync>() {}
    type Entries<'m> = Iter<'m, 10, 8, 8, u64, u64>;
    shared::<ShmMap<10, 8, 8>>();
    shared::<ShmReader<10, 8, 8>>();
    // Handles hold no key and no value, so those need not be shareable themselves.
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
    ensure(sum.join().expect("a thread")? == 6, "sum")?;
    Report::new("threads", "handles")
        .count("threads", 5)
        .print();
    Ok(())
}

/// Runs `body` in a thread of its own; one that waits for itself is found out. The map's lock timeout is longer.
fn finishes(what: &str, body: impl FnOnce() -> Outcome + Send + 'static) -> Outcome {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(body()));
    let answer = told.recv_timeout(Duration::from_secs(30));
    answer.map_err(|_| Failed::from(format!("{what} hangs")))?
}

/// A map whose operations, were they to wait for a lock of their own thread, would wait for good.
fn patient() -> Result<Map<10, u64, u64>, Failed> {
    let options = Map::<10, u64, u64>::options().lock_timeout(Duration::from_secs(3600));
    Ok(options.create_anonymous()?)
}

/// Everything that a map can do, on all its keys.
fn use_everything(map: &Map<10, u64, u64>) -> Result<(), AccessError> {
    map.insert(8, 1)?;
    map.try_insert(9, 1)?;
    map.update(8, |value| *value += 1)?;
    map.get_or_insert_with(7, || 3)?;
    if let Some(seen) = map.get_versioned(8)? {
        map.compare_exchange(8, seen.version, 9)?.is_stored();
    }
    map.replace(9, 2)?;
    map.remove(9)?;
    map.remove_if(8, |value| *value > 0)?;
    map.retain(|key, _| *key < 7)?;
    map.flush()?;
    for entry in map {
        entry?;
    }
    Ok(())
}

fn closures_may_use_the_map() -> Outcome {
    finishes("update", || {
        let map = patient()?;
        map.insert(1, 1)?;
        let mut runs = 0;
        let new = map.update(1, |value| {
            runs += 1;
            use_everything(&map).expect("the map in its own closure");
            // The first time, the entry changes behind the closure's back.
            if runs == 1 {
                map.insert(1, 10).expect("insert");
            }
            *value += 1;
        })?;
        ensure(
            runs == 2 && new == Some(11),
            "update runs again after a change",
        )?;
        ensure(map.get(1)? == Some(11), "update")
    })?;
    finishes("get_or_insert_with", || {
        let map = patient()?;
        let got = map.get_or_insert_with(1, || {
            use_everything(&map).expect("the map in its own closure");
            map.insert(1, 5).expect("insert");
            7
        })?;
        ensure(
            got == 5 && map.get(1)? == Some(5),
            "the first to insert wins",
        )
    })?;
    finishes("retain", || {
        let map = patient()?;
        for key in 0..6 {
            map.insert(key, key)?;
        }
        map.retain(|key, _| {
            use_everything(&map).expect("the map in its own closure");
            *key == 3
        })?;
        let left: Vec<u64> = map
            .keys()
            .filter(|key| !matches!(key, Ok(7..)))
            .collect::<Result<_, _>>()?;
        ensure(left == [3], "retain keeps what it is told to")
    })?;
    finishes("remove_if", || {
        let map = patient()?;
        map.insert(1, 1)?;
        let mut runs = 0;
        let removed = map.remove_if(1, |value| {
            runs += 1;
            use_everything(&map).expect("the map in its own closure");
            if runs == 1 {
                map.insert(1, 2).expect("insert");
            }
            *value > 0
        })?;
        ensure(
            runs == 2 && removed == Some(2),
            "remove_if looks again after a change",
        )?;
        ensure(map.get(1)?.is_none() && map.check().is_empty(), "remove_if")
    })?;
    finishes("iteration", || {
        let map = patient()?;
        for key in 0..6 {
            map.insert(key, key)?;
        }
        for entry in &map {
            let (key, _) = entry?;
            map.remove(key)?;
        }
        ensure(
            map.is_empty() && map.check().is_empty(),
            "removed while iterating",
        )
    })?;
    Report::new("threads", "closures that use the map")
        .count("operations", 5)
        .print();
    Ok(())
}

/// While a closure waits for another thread, that thread writes: no lock is held.
fn closures_may_use_another_thread() -> Outcome {
    finishes("a closure that waits for a writer", || {
        let map = patient()?;
        map.insert(1, 1)?;
        let elsewhere = || {
            std::thread::scope(|scope| {
                let writer = scope.spawn(|| use_everything(&map));
                writer.join().expect("a thread").expect("write");
            });
        };
        map.update(1, |_| elsewhere())?;
        map.get_or_insert_with(2, || {
            elsewhere();
            2
        })?;
        map.remove_if(2, |_| {
            elsewhere();
            true
        })?;
        map.retain(|_, _| {
            elsewhere();
            true
        })?;
        ensure(map.check().is_empty(), "check")
    })?;
    Report::new("threads", "closures that wait for a writer")
        .count("operations", 4)
        .print();
    Ok(())
}

/// Runs `body`, in which panics are meant.
fn quietly(body: impl FnOnce() -> Outcome) -> Outcome {
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = body();
    drop(std::panic::take_hook());
    outcome
}

fn panics<R>(body: impl FnOnce() -> R) -> Outcome {
    let ended = catch_unwind(AssertUnwindSafe(body));
    ensure(ended.is_err(), "the panic comes through")
}

fn panic_after<R>(body: impl FnOnce() -> R) -> R {
    let result = body();
    if std::hint::black_box(true) {
        panic!("meant");
    }
    result
}

/// A panic in a closure leaves the entry as it was, no lock held, nothing to repair, other threads undisturbed.
fn panics_in_closures() -> Outcome {
    type Operation = fn(&Map<10, u64, u64>) -> bool;
    const OPERATIONS: [Operation; 4] = [
        |map| map.update(1, |value| panic_after(|| *value = 99)).is_ok(),
        |map| map.get_or_insert_with(8, || panic_after(|| 1)).is_ok(),
        |map| map.remove_if(1, |_| panic_after(|| true)).is_ok(),
        |map| map.retain(|_, _| panic_after(|| false)).is_ok(),
    ];
    let test = || -> Outcome {
        let map = patient()?;
        for key in 0..6 {
            map.insert(key, key)?;
        }
        let version = map.version();
        for operation in OPERATIONS {
            panics(|| operation(&map))?;
            ensure(
                map.version() == version && map.len() == 6,
                "nothing changed",
            )?;
            ensure(map.check().is_empty(), "nothing to repair")?;
            ensure(map.get(1)? == Some(1), "the entry is as it was")?;
        }
        use_everything(&map)?;
        std::thread::scope(|scope| scope.spawn(|| use_everything(&map)).join())
            .expect("a thread")?;
        ensure(map.stats().takeovers == 0, "nothing was taken over")
    };
    quietly(|| finishes("a map after panics", test))?;
    Report::new("threads", "closures that panic")
        .count("operations", OPERATIONS.len())
        .print();
    Ok(())
}

/// Panics when it is encoded.
struct Bomb;

impl ToKey<u64> for Bomb {
    fn encode_into(&self, _: &mut [u8]) -> Result<(), EncodeError> {
        panic_after(|| Ok(()))
    }
}

impl ToValue<Fragile> for Bomb {
    fn encode_into(&self, _: &mut [u8]) -> Result<(), EncodeError> {
        panic_after(|| Ok(()))
    }
}

/// A number of which 13 panics when it is decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fragile(u64);

impl<R> ShmField<R> for Fragile {
    const LEN: usize = 8;
    const SCHEMA: &'static Schema = &Schema::Pod {
        name: "Fragile",
        size: 8,
        fields: &[],
    };

    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        out.copy_from_slice(&self.0.to_le_bytes());
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let number = u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
        match number {
            13 => panic_after(|| Ok(Self(number))),
            _ => Ok(Self(number)),
        }
    }
}

impl ShmValue<8> for Fragile {}

/// A user's encoding that panics runs before the lock, one that decodes after it: the map is whole either way.
fn panics_in_encodings() -> Outcome {
    type Odd = ShmMap<10, 8, 8, u64, Fragile>;
    let test = || -> Outcome {
        let options = Odd::options().lock_timeout(Duration::from_secs(3600));
        let map = options.create_anonymous()?;
        map.insert(1, Fragile(1))?;
        let version = map.version();
        panics(|| map.insert(Bomb, Fragile(2)))?;
        panics(|| map.insert(1, Bomb))?;
        panics(|| map.try_insert(2, Bomb))?;
        panics(|| map.remove(Bomb))?;
        panics(|| map.get(Bomb).is_ok())?;
        ensure(
            map.version() == version && map.len() == 1,
            "nothing changed",
        )?;
        // What cannot be decoded has been stored; what replaces or removes it does so.
        map.insert(2, Fragile(13))?;
        panics(|| map.get(2).is_ok())?;
        panics(|| map.update(2, |value| value.0 = 1))?;
        panics(|| {
            map.iter()
                .map(|entry| entry.is_ok())
                .filter(|ok| *ok)
                .count()
        })?;
        panics(|| map.insert(2, Fragile(3)))?;
        ensure(map.get(2)? == Some(Fragile(3)), "replaced all the same")?;
        map.insert(2, Fragile(13))?;
        panics(|| map.remove(2))?;
        ensure(!map.contains_key(2)?, "removed all the same")?;
        ensure(map.get(1)? == Some(Fragile(1)), "the other entry")?;
        ensure(map.check().is_empty(), "nothing to repair")?;
        ensure(map.stats().takeovers == 0, "nothing was taken over")
    };
    quietly(|| finishes("a map after panics", test))?;
    Report::new("threads", "encodings that panic")
        .count("operations", 10)
        .print();
    Ok(())
}
