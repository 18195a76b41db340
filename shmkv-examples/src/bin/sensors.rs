//! Keys and values of your own types, shared by several processes.
//!
//! ```text
//! cargo run --release -p shmkv-examples --bin sensors
//! ```
//!
//! Three sites report what their sensors measure, a fourth process watches them.
//! Look at the map from another terminal meanwhile, with a tool that knows none
//! of these types: `cargo run -p shmkv-examples --bin shmkv -- list`.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};
use std::{env, process, thread};

use shmkv_core::{Map, Reader, ShmKey, ShmValue};
use shmkv_examples::{Failure, Program, RemoveName, Stop, run};

/// A key may be any type with this derive. Equal keys have equal bytes, so no
/// field may be a float.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, ShmKey)]
struct SensorId {
    site: u32,
    /// Everything has a fixed size: a `String` says how many bytes it may have.
    #[shm(max_len = 10)]
    name: String,
}

/// Values may nest: structs, enums with data, options, arrays.
#[derive(Clone, Debug, PartialEq, ShmValue)]
struct Reading {
    at: SystemTime,
    celsius: f32,
    state: State,
    /// The four readings before, newest first.
    before: [f32; 4],
    alarm: Option<Alarm>,
}

#[derive(Clone, Debug, PartialEq, ShmValue)]
enum State {
    Warming,
    Steady { readings: u32 },
    Broken(u8),
}

#[derive(Clone, Debug, PartialEq, ShmValue)]
struct Alarm {
    limit: f32,
    #[shm(max_len = 24)]
    text: String,
}

// What the types need is computed by the compiler: 15 bytes a key, 67 a value.
// The map remembers the names of all fields, and `open` compares them: a program
// that was built with another `Reading` is told which field differs.
type Sensors = Map<64, SensorId, Reading>;
type SensorsReader = Reader<64, SensorId, Reading>;

/// Readings that each sensor reports.
const READINGS: u32 = 20;
const SITES: u32 = 3;
const NAMES: [&str; 2] = ["boiler", "roof"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(|| match arguments[..] {
        [] => parent(),
        ["site", name, site] => report(name, site.parse()?),
        ["watch", name] => watch(name),
        _ => Err("sensors takes no arguments".into()),
    })
}

fn parent() -> Result<(), Failure> {
    let stop = Stop::on_ctrl_c()?;
    let name = format!("/shmkv-sensors-{}", process::id());
    let sensors = Sensors::create(&name)?;
    let _remove = RemoveName(&name);
    println!("parent  created {name}");

    let mut watcher = Program::start(&["watch", &name])?;
    let mut sites = Vec::new();
    for site in 0..SITES {
        sites.push(Program::start(&["site", &name, &site.to_string()])?);
    }
    for site in &mut sites {
        site.wait(&stop)?;
    }
    watcher.wait(&stop)?;

    // A key is looked up by a key, or by a reference to one.
    let id = SensorId {
        site: 1,
        name: "boiler".into(),
    };
    if let Some(last) = sensors.get(&id)? {
        println!("parent  the last of {id:?} is {last:?}");
    }
    println!("parent  {} sensors; removing {name}", sensors.len());
    Ok(())
}

/// One site: reports its sensors' readings.
fn report(name: &str, site: u32) -> Result<(), Failure> {
    let sensors = Sensors::open(name)?;
    for round in 0..READINGS {
        for (number, sensor) in NAMES.iter().enumerate() {
            let id = SensorId {
                site,
                name: (*sensor).into(),
            };
            let before = sensors.get(&id)?;
            sensors.insert(&id, next(before.as_ref(), site, number, round))?;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The reading after `before`.
fn next(before: Option<&Reading>, site: u32, number: usize, round: u32) -> Reading {
    let celsius = 15.0 + site as f32 + 3.0 * number as f32 + 0.5 * round as f32;
    let mut history = [celsius; 4];
    if let Some(before) = before {
        history[0] = before.celsius;
        history[1..].copy_from_slice(&before.before[..3]);
    }
    let limit = 25.0;
    Reading {
        at: SystemTime::now(),
        celsius,
        state: match round {
            0..4 => State::Warming,
            _ if site == 2 && number == 1 => State::Broken(7),
            readings => State::Steady { readings },
        },
        before: history,
        alarm: (celsius > limit).then(|| Alarm {
            limit,
            text: "too hot".into(),
        }),
    }
}

/// Prints what is new, until every sensor has reported for the last time.
fn watch(name: &str) -> Result<(), Failure> {
    let sensors: SensorsReader = Sensors::open_read_only(name)?;
    let expected = SITES as usize * NAMES.len();
    let mut alarms = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        let mut done = 0;
        for entry in &sensors {
            let (id, reading) = entry?;
            if let Some(alarm) = &reading.alarm
                && !alarms.contains(&id)
            {
                let SensorId { site, name } = &id;
                println!(
                    "watcher site {site}, {name}: {} above {}, {}",
                    reading.celsius, alarm.limit, alarm.text
                );
                alarms.push(id);
            }
            match reading.state {
                State::Steady { readings } if readings + 1 == READINGS => done += 1,
                State::Broken(_) => done += 1,
                _ => {}
            }
        }
        if done == expected {
            println!("watcher saw all {expected} sensors come to an end");
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err("the sites did not come to an end".into())
}
