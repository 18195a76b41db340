//! One line of figures a test, in one form: `T1 insert/new-key: 412 kill points, 0 violations`.
//!
//! A figure of 0 counts only beside how much was tried, so a line names both. [`Report`] prints when it is finished, so
//! that a test which fails afterwards has shown its figures.

use std::fmt::{Display, Write as _};
use std::time::Duration;

/// A line being put together.
#[must_use = "nothing is printed before `print` or `require`"]
pub(crate) struct Report {
    line: String,
    separator: &'static str,
}

impl Report {
    /// `test` is the row of TESTING.md, `case` what was tried: `Report::new("T1", "insert/new-key")`.
    pub(crate) fn new(test: &str, case: &str) -> Self {
        Self {
            line: format!("{test} {case}"),
            separator: ": ",
        }
    }

    /// Adds `412 kill points`.
    pub(crate) fn count(mut self, what: &str, count: impl Display) -> Self {
        let _ = write!(self.line, "{}{count} {what}", self.separator);
        self.separator = ", ";
        self
    }

    /// Adds `worst read 41.3 µs`.
    pub(crate) fn time(mut self, what: &str, time: Duration) -> Self {
        let _ = write!(self.line, "{}{what} {time:.1?}", self.separator);
        self.separator = ", ";
        self
    }

    /// Adds `seed 42`, or anything else that a replay needs.
    pub(crate) fn note(mut self, what: &str, value: impl Display) -> Self {
        let _ = write!(self.line, "{}{what} {value}", self.separator);
        self.separator = ", ";
        self
    }

    /// The line as it will be printed.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Prints the line.
    pub(crate) fn print(self) {
        println!("{}", self.line);
    }

    /// Adds `0 violations`, prints, and fails the test with the first few if there are any.
    pub(crate) fn require<V: Display>(self, violations: &[V]) -> Result<(), libtest_mimic::Failed> {
        let line = self.count("violations", violations.len());
        println!("{}", line.line);
        if violations.is_empty() {
            return Ok(());
        }
        let first: Vec<String> = violations.iter().take(5).map(ToString::to_string).collect();
        Err(format!("{}\n  {}", line.line, first.join("\n  ")).into())
    }
}
