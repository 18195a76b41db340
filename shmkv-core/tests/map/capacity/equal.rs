//! Comparisons that fail a trial, and the message of a failed one.

use std::fmt::Debug;

use libtest_mimic::Failed;

pub(super) fn equal<T: PartialEq + Debug>(
    what: &str,
    found: &T,
    expected: &T,
) -> Result<(), Failed> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: {found:?} instead of {expected:?}").into())
}

pub(super) fn message(failed: &Failed) -> String {
    failed.message().unwrap_or("failed").to_owned()
}
