//! The map that the cases start from, and the collection of their results.

use libtest_mimic::Failed;
use shmkv_core::{ShmMap, ShmReader};

use crate::support::proc::SegmentName;
use crate::support::report::Report;

pub(crate) type Map = ShmMap<10, 8, 16>;
pub(crate) type Reader = ShmReader<10, 8, 16>;

pub(crate) const KEY: [u8; 8] = *b"the key.";
pub(crate) const VALUE: [u8; 16] = *b"the first value.";

/// The name of a map with an entry, which no process has open.
pub(crate) fn existing() -> SegmentName {
    let name = SegmentName::unique();
    let map = Map::create(name.as_str()).unwrap();
    map.insert(KEY, VALUE).unwrap();
    name
}

/// What was tried, and what was wrong.
#[derive(Default)]
pub(crate) struct Cases {
    tried: usize,
    violations: Vec<String>,
}

impl Cases {
    /// `result` must be an error that `is_right` accepts, and its message, including those of its sources,
    /// must contain all `parts`.
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
            let lacks = format!("{case}: {message:?} does not contain {part:?}");
            self.violations.push(lacks);
        }
    }

    /// Something else that must hold besides the errors.
    pub(crate) fn holds(&mut self, what: &str, right: bool) {
        self.tried += 1;
        if !right {
            self.violations.push(format!("does not hold: {what}"));
        }
    }

    /// Adds what a child tried. The child has printed its violations to standard error.
    pub(crate) fn child(&mut self, what: &str, outcome: Result<i32, String>) {
        match outcome {
            // The number of cases, all of which were right.
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
        Report::new("refusals", case)
            .count("cases", self.tried)
            .require(&self.violations)
    }
}
