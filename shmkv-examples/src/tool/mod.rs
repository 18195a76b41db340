//! The command-line tool `shmkv`: inspects and changes any map, without knowing its
//! types.
//!
//! Lowest first; imports go down only:
//!
//! - `escape` makes text safe to print, `status` is the exit status;
//! - `json` writes and reads JSON, `table` writes columns, `report` messages;
//! - `notation` turns keys and values into text and back, `order` sorts keys;
//! - `location` opens the map that NAME stands for;
//! - `list`, `entries` and `inspect` are the commands, `cli` is their syntax.
//!
//! A segment may be damaged or hostile. The tool reads it through
//! [`UntypedReader`](shmkv_core::untyped::UntypedReader), which trusts none of its bytes, and
//! prints its text only through `escape`.

mod cli;
mod entries;
mod escape;
mod inspect;
mod json;
mod list;
mod location;
mod notation;
mod order;
mod report;
mod status;
mod table;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Parser as _;

use crate::failure::Failure;
use cli::{Cli, Command};
use report::complain;
pub use status::Status;

/// Runs one command. Both writers get text that is safe for a terminal.
pub fn run(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Status {
    let done = match Cli::try_parse_from(arguments) {
        Ok(Cli { command }) => execute(&command, out, errors),
        Err(refused) if refused.use_stderr() => {
            report::usage(errors, &refused.render().to_string());
            return Status::Failed;
        }
        Err(help) => writeln!(out, "{}", help.render())
            .map_or_else(|error| Err(error.into()), |()| Ok(Status::Done)),
    };
    let done = done.and_then(|status| {
        out.flush()?;
        Ok(status)
    });
    match done {
        Ok(status) => status,
        Err(failure) => match failure.downcast_ref::<io::Error>() {
            // The process that reads the output has closed it, as `head` does.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Done,
            // The commands add what they tried to every other error of the kernel.
            Some(error) => {
                complain(errors, format_args!("cannot write the output: {error}"));
                Status::Failed
            }
            None => {
                complain(errors, failure);
                Status::Failed
            }
        },
    }
}

fn execute(
    command: &Command,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Result<Status, Failure> {
    match command {
        Command::List { json } => list::list(*json, out, errors),
        Command::Show { location, json } => entries::show(location, *json, out, errors),
        Command::Get {
            location,
            key,
            json,
        } => entries::get(location, key, *json, out, errors),
        Command::Set {
            location,
            key,
            value,
        } => entries::set(location, key, value),
        Command::Remove { location, key } => entries::remove(location, key, errors),
        Command::Stats { location, json } => inspect::stats(location, *json, out),
        Command::Schema { location } => inspect::schema(location, out),
        Command::Check { location } => inspect::check(location, out),
        Command::Unlink { location, force } => location.unlink(*force).map(|()| Status::Done),
    }
}
