//! Does `shmkv` say what went wrong, and what to do about it?
//!
//! The expected texts are in `tests/expected`; `SHMKV_EXPECTED=write` updates them.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

mod support;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::Command;

use shmkv_core::Map;
use support::expected::{expect, printed};
use support::services::{Services, services};
use support::{Name, file_of};

/// What `check`, `show` and `get` print of an unfinished change, and of an entry whose
/// value is not of its type.
#[test]
fn of_a_damaged_map() {
    /// The word of shard 0 in which a writer notes its change, and the note for a change
    /// of the whole shard; see `layout` in `shmkv-core`.
    const INTENT: (u64, u64) = (1024 + 32, 1 << 63);
    let name = Name::new("damaged");
    let map = Map::<4, u32, bool>::create(&name.0).unwrap();
    map.insert(7, true).unwrap();
    map.insert(8, true).unwrap();
    let path = file_of(&name.0);
    let file = File::options().write(true).open(&path).unwrap();

    file.write_all_at(&INTENT.1.to_ne_bytes(), INTENT.0)
        .unwrap();
    let mut all = printed(&["check", &name.0]);
    file.write_all_at(&[0; 8], INTENT.0).unwrap();

    let bytes = std::fs::read(&path).unwrap();
    // Key and value start on a word each.
    let entry = [7, 0, 0, 0, 0, 0, 0, 0, 1];
    let at = bytes.windows(entry.len()).position(|it| it == entry);
    let value = at.unwrap() as u64 + 8;
    file.write_all_at(&[9], value).unwrap();
    for arguments in [
        &["check", &name.0][..],
        &["show", &name.0],
        &["show", "--json", &name.0],
        &["get", &name.0, "7"],
        &["get", &name.0, "8"],
    ] {
        all += &printed(arguments);
    }
    expect("damaged", &all.replace(&name.0, "/NAME"));
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
    std::fs::write(file_of(&file.0), "something else").unwrap();
    let empty = Name::new("empty");
    std::fs::write(file_of(&empty.0), "").unwrap();
    let sparse = Name::new("sparse");
    let two_gigabytes = File::create(file_of(&sparse.0)).unwrap();
    two_gigabytes.set_len(2 << 30).unwrap();
    let full = Name::new("full");
    let one = Map::<1, u8, u8>::create(&full.0).unwrap();
    one.insert(1, 1).unwrap();
    let key = r#"{"host":"alpha","port":80}"#;
    let cases: [&[&str]; 25] = [
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
        &["set", &full.0, "2", "2"],
        &["show", "/shmkv-examples-nobody"],
        &["show", "/nowhere/no\u{1b}body"],
        &["show", "."],
        &["show", &file.0],
        &["show", &empty.0],
        &["show", &sparse.0],
        &["unlink", "/shmkv-examples-nobody"],
        &["unlink", "/nowhere/nobody"],
        &["unlink", &file.0],
        &["unlink", &sparse.0],
        &["shew"],
        &["show"],
        &["show", "a", "b"],
    ];
    let mut all = String::new();
    for arguments in cases {
        all += &printed(arguments);
    }
    for (name, shown) in [
        (map, "/NAME"),
        (&file.0, "/FILE"),
        (&empty.0, "/EMPTY"),
        (&sparse.0, "/SPARSE"),
        (&full.0, "/FULL"),
    ] {
        all = all.replace(name, shown);
    }
    expect("mistakes", &all);
}

/// Output that cannot be written is an error.
#[test]
fn of_a_full_device() {
    let name = Name::new("device");
    let _map = Services::create(&name.0).unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_shmkv"))
        .args(["show", &name.0])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "shmkv: cannot write the output: No space left on device (os error 28)\n"
    );
}
