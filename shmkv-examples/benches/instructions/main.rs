//! Counts the instructions of each operation, and compares them with the recorded
//! counts.
//!
//! Times differ from machine to machine and from run to run; counts of instructions
//! hardly do. So this shows that an operation became longer on any machine, whatever
//! else runs on it. `../README.md` says how to run it.
//!
//! The program runs itself under valgrind with `--count`, once for each figure. `outcome`
//! and `figure` are the lowest modules; `record` is the file and `callgrind` counts; `work`
//! has the operations.

mod callgrind;
mod figure;
mod outcome;
mod record;
mod work;

use std::process::ExitCode;

use clap::Parser;

use crate::outcome::Outcome;
use crate::record::{RECORD, Record};
use crate::work::FIGURES;

/// By how many percent a figure may grow. The figures of two runs of one program
/// differ by less than half a percent.
const TOLERANCE: f64 = 3.0;

/// Count instructions per operation, and fail if a count is more than 3 % above the
/// recorded one
#[derive(Debug, Parser)]
#[command(name = "instructions")]
struct Arguments {
    /// Record the counts instead of comparing them
    #[arg(long)]
    record: bool,

    /// Do the work of one figure, under callgrind
    #[arg(long, hide = true, value_name = "FIGURE")]
    count: Option<String>,

    /// Passed by `cargo bench` to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether no figure has grown.
fn run(arguments: &Arguments) -> Outcome<bool> {
    if let Some(wanted) = &arguments.count {
        let figure = FIGURES.iter().find(|figure| figure.name == wanted);
        let figure = figure.ok_or_else(|| format!("no figure is called {wanted}"))?;
        println!("{}", (figure.work)()?);
        return Ok(true);
    }
    let counted = Record {
        compiler: record::compiler(),
        figures: callgrind::count(FIGURES)?,
    };
    if arguments.record {
        counted.write()?;
        for (name, instructions) in &counted.figures {
            println!("{name:<14}{instructions:>9.1}");
        }
        println!("recorded");
        return Ok(true);
    }
    Ok(compare(&counted, &Record::read()?))
}

/// Prints both, and returns whether no figure has grown.
fn compare(counted: &Record, recorded: &Record) -> bool {
    println!(
        "{:<14}{:>9}{:>10}{:>10}",
        "instructions", "now", "recorded", "%"
    );
    let (mut grown, mut shrunk, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for (name, now) in &counted.figures {
        let Some(before) = recorded.get(name) else {
            println!("{name:<14}{now:>9.1}{:>10}", "none");
            unknown.push(name.as_str());
            continue;
        };
        let percent = 100.0 * (now / before - 1.0);
        println!("{name:<14}{now:>9.1}{before:>10.1}{percent:>+10.1}");
        if percent > TOLERANCE {
            grown.push(name.as_str());
        } else if percent < -TOLERANCE {
            shrunk.push(name.as_str());
        }
    }
    if counted.compiler != recorded.compiler {
        println!(
            "\nANOTHER COMPILER: recorded with {}, counted with {}; that alone can change counts",
            recorded.compiler, counted.compiler
        );
    }
    let sound = grown.is_empty() && unknown.is_empty();
    let all_the_same = sound && shrunk.is_empty();
    let more = format!("MORE THAN RECORDED, by more than {TOLERANCE} %");
    for (what, names) in [
        ("fewer than recorded", shrunk),
        ("not recorded", unknown),
        (&more, grown),
    ] {
        if !names.is_empty() {
            println!("\n{what}: {}", names.join(", "));
        }
    }
    if !all_the_same {
        println!("If the change is intended, record the new counts:\n  {RECORD}");
    }
    sound
}
