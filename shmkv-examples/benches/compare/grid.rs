//! Figures as tables, for any output.

use std::fmt::Write as _;

use crate::figures::{Configuration, Described, Latency, Reach, Row};
use crate::peers::BASE;
use crate::work::{ALL, TOGETHER, Work};

/// A table: cells are lines of text.
pub(crate) struct Grid {
    pub(crate) about: &'static str,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// All tables of a configuration that are not empty.
pub(crate) fn grids(configuration: &Configuration) -> Vec<Grid> {
    let all = [
        alone(configuration),
        together(configuration),
        latencies(configuration),
    ];
    all.into_iter().flatten().collect()
}

/// The sizes, as a heading.
pub(crate) fn heading(configuration: &Configuration) -> String {
    format!(
        "{}: {} entries, keys of {} bytes, values of {} bytes",
        configuration.label,
        thousands(configuration.n),
        configuration.key,
        configuration.value
    )
}

fn measured(configuration: &Configuration, among: impl IntoIterator<Item = Work>) -> Vec<Work> {
    let is_there = |work: &Work| configuration.rows.iter().any(|row| row.work == *work);
    among.into_iter().filter(is_there).collect()
}

fn alone(configuration: &Configuration) -> Option<Grid> {
    let of_one = ALL.into_iter().filter(|work| !TOGETHER.contains(work));
    let works = measured(configuration, of_one);
    if works.is_empty() {
        return None;
    }
    let mut head = vec!["ns per operation".to_owned()];
    head.extend(works.iter().map(|work| work.title().to_owned()));
    let row = |candidate: &Described| {
        let mut cells = vec![candidate.name.clone()];
        let cell = |work: &Work| cell(configuration, &candidate.name, *work);
        cells.extend(works.iter().map(cell));
        cells
    };
    Some(Grid {
        about: "One process, one thread. Median; lowest to highest; ratio to hashbrown's get, and \
                to the same operation of hashbrown.",
        head,
        rows: configuration.candidates.iter().map(row).collect(),
    })
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
    if let Some(get) = ratio(Work::Get) {
        let _ = write!(text, "\n{get}");
        if let Some(same) = ratio(work) {
            let _ = write!(text, " {same}");
        }
    }
    text
}

fn together(configuration: &Configuration) -> Option<Grid> {
    let works = measured(configuration, TOGETHER);
    if works.is_empty() {
        return None;
    }
    let mut head = vec!["ns per operation, of all".to_owned()];
    for work in &works {
        head.push(format!("{}: one", work.title()));
        head.push("two".to_owned());
        head.push("gain".to_owned());
    }
    let row = |candidate: &Described| {
        let mut cells = vec![with_reach(candidate)];
        for work in &works {
            let one = configuration.row(&candidate.name, *work, 1);
            let two = configuration.row(&candidate.name, *work, 2);
            cells.push(one.map_or_else(none, ranged));
            cells.push(two.map_or_else(none, ranged));
            let gain = one.zip(two).map(|(one, two)| one.median() / two.median());
            cells.push(gain.map_or_else(none, times));
        }
        cells
    };
    let shared = |candidate: &&Described| candidate.reach != Reach::Thread;
    Some(Grid {
        about: "Two at once, each on a processor of its own: two processes, or two threads if only \
                threads can share the map. Gain: the throughput of two over that of one.",
        head,
        rows: configuration
            .candidates
            .iter()
            .filter(shared)
            .map(row)
            .collect(),
    })
}

fn latencies(configuration: &Configuration) -> Option<Grid> {
    if configuration.latencies.is_empty() {
        return None;
    }
    let head = [
        "ns", "p50", "p90", "p99", "p99.9", "p99.99", "max", "samples", "writer",
    ];
    let row = |latency: &Latency| {
        let name = latency.candidate.as_deref();
        let mut candidates = configuration.candidates.iter();
        let described = candidates.find(|candidate| Some(candidate.name.as_str()) == name);
        let mut cells = vec![described.map_or_else(|| "(the clock alone)".to_owned(), with_reach)];
        let numbers = [
            latency.p50,
            latency.p90,
            latency.p99,
            latency.p999,
            latency.p9999,
            latency.max,
            latency.samples,
        ];
        cells.extend(numbers.map(|number| thousands(number as usize)));
        cells.push(short(latency.writer_ns));
        cells
    };
    Some(Grid {
        about: "Latency of a single get of a random key, while another process (or thread) updates \
                random keys without pause. One reading of the clock is included.",
        head: head.map(str::to_owned).to_vec(),
        rows: configuration.latencies.iter().map(row).collect(),
    })
}

/// The name, with a remark if only threads can share the map.
pub(crate) fn with_reach(candidate: &Described) -> String {
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

/// Nanoseconds, with about three digits.
pub(crate) fn short(ns: f64) -> String {
    if ns < 100.0 {
        format!("{ns:.1}")
    } else {
        thousands(ns.round() as usize)
    }
}

/// A ratio.
fn times(ratio: f64) -> String {
    if ratio < 10.0 {
        format!("{ratio:.2}x")
    } else if ratio < 100.0 {
        format!("{ratio:.1}x")
    } else {
        format!("{}x", thousands(ratio.round() as usize))
    }
}

/// The number as `1,000,000`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
