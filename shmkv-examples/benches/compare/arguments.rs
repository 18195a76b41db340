//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::configurations::Label;
use crate::work::{self, Work};

/// Measure shmkv and other maps, interleaved; print nanoseconds per operation, and ratios
/// to hashbrown in private memory
#[derive(Debug, Parser)]
#[command(name = "compare")]
pub(crate) struct Arguments {
    /// Measure only these, by default all: get, miss, update, insert, churn, serial, many,
    /// prepared, mix95, mix50, hot, latency
    #[arg(value_name = "WORK", value_parser = Work::parse)]
    pub(crate) works: Vec<Work>,

    /// Measure only these sizes (N x K x V), by default all: A 10 x 64 x 256,
    /// B 16,384 x 8 x 64, C 1,000,000 x 8 x 64, D 1,000,000 x 64 x 256
    #[arg(
        short,
        long,
        value_name = "A,B,..",
        value_delimiter = ',',
        ignore_case = true
    )]
    pub(crate) configurations: Vec<Label>,

    /// Measure only these maps and hashbrown, by default all
    #[arg(short, long, value_name = "NAME,..", value_delimiter = ',')]
    pub(crate) peers: Vec<String>,

    /// Measure creating and opening shmkv maps instead, with and without the options
    /// prefault and huge_pages
    #[arg(long, conflicts_with_all = ["works", "peers", "json", "report", "chart", "from"])]
    pub(crate) open: bool,

    /// Make fewer and shorter repetitions, for a first impression
    #[arg(long)]
    pub(crate) quick: bool,

    /// Write all figures to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Write the results as a page of Markdown
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Draw the results as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) chart: Option<PathBuf>,

    /// Read the figures from a file that --json wrote, and measure nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,

    /// Be one of two processes that take orders from another one
    #[arg(long, hide = true, value_name = "TASK")]
    pub(crate) worker: Option<String>,

    /// Passed by `cargo bench` to every benchmark
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
}

impl Arguments {
    pub(crate) fn labels(&self) -> Vec<Label> {
        if self.configurations.is_empty() {
            Label::ALL.to_vec()
        } else {
            self.configurations.clone()
        }
    }

    /// The work to be measured: all if none was named. Gets are always measured, because
    /// the others are compared with them.
    pub(crate) fn wanted_works(&self) -> Vec<Work> {
        if self.works.is_empty() {
            return work::ALL.to_vec();
        }
        let mut works = self.works.clone();
        if !works.contains(&Work::Get) {
            works.push(Work::Get);
        }
        works
    }

    pub(crate) fn wants_peer(&self, name: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|peer| peer == name)
    }

    /// The command that repeats this run.
    pub(crate) fn command(&self) -> String {
        let mut words: Vec<_> = self
            .works
            .iter()
            .map(|work| work.word().to_owned())
            .collect();
        if !self.configurations.is_empty() {
            let labels: Vec<_> = self
                .configurations
                .iter()
                .map(|label| label.word())
                .collect();
            words.push(format!("-c {}", labels.join(",")));
        }
        if !self.peers.is_empty() {
            words.push(format!("-p '{}'", self.peers.join(",")));
        }
        if self.quick {
            words.push("--quick".to_owned());
        }
        if !words.is_empty() {
            words.insert(0, " --".to_owned());
        }
        format!(
            "cargo bench -p shmkv-examples --features peers{}",
            words.join(" ")
        )
    }
}
