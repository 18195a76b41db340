//! The current program again, as another process.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::failure::Failure;
use crate::stop::Stop;

/// A process that runs the current program with other arguments. Dropping this
/// kills the process, so that no error leaves processes behind.
#[derive(Debug)]
pub struct Program {
    child: Child,
    output: Option<BufReader<ChildStdout>>,
    /// Its arguments, for error messages.
    arguments: String,
}

impl Program {
    /// Starts a process that prints to the same terminal.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn start(arguments: &[&str]) -> Result<Self, Failure> {
        Self::spawn(arguments, |command| command)
    }

    /// Starts a process whose standard output is read here, and whose standard input
    /// stays open until [`finish`](Self::finish); see [`Stop::at_end_of_input`].
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
        Ok(Self {
            child,
            output,
            arguments: arguments.join(" "),
        })
    }

    /// Waits for the next line that the process prints.
    ///
    /// # Errors
    ///
    /// The process exits first.
    pub fn wait_for_line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if let Some(output) = &mut self.output {
            output.read_line(&mut line)?;
        }
        if line.is_empty() {
            let status = self.child.wait()?;
            return Err(format!("`{}` exited too early: {status}", self.arguments).into());
        }
        Ok(line)
    }

    /// Kills the process with SIGKILL, which it cannot handle, and waits for its end.
    ///
    /// # Errors
    ///
    /// The process exited before.
    pub fn kill(mut self) -> Result<(), Failure> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("`{}` exited by itself: {status}", self.arguments).into());
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until the process exits.
    ///
    /// # Errors
    ///
    /// The process fails, or `stop` is requested first.
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

    /// Closes the standard input of the process, waits until it exits, and returns the
    /// rest of its output.
    ///
    /// # Errors
    ///
    /// The process fails.
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
            Err(format!("`{}` failed: {status}", self.arguments).into())
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if the process has been waited for.
        let _: io::Result<()> = self.child.kill();
        let _: io::Result<ExitStatus> = self.child.wait();
    }
}
