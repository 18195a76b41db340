//! Figures as a page of Markdown.

use std::fmt::Write as _;

use crate::figures::Figures;
use crate::grid::{Grid, grids, heading};
use crate::peers::OURS;

/// The page, which shows the picture if there is one.
pub(crate) fn page(figures: &Figures, picture: Option<&str>) -> String {
    let mut text = format!(
        "<!-- Written by the benchmark with --report: change benches/compare, not this. -->\n\n\
         # Results\n\n\
         [README.md](README.md) explains what is measured, and how.\n\n\
         ```sh\n{}\n```\n\n",
        figures.command
    );
    if figures.quick {
        text.push_str("This was a quick run, for a first impression.\n\n");
    }
    machine(&mut text, figures);
    candidates(&mut text, figures);
    if let Some(picture) = picture {
        let _ = writeln!(
            text,
            "![get, update, and two processes at once]({picture})\n"
        );
    }
    for configuration in &figures.configurations {
        let _ = writeln!(text, "## {}\n", heading(configuration));
        for grid in grids(configuration) {
            table(&mut text, &grid);
        }
        for note in &configuration.notes {
            let _ = writeln!(text, "- {note}");
        }
        if !configuration.notes.is_empty() {
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn machine(text: &mut String, figures: &Figures) {
    let machine = &figures.machine;
    let kind = if machine.virtual_machine {
        ", a virtual machine"
    } else {
        ""
    };
    let _ = writeln!(text, "| | |\n|---|---|");
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "| {name} | {value} |");
    };
    line(
        "processor",
        format!(
            "{}, {} used{kind}; last-level cache {}",
            machine.processor, machine.processors, machine.last_level_cache
        ),
    );
    line(
        "memory",
        format!(
            "{} GiB; `/dev/shm` is {}",
            machine.memory_gib, machine.dev_shm
        ),
    );
    line(
        "transparent huge pages",
        format!(
            "private memory: {}; shared memory: {}",
            machine.huge_pages, machine.huge_pages_shmem
        ),
    );
    line(
        "software",
        format!("Linux {}, {}", machine.kernel, machine.compiler),
    );
    line(
        "clock",
        format!("{}; a reading takes {} ns", machine.clock, figures.clock_ns),
    );
    line(
        "run",
        format!(
            "medians of {} repetitions; {:.0} s in all",
            figures.repetitions, figures.seconds
        ),
    );
    text.push('\n');
}

/// The candidates and their versions.
fn candidates(text: &mut String, figures: &Figures) {
    let all = figures
        .configurations
        .iter()
        .flat_map(|all| &all.candidates);
    let mut named: Vec<String> = Vec::new();
    for candidate in all {
        let words = [candidate.name.as_str(), candidate.version.as_str()];
        let words = words.join(" ").trim_end().to_owned();
        if !named.contains(&words) {
            named.push(words);
        }
    }
    let _ = writeln!(text, "Compared: {}.\n", named.join(", "));
}

fn table(text: &mut String, grid: &Grid) {
    let _ = writeln!(text, "{}\n", grid.about);
    let _ = writeln!(text, "| {} |", grid.head.join(" | "));
    let _ = writeln!(text, "|---{}|", "|--:".repeat(grid.head.len() - 1));
    for row in &grid.rows {
        let cells: Vec<_> = row.iter().map(|cell| cell.replace('\n', "<br>")).collect();
        let line = cells.join(" | ");
        if row.first().is_some_and(|name| name == OURS) {
            let line = line.replacen(OURS, &format!("**{OURS}**"), 1);
            let _ = writeln!(text, "| {line} |");
        } else {
            let _ = writeln!(text, "| {line} |");
        }
    }
    text.push('\n');
}
