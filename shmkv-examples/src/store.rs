//! The map that `quickstart`, `producer` and `consumer` share.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use shmkv_core::{Reader, ShmStr, StrMap};

use crate::failure::Failure;

/// At most 10 entries: keys of up to 63 bytes of text, values of up to 255. (The
/// last of the 64 and 256 bytes is a NUL.)
pub type Store = StrMap<10, 64, 256>;

/// A read-only handle to a [`Store`]. It has no `insert`, and the kernel would not
/// let it write either.
pub type StoreReader = Reader<10, ShmStr<64>, ShmStr<256>>;

/// The name of the store by default.
pub const DEFAULT_NAME: &str = "/shmkv-store";

/// Removes the name of a store. Processes that have it open can go on using it; its
/// memory is freed when the last of them closes it.
///
/// # Errors
///
/// There is no such name, or the kernel refuses.
pub fn remove(name: &str) -> Result<(), Failure> {
    match shmkv_core::unlink(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("cannot remove {name}: no such store").into())
        }
        Err(error) => Err(format!("cannot remove {name}: {error}").into()),
        Ok(()) => Ok(()),
    }
}

/// Removes the name of a segment at the end of a scope, whether the scope ends
/// normally, by an error or by a panic.
///
/// Dropping a map does not do that: other processes may still want to open it by
/// its name. Use this where one scope owns the map.
#[derive(Debug)]
pub struct RemoveName<'a>(pub &'a str);

impl Drop for RemoveName<'_> {
    fn drop(&mut self) {
        if let Err(error) = shmkv_core::unlink(self.0) {
            eprintln!("cannot remove {}: {error}", self.0);
        }
    }
}

/// Whether the name of the store was removed. Open handles keep working, but no
/// process can open the store any more.
///
/// # Errors
///
/// The kernel's, if it cannot stat the descriptor.
pub fn is_removed(store: &StoreReader) -> io::Result<bool> {
    let object = File::from(store.as_fd().try_clone_to_owned()?);
    Ok(object.metadata()?.nlink() == 0)
}
