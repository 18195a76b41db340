//! Proves `inject`, `proc` and `environment`.

use std::time::Duration;

use nix::errno::Errno;
use nix::libc;

use crate::dummy::{Outcome, ensure, futex_wait};
use crate::support::environment;
use crate::support::inject::{self, Ended};
use crate::support::proc::{self, SegmentName};
use crate::support::shared::SharedWords;

pub(crate) fn inject_fails_each_call() -> Outcome {
    // Creates a file; if that fails, removes it only if `tidy`.
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
    // Dropping a `File` ignores an error of `close`, and calls `fcntl` first in debug builds.
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
        format!("expected two violations, of ftruncate: {untidy:?}"),
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
        "exit code of an executed role",
    )?;
    let ready = proc::Ready::new();
    let child = proc::fork_child(|| {
        ready.signal();
        loop {
            std::thread::park();
        }
    });
    ensure(ready.wait(soon), "expected the child to be ready")?;
    ensure(
        child.wait_timeout(Duration::from_millis(20)).is_none(),
        "expected the child to run on",
    )?;
    child.stop();
    child.cont();
    drop(child);
    let ready = proc::Ready::new();
    let child = proc::fork_child(|| 3);
    ensure(!ready.wait(soon), "a child that died was reported ready")?;
    ensure(child.exit_code(soon) == Ok(3), "exit code")?;
    let name = SegmentName::unique();
    std::fs::write(name.path(), b"x").unwrap();
    ensure(proc::leftovers().len() == 1, "expected one leftover")?;
    drop(name);
    ensure(proc::leftovers().is_empty(), "expected no leftover")
}

pub(crate) fn proc_environments() -> Outcome {
    if !environment::is_root() {
        println!("support: proc/environments: left out, needs root");
        return Ok(());
    }
    let soon = Duration::from_secs(5);
    let own = nix::unistd::getpid().as_raw();
    let first = environment::fork_in_pid_namespace(|| nix::unistd::getpid().as_raw());
    ensure(
        first.exit_code(soon) == Ok(1),
        "expected PID 1 in a namespace of its own",
    )?;
    let later = proc::fork_child(move || i32::from(nix::unistd::getppid().as_raw() != own));
    ensure(
        later.exit_code(soon) == Ok(0),
        "a later child was forked into the other namespace",
    )?;
    let other =
        environment::fork_as_uid(12_345, || i32::from(std::fs::read("/etc/shadow").is_ok()));
    ensure(other.exit_code(soon) == Ok(0), "expected no privileges")?;
    let small = environment::fork_with_tmpfs("/dev/shm", 64 << 10, || {
        let full = std::fs::write("/dev/shm/big", vec![0; 128 << 10]);
        i32::from(full.unwrap_err().raw_os_error() != Some(libc::ENOSPC))
    });
    ensure(small.exit_code(soon) == Ok(0), "expected a full tmpfs")?;
    ensure(
        !std::path::Path::new("/dev/shm/big").exists(),
        "the mount was visible to this process",
    )
}
