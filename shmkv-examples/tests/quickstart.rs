//! Does `quickstart` end well, and clean up when it cannot?
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use nix::sys::signal::Signal::{SIGINT, SIGKILL, SIGTERM};
use support::{Running, file_of, send};

fn quickstart() -> (Running, String) {
    let running = Running::start(env!("CARGO_BIN_EXE_quickstart"), &[]);
    let name = format!("/shmkv-quickstart-{}", running.pid());
    (running, name)
}

#[test]
fn it_ends_well_and_leaves_nothing() {
    let (mut quickstart, name) = quickstart();
    quickstart.wait_for("producer inserted");
    assert!(file_of(&name).exists());
    quickstart.end_well();
    assert!(!file_of(&name).exists());
    for line in [
        r#"sees: "unit" is "celsius" (version 1)"#,
        r#"sees: "unit" is "kelvin" (version 2)"#,
        r#"sees: "temperature" is "294.6" (version 4)"#,
        r#"sees: "unit" is gone (was version 2)"#,
        r#"sees: "status" is "done" (version 6)"#,
        "expected at most 63 bytes of text, found 64",
        "2 entries are left",
    ] {
        assert!(quickstart.has_printed(line), "{:#?}", quickstart.printed);
    }
}

#[test]
fn it_cleans_up_after_a_child_that_dies() {
    for (victim, other) in [("producer", "consumer"), ("consumer", "producer")] {
        let (mut quickstart, name) = quickstart();
        quickstart.wait_for("consumer          sees");
        let other = quickstart.child_in_role(other);
        send(quickstart.child_in_role(victim), SIGKILL);
        assert_eq!(quickstart.end(), Some(1), "{:#?}", quickstart.printed);
        assert!(quickstart.has_printed("failed: signal: 9"));
        assert!(!file_of(&name).exists());
        assert!(!std::path::Path::new(&format!("/proc/{other}")).exists());
    }
}

#[test]
fn it_cleans_up_when_interrupted() {
    for signal in [SIGINT, SIGTERM] {
        let (mut quickstart, name) = quickstart();
        quickstart.wait_for("producer inserted");
        quickstart.signal(signal);
        assert_eq!(quickstart.end(), Some(1), "{:#?}", quickstart.printed);
        assert!(quickstart.has_printed("interrupted"));
        assert!(!file_of(&name).exists());
    }
}
