//! Temporary directories, one per test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::unistd::{Pid, getpid};

/// A new directory. The process that made it removes it, with its contents, on drop.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    owner: Pid,
}

impl Directory {
    /// In the system's directory for temporary files, which is usually on a disk.
    pub(crate) fn new() -> Self {
        Self::under(&std::env::temp_dir())
    }

    pub(crate) fn under(parent: &Path) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let owner = getpid();
        // Relaxed: only distinctness matters.
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("shmkv-test-{owner}-{count}.d"));
        std::fs::create_dir(&path).expect("create a directory");
        Self { path, owner }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The names in it, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).expect("read a directory");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.expect("an entry").file_name();
            name.to_string_lossy().into_owned()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if getpid() == self.owner {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
