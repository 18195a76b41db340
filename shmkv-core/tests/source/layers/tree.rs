//! The sources that are checked: of the repository, or planted ones in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// The packages of the repository; the first is this one.
const PACKAGES: [&str; 3] = ["shmkv-core", "shmkv-derive", "shmkv-examples"];
/// The sources of the library, in which most rules hold.
pub(crate) const CORE: &str = "shmkv-core/src/";
/// The folders of a package that have Rust files.
const FOLDERS: [&str; 5] = ["src", "tests", "benches", "examples", "fuzz"];

/// Rust files by their paths from the root of the repository, with `/`.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// A tree that is nowhere but here.
    pub(crate) fn planted(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|&(path, text)| (path.to_owned(), text.to_owned()));
        Self {
            files: files.collect(),
        }
    }

    /// The repository that this program was built from. A published crate has its
    /// own files only: then that is said, and they are checked.
    pub(crate) fn of_repository() -> io::Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut tree = Self::default();
        for package in PACKAGES {
            let folder = match package {
                "shmkv-core" => here.to_owned(),
                _ => here.join("..").join(package),
            };
            if !folder.join("Cargo.toml").exists() {
                println!("{package} is not beside shmkv-core: not checked");
                continue;
            }
            for part in FOLDERS {
                tree.read(&folder.join(part), &format!("{package}/{part}"))?;
            }
        }
        Ok(tree)
    }

    fn read(&mut self, folder: &Path, path: &str) -> io::Result<()> {
        if !folder.is_dir() {
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let entry = entry?.path();
            let Some(name) = entry.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let path = format!("{path}/{name}");
            if entry.is_dir() {
                // What a build of the fuzz targets leaves is nobody's source.
                if name != "target" {
                    self.read(&entry, &path)?;
                }
            } else if name.ends_with(".rs") {
                self.files.insert(path, fs::read_to_string(&entry)?);
            }
        }
        Ok(())
    }

    /// Paths and texts, in the order of the paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The path as the tree keeps it, and the text.
    pub(crate) fn file(&self, path: &str) -> Option<(&str, &str)> {
        self.files
            .get_key_value(path)
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The first file of every program and library but tests: of each its own modules.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str).filter(|path| {
            let mut parts = path.split('/').skip(1);
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some("src"), Some("lib.rs" | "main.rs"), None, _) => true,
                (Some("src"), Some("bin"), Some(file), None) => file.ends_with(".rs"),
                (Some("src"), Some("bin"), Some(_), Some("main.rs")) => true,
                (Some("benches" | "examples"), Some(file), None, _) => file.ends_with(".rs"),
                (Some("benches" | "examples"), Some(_), Some("main.rs"), _) => true,
                (Some("fuzz"), Some("fuzz_targets"), Some(file), _) => file.ends_with(".rs"),
                _ => false,
            }
        })
    }
}

/// `folder/relative` without `.` and `..`.
pub(crate) fn join(folder: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The folder of a file, and the name of the folder that the modules which it
/// declares are in, unless they are beside it.
pub(crate) fn folder_and_stem(path: &str) -> (&str, &str) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    (folder, name.trim_end_matches(".rs"))
}
