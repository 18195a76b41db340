//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::configurations::Label;
use crate::work::{self, Work};

/// Measures shmkv and its peers, interleaved, and prints nanoseconds per
/// operation and ratios to hashbrown in private memory.
#[derive(Debug, Parser)]
#[command(name = "compare")]
pub(crate) struct Arguments {
    /// What to measure: get, miss, update, insert, churn, serial, many, prepared,
    /// mix95, mix50, hot, latency; all unless given
    #[arg(value_name = "WORK", value_parser = Work::parse)]
    pub(crate) works: Vec<Work>,

    /// Sizes (N x K x V): A 10 x 64 x 256, B 16,384 x 8 x 64,
    /// C 1,000,000 x 8 x 64, D 1,000,000 x 64 x 256; all unless given
    #[arg(
        short,
        long,
        value_name = "A,B,..",
        value_delimiter = ',',
        ignore_case = true
    )]
    pub(crate) configurations: Vec<Label>,

    /// Whom to measure besides hashbrown; all unless given
    #[arg(short, long, value_name = "NAME,..", value_delimiter = ',')]
    pub(crate) peers: Vec<String>,

    /// Measures creating and opening instead, with and without prefault and
    /// huge_pages
    #[arg(long, conflicts_with_all = ["works", "peers", "json", "report", "chart", "from"])]
    pub(crate) open: bool,

    /// Fewer and shorter repetitions: a glance, not a result
    #[arg(long)]
    pub(crate) quick: bool,

    /// Writes all figures to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Writes the results as a page of Markdown
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Draws the results as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) chart: Option<PathBuf>,

    /// Takes the figures from such a file as --json wrote, and measures nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,

    /// Be one of two processes that another one commands
    #[arg(long, hide = true, value_name = "TASK")]
    pub(crate) worker: Option<String>,

    /// What `cargo bench` says to every benchmark
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

    /// The work to be measured: all if none was named; what others are compared
    /// with, always.
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

    /// The command that measures the same again.
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
