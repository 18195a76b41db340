//! What the example programs have in common.
//!
//! - [`Store`] is the map that `quickstart`, `producer` and `consumer` share;
//! - [`Watcher`] tells what changed in it since the last look;
//! - [`Stop`] tells that the program should end, by Ctrl-C for instance;
//! - [`Program`] is this program again, as another process;
//! - [`record`] has values that betray every damage, for `survive_crash`;
//! - [`tool`] is all of `shmkv` but its `main`.
//!
//! Start with `src/bin/quickstart.rs`.

mod arguments;
mod program;
pub mod record;
mod stop;
pub mod tool;
mod watcher;

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;

use shmkv_core::{Reader, ShmStr, StrMap};

pub use arguments::{Arguments, remove};
pub use program::Program;
pub use stop::Stop;
pub use watcher::{Change, Watcher};

/// At most 10 entries: keys of up to 63 bytes of text, values of up to 255. (One
/// byte of each size is for the NUL at the end.)
pub type Store = StrMap<10, 64, 256>;

/// A read-only handle to a [`Store`]: it has no `insert`, and the kernel would
/// not let it write either.
pub type StoreReader = Reader<10, ShmStr<64>, ShmStr<256>>;

/// The name of the store in a program that is given none.
pub const DEFAULT_NAME: &str = "/shmkv-store";

/// Any error: programs report them, they do not tell them apart.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Runs the body of a program. An error is printed with its causes and makes
/// the exit status 1.
pub fn run(body: impl FnOnce() -> Result<(), Failure>) -> ExitCode {
    let Err(error) = body() else {
        return ExitCode::SUCCESS;
    };
    let mut message = format!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a `String` cannot fail.
        let _ = write!(message, ": {cause}");
        source = cause.source();
    }
    eprintln!("{message}");
    ExitCode::FAILURE
}

/// Removes the name of a segment at the end of a scope, whatever ends it: the
/// end of the work, an error, a panic.
///
/// Dropping a map never does that. In a program that shares a map with others
/// it would pull the name from under them; here the scope is the only owner.
#[derive(Debug)]
pub struct RemoveName<'a>(pub &'a str);

impl Drop for RemoveName<'_> {
    fn drop(&mut self) {
        if let Err(error) = shmkv_core::unlink(self.0) {
            eprintln!("cannot remove {}: {error}", self.0);
        }
    }
}

/// Whether the segment has lost its name: those who have it open keep it, but
/// nobody new can find it.
///
/// # Errors
///
/// The kernel's, if the map's descriptor cannot be looked at.
pub fn is_removed(store: &StoreReader) -> io::Result<bool> {
    let object = std::fs::File::from(store.as_fd().try_clone_to_owned()?);
    Ok(object.metadata()?.nlink() == 0)
}
