//! Segments that are passed to other processes: descriptors, names, permissions.

use std::fs::File;
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::sync::atomic::Ordering::SeqCst;

use libtest_mimic::Failed;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg,
    sendmsg, socketpair,
};
use shmkv_core::{Map as TypedMap, OpenError};

use super::cases::{ensure, run_cases};
use super::process::write_on;
use super::segment::{KEY, LONG, Map, OTHER, Reader, Segment, byte_of, value};
use crate::support::environment;
use crate::support::proc::{Child, SegmentName, fork_child, spawn_role};
use crate::support::report::Report;
use crate::support::shared::SharedWords;

const NOBODY: u32 = 65_534;

fn send(socket: &OwnedFd, fd: RawFd) {
    let fds = [fd];
    let rights = [ControlMessage::ScmRights(&fds)];
    let data = [IoSlice::new(b".")];
    sendmsg::<()>(socket.as_raw_fd(), &data, &rights, MsgFlags::empty(), None).expect("sendmsg");
}

fn receive(socket: &OwnedFd) -> OwnedFd {
    let mut byte = [0];
    let mut data = [IoSliceMut::new(&mut byte)];
    let mut space = nix::cmsg_space!(RawFd);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut data, Some(&mut space), flags);
    let message = message.expect("recvmsg");
    let Some(ControlMessageOwned::ScmRights(fds)) = message.cmsgs().expect("cmsgs").next() else {
        panic!("the message has no descriptor")
    };
    // SAFETY: the kernel has just made this descriptor for this process.
    unsafe { OwnedFd::from_raw_fd(fds[0]) }
}

/// Sends a map's descriptor to `receiver`, whose process was forked before the map was made, so that it has
/// not inherited it.
fn pass(
    mode: u32,
    read_only: bool,
    receiver: impl FnOnce(OwnedFd),
    fork: impl FnOnce(&mut dyn FnMut() -> i32) -> Child,
) -> Result<Map, String> {
    let (here, there) = socketpair(
        AddressFamily::Unix,
        SockType::Datagram,
        None,
        SockFlag::SOCK_CLOEXEC,
    )
    .map_err(|error| error.to_string())?;
    let mut receiver = Some(receiver);
    let child = fork(&mut || {
        receiver.take().expect("called once")(receive(&there));
        0
    });
    let map = Map::options()
        .mode(mode)
        .create_anonymous()
        .map_err(|error| error.to_string())?;
    map.insert(KEY, value(1))
        .map_err(|error| error.to_string())?;
    let path = format!("/proc/self/fd/{}", map.as_fd().as_raw_fd());
    if read_only {
        send(
            &here,
            File::open(path)
                .map_err(|error| error.to_string())?
                .as_raw_fd(),
        );
    } else {
        send(&here, map.as_fd().as_raw_fd());
    }
    child
        .exit_code(LONG)
        .and_then(|code| ensure(code == 0, "the receiver failed"))?;
    Ok(map)
}

fn passed_for_writing() -> Result<(), String> {
    let receiver = |fd| {
        let map = Map::from_fd(fd).unwrap();
        assert_eq!(map.get(KEY).unwrap(), Some(value(1)));
        map.insert(OTHER, value(2)).unwrap();
        assert_eq!(map.stats().writers, 2);
    };
    let map = pass(0o600, false, receiver, |main| fork_child(main))?;
    let found = map.get(OTHER).map_err(|error| error.to_string())?;
    ensure(
        found == Some(value(2)),
        "the sender does not read what the receiver wrote",
    )
}

fn passed_for_reading() -> Result<(), String> {
    let receiver = |fd| {
        let reader = Map::options().from_fd_read_only(fd).unwrap();
        assert_eq!(reader.get(KEY).unwrap(), Some(value(1)));
    };
    pass(0o600, true, receiver, |main| fork_child(main)).map(|_| ())
}

/// Another user gets what the mode allows, not what the descriptor does, since the segment is opened again.
fn passed_to_another_user() -> Result<(), String> {
    let receiver = |fd: OwnedFd| {
        let again = fd.try_clone().unwrap();
        let refused = Map::from_fd(again).map(|_| ());
        assert!(
            matches!(&refused, Err(OpenError::Io { action: "reopen", source, .. })
                if source.kind() == ErrorKind::PermissionDenied),
            "{refused:?}"
        );
        let reader = Map::options().from_fd_read_only(fd).unwrap();
        assert_eq!(reader.get(KEY).unwrap(), Some(value(1)));
    };
    pass(0o644, true, receiver, |main| {
        environment::fork_as_uid(NOBODY, main)
    })
    .map(|_| ())
}

pub(crate) fn passed_descriptors() -> Result<(), Failed> {
    run_cases(
        "descriptors over a socket",
        &[
            ("for writing", &passed_for_writing),
            ("for reading", &passed_for_reading),
        ],
    )
}

/// An executed child needs only the number of a descriptor.
fn inherited() -> Result<(), String> {
    let map = Map::create_anonymous().map_err(|error| error.to_string())?;
    map.insert(KEY, value(1))
        .map_err(|error| error.to_string())?;
    // A copy without FD_CLOEXEC, so that the child inherits it.
    let number = fcntl(map.as_fd(), FcntlArg::F_DUPFD(10)).map_err(|error| error.to_string())?;
    let child = spawn_role("inheritor", &[&number.to_string()]);
    // SAFETY: made above, and owned by nothing else.
    drop(unsafe { OwnedFd::from_raw_fd(number) });
    child
        .exit_code(LONG)
        .and_then(|code| ensure(code == 0, "the child failed"))?;
    let found = map.get(OTHER).map_err(|error| error.to_string())?;
    ensure(
        found == Some(value(2)),
        "the parent does not read what the child wrote",
    )
}

/// Without such a copy a child inherits nothing: every descriptor of a map closes on exec.
fn not_inherited() -> Result<(), String> {
    let map = Map::create_anonymous().map_err(|error| error.to_string())?;
    let flags = fcntl(map.as_fd(), FcntlArg::F_GETFD).map_err(|error| error.to_string())?;
    ensure(flags & nix::libc::FD_CLOEXEC != 0, "FD_CLOEXEC is missing")
}

pub(crate) fn inherited_descriptors() -> Result<(), Failed> {
    run_cases(
        "descriptors through exec",
        &[("a copy", &inherited), ("the map's own", &not_inherited)],
    )
}

/// With mode 0644, every user reads and only the owner writes.
fn reads_only() -> Result<(), String> {
    let segment = Segment::new();
    let writer = fork_child(|| write_on(&segment.open()));
    let child = environment::fork_as_uid(NOBODY, || {
        let refused = Map::open(segment.name()).map(|_| ());
        assert!(
            matches!(&refused, Err(OpenError::Io { action: "open", source, name })
                if source.kind() == ErrorKind::PermissionDenied && name == segment.name()),
            "{refused:?}"
        );
        let reader = Reader::open(segment.name()).unwrap();
        for _ in 0..2_000 {
            byte_of(&reader.get(KEY).unwrap().unwrap()).unwrap();
        }
        assert_eq!(reader.iter().filter(Result::is_ok).count(), 1);
        assert!(segment.registered().len() <= 1, "a reader has registered");
        0
    });
    child
        .exit_code(LONG)
        .and_then(|code| ensure(code == 0, "the other user's process failed"))?;
    segment.stop_in_lock(&writer);
    let child = environment::fork_as_uid(NOBODY, || {
        let reader = Reader::open(segment.name()).unwrap();
        byte_of(&reader.get(KEY).unwrap().unwrap()).unwrap();
        0
    });
    child.exit_code(LONG).and_then(|code| {
        ensure(
            code == 0,
            "the other user's process failed while a writer was stopped",
        )
    })
}

pub(crate) fn other_users() -> Result<(), Failed> {
    run_cases(
        "other users",
        &[
            ("a name of mode 0644", &reads_only),
            ("a descriptor of mode 0644", &passed_to_another_user),
        ],
    )
}

/// The name of an open map is removed and used again: handles of the old map do not affect the new one.
fn reused_name() -> Result<(), String> {
    let segment = Segment::new();
    let name = segment.name();
    let (old, other) = (segment.open(), segment.open());
    old.unlink().map_err(|error| error.to_string())?;
    ensure(!segment.name.exists(), "the name still exists")?;
    old.insert(OTHER, value(5))
        .map_err(|error| error.to_string())?;
    ensure(
        other.get(OTHER).is_ok_and(|it| it == Some(value(5))),
        "the old map does not work without its name",
    )?;
    let again = other.unlink().map_err(|error| error.kind());
    ensure(
        again == Err(ErrorKind::NotFound),
        "a name was removed twice",
    )?;

    let new = Map::create(name).map_err(|error| error.to_string())?;
    new.insert(KEY, value(7))
        .map_err(|error| error.to_string())?;
    for old in [old, other] {
        let refused = old
            .destroy()
            .map_err(|error| (error.kind(), error.to_string()));
        let Err((ErrorKind::NotFound, message)) = refused else {
            return Err(format!("destroy through an old handle: {refused:?}"));
        };
        ensure(
            message.contains(name) && message.contains("another object"),
            &message,
        )?;
    }
    let found = Map::open(name).map_err(|error| error.to_string())?.get(KEY);
    ensure(
        found.is_ok_and(|it| it == Some(value(7))),
        "the name does not lead to the new map",
    )?;
    new.destroy().map_err(|error| error.to_string())?;
    ensure(
        !segment.name.exists(),
        "the new map's handle did not remove the name",
    )
}

pub(crate) fn reused_names() -> Result<(), Failed> {
    run_cases("names", &[("removed and used again", &reused_name)])
}

const RACERS: u32 = 8;
const RACES: usize = 60;

/// Eight processes at once: one creates the map, all open the same one, and no write is lost.
pub(crate) fn open_or_create_races() -> Result<(), Failed> {
    type Small = TypedMap<64, u32, u64>;
    let mut wrong = Vec::new();
    for race in 0..RACES {
        let name = SegmentName::unique();
        let words = SharedWords::new(1);
        let racers: Vec<Child> = (0..RACERS)
            .map(|i| {
                fork_child(|| {
                    words[0].fetch_add(1, SeqCst);
                    while words[0].load(SeqCst) < u64::from(RACERS) {
                        std::thread::yield_now();
                    }
                    let map = Small::open_or_create(name.as_str()).unwrap();
                    i32::from(map.insert(i, u64::from(i)).unwrap().is_some())
                })
            })
            .collect();
        for racer in racers {
            if racer.exit_code(LONG) != Ok(0) {
                wrong.push(format!("race {race}: a racer failed"));
            }
        }
        let map = Small::open(name.as_str())?;
        let all = (0..RACERS).all(|i| map.get(i).is_ok_and(|it| it == Some(u64::from(i))));
        if !all || map.len() != RACERS as usize {
            wrong.push(format!("race {race}: {} entries", map.len()));
        }
    }
    Report::new("environments", "open_or_create")
        .count("races of eight", RACES)
        .require(&wrong)
}
