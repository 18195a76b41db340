//! Models of the shipped table and lock, for loom.
//!
//! loom runs a model once for every way in which the accesses of its threads can
//! interleave and for every value that the memory model lets a load return. The
//! threads assert what users are promised. Then the rules that carry an argument are
//! taken out of the code one by one, and for each of them the models that
//! [`needed_by`] names must fail: a rule that can be missing unnoticed is superfluous
//! or untested.
//!
//! `reads` has readers beside a live writer, `kills` writers that die at each of
//! their stores, `locks` writers that contend for the lock; `heap` and `kernel` are
//! what they run on, and `run` runs them.
//!
//! ```text
//! RUSTFLAGS='--cfg loom' cargo test --release --target-dir target/loom \
//!     -p shmkv-core --lib models -- --nocapture
//! ```
//!
//! loom cannot show the following, which rests on argument alone: executions in which
//! a load returns a value that is stored later in the order that loom chose; that the
//! compiler keeps the stores of a thread that dies in order (they are releases); the
//! total order of sequentially consistent accesses (see `sync::load_linearized`), except
//! in a model that adds barriers.
#![allow(clippy::expect_used, clippy::panic)]

mod heap;
mod kernel;
mod kills;
mod locks;
mod reads;
mod run;

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Mutex;

use crate::sync::Rule;
use run::{Explored, Model, explore};

/// The models that must fail without this rule.
fn needed_by(rule: Rule) -> &'static [&'static str] {
    match rule {
        Rule::TagRecheck => &[
            "get, two updates",
            "get prepared, remove, insert another like key",
        ],
        Rule::VersionRecheck | Rule::CopyFence => {
            &["get, two updates", "get prepared, two updates"]
        }
        Rule::SlotVersionAcquire
        | Rule::MarkWriting
        | Rule::MarkFence
        | Rule::SlotVersionRelease => &["get, two updates"],
        Rule::MissFence | Rule::MissMaskRecheck | Rule::MissVersionRecheck => {
            &["miss, three updates of two like keys"]
        }
        Rule::ScanFence | Rule::ScanTagsRecheck | Rule::ScanVersionRecheck => {
            &["iteration, three updates of two like keys"]
        }
        Rule::PublishRelease => &["two keys, remove at home"],
        Rule::OverflowAcquire => &["two keys, remove elsewhere"],
        Rule::TotalsAcquire => &["totals, insert"],
        Rule::OverflowRaiseFirst => &["get, insert elsewhere"],
        Rule::OverflowLowerLast | Rule::IntentLast => &["one killed, remove elsewhere"],
        Rule::NumberFirst | Rule::IntentFirst => &["one killed, insert elsewhere"],
        Rule::RecountInOneStore => &["one killed, remove elsewhere"],
        Rule::HintRecheck => &["lock, two changes"],
        Rule::LockAcquire | Rule::LockRelease => &["lock, two writers"],
        Rule::LockReleaseTotal => &["real time, insert then get"],
        Rule::LockRecovery | Rule::LockWaitSlice => &["lock, holder killed"],
        Rule::LockKeepWaiters => &["lock, three writers"],
        Rule::LockDisownRelease | Rule::LockDisownAgain => {
            &["lock, holder killed and its id used again"]
        }
    }
}

/// Prints a line, past the test harness, which captures what `println!` prints.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The results so far.
#[derive(Default)]
struct Tally {
    executions: u64,
    caught: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, model: &Model, rule: Option<Rule>, result: Result<Explored, String>) {
        let name = model.name;
        match (rule, result) {
            (None, Ok(Explored { executions, kills })) => {
                self.executions += executions;
                if executions <= 2 * (kills as u64 + 1) {
                    self.wrong
                        .push(format!("{name}: hardly anything is interleaved"));
                }
                let scope = model.bound.map_or("exhaustive".into(), |bound| {
                    format!("at most {bound} preemptions")
                });
                say(&format!(
                    "  {name}: {executions} executions, {kills} deaths tried, {scope}"
                ));
            }
            (None, Err(failure)) => self.wrong.push(format!("{name}: {failure}")),
            (Some(rule), Ok(_)) => self.wrong.push(format!("{name}: holds without {rule:?}")),
            (Some(rule), Err(failure)) => {
                self.caught += 1;
                say(&format!("  {name}, without {rule:?}: {failure}"));
            }
        }
    }
}

#[test]
fn models_hold_and_need_every_rule() {
    run::catch_failures();
    let models = [reads::MODELS, kills::MODELS, locks::MODELS].concat();
    let named = |name| {
        let found = models.iter().find(|model| model.name == name);
        *found.expect("a model of that name")
    };
    let whole = models.iter().map(|&model| (model, None));
    let rules = Rule::ALL.iter();
    let mutants: Vec<_> = rules
        .flat_map(|&rule| needed_by(rule).iter().map(move |&name| (name, rule)))
        .map(|(name, rule)| (named(name), Some(rule)))
        .collect();
    let mutant_count = mutants.len();
    let jobs: VecDeque<_> = whole.chain(mutants).collect();
    let (jobs, tally) = (Mutex::new(jobs), Mutex::new(Tally::default()));
    let next = || jobs.lock().expect("no panic under it").pop_front();
    let work = || {
        while let Some((model, rule)) = next() {
            let result = explore(model, rule);
            let mut tally = tally.lock().expect("no panic under it");
            tally.add(model, rule, result);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let tally = tally.into_inner().expect("no panic under it");
    say(&format!(
        "loom: {} models, {} executions, mutants caught {} of {}",
        models.len(),
        tally.executions,
        tally.caught,
        mutant_count
    ));
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
}
