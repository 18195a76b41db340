//! What does the compiler say when a type cannot be a key or a value?
//!
//! The expected texts beside the cases are those of one compiler. On another
//! one this test would fail for no fault of ours, so it runs only there.
//! `TRYBUILD=overwrite` writes them anew.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::process::Command;

/// The compiler that the texts are from.
const PINNED: &str = "rustc 1.95.";

#[test]
fn mistakes_are_explained() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    if !version.starts_with(PINNED) {
        eprintln!("skipped: the texts are pinned to {PINNED}x, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
