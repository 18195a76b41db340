//! Other processes: this program again. The arguments after `--child` are the task,
//! which `main` dispatches; the end of its standard input asks a process for results.

use std::io::{BufRead, BufReader, Lines};
use std::process::{self, Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::{fs, io, thread};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::outcome::Outcome;

const PREFIX: &str = "shmkv-scale-";

/// A unique name for a map, removed on drop.
pub(crate) struct Name(pub(crate) String);

impl Name {
    pub(crate) fn new(what: &str) -> Self {
        Self(format!("/{PREFIX}{}-{what}", process::id()))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // It may be removed already, or unused.
        let _ = shmkv_core::unlink(&self.0);
    }
}

/// Removes the names of all maps on Ctrl-C.
pub(crate) fn tidy_when_interrupted() -> Outcome {
    let ours = format!("{PREFIX}{}-", process::id());
    ctrlc::set_handler(move || {
        for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&ours) {
                let _ = fs::remove_file(entry.path());
            }
        }
        process::exit(130);
    })?;
    Ok(())
}

/// The first two processors that this process may use, or one of them twice.
pub(crate) fn processors() -> Outcome<[usize; 2]> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    let mut all = (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false));
    let first = all.next().ok_or("no processor")?;
    Ok([first, all.next().unwrap_or(first)])
}

/// Keeps the calling thread on a processor.
pub(crate) fn pin(processor: usize) -> Outcome {
    let mut set = CpuSet::new();
    set.set(processor)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// A process that works until it is asked for results, or killed.
pub(crate) struct Helper {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Helper {
    /// Starts a process, and waits until it is ready.
    pub(crate) fn start(words: &[&str]) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--child")
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
        let mut helper = Self {
            child,
            input,
            output,
        };
        helper.answer()?;
        Ok(helper)
    }

    fn answer(&mut self) -> Outcome<String> {
        Ok(self.output.next().ok_or("a process exited early")??)
    }

    /// Asks the process to end, and returns its results.
    pub(crate) fn finish(mut self) -> Outcome<Vec<f64>> {
        drop(self.input.take());
        let answer = self.answer()?;
        let numbers = answer.split(' ').map(str::parse);
        Ok(numbers.collect::<Result<_, _>>()?)
    }

    /// Kills the process, and waits until the kernel has released it.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// A flag that is true once the parent asks for results. Tells the parent that this
/// process is ready.
pub(crate) fn ended() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    thread::spawn(move || {
        // The parent writes nothing, so this returns when it closes the pipe.
        let _ = io::stdin().read_line(&mut String::new());
        set.store(true, Relaxed);
    });
    println!("ready");
    flag
}
