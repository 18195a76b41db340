//! Measures shmkv and other maps in one run.
//!
//! `../README.md` says what is measured, and how;
//! `cargo bench -p shmkv-examples --features peers -- --help` how to measure a part of it.
//!
//! Lowest first; imports go down only:
//!
//! - `outcome`, `work` (the kinds of work), `machine`, and `figures`, what is measured;
//! - `clock`, `scratch` (files and names), `data` (keys and accesses), `configurations`;
//! - `store`: what a candidate can do, and the loops that are measured;
//! - `peers`: the candidates;
//! - `measure` for one process; `orders`, `team` and `together` for two; `open` for creating
//!   and opening;
//! - `grid` makes tables of figures, `terminal`, `page` and `chart` show them;
//! - `arguments` is the command line.

mod arguments;
mod chart;
mod clock;
mod configurations;
mod data;
mod figures;
mod grid;
mod machine;
mod measure;
mod open;
mod orders;
mod outcome;
mod page;
mod peers;
mod scratch;
mod store;
mod team;
mod terminal;
mod together;
mod work;

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use shmkv_core::{ShmKey, ToKey};

use crate::arguments::Arguments;
use crate::configurations::{Label, Visit, with};
use crate::data::{Key, Script};
use crate::figures::{Configuration, Figures};
use crate::machine::Machine;
use crate::measure::Plan;
use crate::outcome::Outcome;
use crate::peers::{Candidate, Context};
use crate::scratch::Scratch;
use crate::team::Task;
use crate::work::{TOGETHER, Work};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome<()> {
    if let Some(task) = &arguments.worker {
        let task: Task = serde_json::from_str(task)?;
        return with(task.label, task);
    }
    if arguments.open {
        return measure_open(arguments);
    }
    let figures = match &arguments.from {
        Some(file) => serde_json::from_slice(&fs::read(file)?)?,
        None => measure(arguments)?,
    };
    write(arguments, &figures)
}

/// Writes the files that the arguments ask for.
fn write(arguments: &Arguments, figures: &Figures) -> Outcome<()> {
    if let Some(file) = &arguments.json {
        fs::write(file, serde_json::to_vec_pretty(figures)?)?;
    }
    if let Some(file) = &arguments.chart {
        let chart =
            chart::chart(figures).ok_or("cannot draw a chart: neither B nor D was measured")?;
        fs::write(file, chart)?;
    }
    if let Some(file) = &arguments.report {
        let picture = arguments.chart.as_ref().and_then(|chart| chart.file_name());
        let picture = picture.map(|name| name.to_string_lossy());
        fs::write(file, page::page(figures, picture.as_deref()))?;
    }
    Ok(())
}

/// Measures what the arguments ask for, and prints the figures of each configuration.
fn measure(arguments: &Arguments) -> Outcome<Figures> {
    let begin = Instant::now();
    let processors = clock::processors()?;
    let scratch = Scratch::new()?;
    clock::pin(&processors[..1])?;
    let mut figures = Figures {
        command: arguments.command(),
        machine: Machine::this(processors.len().min(2)),
        quick: arguments.quick,
        repetitions: Plan::new(arguments.quick, 0).repetitions,
        clock_ns: clock::cost()?,
        seconds: 0.0,
        configurations: Vec::new(),
    };
    print!("{}", terminal::head(&figures));
    for label in arguments.labels() {
        let wanted = label.memory();
        if machine::available_memory().is_some_and(|free| free < wanted) {
            let gib = wanted >> 30;
            eprintln!("{}: LEFT OUT, needs {gib} GiB of free memory", label.word());
            continue;
        }
        let visit = Measure {
            arguments,
            scratch: &scratch,
            processors: &processors,
            clock: Duration::from_nanos(figures.clock_ns),
        };
        let configuration = with(label, visit)?;
        print!("{}", terminal::tables(&configuration));
        figures.configurations.push(configuration);
    }
    figures.seconds = begin.elapsed().as_secs_f64();
    println!("\n{:.0} s", figures.seconds);
    Ok(figures)
}

/// Measures creating and opening, and prints the figures.
fn measure_open(arguments: &Arguments) -> Outcome<()> {
    let processors = clock::processors()?;
    let scratch = Scratch::new()?;
    clock::pin(&processors[..1])?;
    print!("{}", Machine::this(1));
    for label in arguments.labels() {
        let repetitions = if arguments.quick { 1 } else { 7 };
        let scratch = &scratch;
        let rows = with(
            label,
            open::Open {
                scratch,
                repetitions,
            },
        )?;
        let head = open::HEAD.map(str::to_owned).to_vec();
        println!("\n{}\n{}", label.word(), terminal::table(head, rows));
    }
    Ok(())
}

/// Measures one configuration.
struct Measure<'m> {
    arguments: &'m Arguments,
    scratch: &'m Scratch,
    processors: &'m [usize],
    clock: Duration,
}

impl Visit for Measure<'_> {
    type Result = Configuration;

    fn visit<const N: usize, const K: usize, const V: usize, Name>(
        self,
        label: Label,
    ) -> Outcome<Configuration>
    where
        Name: Key + ShmKey<K>,
        for<'k> &'k Name: ToKey<Name>,
    {
        let plan = Plan::new(self.arguments.quick, N);
        let wanted = self.arguments.wanted_works();
        let script = Script::<Name, V>::new(N, 0);
        let mut notes = Vec::new();
        let context = Context {
            scratch: self.scratch,
            label,
            processors: self.processors,
        };
        let wants = |name: &str| self.arguments.wants_peer(name);
        let mut all = peers::create::<N, K, V, Name>(&context, wants, &mut notes);
        fill(&mut all, &script)?;
        for candidate in &mut all {
            measure::tour(&mut **candidate, &script)?;
        }
        let mut rows = measure::steady(&mut all, &script, plan, &wanted)?;
        let changing = [Work::Churn, Work::Insert];
        if changing.iter().any(|work| wanted.contains(work)) {
            if wanted.contains(&Work::Churn) {
                rows.extend(measure::churn(&mut all, &script, plan)?);
            }
            if wanted.contains(&Work::Insert) {
                rows.extend(measure::insert(&mut all, &script, plan, self.clock)?);
                let few = measure::FEW_INSERTS;
                if N > few && all.iter().any(|candidate| candidate.slow) {
                    notes.push(format!(
                        "Of lmdb and redis, only the first {few} inserts are measured, which favours \
                         them."
                    ));
                }
            }
            for candidate in all.iter_mut().filter(|all| all.can(Work::Insert)) {
                candidate.clear()?;
            }
            fill(&mut all, &script)?;
        }
        let mut latencies = Vec::new();
        let two = wanted
            .iter()
            .any(|work| TOGETHER.contains(work) || *work == Work::Latency);
        match self.processors {
            [first, second, ..] if two => {
                let task = Task {
                    label,
                    owner: std::process::id(),
                    worker: 0,
                    processor: *first,
                    candidates: Vec::new(),
                };
                let scripts = [Script::new(N, 1), Script::new(N, 2)];
                let cpus = [*first, *second];
                let found = together::measure(&mut all, &scripts, &task, cpus, plan, &wanted)?;
                rows.extend(found.rows);
                latencies = found.latencies;
                if all.iter().any(|candidate| candidate.one_writer) {
                    notes.push(
                        "iceoryx2 has one writer: one of the two processes does all updates and fewer \
                         gets; at 50 % updates it does no gets."
                            .to_owned(),
                    );
                }
            }
            _ if two => notes.push("Two at once need two processors.".to_owned()),
            _ => {}
        }
        rows.retain(|row| !row.ns.is_empty());
        Ok(Configuration {
            label: label.word().to_owned(),
            n: N,
            key: K,
            value: V,
            candidates: all.iter().map(Candidate::described).collect(),
            rows,
            latencies,
            notes,
        })
    }
}

/// Fills all maps, which are empty or cannot be emptied.
fn fill<K: Key, const V: usize>(all: &mut [Candidate<K, V>], script: &Script<K, V>) -> Outcome<()> {
    for candidate in all {
        candidate
            .fill(script)
            .map_err(|error| format!("cannot fill {}: {error}", candidate.name))?;
    }
    Ok(())
}
