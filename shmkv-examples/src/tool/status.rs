//! How a command ended.

use std::process::ExitCode;

/// How a command ended; as an exit status 0, 1 or 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what was asked.
    Done,
    /// The answer is no: there is no such key, or the map has faults.
    No,
    /// It failed.
    Failed,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}
