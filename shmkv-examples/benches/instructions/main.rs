//! How many instructions an operation takes, compared with what is recorded.
//!
//! Times differ from machine to machine and from run to run; the number of
//! instructions hardly does. So a change that makes an operation longer is noticed
//! here, on any machine and beside any load, before anybody measures time.
//! `../README.md` says how to run it.
//!
//! `work` has the operations, `callgrind` counts them, `record` is the file. This
//! program runs itself under valgrind, once for each figure, with `--count`.

mod callgrind;
mod record;
mod work;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use crate::record::Record;
use crate::work::FIGURES;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What rewrites the file.
const RECORD: &str = "cargo bench -p shmkv-examples --bench instructions -- --record";

/// By how many per cent a figure may grow. Figures of two runs of one program
/// differ by less than half a per cent.
const TOLERANCE: f64 = 3.0;

/// Counts instructions per operation, and compares them with the recorded ones.
/// Fails if one has grown by more than 3 %.
#[derive(Debug, Parser)]
#[command(name = "instructions")]
struct Arguments {
    /// Records the figures instead of comparing them
    #[arg(long)]
    record: bool,

    /// Do the work of one figure, under callgrind
    #[arg(long, hide = true, value_name = "FIGURE")]
    count: Option<String>,

    /// What `cargo bench` says to every benchmark
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

/// Whether no figure has grown.
fn run(arguments: &Arguments) -> Outcome<bool> {
    if let Some(wanted) = &arguments.count {
        let figure = FIGURES.iter().find(|figure| figure.name == wanted);
        println!("{}", figure.ok_or("no such figure")?.operations()?);
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

/// Prints both, and tells whether no figure has grown.
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
            "\nANOTHER COMPILER: recorded with {}, this is {}. That alone can change figures.",
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
        println!("To record these, if they are as they should be:\n  {RECORD}");
    }
    sound
}
