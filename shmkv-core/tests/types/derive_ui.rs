//! What does the compiler say when a type cannot be a key or a value?
//!
//! The expected texts beside the cases are those of one compiler. On another
//! one this test would fail for no fault of ours, so there it is reported as
//! ignored. `TRYBUILD=overwrite` writes the texts anew.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::process::Command;

use libtest_mimic::{Arguments, Trial};

/// The compiler that the texts are from.
const PINNED: &str = "rustc 1.95.";

fn main() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let pinned = version.starts_with(PINNED);
    if !pinned {
        println!("ignored: the texts are pinned to {PINNED}x, this is {version}");
    }
    let trial = Trial::test("mistakes_are_explained", || {
        // It panics at the end if a text differs, which fails the trial.
        trybuild::TestCases::new().compile_fail("tests/types/ui/*.rs");
        Ok(())
    });
    let trials = vec![trial.with_ignored_flag(!pinned)];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
