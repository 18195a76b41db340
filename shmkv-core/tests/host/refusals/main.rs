//! Is everything that is no map, or not this map, refused with the right error, whose message says what was expected and
//! what was found?
//!
//! Names and files that cannot be (`names`), segments that are something else (`contents`), systems that refuse
//! (`systems`).
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

#[path = "../../hostile/battery/mod.rs"]
mod battery;
mod contents;
mod names;
#[path = "../../support/mod.rs"]
mod support;
mod systems;

use libtest_mimic::{Arguments, Failed, Trial};
use shmkv_core::{ShmMap, ShmReader};
use support::proc::SegmentName;
use support::report::Report;

pub(crate) type Map = ShmMap<10, 8, 16>;
pub(crate) type Reader = ShmReader<10, 8, 16>;

pub(crate) const KEY: [u8; 8] = *b"the key.";
pub(crate) const VALUE: [u8; 16] = *b"the first value.";

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    // Namespaces and other users are for root.
    let root = support::world::is_root();
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

/// A map that has its name, and an entry; nobody has it open.
pub(crate) fn existing() -> SegmentName {
    let name = SegmentName::unique();
    let map = Map::create(name.as_str()).unwrap();
    map.insert(KEY, VALUE).unwrap();
    name
}

/// What was tried, and what was not as it should be.
#[derive(Default)]
pub(crate) struct Cases {
    tried: usize,
    violations: Vec<String>,
}

impl Cases {
    /// `result` must be an error that `is_right`, and its message, its sources' included, must have all `parts`.
    pub(crate) fn refused<T, E: std::error::Error>(
        &mut self,
        case: &str,
        result: Result<T, E>,
        is_right: impl FnOnce(&E) -> bool,
        parts: &[&str],
    ) {
        self.tried += 1;
        let Err(error) = result else {
            return self.violations.push(format!("{case}: no error"));
        };
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            message += &format!(": {error}");
            source = error.source();
        }
        if !is_right(&error) {
            self.violations
                .push(format!("{case}: the wrong error: {error:?}"));
        }
        for part in parts.iter().filter(|part| !message.contains(**part)) {
            let lacks = format!("{case}: {message:?} does not say {part:?}");
            self.violations.push(lacks);
        }
    }

    /// Something else that must hold beside the errors.
    pub(crate) fn holds(&mut self, what: &str, right: bool) {
        self.tried += 1;
        if !right {
            self.violations.push(what.to_owned());
        }
    }

    /// Takes over what a child found, which it has said on its standard error.
    pub(crate) fn child(&mut self, what: &str, outcome: Result<i32, String>) {
        match outcome {
            // Cases that went well, out of how many.
            Ok(tried @ 1..=100) => self.tried += tried as usize,
            other => self
                .violations
                .push(format!("{what}: {other:?}, see above")),
        }
    }

    /// In a child: the exit code that [`Cases::child`] understands.
    pub(crate) fn exit_code(self) -> i32 {
        for violation in &self.violations {
            eprintln!("{violation}");
        }
        if self.violations.is_empty() {
            self.tried as i32
        } else {
            111
        }
    }

    pub(crate) fn report(self, case: &str) -> Result<(), Failed> {
        Report::new("T10", &format!("refusals/{case}"))
            .count("cases", self.tried)
            .require(&self.violations)
    }
}
