//! Percentiles, numbers in readable units, and tables.

/// Durations or other whole numbers, and whether they are sorted.
#[derive(Default)]
pub(crate) struct Sample(Vec<u64>, bool);

impl Sample {
    pub(crate) fn add(&mut self, value: u64) {
        self.0.push(value);
        self.1 = false;
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value that `fraction` of the sample does not exceed.
    pub(crate) fn at(&mut self, fraction: f64) -> u64 {
        if !self.1 {
            self.0.sort_unstable();
            self.1 = true;
        }
        let last = self.0.len().saturating_sub(1);
        let index = (last as f64 * fraction).round() as usize;
        self.0.get(index).copied().unwrap_or(0)
    }

    /// The share of values that pass `test`.
    pub(crate) fn share(&self, test: impl Fn(u64) -> bool) -> f64 {
        let count = self.0.iter().filter(|value| test(**value)).count();
        count as f64 / self.0.len().max(1) as f64
    }
}

/// Nanoseconds, in a readable unit.
pub(crate) fn time(ns: u64) -> String {
    let ns = ns as f64;
    match ns {
        ..1e3 => format!("{ns:.0} ns"),
        ..1e5 => format!("{:.1} µs", ns / 1e3),
        ..1e6 => format!("{:.0} µs", ns / 1e3),
        ..1e9 => format!("{:.1} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}

/// A share, in percent.
pub(crate) fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0".into(),
        small @ ..0.01 => format!("{small:.0e} %"),
        small @ ..1.0 => format!("{small:.2} %"),
        other => format!("{other:.1} %"),
    }
}

/// A row of a table.
pub(crate) fn row(cells: &[&str]) {
    println!("| {} |", cells.join(" | "));
}

/// The first two rows of a table: the first column is aligned left, all others right.
pub(crate) fn head(cells: &[&str]) {
    row(cells);
    println!("|---|{}", "--:|".repeat(cells.len() - 1));
}
