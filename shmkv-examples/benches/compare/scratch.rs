//! The files and names that the processes of a run share, and their removal.
//!
//! **Invariant.** They are in a directory of the run in `/dev/shm`, or their names begin
//! with the directory's. All are removed when the run ends or is interrupted; if it was
//! killed, the next run removes them. It knows by a lock on a file in the directory, which
//! the kernel releases when the process dies.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use crate::outcome::Outcome;

const SHARED: &str = "/dev/shm";
const PREFIX: &str = "shmkv-bench-";

/// The directory of one run.
pub(crate) struct Scratch {
    directory: PathBuf,
    /// `None` in a process that does not own the run.
    lock: Option<File>,
}

impl Scratch {
    /// Creates the directory, and removes it if the run is interrupted.
    pub(crate) fn new() -> Outcome<Self> {
        sweep()?;
        let directory = directory(process::id());
        fs::create_dir(&directory)?;
        let lock = File::create(directory.join("lock"))?;
        lock.lock()?;
        let doomed = directory.clone();
        ctrlc::set_handler(move || {
            // The next run tries again to remove what is left.
            let _ = remove(&doomed);
            process::exit(130);
        })?;
        Ok(Self {
            directory,
            lock: Some(lock),
        })
    }

    /// The directory of another process's run.
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
            eprintln!("cannot remove {}: {error}", self.directory.display());
        }
    }
}

fn directory(owner: u32) -> PathBuf {
    Path::new(SHARED).join(format!("{PREFIX}{owner}"))
}

/// Removes the directories of runs that were killed.
fn sweep() -> io::Result<()> {
    for entry in fs::read_dir(SHARED)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if !ours || !entry.file_type()?.is_dir() {
            continue;
        }
        // A directory without the file is being created.
        let dead = File::open(entry.path().join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        if dead {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes the directory, and all files whose names begin with its name.
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
