//! Other processes: this program again, told what to do by its arguments, and
//! asked to end by the end of its standard input.

use std::error::Error;
use std::io::{BufRead, BufReader, Lines};
use std::process::{self, Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::{fs, io, thread};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const PREFIX: &str = "shmkv-scale-";

/// A name for a map, which nothing else has; removed in the end.
pub(crate) struct Name(pub(crate) String);

impl Name {
    pub(crate) fn new(what: &str) -> Self {
        Self(format!("/{PREFIX}{}-{what}", process::id()))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // It may have been removed, or never been used.
        let _ = shmkv_core::unlink(&self.0);
    }
}

/// Removes the maps' names if somebody presses Ctrl-C.
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

/// A process that works until it is asked for its results, or killed.
pub(crate) struct Helper {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Helper {
    /// Starts it, and waits until it says that it is ready.
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
        Ok(self.output.next().ok_or("a process has ended early")??)
    }

    /// Asks it to end, and for its results.
    pub(crate) fn finish(mut self) -> Outcome<Vec<f64>> {
        drop(self.input.take());
        let answer = self.answer()?;
        let numbers = answer.split(' ').map(str::parse);
        Ok(numbers.collect::<Result<_, _>>()?)
    }

    /// Kills it, and waits until the kernel has released it.
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

/// True once the parent process wants the results.
pub(crate) fn ended() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    thread::spawn(move || {
        // Nothing is ever written to it, so this waits for its end.
        let _ = io::stdin().read_line(&mut String::new());
        set.store(true, Relaxed);
    });
    println!("ready");
    flag
}

/// The life of such a process.
pub(crate) fn child(words: &[String]) -> Outcome {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["large", ref rest @ ..] => crate::large::child(rest),
        ["contention", ref rest @ ..] => crate::contention::child(rest),
        ["size", ref rest @ ..] => crate::size::child(rest),
        _ => Err("not a task".into()),
    }
}
