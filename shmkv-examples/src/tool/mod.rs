//! The command-line tool `shmkv`: looks into any map, and changes it, without
//! knowing its types.
//!
//! - `cli` is what may be typed;
//! - `place` opens what a NAME means;
//! - `list`, `entries` and `inspect` are the commands;
//! - `notation` turns keys and values into text and back;
//! - `order` sorts keys;
//! - `json` and `table` write.
//!
//! A segment may be damaged or hostile. Its bytes reach the tool through
//! [`UntypedReader`](shmkv_core::UntypedReader), which trusts none of them; what
//! of them reaches the terminal goes through `notation::printable`.

mod cli;
mod entries;
mod inspect;
mod json;
mod list;
mod notation;
mod order;
mod place;
mod table;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser as _;

use crate::Failure;
use cli::{Cli, Command};

/// How a command ended; as an exit status 0, 1 or 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what it was asked.
    Done,
    /// The answer is no: there is no such key, or the map has faults.
    No,
    /// It could not be done.
    Failed,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Runs one command. Both writers are text for a terminal.
pub fn run(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Status {
    let done = match Cli::try_parse_from(arguments) {
        Ok(Cli { command }) => execute(&command, out, errors),
        Err(refused) if refused.use_stderr() => Err(refused.render().to_string().into()),
        Err(help) => writeln!(out, "{}", help.render())
            .map_or_else(|error| Err(error.into()), |()| Ok(Status::Done)),
    };
    let done = done.and_then(|status| {
        out.flush()?;
        Ok(status)
    });
    match done {
        Ok(status) => status,
        // Whoever read the output has seen enough.
        Err(failure) if is_closed_pipe(&failure) => Status::Done,
        Err(failure) => {
            complain(errors, &failure);
            Status::Failed
        }
    }
}

fn execute(
    command: &Command,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Result<Status, Failure> {
    match command {
        Command::List { json } => list::list(*json, out, errors),
        Command::Show { place, json } => entries::show(place, *json, out, errors),
        Command::Get { place, key, json } => entries::get(place, key, *json, out, errors),
        Command::Set { place, key, value } => entries::set(place, key, value),
        Command::Remove { place, key } => entries::remove(place, key, errors),
        Command::Stats { place, json } => inspect::stats(place, *json, out),
        Command::Schema { place } => inspect::schema(place, out),
        Command::Check { place } => inspect::check(place, out),
        Command::Unlink { place, force } => place.unlink(*force).map(|()| Status::Done),
    }
}

fn is_closed_pipe(failure: &Failure) -> bool {
    let error = failure.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Says what went wrong, and why. If even that cannot be written, so be it.
fn complain(errors: &mut dyn Write, failure: &Failure) {
    let mut message = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = Error::source(error);
    }
    for line in message.trim_end().lines() {
        let _ = writeln!(errors, "{}", notation::printable(line));
    }
}
