//! Does every failing system call lead to a typed error or a fallback, and leave nothing behind?
//!
//! Each call that an operation makes is made to fail, one at a time, with several errors each. The operation
//! must return. If it succeeds, the map works; if it fails, there is no name, temporary file, descriptor or
//! mapping that was not there before. `close` and `munmap` are left out: no kernel fails them without doing
//! their work.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod each_call;
mod maps;
#[path = "../../support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::os::fd::AsFd as _;

use each_call::{Opened, Outcome, each_call, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use maps::{KEY, Large, Map, Reader, VALUE};
use nix::errno::Errno;
use shmkv_core::Options;
use support::directory::Directory;
use support::inject::Call;
use support::proc::SegmentName;
use support::seccomp::{self, RESERVATION, UNNAMED_FILES};

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let trials = vec![
        Trial::test("create", create),
        Trial::test("create_without_unnamed_files", create_without_unnamed_files),
        Trial::test("create_without_reservation", create_without_reservation),
        Trial::test("create_at", create_at),
        Trial::test("create_anonymous", create_anonymous),
        Trial::test("open", open),
        Trial::test("open_read_only", open_read_only),
        Trial::test("open_at", open_at),
        Trial::test("open_or_create", open_or_create),
        Trial::test("from_fd", from_fd),
        Trial::test("create_all_pages", create_all_pages),
        Trial::test("open_all_pages", open_all_pages),
        Trial::test("count_huge_pages", count_huge_pages),
        Trial::test("first_write", first_write),
        Trial::test("first_write_after_a_flush", first_write_after_a_flush),
        Trial::test("unlink", unlink),
        Trial::test("destroy", destroy),
    ];
    libtest_mimic::run(&args, trials).exit();
}

/// Checks that the name exists exactly if the operation succeeded, and then leads to a map.
fn whole_or_absent(name: &SegmentName, failed: bool, _: Call) -> Result<(), String> {
    ensure(
        name.exists() != failed,
        "the name does not agree with the answer",
    )?;
    if failed {
        return Ok(());
    }
    let map = Map::open(name.as_str()).map_err(|error| error.to_string())?;
    ensure(
        matches!(map.get(KEY), Ok(Some(VALUE))),
        "the stored entry is missing",
    )
}

fn create() -> Result<(), Failed> {
    let operate = |name: &SegmentName| Ok(Map::create(name.as_str())?.into());
    each_call("create", SegmentName::unique, operate, whole_or_absent)
}

fn open_or_create() -> Result<(), Failed> {
    let operate = |name: &SegmentName| Ok(Map::open_or_create(name.as_str())?.into());
    each_call(
        "open_or_create, absent",
        SegmentName::unique,
        operate,
        whole_or_absent,
    )?;
    each_call("open_or_create, present", existing, operate, untouched)
}

fn new_directory() -> Directory {
    Directory::new()
}

/// Checks that the file exists exactly if its creation succeeded, and nothing else does.
fn nothing_else(directory: &Directory, failed: bool, call: Call) -> Result<(), String> {
    let names = directory.names();
    if let [.., map] = &*names
        && !failed
        && map == "map"
    {
        // A temporary name that the kernel does not remove stays: the library cannot help that.
        let stays = matches!(call.name(), Some("unlink" | "unlinkat"));
        return ensure(names.len() == 1 || stays, &format!("found {names:?}"));
    }
    ensure(
        failed && names.is_empty(),
        &format!("failed: {failed}, found {names:?}"),
    )
}

fn create_at() -> Result<(), Failed> {
    let operate = |it: &Directory| Ok(Map::create_at(it.file("map"))?.into());
    each_call("create_at", new_directory, operate, nothing_else)
}

/// On a file system without `O_TMPFILE` creation uses a temporary name, and removes it whatever fails.
fn create_without_unnamed_files() -> Result<(), Failed> {
    let operate = |it: &Directory| {
        seccomp::refuse(UNNAMED_FILES, Errno::EOPNOTSUPP);
        Ok(Map::create_at(it.file("map"))?.into())
    };
    each_call(
        "create_at without O_TMPFILE",
        new_directory,
        operate,
        nothing_else,
    )
}

/// On a file system without `fallocate` creation writes zeros.
fn create_without_reservation() -> Result<(), Failed> {
    let operate = |it: &Directory| {
        seccomp::refuse(RESERVATION, Errno::EOPNOTSUPP);
        Ok(Map::create_at(it.file("map"))?.into())
    };
    each_call(
        "create_at without fallocate",
        new_directory,
        operate,
        nothing_else,
    )
}

fn create_anonymous() -> Result<(), Failed> {
    let operate = |(): &()| Ok(Map::create_anonymous()?.into());
    each_call("create_anonymous", || (), operate, |(), _, _| Ok(()))
}

/// The name of a map with an entry, which no process has open.
fn existing() -> SegmentName {
    let name = SegmentName::unique();
    let map = Map::create(name.as_str()).unwrap();
    map.insert(KEY, VALUE).unwrap();
    name
}

fn untouched(name: &SegmentName, _: bool, _: Call) -> Result<(), String> {
    let map = Map::open(name.as_str()).map_err(|error| error.to_string())?;
    ensure(
        matches!(map.get(KEY), Ok(Some(VALUE))),
        "the entry is missing",
    )
}

fn open() -> Result<(), Failed> {
    let operate = |name: &SegmentName| Ok(Map::open(name.as_str())?.into());
    each_call("open", existing, operate, untouched)
}

fn open_read_only() -> Result<(), Failed> {
    let operate = |name: &SegmentName| Ok(Opened::Reader(Reader::open(name.as_str())?));
    each_call("open_read_only", existing, operate, untouched)
}

/// A directory with a map with an entry, which no process has open.
fn existing_file() -> Directory {
    let directory = Directory::new();
    let map = Map::create_at(directory.file("map")).unwrap();
    map.insert(KEY, VALUE).unwrap();
    directory
}

fn open_at() -> Result<(), Failed> {
    let operate = |it: &Directory| Ok(Map::open_at(it.file("map"))?.into());
    each_call("open_at", existing_file, operate, |it, _, _| {
        let map = Map::open_at(it.file("map")).map_err(|error| error.to_string())?;
        ensure(
            matches!(map.get(KEY), Ok(Some(VALUE))),
            "the entry is missing",
        )
    })
}

fn from_fd() -> Result<(), Failed> {
    let setup = || Map::create_anonymous().unwrap();
    let operate = |map: &Map| Ok(Map::from_fd(map.as_fd().try_clone_to_owned()?)?.into());
    each_call("from_fd", setup, operate, |_, _, _| Ok(()))?;
    let operate = |map: &Map| {
        let fd = map.as_fd().try_clone_to_owned()?;
        let reader = Map::options().from_fd_read_only(fd)?;
        Ok(Opened::Reader(reader))
    };
    each_call("from_fd_read_only", setup, operate, |_, _, _| Ok(()))
}

/// With prefaulting, and huge pages, for lack of which nothing may fail.
fn all_pages() -> Options<Large> {
    Large::options().prefault(true).huge_pages(true)
}

fn create_all_pages() -> Result<(), Failed> {
    let operate = |name: &SegmentName| Ok(all_pages().create(name.as_str())?.into());
    let verify = |name: &SegmentName, failed: bool, _: Call| {
        let wrong = "the name does not agree with the answer";
        ensure(name.exists() != failed, wrong)
    };
    each_call("create, all pages", SegmentName::unique, operate, verify)?;
    let operate = |it: &Directory| Ok(all_pages().create_at(it.file("map"))?.into());
    let case = "create_at, all pages";
    each_call(case, new_directory, operate, nothing_else)?;
    let operate = |(): &()| Ok(all_pages().create_anonymous()?.into());
    each_call(
        "create_anonymous, all pages",
        || (),
        operate,
        |(), _, _| Ok(()),
    )
}

fn open_all_pages() -> Result<(), Failed> {
    let setup = || {
        let name = SegmentName::unique();
        Large::create(name.as_str()).unwrap();
        name
    };
    let verify = |name: &SegmentName, _: bool, _: Call| {
        let map = Large::open(name.as_str()).map_err(|error| error.to_string())?;
        ensure(map.check().is_empty(), "damaged")
    };
    let operate = |name: &SegmentName| Ok(all_pages().open(name.as_str())?.into());
    each_call("open, all pages", setup, operate, verify)?;
    let operate = |name: &SegmentName| {
        let reader = all_pages().open_read_only(name.as_str())?;
        Ok(Opened::LargeReader(reader))
    };
    each_call("open_read_only, all pages", setup, operate, verify)
}

fn count_huge_pages() -> Result<(), Failed> {
    let operate = |map: &Map| {
        map.huge_page_bytes()?;
        Ok(Opened::Nothing)
    };
    let setup = || Map::create_anonymous().unwrap();
    each_call("huge_page_bytes", setup, operate, |_, _, _| Ok(()))
}

/// An open map that was never written to, in a cell from which a child takes it.
type Cell<At> = (At, RefCell<Option<Map>>);

fn fresh() -> Cell<SegmentName> {
    let name = SegmentName::unique();
    let map = Map::create(name.as_str()).unwrap();
    (name, RefCell::new(Some(map)))
}

/// Writes, and if that fails, once more: the first failure must not prevent the second write.
fn write_twice<At>((_, map): &Cell<At>) -> Outcome {
    let map = map.take().ok_or("taken twice")?;
    let first = map.insert(KEY, VALUE);
    if first.is_err() {
        map.insert(KEY, VALUE)?;
        assert!(matches!(map.get(KEY), Ok(Some(VALUE))));
    }
    drop(map);
    first?;
    Ok(Opened::Nothing)
}

/// The first write of a forked child makes system calls: it registers the child as a writer.
fn first_write() -> Result<(), Failed> {
    each_call(
        "first write of a forked child",
        fresh,
        write_twice,
        |(name, _), _, _| untouched(name, false, Call(0)),
    )
}

/// In a file that a flush has marked clean, it also marks the file dirty.
fn first_write_after_a_flush() -> Result<(), Failed> {
    let setup = || {
        let directory = Directory::new();
        let map = Map::create_at(directory.file("map")).unwrap();
        map.flush().unwrap();
        (directory, RefCell::new(Some(map)))
    };
    each_call(
        "first write after a flush",
        setup,
        write_twice,
        |(it, _), _, _| {
            let map = Map::open_at(it.file("map")).map_err(|error| error.to_string())?;
            ensure(
                matches!(map.get(KEY), Ok(Some(VALUE))),
                "the entry is missing",
            )
        },
    )
}

/// Checks that a removal reports a failure exactly if the name still exists.
fn removed((name, _): &Cell<SegmentName>, failed: bool, _: Call) -> Result<(), String> {
    ensure(
        name.exists() == failed,
        "the name does not agree with the answer",
    )
}

fn unlink() -> Result<(), Failed> {
    let operate = |(_, map): &Cell<SegmentName>| {
        map.borrow().as_ref().ok_or("taken")?.unlink()?;
        Ok(Opened::Nothing)
    };
    each_call("unlink", fresh, operate, removed)?;
    let operate = |name: &SegmentName| {
        shmkv_core::unlink(name.as_str())?;
        Ok(Opened::Nothing)
    };
    each_call("unlink by name", existing, operate, |name, failed, _| {
        ensure(
            name.exists() == failed,
            "the name does not agree with the answer",
        )
    })
}

fn destroy() -> Result<(), Failed> {
    let operate = |(_, map): &Cell<SegmentName>| {
        map.take().ok_or("taken")?.destroy()?;
        Ok(Opened::Nothing)
    };
    each_call("destroy", fresh, operate, removed)
}
