//! Keys and values of your own types, shared by several processes.
//!
//! ```text
//! cargo run --release -p shmkv-examples --bin sensors
//! ```
//!
//! Three processes, a site each, report what their sensors measure; a fourth process
//! reads it. Meanwhile, look at the map from another terminal, with a tool that does not
//! know these types: `cargo run -p shmkv-examples --bin shmkv -- list`.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};
use std::{env, process, thread};

use shmkv_core::{Map, Reader, ShmKey, ShmValue};
use shmkv_examples::{Failure, Program, RemoveName, Stop, run};

/// Any type with this derive can be a key. Keys are compared by their bytes, so no
/// field can be a float.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, ShmKey)]
struct SensorId {
    site: u32,
    /// Everything has a fixed size, so a `String` needs a maximum length in bytes.
    #[shm(max_len = 10)]
    name: String,
}

/// Values can contain structs, enums with data, options and arrays.
#[derive(Clone, Debug, PartialEq, ShmValue)]
struct Reading {
    at: SystemTime,
    celsius: f32,
    state: State,
    /// The four temperatures before this one, newest first.
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

// The compiler computes the sizes: 15 bytes for a key, 67 for a value. The map stores
// the names and types of all fields, and `open` compares them: if a program was built
// with another `Reading`, the error names the field that differs.
type Sensors = Map<64, SensorId, Reading>;
type SensorsReader = Reader<64, SensorId, Reading>;

/// How many readings each sensor reports.
const READINGS: u32 = 20;
const SITES: u32 = 3;
const NAMES: [&str; 2] = ["boiler", "roof"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(|| match arguments[..] {
        [] => parent(),
        ["site", name, site] => report(name, site.parse()?),
        ["watcher", name] => watch(name),
        _ => Err("sensors takes no arguments".into()),
    })
}

fn parent() -> Result<(), Failure> {
    let stop = Stop::on_ctrl_c()?;
    let name = format!("/shmkv-sensors-{}", process::id());
    let sensors = Sensors::create(&name)?;
    let _remove = RemoveName(&name);
    println!("parent: created {name}");

    let mut watcher = Program::start(&["watcher", &name])?;
    let mut sites = Vec::new();
    for site in 0..SITES {
        sites.push(Program::start(&["site", &name, &site.to_string()])?);
    }
    for site in &mut sites {
        site.wait(&stop)?;
    }
    watcher.wait(&stop)?;

    // `get` takes a key or a reference to one.
    let id = SensorId {
        site: 1,
        name: "boiler".into(),
    };
    if let Some(last) = sensors.get(&id)? {
        println!("parent: the last reading of {id:?} is {last:?}");
    }
    println!(
        "parent: {} sensors have reported; removing {name}",
        sensors.len()
    );
    Ok(())
}

/// One site: stores the readings of its sensors.
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

/// The reading that follows `before`.
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

/// Prints the first alarm of each sensor, until every sensor has sent its last reading.
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
                    "watcher: site {site}, {name}: {}, {} C is above the limit of {} C",
                    alarm.text, reading.celsius, alarm.limit
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
            println!("watcher: all {expected} sensors have sent their last reading");
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err("the sites did not finish within 30 seconds".into())
}
