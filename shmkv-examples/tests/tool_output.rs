//! What exactly does `shmkv` print, while another process writes to the map?
//!
//! The expected texts are in `tests/expected`; `SHMKV_EXPECTED=write` updates them. The
//! writer stores the same values again and again, with a counter in one of them: every
//! entry changes all the time, but only the counter's value differs. Every command is
//! run many times and must print the same each time.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

mod support;

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::Name;
use support::expected::{expect, printed, shmkv};
use support::services::{Services, services};

/// Where the counter starts. No run reaches a number with more digits.
const FIRST: u64 = 10_000_000_000;

/// Not a test: the other process runs this until its standard input ends.
#[test]
#[ignore = "runs as another process"]
fn write_all_the_time() {
    let Ok(name) = std::env::var("SHMKV_TEST_MAP") else {
        return;
    };
    let map = Services::open(name).unwrap();
    std::thread::spawn(move || {
        for requests in FIRST.. {
            for (id, service) in services(requests) {
                map.insert(id, service).unwrap();
            }
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

struct Writer(Child);

impl Writer {
    /// Starts the writer, and waits until it has changed the map many times.
    fn start(map: &Services, name: &str) -> Self {
        let before = map.version();
        let writer = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "write_all_the_time"])
            .env("SHMKV_TEST_MAP", name)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let mut writer = Self(writer.unwrap());
        let start = Instant::now();
        while map.version() < before + 1_000 {
            let exited = writer.0.try_wait().unwrap();
            assert!(exited.is_none(), "the writer has exited");
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "the writer hangs"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        writer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Replaces the number after `mark` by `#`.
fn mask(text: &str, mark: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let (head, tail) = rest.split_at(at + mark.len());
        let number = tail.trim_start_matches(' ');
        let spaces = tail.len() - number.len();
        let digits = number.chars().take_while(char::is_ascii_digit).count();
        masked.extend([head, &tail[..spaces], "#"]);
        rest = &number[digits..];
    }
    masked + rest
}

#[test]
fn while_another_process_writes() {
    const RUNS: usize = 25;
    let name = Name::new("output");
    let map = Services::create(&name.0).unwrap();
    let _writer = Writer::start(&map, &name.0);
    let before = map.version();

    let name = &*name.0;
    let key = r#"{"host":"alpha","port":80}"#;
    let commands: [(&str, &[&str]); 8] = [
        ("show", &["show", name]),
        ("show-json", &["show", "--json", name]),
        ("get", &["get", name, key]),
        ("stats", &["stats", name]),
        ("stats-json", &["stats", "--json", name]),
        ("schema", &["schema", name]),
        ("check", &["check", name]),
        ("list-json", &["list", "--json"]),
    ];
    let mut counts = std::collections::BTreeSet::new();
    for _ in 0..RUNS {
        for (command, arguments) in commands {
            let mut printed = shmkv(arguments);
            if command == "list-json" {
                // Other tests have maps, too, and damaged ones.
                let ours = |line: &&str| line.contains(name);
                printed = printed
                    .lines()
                    .filter(ours)
                    .map(|line| format!("{line}\n"))
                    .collect();
            }
            if command == "get" {
                counts.insert(printed.clone());
            }
            for mark in [
                "\"requests\":",
                "\"version\":",
                "version ",
                "unix seconds ",
                "unix_seconds\":",
            ] {
                printed = mask(&printed, mark);
            }
            expect(command, &printed.replace(name, "/NAME"));
        }
    }
    let changes = map.version() - before;
    assert!(
        counts.len() > RUNS / 2,
        "the writer did not write: {counts:?}"
    );
    println!(
        "tool: {} outputs as expected, during {changes} changes by another process",
        RUNS * commands.len()
    );
}

/// The moment at which a writer dies is no fault of the map, and hides no entry.
#[test]
fn after_a_writer_was_killed() {
    const KILLS: usize = 20;
    let name = Name::new("killed");
    let map = Services::create(&name.0).unwrap();
    let mut unfinished = 0;
    for _ in 0..KILLS {
        // Dropping the writer kills it with SIGKILL.
        drop(Writer::start(&map, &name.0));
        let checked = shmkv(&["check", &name.0]);
        assert!(checked.starts_with("exit status 0\n"), "{checked}");
        assert!(checked.ends_with("no faults; 4 entries\n"), "{checked}");
        unfinished += usize::from(checked.contains("unfinished change"));
        let shown = shmkv(&["show", "--json", &name.0]);
        assert_eq!(shown.lines().count(), 5, "{shown}");
        let listed = shmkv(&["list", "--json"]);
        let ours = listed.lines().find(|line| line.contains(&name.0)).unwrap();
        assert!(ours.contains("\"writers\":1,"), "{ours}");
    }
    println!("tool: {KILLS} writers killed, {unfinished} in the middle of a change; 0 faults");
}

/// The help of the tool and of every command.
#[test]
fn of_help() {
    let mut all = printed(&["--help"]);
    for command in [
        "list", "show", "get", "set", "remove", "stats", "schema", "check", "unlink",
    ] {
        all += &printed(&[command, "--help"]);
    }
    expect("help", &all);
}
