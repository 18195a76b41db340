//! Does `shmkv` print and change the entries of a map without knowing its types?

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use shmkv_core::{Map, ShmKey, ShmValue, StrMap, unlink};

#[derive(ShmKey)]
struct SensorId {
    site: u32,
    #[shm(max_len = 10)]
    name: String,
}

#[derive(Debug, PartialEq, ShmValue)]
enum State {
    Off,
    Reading { at: u64, celsius: f32 },
}

type Sensors = Map<100, SensorId, State>;

/// A name that is removed at the end, also of a failed test.
struct Name(String);

impl Name {
    fn new(what: &str) -> Self {
        Self(format!("/shmkv-tool-{what}-{}", std::process::id()))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = unlink(&self.0);
    }
}

fn shmkv(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shmkv"))
        .args(arguments)
        .output()
        .unwrap()
}

/// The output of a command, which must succeed.
fn prints(arguments: &[&str]) -> String {
    let output = shmkv(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The exit status and the errors of a command, which must not be killed by a signal.
fn fails(arguments: &[&str]) -> (i32, String) {
    let output = shmkv(arguments);
    let code = output.status.code();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
    (
        code.unwrap_or_else(|| panic!("{arguments:?}: killed")),
        errors,
    )
}

#[test]
fn the_documented_store() {
    let name = Name::new("store");
    let store = StrMap::<10, 64, 256>::create(&name.0).unwrap();
    store.insert("unit", "celsius").unwrap();
    assert_eq!(prints(&["get", &name.0, "unit"]), "celsius\n");
    prints(&["set", &name.0, "place", "the north roof"]);
    assert_eq!(store.get("place").unwrap().unwrap(), "the north roof");
    let shown = prints(&["show", "--json", &name.0]);
    let mut lines: Vec<&str> = shown.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            r#"{"key":"place","value":"the north roof"}"#,
            r#"{"key":"unit","value":"celsius"}"#
        ]
    );
    prints(&["remove", &name.0, "unit"]);
    assert_eq!(store.get("unit").unwrap(), None);
    let (code, errors) = fails(&["set", &name.0, &"x".repeat(64), "v"]);
    assert_eq!(code, 2);
    assert!(
        errors.contains("expected at most 63 bytes of text, found 64"),
        "{errors}"
    );
    assert_eq!(fails(&["get", &name.0, "unit"]).0, 1);
    // It reports damaged maps of other tests, and lists the others.
    let list = String::from_utf8(shmkv(&["list"]).stdout).unwrap();
    assert!(list.contains(&name.0), "{list}");
    assert!(prints(&["stats", &name.0]).contains("entries"));
    prints(&["check", &name.0]);
    prints(&["unlink", &name.0]);
    assert_eq!(fails(&["show", &name.0]).0, 2);
}

#[test]
fn types_that_it_has_never_seen() {
    let name = Name::new("types");
    let sensors = Sensors::create(&name.0).unwrap();
    let roof = SensorId {
        site: 7,
        name: "roof".into(),
    };
    let key = r#"{"site":7,"name":"roof"}"#;
    // It encodes as the derive does: the typed map finds the entry.
    prints(&[
        "set",
        &name.0,
        key,
        r#"{"Reading":{"at":18446744073709551615,"celsius":21.5}}"#,
    ]);
    let reading = State::Reading {
        at: u64::MAX,
        celsius: 21.5,
    };
    assert_eq!(sensors.get(&roof).unwrap(), Some(reading));
    let shown = prints(&["get", "--json", &name.0, key]);
    assert!(shown.contains("18446744073709551615"), "{shown}");
    sensors.insert(&roof, State::Off).unwrap();
    assert!(prints(&["show", &name.0]).contains("Off"));
    assert!(prints(&["schema", &name.0]).contains("site"));
    let (code, errors) = fails(&["set", &name.0, key, r#"{"Reading":{"at":1}}"#]);
    assert_eq!(code, 2);
    assert!(errors.contains("celsius"), "{errors}");
}

#[test]
fn text_is_escaped_for_the_terminal() {
    let name = Name::new("escapes");
    let store = StrMap::<10, 64, 256>::create(&name.0).unwrap();
    store.insert("title", "\u{1b}]0;owned\u{7}").unwrap();
    for arguments in [&["show", &name.0][..], &["get", &name.0, "title"]] {
        let shown = prints(arguments);
        assert!(
            !shown.contains('\u{1b}') && shown.contains("owned"),
            "{shown:?}"
        );
    }
}

/// The names of types and fields come from the segment, too.
#[test]
fn names_of_types_are_escaped() {
    #[derive(ShmValue)]
    #[shm(name = "\u{1b}[2J")]
    enum Hostile {
        #[shm(rename = "\u{9b}31m")]
        A {
            #[shm(rename = "\u{202e}\r\n\"")]
            field: bool,
        },
    }
    let name = Name::new("names");
    let path = format!("/dev/shm{}", name.0);
    let map = Map::<4, u8, Hostile>::create(&name.0).unwrap();
    map.insert(1, Hostile::A { field: true }).unwrap();
    let printable = |text: &[u8]| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        let bad = |it: char| it != '\n' && (it.is_control() || it == '\u{202e}');
        assert!(!text.contains(bad), "{text:?}");
        text
    };
    let shown = printable(&shmkv(&["show", &name.0]).stdout);
    assert!(
        shown.contains(r#"{"\u009b31m":{"\u202e\u000d\n\"":true}}"#),
        "{shown}"
    );
    for command in ["show", "schema", "stats", "check", "list"] {
        printable(&shmkv(&[command, &name.0][..1 + usize::from(command != "list")]).stdout);
    }
    // Error messages quote names.
    let output = shmkv(&["set", &name.0, "1", r#"{"\u009b31m":{"x":true}}"#]);
    let said = printable(&output.stderr);
    assert!(said.contains("unknown field"), "{said}");
    let output = shmkv(&["set", &name.0, "1", "B"]);
    let said = printable(&output.stderr);
    assert!(said.contains("unknown variant"), "{said}");
    // The entry's value is tag 0, then `true`; make the bool invalid.
    let mut bytes = std::fs::read(&path).unwrap();
    let value = bytes.chunks_exact_mut(8).skip(1024 / 8);
    for word in value.filter(|word| **word == [0, 1, 0, 0, 0, 0, 0, 0]) {
        word[1] = 7;
    }
    std::fs::write(&path, bytes).unwrap();
    let output = shmkv(&["show", &name.0]);
    assert_eq!(output.status.code(), Some(1));
    assert!(printable(&output.stdout).contains("<damaged: "));
    assert_eq!(
        printable(&output.stderr),
        format!(
            "shmkv: {0} has damaged entries, 1 of 1; 'shmkv check {0}' lists all faults\n",
            name.0
        )
    );
}

#[test]
fn unlink_refuses_what_is_not_a_map() {
    let name = Name::new("sparse");
    let path = format!("/dev/shm{}", name.0);
    // A file of two gigabytes that occupies no memory.
    std::fs::File::create(&path)
        .unwrap()
        .set_len(2 << 30)
        .unwrap();
    for command in ["show", "unlink"] {
        let (code, errors) = fails(&[command, &name.0]);
        assert_eq!(code, 2);
        assert!(
            errors.contains("only 0 of its 2147483648 bytes are allocated"),
            "{errors}"
        );
    }
    assert!(std::fs::exists(&path).unwrap());
    prints(&["unlink", "--force", &name.0]);
    assert!(!std::fs::exists(&path).unwrap());
}

/// Changes of a map in a file outlast a restart of the machine, which the map detects
/// by the boot ID in the file.
#[test]
fn maps_in_files_are_kept() {
    use std::os::unix::fs::FileExt;
    const BOOT_AT: u64 = 512 + 16;
    let name = Name::new("file");
    let path = format!("/dev/shm{}.d/map", name.0);
    let directory = std::path::Path::new(&path).parent().unwrap();
    std::fs::create_dir_all(directory).unwrap();
    let restart = || {
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(&[7; 16], BOOT_AT).unwrap();
    };
    drop(StrMap::<10, 16, 16>::create_at(&path).unwrap());
    prints(&["set", &path, "a", "1"]);
    prints(&["set", &path, "b", "2"]);
    restart();
    assert_eq!(prints(&["get", &path, "a"]), "1\n");
    prints(&["remove", &path, "a"]);
    restart();
    assert_eq!(
        prints(&["show", "--json", &path]),
        "{\"key\":\"b\",\"value\":\"2\"}\n"
    );
    StrMap::<10, 16, 16>::open_at(&path)
        .unwrap()
        .insert("c", "3")
        .unwrap();
    restart();
    assert!(fails(&["show", &path]).1.contains("cannot be trusted"));
    prints(&["unlink", &path]);
    std::fs::remove_dir(directory).unwrap();
}

/// As in `shmkv show X | head -1`.
#[test]
fn a_closed_pipe_is_no_error() {
    let name = Name::new("pipe");
    let map = Map::<3_000, u32, [u8; 64]>::create(&name.0).unwrap();
    for key in 0..3_000 {
        map.insert(key, [7; 64]).unwrap();
    }
    for arguments in [&["show", &name.0][..], &["show", "--json", &name.0]] {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_shmkv"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::with_capacity(16, tool.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert!(
            line.starts_with("KEY") || line.starts_with(r#"{"key":0,"#),
            "{line}"
        );
        drop(out);
        let ended = tool.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0));
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    }
}

/// Entries are sorted; the time of `check` is proportional to the number of faults.
#[test]
fn a_large_map_with_many_faults() {
    let name = Name::new("large");
    let path = format!("/dev/shm{}", name.0);
    const ENTRIES: usize = 50_000;
    let map = Map::<ENTRIES, i32, bool>::create(&name.0).unwrap();
    for key in 0..ENTRIES as i32 {
        map.insert(key - ENTRIES as i32 / 2, true).unwrap();
    }
    let shown = prints(&["show", "--json", &name.0]);
    let key = |line: &str| -> i32 {
        let digits = line.trim_start_matches(r#"{"key":"#);
        digits[..digits.find(',').unwrap()].parse().unwrap()
    };
    assert!(shown.lines().map(key).is_sorted_by(|a, b| a < b));
    assert_eq!(shown.lines().count(), ENTRIES);
    // Change every tag, so that no lookup finds its entry.
    let stats = map.stats();
    drop(map);
    let mut bytes = std::fs::read(&path).unwrap();
    let buckets = &mut bytes[1024 + stats.shards * 256..][..stats.buckets * 16];
    for tags in buckets.chunks_exact_mut(16) {
        for tag in tags[..8].iter_mut().filter(|tag| **tag != 0) {
            *tag = if *tag == 1 { 2 } else { *tag - 1 };
        }
    }
    std::fs::write(&path, &bytes).unwrap();
    let start = std::time::Instant::now();
    let output = shmkv(&["check", &name.0]);
    let said = String::from_utf8(output.stdout).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let faults = said.lines().last().unwrap().to_owned();
    println!(
        "tool: {faults}, in {seconds:.1} s and {} lines",
        said.lines().count()
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said.lines().count(), 101);
    let count: usize = faults.split(' ').next().unwrap().parse().unwrap();
    assert!(count >= ENTRIES, "{faults}");
}

#[test]
fn damage_is_an_error() {
    let name = Name::new("damage");
    let path = format!("/dev/shm{}", name.0);
    let whole = {
        let map = Sensors::create(&name.0).unwrap();
        for site in 0..50 {
            let id = SensorId {
                site,
                name: "roof".into(),
            };
            map.insert(id, State::Off).unwrap();
        }
        std::fs::read(&path).unwrap()
    };
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut runs = 0;
    for round in 0..60 {
        let mut bytes = whole.clone();
        for _ in 0..1 << (round % 10) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Every other time after the header, where there is no checksum.
            let from = if round % 2 == 0 { 1024 } else { 0 };
            let at = from + random as usize % (bytes.len() - from);
            bytes[at] = (random >> 40) as u8;
        }
        std::fs::write(&path, &bytes[..bytes.len() - round % 3]).unwrap();
        for command in ["show", "check", "stats", "schema"] {
            let output = shmkv(&[command, &name.0]);
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                output.status.code().is_some(),
                "{command}, round {round}: killed"
            );
            assert!(
                !errors.contains("panicked"),
                "{command}, round {round}: {errors}"
            );
            runs += 1;
        }
    }
    println!("hostile bytes: tool: {runs} runs on damaged segments, 0 crashes");
}
