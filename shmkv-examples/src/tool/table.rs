//! Tables: aligned columns of text.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The maximum width of a cell.
const NARROW: usize = 48;
/// The maximum width of a cell in the last column.
const WIDE: usize = 160;

/// Rows of printable text.
pub(super) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with the names of its columns.
    pub(super) fn new(head: [&str; COLUMNS]) -> Self {
        let rows = vec![head.map(str::to_owned)];
        Self { rows }
    }

    /// Adds a row. Cells that are too wide are cut.
    pub(super) fn push(&mut self, mut row: [String; COLUMNS]) {
        for (index, cell) in row.iter_mut().enumerate() {
            cut(cell, if index + 1 < COLUMNS { NARROW } else { WIDE });
        }
        self.rows.push(row);
    }

    /// Writes all rows, with each column as wide as its widest cell.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut widths = [0; COLUMNS];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(cell);
                let padding = width.saturating_sub(cell.width()) + 2;
                line.extend(std::iter::repeat_n(' ', padding));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Cuts text to at most `limit` columns of the terminal.
fn cut(text: &mut String, limit: usize) {
    let (mut width, mut keep) = (0, 0);
    for (at, character) in text.char_indices() {
        width += character.width().unwrap_or(0);
        if width > limit {
            text.truncate(keep);
            text.push('…');
            return;
        }
        if width < limit {
            keep = at + character.len_utf8();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_cut() {
        let mut table = Table::new(["A", "B"]);
        table.push(["猫".into(), "x".into()]);
        table.push(["y".repeat(49), "z".repeat(161)]);
        let mut text = Vec::new();
        table.write(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], format!("A{}B", " ".repeat(49)));
        assert_eq!(lines[1], format!("猫{}x", " ".repeat(48)));
        let (y, z) = ("y".repeat(47), "z".repeat(159));
        assert_eq!(lines[2], format!("{y}…  {z}…"));
    }
}
