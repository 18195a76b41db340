//! Does `quickstart` print what it should, and clean up even when it fails?
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
fn it_prints_what_both_processes_do_and_leaves_nothing() {
    let (mut quickstart, name) = quickstart();
    quickstart.wait_for("writer: inserted");
    assert!(file_of(&name).exists());
    quickstart.end_well();
    assert!(!file_of(&name).exists());
    let of = |process: &str| -> Vec<&str> {
        let lines = quickstart.printed.iter();
        lines
            .filter_map(|line| line.strip_prefix(process))
            .collect()
    };
    assert_eq!(
        of("    reader: "),
        [
            r#""unit" = "celsius" (version 1)"#,
            r#""unit" = "kelvin" (version 2)"#,
            r#""temperature" = "293.1" (version 3)"#,
            r#""temperature" = "294.6" (version 4)"#,
            r#""unit" was removed (last version 2)"#,
            r#""status" = "done" (version 6)"#,
        ]
    );
    let writer = of("writer: ");
    let refused = writer.iter().position(|line| line.starts_with("failed"));
    let (before, [refused, after @ ..]) = writer.split_at(refused.unwrap()) else {
        panic!("{writer:#?}");
    };
    assert_eq!(
        before,
        [
            r#"inserted "unit""#,
            r#"replaced the value of "unit", which was "celsius""#,
            r#"inserted "temperature""#,
            r#"changed "temperature", which still had version 3"#,
        ]
    );
    assert!(refused.starts_with("failed to insert a key of 64 bytes: "));
    assert!(refused.contains("expected at most 63 bytes of text, found 64"));
    assert_eq!(
        after,
        [r#"removed "unit""#, r#"inserted "status", and exits"#]
    );
    assert_eq!(
        of("parent: "),
        [
            &*format!("created {name}: at most 10 entries, 9344 bytes of shared memory"),
            &*format!("both processes have exited and left 2 entries; removing {name}"),
        ]
    );
}

#[test]
fn it_cleans_up_after_a_child_that_dies() {
    for (victim, other) in [("writer", "reader"), ("reader", "writer")] {
        let (mut quickstart, name) = quickstart();
        quickstart.wait_for("    reader: ");
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
        quickstart.wait_for("writer: inserted");
        quickstart.signal(signal);
        assert_eq!(quickstart.end(), Some(1), "{:#?}", quickstart.printed);
        assert!(quickstart.has_printed("interrupted"));
        assert!(!file_of(&name).exists());
    }
}
