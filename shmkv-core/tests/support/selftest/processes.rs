//! Proves `inject`, `proc` and `world`.

use std::time::Duration;

use nix::errno::Errno;
use nix::libc;

use crate::support::inject::{self, Ended};
use crate::support::proc::{self, SegmentName};
use crate::support::shared::SharedWords;
use crate::support::world;
use crate::{Outcome, ensure, futex_wait};

pub(crate) fn inject_fails_each_call() -> Outcome {
    // Creates, and cleans up after itself only if told to.
    let create = |name: &SegmentName, tidy: bool| -> i32 {
        let made = std::fs::File::create(name.path()).and_then(|file| file.set_len(4096));
        if let Err(error) = made {
            if tidy {
                let _ = std::fs::remove_file(name.path());
            }
            return error.raw_os_error().unwrap_or(-1);
        }
        0
    };
    // `File`'s drop ignores an error of `close`, and looks at the descriptor by `fcntl` first in debug builds.
    let errnos = |call: inject::Call| match call.name() {
        Some("close" | "fcntl") => vec![],
        _ => vec![Errno::ENOSPC, Errno::EACCES],
    };
    let check = |run: &inject::Run, name: &SegmentName| match run.ended {
        Ended::Returned(28 | 13) if name.exists() => Err("left the file behind".to_owned()),
        Ended::Returned(28 | 13) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    let untidy = inject::for_each_call(
        errnos,
        SegmentName::unique,
        |name| create(name, false),
        check,
    );
    ensure(
        untidy.violations.len() == 2,
        format!("ftruncate, twice: {untidy:?}"),
    )?;
    let tidy = inject::for_each_call(
        errnos,
        SegmentName::unique,
        |name| create(name, true),
        check,
    );
    ensure(tidy.names() == "ftruncate 2, openat 2", tidy.names())?;
    tidy.report("support", "inject/create a file")
}

pub(crate) fn inject_reports_deaths_and_sleeps() -> Outcome {
    let died = inject::fail_nth(0, Errno::EPERM, || {
        assert!(std::fs::metadata("/").is_ok());
        0
    });
    ensure(matches!(died.ended, Ended::Died(_)), format!("{died:?}"))?;
    let words = SharedWords::new(1);
    let run = inject::list_calls(|| {
        futex_wait(&words[0], Some(Duration::from_millis(10)));
        77
    });
    ensure(
        run.ended == Ended::Returned(77) && run.calls.len() == 1,
        format!("{run:?}"),
    )
}

pub(crate) fn run_role(role: &str) -> i32 {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match role {
        "echo" => args[0].parse().unwrap(),
        _ => 99,
    }
}

pub(crate) fn proc_children() -> Outcome {
    let soon = Duration::from_secs(5);
    ensure(proc::fork_child(|| 7).exit_code(soon) == Ok(7), "exit code")?;
    ensure(
        proc::spawn_role("echo", &["42"]).exit_code(soon) == Ok(42),
        "role",
    )?;
    let ready = proc::Ready::new();
    let child = proc::fork_child(|| {
        ready.signal();
        loop {
            std::thread::park();
        }
    });
    ensure(ready.wait(soon), "ready")?;
    ensure(
        child.wait_timeout(Duration::from_millis(20)).is_none(),
        "still there",
    )?;
    child.stop();
    child.cont();
    drop(child);
    let ready = proc::Ready::new();
    let child = proc::fork_child(|| 3);
    ensure(!ready.wait(soon), "a child that dies is not ready")?;
    ensure(child.exit_code(soon) == Ok(3), "exit code")?;
    let name = SegmentName::unique();
    std::fs::write(name.path(), b"x").unwrap();
    ensure(proc::leftovers().len() == 1, "one")?;
    drop(name);
    ensure(proc::leftovers().is_empty(), "none")
}

pub(crate) fn proc_worlds() -> Outcome {
    if !world::is_root() {
        println!("support proc/worlds: left out, not root");
        return Ok(());
    }
    let soon = Duration::from_secs(5);
    let own = nix::unistd::getpid().as_raw();
    let first = world::fork_in_pid_namespace(|| nix::unistd::getpid().as_raw());
    ensure(first.exit_code(soon) == Ok(1), "PID 1 of its own namespace")?;
    let later = proc::fork_child(move || i32::from(nix::unistd::getppid().as_raw() != own));
    ensure(
        later.exit_code(soon) == Ok(0),
        "later children are born in ours",
    )?;
    let other = world::fork_as_uid(12_345, || i32::from(std::fs::read("/etc/shadow").is_ok()));
    ensure(other.exit_code(soon) == Ok(0), "no privileges left")?;
    let small = world::fork_with_tmpfs("/dev/shm", 64 << 10, || {
        let full = std::fs::write("/dev/shm/big", vec![0; 128 << 10]);
        i32::from(full.unwrap_err().raw_os_error() != Some(libc::ENOSPC))
    });
    ensure(small.exit_code(soon) == Ok(0), "the small tmpfs is full")?;
    ensure(
        !std::path::Path::new("/dev/shm/big").exists(),
        "and was not ours",
    )
}
