//! Messages of the tool: one line each, with what was tried, on what, why it failed
//! and what to do.

use std::error::Error;
use std::fmt::Display;
use std::io::Write;

use super::escape::printable;
use crate::failure::{Failure, chain};

/// A failure: what was tried, and the error with its causes.
pub(super) fn failed(what: impl Display, error: &(dyn Error + 'static)) -> Failure {
    format!("{what}: {}", chain(error)).into()
}

/// A failure to read the entries of a map.
pub(super) fn unreadable(map: impl Display, error: &(dyn Error + 'static)) -> Failure {
    failed(format_args!("cannot read the entries of {map}"), error)
}

/// Writes a message on a line of its own.
pub(super) fn complain(errors: &mut dyn Write, message: impl Display) {
    let message = message.to_string().replace('\n', " ");
    // There is no other stream left to report an error of this one to.
    let _ = writeln!(errors, "shmkv: {}", printable(&message));
}

/// Writes the usage error that clap rendered, which has several lines.
pub(super) fn usage(errors: &mut dyn Write, message: &str) {
    for line in message.trim_end().lines() {
        let _ = writeln!(errors, "{}", printable(line));
    }
}
