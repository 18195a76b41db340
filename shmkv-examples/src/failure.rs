//! How the example programs report errors.
//!
//! A leaf: everything else here may return a [`Failure`].

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Any error. The programs print errors and do not tell them apart.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Runs the body of a program. If it fails, prints the error with its causes and
/// returns exit status 1.
pub fn run(body: impl FnOnce() -> Result<(), Failure>) -> ExitCode {
    let Err(error) = body() else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {}", chain(&*error));
    ExitCode::FAILURE
}

/// The error and its causes on one line, separated by colons.
#[must_use]
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a `String` cannot fail.
        let _ = write!(message, ": {error}");
        cause = error.source();
    }
    message
}
