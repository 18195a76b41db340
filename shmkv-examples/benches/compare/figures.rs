//! What was measured.
//!
//! This is what `--json` writes, and all that tables, pages and charts are made from.

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::work::Work;

/// One run of the benchmark.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) command: String,
    pub(crate) machine: Machine,
    pub(crate) quick: bool,
    pub(crate) repetitions: usize,
    /// What reading the clock costs, in nanoseconds.
    pub(crate) clock_ns: u64,
    pub(crate) seconds: f64,
    pub(crate) configurations: Vec<Configuration>,
}

/// All figures of one configuration.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Configuration {
    pub(crate) label: String,
    pub(crate) n: usize,
    pub(crate) key: usize,
    pub(crate) value: usize,
    /// In the order of the tables.
    pub(crate) candidates: Vec<Described>,
    pub(crate) rows: Vec<Row>,
    pub(crate) latencies: Vec<Latency>,
    /// Remarks that belong to the figures.
    pub(crate) notes: Vec<String>,
}

/// A candidate, its version, and what can share it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) reach: Reach,
}

/// What can share a map: one thread, threads of one process, or processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reach {
    Thread,
    Threads,
    Processes,
}

/// One candidate's figures for one kind of work.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) candidate: String,
    pub(crate) work: Work,
    /// How many processes or threads did it at once.
    pub(crate) workers: usize,
    /// Nanoseconds per operation, of all workers together, one figure per repetition.
    pub(crate) ns: Vec<f64>,
}

/// Percentiles in nanoseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// `None` for the clock alone.
    pub(crate) candidate: Option<String>,
    pub(crate) samples: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) p9999: u64,
    pub(crate) max: u64,
    /// Nanoseconds per update of the writer that runs at the same time.
    pub(crate) writer_ns: f64,
}

impl Row {
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.ns.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        }
    }

    pub(crate) fn min(&self) -> f64 {
        self.ns.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn max(&self) -> f64 {
        self.ns.iter().copied().fold(0.0, f64::max)
    }
}

impl Configuration {
    pub(crate) fn row(&self, candidate: &str, work: Work, workers: usize) -> Option<&Row> {
        self.rows.iter().find(|row| {
            row.candidate == candidate
                && row.work == work
                && row.workers == workers
                && !row.ns.is_empty()
        })
    }
}
