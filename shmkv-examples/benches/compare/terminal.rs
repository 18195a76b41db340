//! Figures on a terminal.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::figures::{Configuration, Figures};
use crate::grid::{grids, heading};

/// The lines above the tables.
pub(crate) fn head(figures: &Figures) -> String {
    let kind = if figures.quick {
        " (quick, for a first impression)"
    } else {
        ""
    };
    format!(
        "{}command       {}{kind}\nmethod        medians of {} repetitions; reading the clock takes \
         {} ns\n",
        figures.machine, figures.command, figures.repetitions, figures.clock_ns
    )
}

/// All tables of a configuration.
pub(crate) fn tables(configuration: &Configuration) -> String {
    let mut text = format!("\n{}\n", heading(configuration));
    for grid in grids(configuration) {
        let _ = write!(text, "\n{}\n{}\n", grid.about, table(grid.head, grid.rows));
    }
    for note in &configuration.notes {
        let _ = writeln!(text, "- {note}");
    }
    text
}

/// A table with numbers from the second column on.
pub(crate) fn table(head: Vec<String>, rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head)
        .add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
