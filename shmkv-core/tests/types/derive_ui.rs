//! What does the compiler report when a type cannot be a key or a value?
//!
//! The expected messages beside the cases are those of one compiler version.
//! With another version this test is ignored, since its messages may differ.
//! `TRYBUILD=overwrite` rewrites them.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::process::Command;

use libtest_mimic::{Arguments, Trial};

/// The compiler version whose messages are expected.
const PINNED: &str = "rustc 1.95.";

fn main() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let pinned = version.starts_with(PINNED);
    if !pinned {
        println!("ignored: the messages are those of {PINNED}x, this is {version}");
    }
    let trial = Trial::test("mistakes_are_explained", || {
        // Dropping it panics if a message differs, which fails the trial.
        trybuild::TestCases::new().compile_fail("tests/types/ui/*.rs");
        Ok(())
    });
    let trials = vec![trial.with_ignored_flag(!pinned)];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
