//! The file with the recorded figures: a comment, the compiler, and a line for each
//! figure. It is in the repository, so that a commit that changes a figure shows it.

use std::env::consts::ARCH;
use std::fmt::Write;
use std::fs;
use std::process::Command;

use crate::outcome::Outcome;

/// The command that rewrites the file.
pub(crate) const RECORD: &str = "cargo bench -p shmkv-examples --bench instructions -- --record";

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/benches/instructions/recorded.txt"
);

const HEAD: &str = "\
# Instructions per operation: A 10 x 64 x 256, B 16,384 x 8 x 64, str text in a map
# of A's sizes. Written by";

/// The figures, and the compiler that they depend on.
pub(crate) struct Record {
    pub(crate) compiler: String,
    /// The name of each, and its instructions per operation.
    pub(crate) figures: Vec<(String, f64)>,
}

impl Record {
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        let found = self.figures.iter().find(|(of, _)| of == name);
        found.map(|(_, instructions)| *instructions)
    }

    pub(crate) fn read() -> Outcome<Self> {
        let text = fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
        let mut compiler = String::new();
        let mut figures = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once(':').ok_or("recorded.txt: no colon")?;
            match name {
                "compiler" => rest.trim().clone_into(&mut compiler),
                _ => figures.push((name.to_owned(), rest.trim().parse()?)),
            }
        }
        Ok(Self { compiler, figures })
    }

    pub(crate) fn write(&self) -> Outcome<()> {
        let mut text = format!("{HEAD}\n#   {RECORD}\ncompiler: {}\n", self.compiler);
        for (name, instructions) in &self.figures {
            writeln!(text, "{name}: {instructions:.1}")?;
        }
        Ok(fs::write(FILE, text)?)
    }
}

/// The version and target of the compiler that `cargo` uses.
pub(crate) fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let version = version.unwrap_or_else(|_| "an unknown rustc".to_owned());
    format!("{version}, {ARCH}")
}
