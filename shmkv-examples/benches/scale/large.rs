//! Readers beside a writer that updates the same value without pause, for values of 64
//! KiB and 1 MiB.
//!
//! An update writes to another slot of its key's bucket, in turn. So the more slots are
//! vacant, the more time a reader has before the value that it copies is overwritten.
//! Two states of the bucket are measured: one key (seven vacant slots), and seven keys
//! (one vacant slot, the worst case).
//!
//! Typed handles return values as arrays, and a typed reader spends most of its time
//! moving them; untyped handles copy little more than the map itself must. The writer
//! ignores the old value, so it moves nothing and is as fast as possible.
//!
//! The map does not report how often a read was retried. But a read that took the lock,
//! or failed as `Contended`, made 128 copies in vain before; and the processor time of a
//! read, unlike its duration, does not include the time of other processes.

use std::error::Error;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use shmkv_core::untyped::{UntypedMap, UntypedReader};
use shmkv_core::{AccessError, ShmMap};

use crate::figures::{Sample, head, percent, row, time};
use crate::outcome::Outcome;
use crate::process::{Helper, Name, ended, pin, processors};
use crate::seed::SEED;

/// A map of two buckets.
type Large<const V: usize> = ShmMap<7, 8, V>;

const KEY: [u8; 8] = *b"the key.";
/// The length of one measurement, in milliseconds.
const SPAN: u64 = 2_000;

/// A map with `keys` entries, all in the bucket of [`KEY`].
fn prepare<const V: usize>(name: &str, keys: usize) -> Outcome<Large<V>> {
    let map = Large::<V>::create(name)?;
    let value = vec![0; V];
    let value: &[u8; V] = value.as_slice().try_into()?;
    let mut random = fastrand::Rng::with_seed(SEED);
    loop {
        map.insert(KEY, value)?;
        for _ in 1..7 {
            map.insert(random.u64(..).to_ne_bytes(), value)?;
        }
        // One bucket is full: it has all seven.
        if map.stats().full_buckets == 1 {
            break;
        }
        map.clear()?;
    }
    let others: Vec<_> = map.keys().collect::<Result<_, _>>()?;
    for other in others.iter().filter(|key| **key != KEY).skip(keys - 1) {
        map.remove(other)?;
    }
    Ok(map)
}

fn measure<const V: usize>(size: &str) -> Outcome {
    for keys in [1, 7] {
        for (writers, reader) in [
            (0, "read-write"),
            (1, "read-write"),
            (1, "read-only"),
            (0, "read-only, untyped"),
            (1, "read-write, untyped"),
            (1, "read-only, untyped"),
            (2, "read-only, untyped"),
        ] {
            let name = Name::new("large");
            let _map = prepare::<V>(&name.0, keys)?;
            let cpus = processors()?.map(|cpu| cpu.to_string());
            // A second writer shares the reader's processor.
            let write = |cpu: &String| Helper::start(&["large", size, "write", &name.0, cpu]);
            let writing: Vec<_> = cpus
                .iter()
                .take(writers)
                .map(write)
                .collect::<Outcome<_>>()?;
            let reading = Helper::start(&["large", size, reader, &name.0, &cpus[1]])?;
            thread::sleep(Duration::from_millis(SPAN));
            let read = reading.finish()?;
            let mut period = Vec::new();
            for writer in writing {
                period.push(time(writer.finish()?[0] as u64));
            }
            let [
                reads,
                p50,
                p99,
                most,
                cpu,
                cpu_p99,
                cpu_most,
                again,
                locked,
                contended,
            ] = read[..]
            else {
                return Err("a reader printed the wrong number of figures".into());
            };
            let [p50, p99, most, cpu, cpu_p99, cpu_most] =
                [p50, p99, most, cpu, cpu_p99, cpu_most].map(|ns| time(ns as u64));
            row(&[
                size,
                &keys.to_string(),
                reader,
                &period.join(", "),
                &format!("{:.0}", reads / SPAN as f64 * 1e3),
                &format!("{p50}, {p99}, {most}"),
                &format!("{cpu}, {cpu_p99}, {cpu_most}"),
                &percent(again),
                &format!("{locked:.0}"),
                &contended.to_string(),
            ]);
        }
    }
    Ok(())
}

pub(crate) fn run() -> Outcome {
    head(&[
        "V",
        "keys in the bucket",
        "reader",
        "time of an update",
        "reads/s",
        "duration p50, p99, max",
        "processor time p50, p99, max",
        "reads over 2 x p50",
        "reads over 64 x p50",
        "`Contended`",
    ]);
    measure::<{ 64 << 10 }>("64KiB")?;
    measure::<{ 1 << 20 }>("1MiB")
}

/// The main function of a writer or a reader.
pub(crate) fn child(words: &[&str]) -> Outcome {
    let [size, role, name, cpu] = words else {
        return Err("a task of `large` has four arguments".into());
    };
    pin(cpu.parse()?)?;
    let work = match *size {
        "64KiB" => role_of::<{ 64 << 10 }>,
        _ => role_of::<{ 1 << 20 }>,
    };
    // The stack must hold several values.
    thread::scope(|scope| {
        let work = thread::Builder::new()
            .stack_size(64 << 20)
            .spawn_scoped(scope, || work(role, name))?;
        work.join().map_err(|_| "a thread panicked")?
    })
}

fn role_of<const V: usize>(role: &str, name: &str) -> Outcome {
    match role {
        "write" => {
            let map = Large::<V>::open(name)?;
            write::<V, _>(|value| map.insert(KEY, value).map(drop))
        }
        "read-write" => {
            let map = Large::<V>::open(name)?;
            read::<V, _>(|| map.get(KEY))
        }
        "read-only" => {
            let map = Large::<V>::open_read_only(name)?;
            read::<V, _>(|| map.get(KEY))
        }
        "read-write, untyped" => {
            let map = UntypedMap::open(name)?;
            read::<V, _>(|| Ok(map.get(&KEY)?.map(|found| found.value)))
        }
        _ => {
            let map = UntypedReader::open(name)?;
            read::<V, _>(|| Ok(map.get(&KEY)?.map(|found| found.value)))
        }
    }
}

fn write<const V: usize, E: Error + Send + Sync + 'static>(
    insert: impl Fn(&[u8; V]) -> Result<(), E>,
) -> Outcome {
    let mut value = vec![0; V];
    let end = ended();
    let start = Instant::now();
    let mut done = 0_u64;
    while !end.load(Relaxed) {
        // In a whole value, the first, middle and last bytes are the same.
        let stamp = done.to_ne_bytes();
        for at in [0, V / 2, V - 8] {
            value[at..at + 8].copy_from_slice(&stamp);
        }
        insert(value.as_slice().try_into()?)?;
        done += 1;
    }
    println!("{}", start.elapsed().as_nanos() as u64 / done.max(1));
    Ok(())
}

/// The processor time of this thread, in nanoseconds.
fn processor_time() -> Outcome<u64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(u64::try_from(Duration::from(time).as_nanos())?)
}

fn read<const V: usize, R: AsRef<[u8]>>(
    get: impl Fn() -> Result<Option<R>, AccessError>,
) -> Outcome {
    let (mut wall, mut cpu) = (Sample::default(), Sample::default());
    let mut contended = 0;
    let end = ended();
    while !end.load(Relaxed) {
        let (start, begun) = (Instant::now(), processor_time()?);
        match get() {
            Ok(Some(value)) => {
                cpu.add(processor_time()? - begun);
                wall.add(start.elapsed().as_nanos() as u64);
                let stamp = |at: usize| &value.as_ref()[at..at + 8];
                if stamp(0) != stamp(V / 2) || stamp(0) != stamp(V - 8) {
                    return Err("a value is torn".into());
                }
            }
            Ok(None) => return Err("the key is missing".into()),
            Err(AccessError::Contended { .. }) => contended += 1,
            Err(other) => return Err(other.into()),
        }
    }
    let usual = cpu.at(0.5);
    let again = cpu.share(|ns| ns > 2 * usual);
    let locked = cpu.share(|ns| ns > 64 * usual) * cpu.len() as f64;
    print!("{}", wall.len());
    for sample in [&mut wall, &mut cpu] {
        print!(" {} {} {}", sample.at(0.5), sample.at(0.99), sample.at(1.0));
    }
    println!(" {again} {locked} {contended}");
    Ok(())
}
