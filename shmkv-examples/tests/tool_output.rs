//! What exactly does `shmkv` print, of a map that another process is writing?
//!
//! The texts are in `tests/expected`; `SHMKV_EXPECTED=write` writes them anew. The
//! writer stores the same values again and again, and counts in one of them, so
//! every entry changes all the time and only the count is another one each time. Every
//! command is run many times and has to print the same each time.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

mod support;

use std::io::Read;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use shmkv_core::{Map, ShmKey, ShmStr, ShmValue, pod};
use support::Name;

#[derive(Clone, Debug, ShmKey)]
struct Id {
    #[shm(max_len = 12)]
    host: String,
    port: u16,
}

#[derive(Clone, Debug, ShmValue)]
struct Service {
    state: State,
    started: std::time::SystemTime,
    address: Ipv4Addr,
    load: [f32; 3],
    owner: Option<ShmStr<8>>,
    #[shm(max_len = 2)]
    tags: Vec<Tag>,
    position: pod!([i16; 2]),
    checksum: [u8; 4],
}

#[derive(Clone, Debug, ShmValue)]
enum State {
    Idle,
    Serving { requests: u64 },
    Failed(i8),
}

#[derive(Clone, Debug, ShmValue)]
struct Tag(#[shm(max_len = 14)] String);

type Services = Map<20, Id, Service>;

/// The first count. No run comes to one with more digits.
const FIRST: u64 = 10_000_000_000;

fn services(requests: u64) -> Vec<(Id, Service)> {
    let id = |host: &str, port| Id {
        host: host.into(),
        port,
    };
    let idle = Service {
        state: State::Idle,
        started: UNIX_EPOCH + Duration::new(1_700_000_000, 5),
        address: Ipv4Addr::LOCALHOST,
        load: [0.5, -0.0, f32::INFINITY],
        owner: None,
        tags: vec![],
        position: [-3, 4].into(),
        checksum: [0, 1, 0xfe, 0xff],
    };
    vec![
        (
            id("alpha", 80),
            Service {
                state: State::Serving { requests },
                owner: ShmStr::new("root").ok(),
                ..idle.clone()
            },
        ),
        (
            id("alpha", 443),
            Service {
                state: State::Failed(-1),
                tags: vec![Tag("public".into()), Tag("猫\u{1b}[31m".into())],
                ..idle.clone()
            },
        ),
        (id("", 1), idle.clone()),
        (id("\u{202e}\"\\\u{7}", 65_535), idle),
    ]
}

/// Not a test: what the other process runs until its standard input ends.
#[test]
#[ignore = "runs as another process"]
fn write_all_the_time() {
    let Ok(name) = std::env::var("SHMKV_TEST_MAP") else {
        return;
    };
    let services = Services::open(name).unwrap();
    std::thread::spawn(move || {
        for requests in FIRST.. {
            for (id, service) in self::services(requests) {
                services.insert(id, service).unwrap();
            }
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

struct Writer(Child);

impl Writer {
    /// Starts it, and waits until it is at work.
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
            assert!(writer.0.try_wait().unwrap().is_none(), "it has ended");
            assert!(start.elapsed() < Duration::from_secs(60), "it hangs");
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

/// Compares with `tests/expected/{name}.txt`.
#[track_caller]
fn expect(name: &str, printed: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/expected/{name}.txt"));
    if std::env::var_os("SHMKV_EXPECTED").is_some_and(|it| it == "write") {
        return std::fs::write(path, printed).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        printed,
        expected,
        "not what {} says:\n{printed}",
        path.display()
    );
}

/// What a command prints on either stream, its status first.
fn shmkv(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_shmkv"))
        .args(arguments)
        .output()
        .unwrap();
    let [out, errors] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    format!(
        "exit status {}\n{out}{errors}",
        output.status.code().unwrap()
    )
}

/// Replaces the number behind `mark` by `#`.
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
fn of_a_map_that_another_process_is_writing() {
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
                // Others may have maps too, and damaged ones.
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
        "tool: {} outputs as expected, {changes} changes by another process meanwhile",
        RUNS * commands.len()
    );
}

/// Whatever the writer was doing when it died, that is no fault, and all is shown.
#[test]
fn of_a_map_whose_writer_was_killed() {
    const KILLS: usize = 20;
    let name = Name::new("killed");
    let map = Services::create(&name.0).unwrap();
    let mut unfinished = 0;
    for _ in 0..KILLS {
        // Dropping it is SIGKILL.
        drop(Writer::start(&map, &name.0));
        let checked = shmkv(&["check", &name.0]);
        assert!(checked.starts_with("exit status 0\n"), "{checked}");
        assert!(checked.ends_with("no faults; 4 entries\n"), "{checked}");
        unfinished += usize::from(checked.contains("a change is unfinished"));
        let shown = shmkv(&["show", "--json", &name.0]);
        assert_eq!(shown.lines().count(), 5, "{shown}");
        let listed = shmkv(&["list", "--json"]);
        let ours = listed.lines().find(|line| line.contains(&name.0)).unwrap();
        assert!(ours.contains("\"writers\":1,"), "{ours}");
    }
    println!("tool: {KILLS} writers killed, {unfinished} in the middle of a change; 0 faults");
}

#[test]
fn of_help() {
    let mut all = shmkv(&["--help"]);
    for command in [
        "list", "show", "get", "set", "remove", "stats", "schema", "check", "unlink",
    ] {
        all += &format!(
            "\n$ shmkv {command} --help\n{}",
            shmkv(&[command, "--help"])
        );
    }
    expect("help", &all);
}

#[test]
fn of_mistakes() {
    let name = Name::new("mistakes");
    let map = Services::create(&name.0).unwrap();
    for (id, service) in services(1) {
        map.insert(id, service).unwrap();
    }
    let map = &*name.0;
    let file = Name::new("no-map");
    std::fs::write(support::file_of(&file.0), "something else").unwrap();
    let key = r#"{"host":"alpha","port":80}"#;
    let cases: [&[&str]; 17] = [
        &["get", map, r#"{"host":"nobody","port":80}"#],
        &["remove", map, r#"{"host":"nobody","port":80}"#],
        &["get", map, "alpha"],
        &["get", map, r#"{"host":"alpha"}"#],
        &["get", map, r#"{"host":"alpha","port":65536}"#],
        &["get", map, r#"{"host":"alpha","port":80,"path":"/"}"#],
        &["get", map, r#"{"host":"longer than it may be","port":80}"#],
        &["get", map, r#"{"host":"alpha""#],
        &["get", map, "\u{1b}[31m"],
        &["set", map, key, r#"{"state":"Serving"}"#],
        &["set", map, key, "null"],
        &["show", "/shmkv-examples-nobody"],
        &["show", "/nowhere/no\u{1b}body"],
        &["show", &file.0],
        &["unlink", &file.0],
        &["shew"],
        &["show"],
    ];
    let mut all = String::new();
    for arguments in cases {
        all += &format!("$ shmkv {arguments:?}\n{}\n", shmkv(arguments));
    }
    expect(
        "mistakes",
        &all.replace(map, "/NAME").replace(&file.0, "/FILE"),
    );
}
