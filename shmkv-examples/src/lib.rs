//! What the example programs have in common.
//!
//! - [`Store`] is the map that `quickstart`, `producer` and `consumer` share;
//! - [`Watcher`] reports what changed in it;
//! - [`Stop`] says when a program should end, on Ctrl-C for instance;
//! - [`Program`] runs the current program again, as another process;
//! - [`record`] defines values that show any damage, for `survive_crash`;
//! - [`tool`] is the command-line tool `shmkv`.
//!
//! Start with `src/bin/quickstart.rs`.

mod arguments;
mod failure;
mod program;
pub mod record;
mod stop;
mod store;
pub mod tool;
mod watcher;

pub use arguments::Arguments;
pub use failure::{Failure, run};
pub use program::Program;
pub use stop::Stop;
pub use store::{DEFAULT_NAME, RemoveName, Store, StoreReader, is_removed, remove};
pub use watcher::{Change, Watcher};
