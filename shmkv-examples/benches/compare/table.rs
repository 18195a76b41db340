//! Figures as tables for people at a terminal.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::figures::{Configuration, Figures};
use crate::peers::BASE;
use crate::work::{ALL, TOGETHER, Work};

/// What stands above the tables.
pub(crate) fn head(figures: &Figures) -> String {
    let kind = if figures.quick {
        " (quick: a glance, not a result)"
    } else {
        ""
    };
    format!(
        "{}command       {}{kind}\n\
         method        medians of {} repetitions, lowest to highest below; \
         clock reading {} ns\n",
        figures.machine, figures.command, figures.repetitions, figures.clock_ns
    )
}

/// All tables of a configuration.
pub(crate) fn tables(configuration: &Configuration) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "\n{}: {} entries, keys of {} bytes, values of {} bytes",
        configuration.label,
        thousands(configuration.n),
        configuration.key,
        configuration.value
    );
    for table in [
        alone(configuration),
        together(configuration),
        latencies(configuration),
    ] {
        if let Some(table) = table {
            let _ = writeln!(text, "\n{table}");
        }
    }
    for note in &configuration.notes {
        let _ = writeln!(text, "- {note}");
    }
    text
}

fn alone(configuration: &Configuration) -> Option<String> {
    let works: Vec<Work> = ALL
        .into_iter()
        .filter(|work| !TOGETHER.contains(work))
        .filter(|work| configuration.rows.iter().any(|row| row.work == *work))
        .collect();
    if works.is_empty() {
        return None;
    }
    let mut head = vec!["ns per operation".to_owned()];
    head.extend(works.iter().map(|work| work.title().to_owned()));
    let mut table = empty(head);
    for candidate in &configuration.candidates {
        let mut cells = vec![candidate.name.clone()];
        cells.extend(
            works
                .iter()
                .map(|work| cell(configuration, &candidate.name, *work)),
        );
        table.add_row(cells);
    }
    right(&mut table);
    Some(format!(
        "One process. Below the range: times hashbrown's get, times hashbrown's same operation.\n{table}"
    ))
}

/// Median, range, ratios.
fn cell(configuration: &Configuration, candidate: &str, work: Work) -> String {
    let Some(row) = configuration.row(candidate, work, 1) else {
        return "-".to_owned();
    };
    let mut text = format!(
        "{}\n{} .. {}",
        short(row.median()),
        short(row.min()),
        short(row.max())
    );
    let ratio = |work| {
        let base = configuration.row(BASE, work, 1)?;
        Some(format!("{:.2}", row.median() / base.median()))
    };
    let ratios = (ratio(Work::Get), ratio(work));
    if let (Some(get), Some(same)) = ratios {
        let _ = write!(text, "\n{get}x {same}x");
    }
    text
}

fn together(configuration: &Configuration) -> Option<String> {
    let _ = configuration;
    None
}

fn latencies(configuration: &Configuration) -> Option<String> {
    let _ = configuration;
    None
}

fn empty(head: Vec<String>) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head);
    table
}

fn right(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Three digits or so.
pub(crate) fn short(ns: f64) -> String {
    if ns < 100.0 {
        format!("{ns:.1}")
    } else {
        thousands(ns.round() as usize)
    }
}

/// 1,000,000.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
