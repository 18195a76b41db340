//! What processes do: write until they are killed, or nothing; and the roles of executed ones.

use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{ForkResult, Pid, alarm, fork, pause};

use super::segment::{KEY, Map, OTHER, byte_of, value};
use crate::support::proc;

/// Writes until the process is killed.
pub(crate) fn write_on(map: &Map) -> ! {
    for byte in (0..=u8::MAX).cycle() {
        map.insert(KEY, value(byte)).unwrap();
    }
    unreachable!()
}

/// Forks a process that outlives this one and does nothing. The [`Orphan`] with its id kills it.
///
/// It may be called while other threads run: the child makes two system calls and no more.
pub(crate) fn fork_idler() -> Pid {
    // SAFETY: the child does nothing that needs another thread's lock.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => idle(),
    }
}

/// As [`fork_idler`], but the child executes this program.
pub(crate) fn spawn_idler() -> u32 {
    command("idle").spawn().expect("spawn").id()
}

/// This program in another role. Unlike that of `spawn_role`, the process outlives its parent.
fn command(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("current_exe"));
    command.env(proc::ROLE, role);
    command
}

/// Sleeps for at most two minutes, so that a test that dies leaves no process behind.
fn idle() -> ! {
    alarm::set(120);
    loop {
        pause();
    }
}

/// A process that is not a child of this one. Killed on drop.
pub(crate) struct Orphan(pub(crate) Pid);

impl Orphan {
    /// Alive and not yet a zombie.
    pub(crate) fn is_alive(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, state)| !state.starts_with('Z'))
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
    }
}

/// Runs this program in a role.
pub(crate) fn run_role(role: &str) -> i32 {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match role {
        "writer" => write_on(&Map::open(&args[0]).unwrap()),
        // Another thread writes when this one executes the next program.
        "becomes-idle" => {
            let map = Map::open(&args[0]).unwrap();
            std::thread::spawn(move || write_on(&map));
            std::thread::sleep(Duration::from_micros(args[1].parse().unwrap()));
            let error = command("idle").arg("idle-now").exec();
            panic!("exec: {error}");
        }
        "idle" => idle(),
        "inheritor" => {
            let number = args[0].parse().unwrap();
            // SAFETY: the parent left this descriptor open for this process, and for nothing else.
            let fd = unsafe { OwnedFd::from_raw_fd(number) };
            let map = Map::from_fd(fd).unwrap();
            let inherited = map.get(KEY).unwrap().map(|it| byte_of(&it).unwrap());
            map.insert(OTHER, value(2)).unwrap();
            i32::from(inherited != Some(1))
        }
        other => panic!("no such role: {other}"),
    }
}

/// Closes every descriptor beyond the standard three.
pub(crate) fn close_everything() {
    // SAFETY: takes numbers. This process owns the descriptors, and closes none of them a second time.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
    assert_eq!(closed, 0, "close_range");
}
