//! What the scenes need: a segment to look at from outside, writers to be caught in the act, and roles to play.

use std::fs::{File, OpenOptions};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{ForkResult, Pid, alarm, fork, pause};
use shmkv_core::{AccessError, ShmMap, ShmReader};

use super::support::proc::{self, Child, SegmentName};
use super::support::report::Report;

/// Copying its values is most of a write, so a writer stopped at random often holds the lock.
const LARGE: usize = 32 << 10;
pub(crate) type Map = ShmMap<16, 8, LARGE>;
pub(crate) type Reader = ShmReader<16, 8, LARGE>;

pub(crate) const KEY: [u8; 8] = *b"the key.";
/// For whoever takes over, so that both keys tell who wrote.
pub(crate) const OTHER: [u8; 8] = *b"another.";

/// Enough for a living writer to finish, on a machine that is busy with other things.
pub(crate) const LONG: Duration = Duration::from_secs(30);
/// Far longer than the kernel needs to let go of a claim, shorter than the idlers of a test live.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a living writer that stands still costs.
const SHORT: Duration = Duration::from_millis(60);

/// A value that shows when it is torn: the same byte throughout.
pub(crate) fn value(byte: u8) -> [u8; LARGE] {
    [byte; LARGE]
}

/// The byte of a whole value.
pub(crate) fn byte_of(value: &[u8; LARGE]) -> Result<u8, String> {
    let byte = value[0];
    let whole = value.iter().all(|it| *it == byte);
    if whole {
        Ok(byte)
    } else {
        Err("a torn value".to_owned())
    }
}

pub(crate) fn ensure(right: bool, what: &str) -> Result<(), String> {
    if right { Ok(()) } else { Err(what.to_owned()) }
}

/// What is tried, and how.
pub(crate) type Case<'a> = (&'a str, &'a dyn Fn() -> Result<(), String>);

/// Runs each case, prints how many there were, and what was wrong.
pub(crate) fn run_cases(name: &str, cases: &[Case<'_>]) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for (case, run) in cases {
        if let Err(why) = run() {
            wrong.push(format!("{case}: {why}"));
        }
    }
    Report::new("T11", name)
        .count("cases", cases.len())
        .require(&wrong)
}

/// A segment with an entry, looked at from outside, without its own code.
pub(crate) struct Segment {
    pub(crate) name: SegmentName,
    file: File,
}

impl Segment {
    pub(crate) fn new() -> Self {
        let name = SegmentName::unique();
        let map = Map::options().mode(0o644).create(name.as_str()).unwrap();
        map.insert(KEY, value(0)).unwrap();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.path())
            .unwrap();
        Self { name, file }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Waits for living writers as long as it takes.
    pub(crate) fn open(&self) -> Map {
        Map::options().lock_timeout(LONG).open(self.name()).unwrap()
    }

    /// Does not.
    pub(crate) fn open_impatient(&self) -> Map {
        Map::options()
            .lock_timeout(SHORT)
            .open(self.name())
            .unwrap()
    }

    /// Who holds the lock by its word; 0: nobody.
    pub(crate) fn holder(&self) -> u32 {
        let mut word = [0; 4];
        self.file.read_exact_at(&mut word, 1024).unwrap();
        u32::from_ne_bytes(word) & ((1 << 30) - 1)
    }

    /// The ids whose claims the kernel knows.
    pub(crate) fn living(&self) -> Vec<u32> {
        let base = 1 << 62;
        let mut ids = Vec::new();
        let mut from: i64 = base;
        loop {
            let mut range = libc::flock {
                l_type: libc::F_WRLCK as i16,
                l_whence: libc::SEEK_SET as i16,
                l_start: from,
                l_len: 1 << 30,
                l_pid: 0,
            };
            fcntl(&self.file, FcntlArg::F_OFD_GETLK(&mut range)).unwrap();
            if range.l_type == libc::F_UNLCK as i16 {
                return ids;
            }
            ids.push((range.l_start - base) as u32);
            from = range.l_start + 1;
        }
    }

    /// Waits until the claims of `ids` are the only ones. The kernel may let go of one a moment after others see that its
    /// owner is gone, or whoever looks at the owner's `/proc` entry may keep it for as long.
    pub(crate) fn only_live(&self, ids: &[u32], what: &str) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let living = self.living();
            if living == ids {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("{what}: {living:?} live, not {ids:?}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Stops `writer`, which does nothing but write, inside its critical section.
    pub(crate) fn catch(&self, writer: &Child) {
        let mut random = fastrand::Rng::with_seed(u64::from(writer.pid().as_raw().unsigned_abs()));
        let start = Instant::now();
        while start.elapsed() < LONG {
            std::thread::sleep(Duration::from_micros(random.u64(50..400)));
            writer.stop();
            if self.holder() != 0 {
                return;
            }
            writer.cont();
        }
        panic!("the writer was never caught holding the lock");
    }

    /// The lock of a dead holder is taken over by `map` and everything is whole.
    pub(crate) fn is_taken_over_by(&self, map: &Map) -> Result<(), String> {
        ensure(self.holder() != 0, "the dead one holds nothing")?;
        let before = map.stats().takeovers;
        map.insert(OTHER, value(1))
            .map_err(|error| format!("the next writer: {error}"))?;
        ensure(
            map.stats().takeovers == before + 1,
            "the next writer took nothing over",
        )?;
        ensure(self.holder() == 0, "the next writer keeps the lock")?;
        let found = map.get(KEY).map_err(|error| error.to_string())?;
        byte_of(&found.ok_or("the key is gone")?)?;
        let faults = map.check();
        ensure(faults.is_empty(), &format!("{faults:?}"))
    }

    /// The lock of a living holder that stands still is left alone; everybody reads.
    pub(crate) fn is_respected(&self) -> Result<(), String> {
        let holder = self.holder();
        ensure(holder != 0, "nobody holds the lock")?;
        let map = self.open_impatient();
        let answer = map.insert(OTHER, value(1)).map(|_| ());
        ensure(
            matches!(answer, Err(AccessError::LockTimeout { waited }) if waited == SHORT),
            &format!("a writer was told {answer:?}"),
        )?;
        ensure(self.holder() == holder, "the lock has changed hands")?;
        let reader = Reader::open(self.name()).map_err(|error| error.to_string())?;
        for found in [map.get(KEY), reader.get(KEY)] {
            let found = found.map_err(|error| format!("a reader: {error}"))?;
            byte_of(&found.ok_or("the key is gone")?)?;
        }
        ensure(
            matches!(reader.get(OTHER), Ok(None)),
            "the writer wrote all the same",
        )
    }
}

/// What a writer does until it is killed.
pub(crate) fn write_on(map: &Map) -> ! {
    for byte in (0..=u8::MAX).cycle() {
        map.insert(KEY, value(byte)).unwrap();
    }
    unreachable!()
}

/// Forks a process that outlives this one, does nothing, and is killed by the [`Orphan`] made of its id.
///
/// May be called while other threads run: the child makes two system calls and no more.
pub(crate) fn fork_idler() -> Pid {
    // SAFETY: the child does nothing that needs another thread's lock.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => idle(),
    }
}

/// As [`fork_idler`], and the child executes this program anew.
pub(crate) fn spawn_idler() -> u32 {
    anew("idle").spawn().expect("spawn").id()
}

/// This program in another role, without what `spawn_role` adds: it outlives its parent.
fn anew(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("current_exe"));
    command.env(proc::ROLE, role);
    command
}

/// Sleeps, but not for ever: a test that dies leaves nothing behind.
fn idle() -> ! {
    alarm::set(120);
    loop {
        pause();
    }
}

/// A process that is nobody's child here. Killed on drop.
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

/// What this program does when it has been executed anew.
pub(crate) fn play(role: &str) -> i32 {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match role {
        "writer" => write_on(&Map::open(&args[0]).unwrap()),
        // Another thread writes when this one executes the next role.
        "becomes-idle" => {
            let map = Map::open(&args[0]).unwrap();
            std::thread::spawn(move || write_on(&map));
            std::thread::sleep(Duration::from_micros(args[1].parse().unwrap()));
            let error = anew("idle").arg("idle-now").exec();
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
