//! Does the first example of the README do what the README shows?
//!
//! Its program is `src/bin/settings.rs`, and its output is what two terminals print. The program
//! has a fixed name for its map, so runs of this test take turns, with a lock on `/dev/shm`.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::File;
use std::process::Command;

use support::Name;

const README: &str = include_str!("../../README.md");
const PROGRAM: &str = include_str!("../src/bin/settings.rs");

/// The contents of the first fenced block of this kind.
fn block(kind: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("\n```{kind}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

/// What the program prints when it is given these words; the first is its name.
fn run(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_settings"))
        .args(command.split_whitespace().skip(1))
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_program_is_the_one_shown() {
    let program: String = PROGRAM
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("//!"))
        .collect();
    assert_eq!(program, block("rust,no_run"));
    let lines = program.lines().count();
    assert!(lines <= 15, "{lines} lines are too many for a first look");
}

#[test]
fn the_terminals_print_what_is_shown() {
    let shm = File::open("/dev/shm").unwrap();
    shm.lock().unwrap();
    let name = Name("/shmkv-settings".into());
    let _ = shmkv_core::unlink(&name.0);

    let (head, screen) = block("text").split_once('\n').unwrap();
    let column = head.find("terminal 2").unwrap();
    let rows: Vec<_> = screen.lines().map(|row| row.split_at(column)).collect();
    assert!(!rows.is_empty());
    for pair in rows.chunks(2) {
        let [command, printed] = pair else {
            panic!("no answer to {pair:?}")
        };
        for (command, printed) in [(command.0, printed.0), (command.1, printed.1)] {
            let command = command.strip_prefix("$ ").unwrap();
            assert_eq!(run(command).trim_end(), printed.trim_end(), "{command}");
        }
    }
}
