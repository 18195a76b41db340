//! Readers beside a writer of the same value that does not pause, for values so
//! large that copying one takes longer than other maps take for everything.
//!
//! An update writes to another slot of its key's bucket, in turn, so the more slots
//! are vacant the longer a reader has before what it copies is written over. Two
//! states of the bucket: the key alone (seven vacant slots) and seven keys (one
//! vacant slot, the worst there is).
//!
//! Typed handles return values as arrays, by value, and a reader spends most of its
//! time on moving those about; untyped ones copy little beside what the map itself
//! must. The writer has no use for the old value, so nothing is moved for it and it
//! is as fast as it can be.
//!
//! The map does not tell how often a read began anew. But one that came to the lock,
//! or gave up, is preceded by 128 copies in vain; and the processor time of a read,
//! unlike its duration, does not contain what the scheduler gave to others.

use std::error::Error;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use shmkv_core::{AccessError, ShmMap, UntypedMap, UntypedReader};

use crate::SEED;
use crate::figures::{Sample, head, percent, row, time};
use crate::process::{Helper, Name, Outcome, ended, pin, processors};

/// Two buckets.
type Large<const V: usize> = ShmMap<7, 8, V>;

const KEY: [u8; 8] = *b"the key.";
/// Of one measurement, in milliseconds.
const SPAN: u64 = 2_000;

/// `keys` entries in the bucket of [`KEY`].
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
        // One bucket has no room: it has them all.
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
                return Err("a reader gave other figures".into());
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
        "an update takes",
        "reads/s",
        "duration p50, p99, max",
        "processor time p50, p99, max",
        "of it more than 2 x p50",
        "than 64 x p50",
        "`Contended`",
    ]);
    measure::<{ 64 << 10 }>("64KiB")?;
    measure::<{ 1 << 20 }>("1MiB")
}

/// A writer or a reader.
pub(crate) fn child(words: &[&str]) -> Outcome {
    let [size, role, name, cpu] = words else {
        return Err("four words are needed".into());
    };
    pin(cpu.parse()?)?;
    let work = match *size {
        "64KiB" => role_of::<{ 64 << 10 }>,
        _ => role_of::<{ 1 << 20 }>,
    };
    // Values are on the stack, a few at a time.
    thread::scope(|scope| {
        let work = thread::Builder::new()
            .stack_size(64 << 20)
            .spawn_scoped(scope, || work(role, name))?;
        work.join().map_err(|_| "a thread has panicked")?
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
        // The first, the middle and the last bytes agree in a whole value.
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

/// What this thread has had of its processor.
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
            Ok(None) => return Err("the key is gone".into()),
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
