//! Is everything that is not a map, or not the expected one, refused with the right error, whose message says
//! what was expected and what was found?
//!
//! Invalid names and other files are in `names`, contents that are no segment or another one in `contents`,
//! systems that refuse in `systems`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod cases;
mod contents;
#[allow(dead_code)] // only what damages a header is used
#[path = "../../hostile/battery/format.rs"]
mod format;
mod names;
#[path = "../../support/mod.rs"]
mod support;
mod systems;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    // Namespaces and other users need root.
    let root = support::environment::is_root();
    let trials = vec![
        Trial::test("names", names::names),
        Trial::test("taken_names", names::taken_names),
        Trial::test("other_files", names::other_files),
        Trial::test("lengths", contents::lengths),
        Trial::test("headers", contents::headers),
        Trial::test("types", contents::types),
        Trial::test("descriptors", contents::descriptors),
        Trial::test("stale_files", contents::stale_files),
        Trial::test("full_file_system", systems::full_file_system).with_ignored_flag(!root),
        Trial::test("holes", systems::holes).with_ignored_flag(!root),
        Trial::test("file_size_limit", systems::file_size_limit),
        Trial::test("permissions", systems::permissions).with_ignored_flag(!root),
        Trial::test("forbidden_locks", systems::forbidden_locks),
        Trial::test("network_file_systems", systems::network_file_systems),
    ];
    libtest_mimic::run(&args, trials).exit();
}
