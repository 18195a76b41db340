//! One line of figures per test, always in the same form:
//! `killed at every instruction: insert/new, at home: 412 kill points, 0 violations`.
//!
//! "0 violations" says nothing without the number of attempts, so a line has both. A [`Report`]
//! prints before it fails the test, so a failed test shows its figures too.

use std::fmt::{Display, Write as _};
use std::time::Duration;

/// A line under construction.
#[must_use = "nothing is printed before `print` or `require`"]
pub(crate) struct Report {
    line: String,
    separator: &'static str,
}

impl Report {
    /// `question` is what the test asks, `case` what was tried:
    /// `Report::new("killed at every instruction", "insert/new, at home")`.
    pub(crate) fn new(question: &str, case: &str) -> Self {
        Self {
            line: format!("{question}: {case}"),
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

    /// Prints the line.
    pub(crate) fn print(self) {
        println!("{}", self.line);
    }

    /// Adds `0 violations` and prints; fails the test with the first few violations if there are any.
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
