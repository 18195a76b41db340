//! Can two programs that were built separately share a map, and if their types differ,
//! does the error say how?
//!
//! This program is one crate, `sensors` another. They share no code, only the
//! declaration of the types: `same` is a copy of it, and each other module is a copy
//! with one change.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

mod support;

use std::time::{Duration, SystemTime};

use shmkv_core::{Map, OpenError, ShmKey, ShmValue};
use support::{Name, Running};

/// A module with the types of `sensors`: the fields of the key, of `Reading` and of
/// `Alarm`.
macro_rules! types {
    ($module:ident, $capacity:literal, { $($key:tt)* }, { $($reading:tt)* }, { $($alarm:tt)* }) => {
        mod $module {
            use super::*;

            #[derive(Debug, PartialEq, ShmKey)]
            #[allow(dead_code)]
            pub(crate) struct SensorId { $($key)* }

            #[derive(Debug, PartialEq, ShmValue)]
            #[allow(dead_code)]
            pub(crate) struct Reading { $($reading)* }

            #[derive(Debug, PartialEq, ShmValue)]
            #[allow(dead_code)]
            pub(crate) enum State {
                Warming,
                Steady { readings: u32 },
                Broken(u8),
            }

            #[derive(Debug, PartialEq, ShmValue)]
            #[allow(dead_code)]
            pub(crate) struct Alarm { $($alarm)* }

            pub(crate) type Sensors = Map<$capacity, SensorId, Reading>;
        }
    };
}

types!(same, 64,
    { pub(crate) site: u32, #[shm(max_len = 10)] pub(crate) name: String },
    { pub(crate) at: SystemTime, pub(crate) celsius: f32, pub(crate) state: State, pub(crate) before: [f32; 4], pub(crate) alarm: Option<Alarm> },
    { pub(crate) limit: f32, #[shm(max_len = 24)] pub(crate) text: String });
types!(renamed, 64,
    { site: u32, #[shm(max_len = 10)] name: String },
    { at: SystemTime, kelvin: f32, state: State, before: [f32; 4], alarm: Option<Alarm> },
    { limit: f32, #[shm(max_len = 24)] text: String });
types!(reordered, 64,
    { site: u32, #[shm(max_len = 10)] name: String },
    { at: SystemTime, state: State, celsius: f32, before: [f32; 4], alarm: Option<Alarm> },
    { limit: f32, #[shm(max_len = 24)] text: String });
types!(widened, 64,
    { site: u32, #[shm(max_len = 10)] name: String },
    { at: SystemTime, celsius: f64, state: State, before: [f32; 4], alarm: Option<Alarm> },
    { limit: f32, #[shm(max_len = 24)] text: String });
types!(removed, 64,
    { site: u32, #[shm(max_len = 10)] name: String },
    { at: SystemTime, state: State, before: [f32; 4], alarm: Option<Alarm> },
    { limit: f32, #[shm(max_len = 24)] text: String });
types!(added, 64,
    { site: u32, #[shm(max_len = 10)] name: String },
    { at: SystemTime, celsius: f32, state: State, before: [f32; 4], alarm: Option<Alarm>, ok: bool },
    { limit: f32, #[shm(max_len = 24)] text: String });
types!(longer_inside, 64,
    { site: u32, #[shm(max_len = 10)] name: String },
    { at: SystemTime, celsius: f32, state: State, before: [f32; 4], alarm: Option<Alarm> },
    { limit: f32, #[shm(max_len = 32)] text: String });
types!(other_sign_in_the_key, 64,
    { site: i32, #[shm(max_len = 10)] name: String },
    { at: SystemTime, celsius: f32, state: State, before: [f32; 4], alarm: Option<Alarm> },
    { limit: f32, #[shm(max_len = 24)] text: String });
types!(more_entries, 65,
    { site: u32, #[shm(max_len = 10)] name: String },
    { at: SystemTime, celsius: f32, state: State, before: [f32; 4], alarm: Option<Alarm> },
    { limit: f32, #[shm(max_len = 24)] text: String });

const SENSORS: &str = env!("CARGO_BIN_EXE_sensors");

/// One process of `sensors`, which opens a map and stores the readings of two sensors.
fn site(name: &Name) -> Running {
    Running::start(SENSORS, &["site", &name.0, "1"])
}

#[test]
fn the_same_declaration_is_the_same_type() {
    let name = Name::new("same-types");
    let sensors = same::Sensors::create(&name.0).unwrap();
    let before = SystemTime::now();
    site(&name).end_well();
    assert_eq!(sensors.len(), 2);
    let roof = same::SensorId {
        site: 1,
        name: "roof".into(),
    };
    let reading = sensors.get(&roof).unwrap().unwrap();
    assert!(reading.at >= before && reading.at.elapsed().unwrap() < Duration::from_secs(600));
    assert_eq!(
        (reading.celsius, reading.state, reading.before),
        (
            28.5,
            same::State::Steady { readings: 19 },
            [28.0, 27.5, 27.0, 26.5]
        )
    );
    let alarm = reading.alarm.unwrap();
    assert_eq!((alarm.limit, &*alarm.text), (25.0, "too hot"));
}

/// Runs `sensors` on a map with other types. Returns its error, without the map's name.
macro_rules! refused {
    ($module:ident) => {{
        let name = Name::new(stringify!($module));
        let map = $module::Sensors::create(&name.0).unwrap();
        let mut site = site(&name);
        assert_eq!(site.end(), Some(1), "{:?}", site.printed);
        assert!(map.is_empty());
        let [said] = &site.printed[..] else {
            panic!("{:?}", site.printed);
        };
        println!("{}: {said}", stringify!($module));
        let prefix = format!("error: cannot open {}: ", name.0);
        said.strip_prefix(&prefix).unwrap().to_owned()
    }};
}

#[test]
fn a_changed_field_is_named_to_the_other_program() {
    const VALUES: &str = "type mismatch: value: Reading";
    let cases = [
        (
            refused!(renamed),
            format!(
                "{VALUES}.celsius: missing in the segment, f32 in this program; \
                 value: Reading.kelvin: f32 in the segment, missing in this program"
            ),
        ),
        (
            refused!(reordered),
            format!(
                "{VALUES}: fields in the order at, state, celsius, before, alarm in the segment, \
                 fields in the order at, celsius, state, before, alarm in this program"
            ),
        ),
        (
            refused!(widened),
            format!(
                "{VALUES}.celsius: f64 in the segment, f32 in this program; \
                 V is 71 in the segment, 67 in this program"
            ),
        ),
        (
            refused!(removed),
            format!(
                "{VALUES}.celsius: missing in the segment, f32 in this program; \
                 V is 63 in the segment, 67 in this program"
            ),
        ),
        (
            refused!(added),
            format!(
                "{VALUES}.ok: bool in the segment, missing in this program; \
                 V is 68 in the segment, 67 in this program"
            ),
        ),
        (
            refused!(longer_inside),
            format!(
                "{VALUES}.alarm?.text: String(32) in the segment, String(24) in this program; \
                 V is 75 in the segment, 67 in this program"
            ),
        ),
        (
            refused!(other_sign_in_the_key),
            "type mismatch: key: SensorId.site: i32 in the segment, u32 in this program".to_owned(),
        ),
        (
            refused!(more_entries),
            "size mismatch: N is 65 in the segment, 64 in this program".to_owned(),
        ),
    ];
    for (said, expected) in &cases {
        assert_eq!(said, expected);
    }
    println!(
        "{} changed declarations, each refused with the field that differs",
        cases.len()
    );
}

/// The other way round: `sensors` creates the map.
#[test]
fn a_map_of_the_other_program_is_opened_or_refused() {
    let mut sensors = Running::start(SENSORS, &[]);
    let name = format!("/shmkv-sensors-{}", sensors.pid());
    sensors.wait_for("created");
    let same = same::Sensors::open_read_only(&name);
    let widened = widened::Sensors::open(&name);
    // `sensors` has exited if this process did not run for half a second.
    if !matches!(same, Err(OpenError::NotFound { .. })) {
        assert!(same.unwrap().iter().all(|entry| entry.is_ok()));
        let refusal = widened.err().unwrap();
        assert!(matches!(refusal, OpenError::Types { .. }), "{refusal}");
        assert!(
            refusal
                .to_string()
                .contains("Reading.celsius: f32 in the segment, f64 in this program")
        );
    }
    sensors.end_well();
}
