//! Names that are invalid, that are taken, or that lead to something other than a regular file.

use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use libtest_mimic::Failed;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use shmkv_core::{CreateError, Error, NameError, OpenError, unlink};

use super::cases::{Cases, Map, Reader, existing};
use crate::support::proc::SegmentName;

pub(crate) fn names() -> Result<(), Failed> {
    let long = "x".repeat(256);
    let bad: [(&str, NameError, &str); 8] = [
        ("", NameError::Empty, "empty segment name"),
        ("/", NameError::Empty, "empty segment name"),
        (
            &long,
            NameError::TooLong { len: 256 },
            "256 bytes, at most 255",
        ),
        (
            "/a/b",
            NameError::Invalid {
                name: "/a/b".into(),
            },
            "\"/a/b\"",
        ),
        ("//a", NameError::Invalid { name: "//a".into() }, "\"//a\""),
        (".", NameError::Invalid { name: ".".into() }, "\".\""),
        ("/..", NameError::Invalid { name: "/..".into() }, "\"/..\""),
        (
            "a\0b",
            NameError::Invalid {
                name: "a\0b".into(),
            },
            "no NUL",
        ),
    ];
    let mut cases = Cases::default();
    for (name, error, part) in bad {
        let create = |it: &CreateError| matches!(it, CreateError::Name(name) if *name == error);
        let open = |it: &OpenError| matches!(it, OpenError::Name(name) if *name == error);
        let either = |it: &Error| matches!(it, Error::Open(it) if open(it));
        cases.refused("create", Map::create(name), create, &[part]);
        cases.refused("open", Map::open(name), open, &[part]);
        cases.refused("read", Reader::open(name), open, &[part]);
        cases.refused("open_or_create", Map::open_or_create(name), either, &[part]);
        let unlinked = unlink(name);
        cases.refused(
            "unlink",
            unlinked,
            |it| it.kind() == ErrorKind::InvalidInput,
            &[part],
        );
    }
    let longest = format!("/shmkv-test-{}-{}", std::process::id(), "x".repeat(255));
    let longest = &longest[..256]; // including the slash
    let map = Map::create(longest)?;
    cases.holds("a name of 255 bytes", Map::open(longest).is_ok());
    map.destroy()?;
    cases.report("names")
}

pub(crate) fn taken_names() -> Result<(), Failed> {
    let mut cases = Cases::default();
    for kind in [
        "map",
        "empty file",
        "directory",
        "symbolic link to nothing",
        "FIFO",
    ] {
        let name = if kind == "map" {
            existing()
        } else {
            SegmentName::unique()
        };
        let path = name.path();
        match kind {
            "empty file" => std::fs::write(&path, "")?,
            "directory" => std::fs::create_dir(&path)?,
            "symbolic link to nothing" => symlink("/nowhere", &path)?,
            "FIFO" => mkfifo(&path, Mode::S_IRUSR)?,
            _ => {}
        }
        let before = std::fs::symlink_metadata(&path)?;
        let taken = |it: &CreateError| matches!(it, CreateError::AlreadyExists { .. });
        let parts = [name.as_str(), "already exists"];
        cases.refused(kind, Map::create(name.as_str()), taken, &parts);
        cases.refused(kind, Map::create_at(&path), taken, &["already exists"]);
        if kind == "symbolic link to nothing" {
            let followed = |it: &Error| matches!(it, Error::Open(OpenError::Io { .. }));
            let result = Map::open_or_create(name.as_str());
            cases.refused(
                "open_or_create at a link",
                result,
                followed,
                &[name.as_str()],
            );
        }
        let after = std::fs::symlink_metadata(&path)?;
        cases.holds(
            "what had the name is unchanged",
            before.modified()? == after.modified()?,
        );
        let _ = std::fs::remove_dir(&path);
    }
    cases.report("taken names")
}

pub(crate) fn other_files() -> Result<(), Failed> {
    let mut cases = Cases::default();
    let missing = |it: &OpenError| matches!(it, OpenError::NotFound { .. });
    let io = |it: &OpenError| matches!(it, OpenError::Io { action: "open", .. });

    let name = SegmentName::unique();
    let parts = [name.as_str(), "does not exist"];
    cases.refused("nothing", Map::open(name.as_str()), missing, &parts);
    cases.refused("nothing", Reader::open(name.as_str()), missing, &parts);
    let nowhere = name.path().join("map");
    cases.refused(
        "no directory",
        Map::open_at(&nowhere),
        missing,
        &["does not exist"],
    );
    let created = Map::create_at(&nowhere);
    let no_directory = |it: &CreateError| {
        matches!(
            it,
            CreateError::Io {
                action: "create",
                ..
            }
        )
    };
    cases.refused(
        "create in no directory",
        created,
        no_directory,
        &["cannot create"],
    );

    std::fs::create_dir(name.path())?;
    let parts = [name.as_str(), "cannot open"];
    cases.refused(
        "directory",
        Map::open(name.as_str()),
        io,
        &[parts[0], parts[1], "directory"],
    );
    let read = Reader::open(name.as_str());
    cases.refused(
        "directory",
        read,
        io,
        &[parts[0], parts[1], "not a regular file"],
    );
    std::fs::remove_dir(name.path())?;

    // The other end is not open, so an open that waited for it would never return.
    mkfifo(&name.path(), Mode::S_IRWXU)?;
    let parts = [name.as_str(), "cannot open", "not a regular file"];
    cases.refused("FIFO", Map::open(name.as_str()), io, &parts);
    cases.refused("FIFO", Reader::open(name.as_str()), io, &parts);
    std::fs::remove_file(name.path())?;

    let socket = UnixListener::bind(name.path())?;
    cases.refused("socket", Map::open(name.as_str()), io, &parts[..2]);
    cases.refused("socket", Reader::open(name.as_str()), io, &parts[..2]);
    drop(socket);
    std::fs::remove_file(name.path())?;

    // A link to a map that can be opened under its own name.
    let target = existing();
    symlink(target.path(), name.path())?;
    let parts = [name.as_str(), "cannot open", "symbolic link"];
    cases.refused("symbolic link", Map::open(name.as_str()), io, &parts);
    cases.refused("symbolic link", Reader::open(name.as_str()), io, &parts);
    cases.refused(
        "device",
        Map::open_at("/dev/null"),
        io,
        &["not a regular file"],
    );
    cases.report("other files")
}
