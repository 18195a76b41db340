//! Every message as it is printed.

use super::*;

fn io() -> io::Error {
    io::Error::from_raw_os_error(1)
}

fn check(printed: &[(&dyn std::error::Error, &str)]) {
    for (error, expected) in printed {
        assert_eq!(error.to_string(), *expected);
        assert!(!expected.contains('\n'), "one line: {expected}");
    }
}

#[test]
fn names_and_creation_as_printed() {
    let name = || "/x".to_owned();
    check(&[
        (
            &NameError::Empty,
            "empty segment name: give 1 to 255 bytes, such as \"/settings\"",
        ),
        (
            &NameError::TooLong { len: 256 },
            "segment name too long: 256 bytes, at most 255 are allowed",
        ),
        (
            &NameError::Invalid { name: "a/b".into() },
            "invalid segment name \"a/b\": no `/` except at the start, no NUL, and neither `.` nor `..`",
        ),
        (
            &CreateError::Name(NameError::Empty),
            "empty segment name: give 1 to 255 bytes, such as \"/settings\"",
        ),
        (
            &CreateError::AlreadyExists { name: name() },
            "cannot create /x: it already exists; open it, or remove the name first",
        ),
        (
            &CreateError::NoSpace {
                name: name(),
                needed: 9,
            },
            "cannot create /x: it needs 9 bytes, more than its file system has free; free some space or enlarge the file system",
        ),
        (
            &CreateError::FileSizeLimit {
                name: name(),
                needed: 9,
                limit: 8,
            },
            "cannot create /x: it needs 9 bytes, and RLIMIT_FSIZE allows this process 8; raise the limit",
        ),
        (
            &CreateError::NetworkFileSystem {
                name: name(),
                kind: "NFS",
            },
            "cannot create /x: NFS is a network file system; use a local one, such as /dev/shm",
        ),
        (
            &CreateError::Locks {
                name: name(),
                source: io(),
            },
            "cannot register as a writer of /x: open file description locks do not work there; use /dev/shm, and allow fcntl in the sandbox",
        ),
        (
            &CreateError::Io {
                action: "map",
                name: name(),
                source: io(),
            },
            "cannot map /x",
        ),
    ]);
}

#[test]
fn opening_as_printed() {
    let name = || "/x".to_owned();
    check(&[
        (
            &OpenError::NotFound { name: name() },
            "cannot open /x: it does not exist",
        ),
        (
            &OpenError::NotASegment {
                name: name(),
                found: b"\x7fELF".into(),
            },
            "cannot open /x: not a shmkv segment, it starts with \"\\x7fELF\"",
        ),
        (
            &OpenError::ByteOrder { name: name() },
            "cannot open /x: it was created on a machine of the other byte order",
        ),
        (
            &OpenError::LayoutVersion {
                name: name(),
                expected: 1,
                found: 2,
            },
            "cannot open /x: its layout version is 2, this program's is 1; create it anew, or build all programs with one version of shmkv",
        ),
        (
            &OpenError::Features {
                name: name(),
                unknown: 6,
            },
            "cannot open /x: it uses features unknown to this program (0x6); build the program with a newer shmkv",
        ),
        (
            &OpenError::Sizes {
                name: name(),
                expected: [10, 64, 256],
                found: [20, 64, 255],
            },
            "cannot open /x: size mismatch: N is 20 in the segment, 10 in this program; V is 255 in the segment, 256 in this program",
        ),
        (
            &OpenError::Types {
                name: name(),
                differences: vec!["key: a".into(), "value: b".into()],
            },
            "cannot open /x: type mismatch: key: a; value: b",
        ),
        (
            &OpenError::Length {
                name: name(),
                expected: 9,
                found: 8,
            },
            "cannot open /x: wrong length, 8 bytes instead of 9: it was truncated or extended",
        ),
        (
            &OpenError::Damaged {
                name: name(),
                what: "inconsistent header",
            },
            "cannot open /x: damaged segment: inconsistent header",
        ),
        (
            &OpenError::Stale { name: name() },
            "cannot open /x: the machine restarted before its last changes were flushed, so its contents cannot be trusted; create it anew",
        ),
        (
            &OpenError::EntriesTooLarge {
                name: name(),
                found: 9,
                limit: 8,
            },
            "cannot open /x without its types: its entries are 9 bytes, the limit is 8",
        ),
        (
            &OpenError::Unsealed,
            "cannot open the received descriptor: not sealed against shrinking; send that of a map made by `create_anonymous`",
        ),
        (
            &OpenError::NetworkFileSystem {
                name: name(),
                kind: "NFS",
            },
            "cannot open /x for writing: NFS is a network file system; use a local one, such as /dev/shm",
        ),
        (
            &OpenError::Locks {
                name: name(),
                source: io(),
            },
            "cannot register as a writer of /x: open file description locks do not work there; use /dev/shm, and allow fcntl in the sandbox",
        ),
        (
            &OpenError::Io {
                action: "stat",
                name: name(),
                source: io(),
            },
            "cannot stat /x",
        ),
    ]);
}

#[test]
fn access_as_printed() {
    let waited = Duration::from_secs(10);
    let long = || EncodeError::TooLong { len: 64, max: 63 };
    check(&[
        (
            &AccessError::Full { capacity: 10 },
            "the map is full: 10 of 10 entries are in use",
        ),
        (
            &AccessError::ShardFull,
            "this key's shard is full (the map is not)",
        ),
        (
            &AccessError::Damaged,
            "the map is damaged: its counters contradict its entries; create it anew",
        ),
        (
            &AccessError::Key(long()),
            &format!("cannot encode the key: {}", long()),
        ),
        (
            &AccessError::Value(long()),
            &format!("cannot encode the value: {}", long()),
        ),
        (
            &AccessError::LockTimeout { waited },
            "timed out after 10s waiting for a lock held by a live writer",
        ),
        (
            &AccessError::Contended {
                waited: Duration::from_millis(100),
            },
            "no stable read of this entry: writers kept changing it for 100ms",
        ),
        (
            &AccessError::Io {
                action: "register as a writer of the map",
                source: io(),
            },
            "cannot register as a writer of the map",
        ),
    ]);
    let full = Error::from(AccessError::Full { capacity: 10 });
    assert_eq!(
        full.to_string(),
        "the map is full: 10 of 10 entries are in use"
    );
}
