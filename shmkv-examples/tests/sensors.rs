//! Does `sensors` succeed, and leave nothing behind?
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use support::{Running, file_of};

#[test]
fn it_succeeds_and_leaves_nothing() {
    let mut sensors = Running::start(env!("CARGO_BIN_EXE_sensors"), &[]);
    let name = format!("/shmkv-sensors-{}", sensors.pid());
    sensors.end_well();
    assert!(!file_of(&name).exists());
    assert!(
        sensors.has_printed("watcher: all 6 sensors have sent their last reading"),
        "{:#?}",
        sensors.printed
    );
    let alarm = |line: &String| {
        line.starts_with("watcher: site 2, roof: too hot, ")
            && line.ends_with(" C is above the limit of 25 C")
    };
    assert!(sensors.printed.iter().any(alarm), "{:#?}", sensors.printed);
}
