//! This program again, as another process.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::{Failure, Stop};

/// A process that runs the same program with other arguments, and is killed
/// when this is dropped: no error leaves processes behind.
#[derive(Debug)]
pub struct Program {
    child: Child,
    output: Option<BufReader<ChildStdout>>,
    what: String,
}

impl Program {
    /// Starts it. It prints to this process's terminal.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn start(arguments: &[&str]) -> Result<Self, Failure> {
        Self::spawn(arguments, |command| command)
    }

    /// Starts it with its standard output going to us, and a standard input
    /// that lasts until [`finish`](Self::finish); see [`Stop::at_end_of_input`].
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn start_connected(arguments: &[&str]) -> Result<Self, Failure> {
        Self::spawn(arguments, |command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped())
        })
    }

    fn spawn(
        arguments: &[&str],
        with: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = with(command.args(arguments)).spawn()?;
        let output = child.stdout.take().map(BufReader::new);
        let what = arguments.join(" ");
        Ok(Self {
            child,
            output,
            what,
        })
    }

    /// Waits for a line that it prints.
    ///
    /// # Errors
    ///
    /// It ends instead.
    pub fn wait_for_line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if let Some(output) = &mut self.output {
            output.read_line(&mut line)?;
        }
        if line.is_empty() {
            let status = self.child.wait()?;
            return Err(format!("`{}` ended too early: {status}", self.what).into());
        }
        Ok(line)
    }

    /// Kills it with SIGKILL, which it cannot know of, and waits for its death.
    ///
    /// # Errors
    ///
    /// It was dead already, for another reason.
    pub fn kill(mut self) -> Result<(), Failure> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("`{}` ended by itself: {status}", self.what).into());
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it ends, which has to be a success, or until we should stop.
    ///
    /// # Errors
    ///
    /// It fails, or we should stop.
    pub fn wait(&mut self, stop: &Stop) -> Result<(), Failure> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return self.succeeded(status);
            }
            if !stop.wait(Duration::from_millis(20)) {
                return Err("interrupted".into());
            }
        }
    }

    /// Closes its standard input, waits until it ends, and returns what is left
    /// of its output.
    ///
    /// # Errors
    ///
    /// It fails.
    pub fn finish(mut self) -> Result<String, Failure> {
        drop(self.child.stdin.take());
        let mut text = String::new();
        if let Some(output) = &mut self.output {
            output.read_to_string(&mut text)?;
        }
        let status = self.child.wait()?;
        self.succeeded(status)?;
        Ok(text)
    }

    fn succeeded(&self, status: ExitStatus) -> Result<(), Failure> {
        if status.success() {
            Ok(())
        } else {
            Err(format!("`{}` failed: {status}", self.what).into())
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if it is dead and buried.
        let _: io::Result<()> = self.child.kill();
        let _: io::Result<ExitStatus> = self.child.wait();
    }
}
