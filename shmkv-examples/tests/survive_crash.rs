//! Does `survive_crash` kill writers, judge the map, and clean up?
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use nix::sys::signal::Signal::{SIGINT, SIGKILL};
use support::{Running, file_of, send};

fn survive_crash(seconds: &str) -> (Running, String) {
    let running = Running::start(env!("CARGO_BIN_EXE_survive_crash"), &[seconds]);
    let name = format!("/shmkv-survive-crash-{}", running.pid());
    (running, name)
}

/// The figure in the line that starts with `label`.
fn figure(program: &Running, label: &str) -> u64 {
    let line = program.printed.iter().find(|line| line.starts_with(label));
    let figure = line.unwrap().split_whitespace().nth(1).unwrap();
    figure.parse().unwrap()
}

#[test]
fn the_map_survives() {
    let (mut program, name) = survive_crash("1");
    program.end_well();
    assert!(!file_of(&name).exists());
    let [kills, takeovers, reads, verified] =
        ["kills", "takeovers", "reads", "verified"].map(|label| figure(&program, label));
    println!("kills {kills}, takeovers {takeovers}, reads {reads}, verified {verified}, torn 0");
    assert!(0 < takeovers && takeovers <= kills);
    assert!(0 < verified && verified <= reads);
    assert!(program.has_printed("torn = 0, missing = 0, backwards = 0"));
    assert!(program.has_printed("The map survived."));
}

#[test]
fn it_cleans_up_when_interrupted_or_failing() {
    let (mut interrupted, name) = survive_crash("60");
    interrupted.wait_for("killing");
    interrupted.signal(SIGINT);
    assert_eq!(interrupted.end(), Some(1), "{:#?}", interrupted.printed);
    assert!(!file_of(&name).exists());

    // A reader that dies has verified nothing, so the run fails.
    let (mut failing, name) = survive_crash("0.5");
    failing.wait_for("killing");
    send(failing.child_in_role("reader"), SIGKILL);
    assert_eq!(failing.end(), Some(1), "{:#?}", failing.printed);
    assert!(failing.has_printed("failed: signal: 9"));
    assert!(!file_of(&name).exists());
}

#[test]
fn it_takes_a_number_of_seconds() {
    for wrong in ["x", "-1", "inf"] {
        let (mut program, _) = survive_crash(wrong);
        assert_eq!(program.end(), Some(1));
        let message =
            format!("error: {wrong:?} is not a number of seconds; usage: survive_crash [SECONDS]");
        assert!(program.has_printed(&message), "{:#?}", program.printed);
    }
}
