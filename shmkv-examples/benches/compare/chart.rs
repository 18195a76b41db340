//! Figures as a picture: get, update and two at once, for a map that fits the caches and
//! for one that does not.
//!
//! SVG on a white background, so that it looks the same on light and dark pages. The
//! scale is logarithmic, because the slowest map takes a thousand times as long as the
//! fastest.

use std::fmt::Write as _;

use crate::figures::{Configuration, Figures, Reach};
use crate::grid::{heading, short, with_reach};
use crate::peers::{BASE, OURS};
use crate::work::Work;

/// The configurations that are drawn, if they were measured.
const LABELS: [&str; 2] = ["B", "D"];
/// The panels of each: the work, by how many at once, and the title.
const PANELS: [(Work, usize, &str); 3] = [
    (Work::Get, 1, "get"),
    (Work::Update, 1, "update"),
    (
        Work::Mix { updates: 5 },
        2,
        "two at once: 95 % get, 5 % update",
    ),
];

// In pixels.
const MARGIN: f64 = 24.0;
const PANEL: f64 = 340.0;
const NAME: f64 = 116.0;
const NUMBER: f64 = 52.0;
const BAR: f64 = 14.0;
const LINE: f64 = 21.0;
const TITLE: f64 = 80.0;
const HEADING: f64 = 36.0;
/// The gap between two rows of panels.
const GAP: f64 = 22.0;

/// The nanoseconds at which bars begin.
const FLOOR: f64 = 1.0;

/// A bar: its name, colour and nanoseconds.
struct Bar {
    name: String,
    colour: &'static str,
    ns: f64,
}

/// The picture, or `None` if there is nothing to draw.
pub(crate) fn chart(figures: &Figures) -> Option<String> {
    let wanted = |all: &&Configuration| LABELS.contains(&all.label.as_str());
    let drawn: Vec<_> = figures.configurations.iter().filter(wanted).collect();
    drawn.first()?;
    let slowest = drawn.iter().flat_map(|all| bars_of(all)).flatten();
    let slowest = slowest.map(|bar| bar.ns).fold(10.0 * FLOOR, f64::max);

    let row = |most: usize| HEADING + 18.0 + most as f64 * LINE + GAP;
    let most = |all: &&Configuration| bars_of(all).iter().map(Vec::len).max().unwrap_or(0);
    let rows: f64 = drawn.iter().map(|all| row(most(all))).sum();
    let width = 2.0 * MARGIN + PANELS.len() as f64 * PANEL;
    let height = TITLE + rows + 34.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" \
         font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\">\n\
         <title>shmkv and its peers, nanoseconds per operation</title>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"12\" fill=\"#ffffff\" \
         stroke=\"#d0d7de\"/>\n",
        width - 1.0,
        height - 1.0
    );
    text(
        &mut svg,
        MARGIN,
        36.0,
        "font-size=\"18\" font-weight=\"600\" fill=\"#1f2328\"",
        "Nanoseconds per operation, on a logarithmic scale: shorter is better",
    );
    legend(&mut svg);
    let mut top = TITLE;
    for configuration in drawn {
        let style = "font-size=\"13\" font-weight=\"600\" fill=\"#1f2328\"";
        text(&mut svg, MARGIN, top + 18.0, style, &heading(configuration));
        for (column, (bars, (_, _, title))) in bars_of(configuration).iter().zip(PANELS).enumerate()
        {
            let left = MARGIN + column as f64 * PANEL;
            panel(&mut svg, (left, top + HEADING), title, bars, slowest);
        }
        top += row(most(&configuration));
    }
    let machine = &figures.machine;
    let foot = format!(
        "{}{}, Linux {}, medians of {} repetitions{}",
        machine.processor,
        if machine.virtual_machine {
            " (virtual machine)"
        } else {
            ""
        },
        machine.kernel,
        figures.repetitions,
        if figures.quick { " (a quick run)" } else { "" },
    );
    text(
        &mut svg,
        MARGIN,
        height - 16.0,
        "font-size=\"11\" fill=\"#656d76\"",
        &foot,
    );
    svg.push_str("</svg>\n");
    Some(svg)
}

/// The bars of every panel, the fastest first.
fn bars_of(configuration: &Configuration) -> Vec<Vec<Bar>> {
    let bars = |(work, workers, _): (Work, usize, &str)| {
        let bar = |candidate: &crate::figures::Described| {
            let row = configuration.row(&candidate.name, work, workers)?;
            let colour = match (candidate.name.as_str(), candidate.reach) {
                (OURS, _) => "#d1242f",
                (BASE, _) => "#57606a",
                (_, Reach::Processes) => "#0969da",
                _ => "#afb8c1",
            };
            Some(Bar {
                name: if workers > 1 {
                    with_reach(candidate)
                } else {
                    candidate.name.clone()
                },
                colour,
                ns: row.median(),
            })
        };
        let mut bars: Vec<_> = configuration.candidates.iter().filter_map(bar).collect();
        bars.sort_by(|one, other| one.ns.total_cmp(&other.ns));
        bars
    };
    PANELS.map(bars).into()
}

fn panel(svg: &mut String, (left, top): (f64, f64), title: &str, bars: &[Bar], slowest: f64) {
    let style = "font-size=\"12\" fill=\"#656d76\"";
    text(svg, left, top + 8.0, style, title);
    let room = PANEL - NAME - NUMBER - 16.0;
    let place = |ns: f64| room * (ns / FLOOR).log10().max(0.02) / (slowest / FLOOR).log10();
    let (first, last) = (top + 15.0, top + 18.0 + bars.len() as f64 * LINE - 4.0);
    for power in (1..6)
        .map(|power| 10_f64.powi(power))
        .filter(|ns| *ns <= slowest)
    {
        let x = left + NAME + place(power);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {first:.1}V{last:.1}\" stroke=\"#eaeef2\"/>"
        );
    }
    for (at, bar) in bars.iter().enumerate() {
        let y = top + 18.0 + at as f64 * LINE;
        let length = place(bar.ns);
        let weight = if bar.name == OURS {
            " font-weight=\"700\""
        } else {
            ""
        };
        let style = format!("font-size=\"12\" fill=\"#1f2328\" text-anchor=\"end\"{weight}");
        text(svg, left + NAME - 8.0, y + BAR - 3.0, &style, &bar.name);
        let _ = writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\" \
             fill=\"{}\"/>",
            left + NAME,
            bar.colour
        );
        let style = format!("font-size=\"12\" fill=\"#1f2328\"{weight}");
        let x = left + NAME + length + 6.0;
        text(svg, x, y + BAR - 3.0, &style, &short(bar.ns));
    }
}

fn legend(svg: &mut String) {
    let entries = [
        ("#d1242f", "shmkv"),
        ("#0969da", "between processes"),
        ("#afb8c1", "between threads"),
        ("#57606a", "one thread"),
    ];
    let mut x = MARGIN;
    for (colour, words) in entries {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"49\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{colour}\"/>"
        );
        text(
            svg,
            x + 18.0,
            59.5,
            "font-size=\"12\" fill=\"#1f2328\"",
            words,
        );
        x += 48.0 + 6.6 * words.len() as f64;
    }
}

fn text(svg: &mut String, x: f64, y: f64, style: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{words}</text>"
    );
}
