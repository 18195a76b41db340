//! Does `sensors` end well, and leave nothing?
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use support::{Running, file_of};

#[test]
fn it_ends_well_and_leaves_nothing() {
    let mut sensors = Running::start(env!("CARGO_BIN_EXE_sensors"), &[]);
    let name = format!("/shmkv-sensors-{}", sensors.pid());
    sensors.end_well();
    assert!(!file_of(&name).exists());
    assert!(
        sensors.has_printed("watcher saw all 6 sensors come to an end"),
        "{:#?}",
        sensors.printed
    );
}
