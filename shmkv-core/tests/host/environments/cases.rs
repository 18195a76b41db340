//! Runs the cases of a trial, and reports them.

use libtest_mimic::Failed;

use crate::support::report::Report;

pub(crate) fn ensure(right: bool, what: &str) -> Result<(), String> {
    if right { Ok(()) } else { Err(what.to_owned()) }
}

/// A case, and how to run it.
pub(crate) type Case<'a> = (&'a str, &'a dyn Fn() -> Result<(), String>);

/// Runs each case; prints how many there were, and fails with what was wrong.
pub(crate) fn run_cases(name: &str, cases: &[Case<'_>]) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for (case, run) in cases {
        if let Err(why) = run() {
            wrong.push(format!("{case}: {why}"));
        }
    }
    Report::new("environments", name)
        .count("cases", cases.len())
        .require(&wrong)
}
