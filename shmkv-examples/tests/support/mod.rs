//! Runs the example programs and reads their output.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part")]

pub mod expected;
pub mod services;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a program may take for the next step. Long, because the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program, killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    /// The lines read so far, of both streams.
    pub printed: Vec<String>,
}

impl Running {
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (line, lines) = channel();
        let errors = line.clone();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || stdout.lines().try_for_each(|text| line.send(text.unwrap())));
        thread::spawn(move || {
            stderr
                .lines()
                .try_for_each(|text| errors.send(text.unwrap()))
        });
        Self {
            child,
            lines,
            printed: Vec::new(),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that contains `text`, and returns it. Lines that were read before
    /// do not count.
    pub fn wait_for(&mut self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.printed.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("no {text:?} ({error}) in {:#?}", self.printed),
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Waits until the program exits. Returns its exit status, `None` if a signal killed
    /// it.
    pub fn end(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.printed.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the program hangs: {:#?}", self.printed),
            }
        }
        self.child.wait().unwrap().code()
    }

    /// As [`end`](Self::end), and asserts that the program succeeds.
    pub fn end_well(&mut self) {
        let status = self.end();
        assert_eq!(status, Some(0), "{:#?}", self.printed);
    }

    pub fn has_printed(&self, text: &str) -> bool {
        self.printed.iter().any(|line| line.contains(text))
    }

    /// The child process whose first argument is `role`. Waits until it has been started.
    pub fn child_in_role(&self, role: &str) -> u32 {
        let pid = self.pid();
        let path = format!("/proc/{pid}/task/{pid}/children");
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let children = std::fs::read_to_string(&path).unwrap();
            let found = children.split_whitespace().find(|child| {
                let line = std::fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
                line.split(|byte| *byte == 0).nth(1) == Some(role.as_bytes())
            });
            if let Some(child) = found {
                return child.parse().unwrap();
            }
            thread::yield_now();
        }
        panic!("process {pid} has no child {role}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

/// The file behind the name of a segment.
pub fn file_of(name: &str) -> PathBuf {
    Path::new("/dev/shm").join(name.trim_start_matches('/'))
}

/// A name for one test, removed at its end.
pub struct Name(pub String);

impl Name {
    pub fn new(test: &str) -> Self {
        Self(format!("/shmkv-examples-{test}-{}", std::process::id()))
    }

    pub fn exists(&self) -> bool {
        file_of(&self.0).exists()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = shmkv_core::unlink(&self.0);
    }
}
