//! Where a run keeps what several processes share, and that nothing of it stays.
//!
//! All of it is in one directory of its own in `/dev/shm`, or has a name that
//! begins with the directory's. It is removed when the run ends, when it is
//! interrupted, and, if it was killed, when the next run begins: a lock on a file
//! in the directory, which ends with its process, tells who is still there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use crate::store::Outcome;

const SHARED: &str = "/dev/shm";
const PREFIX: &str = "shmkv-bench-";

/// The place of one run.
pub(crate) struct Scratch {
    directory: PathBuf,
    /// None in a process that only visits.
    lock: Option<File>,
}

impl Scratch {
    /// Makes the place, and sees to it that an interrupt removes it.
    pub(crate) fn new() -> Outcome<Self> {
        sweep()?;
        let directory = directory(process::id());
        fs::create_dir(&directory)?;
        let lock = File::create(directory.join("lock"))?;
        lock.lock()?;
        let doomed = directory.clone();
        ctrlc::set_handler(move || {
            // Whatever cannot be removed, the next run will try again.
            let _ = remove(&doomed);
            process::exit(130);
        })?;
        Ok(Self {
            directory,
            lock: Some(lock),
        })
    }

    /// The place of another process's run.
    pub(crate) fn of(owner: u32) -> Self {
        Self {
            directory: directory(owner),
            lock: None,
        }
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A name for a shared-memory object, beginning with the directory's.
    pub(crate) fn name(&self, name: &str) -> String {
        let directory = self.directory.file_name().unwrap_or_default();
        format!("/{}-{name}", directory.to_string_lossy())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.lock.is_some()
            && let Err(error) = remove(&self.directory)
        {
            eprintln!("not removed: {}: {error}", self.directory.display());
        }
    }
}

fn directory(owner: u32) -> PathBuf {
    Path::new(SHARED).join(format!("{PREFIX}{owner}"))
}

/// Removes what runs left that were killed.
fn sweep() -> io::Result<()> {
    for entry in fs::read_dir(SHARED)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if !ours || !entry.file_type()?.is_dir() {
            continue;
        }
        // Without a lock it is just being made.
        let dead = File::open(entry.path().join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        if dead {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes the directory and all that is named after it.
fn remove(directory: &Path) -> io::Result<()> {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    for entry in fs::read_dir(SHARED)? {
        let path = entry?.path();
        let named_after = |file: &str| {
            file.strip_prefix(&*name)
                .is_some_and(|rest| rest.starts_with('-'))
        };
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        if named_after(&file) {
            fs::remove_file(&path)?;
        }
    }
    fs::remove_dir_all(directory)
}
