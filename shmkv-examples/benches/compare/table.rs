//! Figures as tables for people at a terminal.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::figures::{Configuration, Described, Figures, Reach, Row};
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
        return none();
    };
    let mut text = ranged(row);
    let ratio = |work| {
        let base = configuration.row(BASE, work, 1)?;
        Some(times(row.median() / base.median()))
    };
    let ratios = (ratio(Work::Get), ratio(work));
    if let (Some(get), Some(same)) = ratios {
        let _ = write!(text, "\n{get} {same}");
    }
    text
}

fn together(configuration: &Configuration) -> Option<String> {
    let measured = |work: &Work| configuration.rows.iter().any(|row| row.work == *work);
    let works: Vec<Work> = TOGETHER.into_iter().filter(measured).collect();
    if works.is_empty() {
        return None;
    }
    let mut head = vec!["ns per operation, of all".to_owned()];
    for work in &works {
        head.push(format!("{}: one", work.title()));
        head.push("two".to_owned());
        head.push("gain".to_owned());
    }
    let mut table = empty(head);
    for candidate in &configuration.candidates {
        if candidate.reach == Reach::Thread {
            continue;
        }
        let mut cells = vec![with_reach(candidate)];
        for work in &works {
            let one = configuration.row(&candidate.name, *work, 1);
            let two = configuration.row(&candidate.name, *work, 2);
            cells.push(one.map_or_else(none, ranged));
            cells.push(two.map_or_else(none, ranged));
            let gain = one.zip(two).map(|(one, two)| one.median() / two.median());
            cells.push(gain.map_or_else(none, times));
        }
        table.add_row(cells);
    }
    right(&mut table);
    Some(format!(
        "Two at once, each on a processor of its own: processes, or threads where the map\n\
         is one process's. Gain: how much more is done than by one alone.\n{table}"
    ))
}

fn latencies(configuration: &Configuration) -> Option<String> {
    if configuration.latencies.is_empty() {
        return None;
    }
    let head = [
        "ns",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "p99.99",
        "max",
        "samples",
        "writer, ns",
    ];
    let mut table = empty(head.map(str::to_owned).to_vec());
    for latency in &configuration.latencies {
        let name = latency.candidate.as_deref();
        let described = configuration
            .candidates
            .iter()
            .find(|candidate| Some(candidate.name.as_str()) == name);
        let mut cells = vec![described.map_or_else(|| "(the clock alone)".to_owned(), with_reach)];
        let percentiles = [
            latency.p50,
            latency.p90,
            latency.p99,
            latency.p999,
            latency.p9999,
            latency.max,
            latency.samples,
        ];
        cells.extend(percentiles.map(|ns| thousands(ns as usize)));
        cells.push(short(latency.writer_ns));
        table.add_row(cells);
    }
    right(&mut table);
    Some(format!(
        "Latency of a get while another process (thread) updates flat out, random keys.\n\
         Includes one reading of the clock.\n{table}"
    ))
}

/// The name, and whether it is threads that share it.
fn with_reach(candidate: &Described) -> String {
    match candidate.reach {
        Reach::Processes => candidate.name.clone(),
        _ => format!("{} (threads)", candidate.name),
    }
}

fn none() -> String {
    "-".to_owned()
}

/// Median and range.
fn ranged(row: &Row) -> String {
    format!(
        "{}\n{} .. {}",
        short(row.median()),
        short(row.min()),
        short(row.max())
    )
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

/// A ratio.
pub(crate) fn times(ratio: f64) -> String {
    if ratio < 10.0 {
        format!("{ratio:.2}x")
    } else if ratio < 100.0 {
        format!("{ratio:.1}x")
    } else {
        format!("{}x", thousands(ratio.round() as usize))
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
