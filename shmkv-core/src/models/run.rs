//! Running one model: every execution, and every combination of deaths.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Once;

use super::heap::{Heap, keys};
use crate::sync::Rule;
use crate::sync::ablate;
use crate::sync::loom::{self as simulated, Grown};

/// A model: some threads that use one table, and what they assert.
pub(super) struct Model {
    pub(super) name: &'static str,
    /// How many preemptions one execution may have; `None`: no limit, and the model is
    /// explored exhaustively.
    pub(super) bound: Option<usize>,
    /// How many threads die, each after every one of its stores in turn.
    pub(super) deaths: usize,
    /// Fills the table before any thread runs.
    pub(super) set_up: fn(&Heap),
    /// One execution. The threads that die do so after this many stores.
    pub(super) run: fn(Rc<Heap>, [usize; 2]),
}

thread_local! {
    static EXECUTIONS: Cell<u64> = const { Cell::new(0) };
    /// Which of a model's mortal threads died, in any execution. One that did not has had
    /// all of its stores tried.
    static DIED: Cell<[bool; 2]> = const { Cell::new([false; 2]) };
    static FAILURE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs `body` as mortal thread number `thread`, which dies after so many stores. `None`: it
/// died.
pub(super) fn mortal<R>(thread: usize, after: usize, body: impl FnOnce() -> R) -> Option<R> {
    let result = simulated::killed_after(after, body);
    if result.is_none() {
        let mut died = DIED.get();
        died[thread] = true;
        DIED.set(died);
    }
    result
}

/// From the first failure of a model on, keeps its threads from doing anything, and
/// records the message instead of printing it: most failures are expected.
pub(super) fn catch_failures() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !simulated::fail() {
                usual(info);
            } else if let Some(first) = FAILURE.take() {
                FAILURE.set(Some(first));
            } else {
                let payload = info.payload();
                let text = match payload.downcast_ref::<String>() {
                    Some(text) => text.as_str(),
                    None => payload.downcast_ref().copied().unwrap_or("a panic"),
                };
                FAILURE.set(Some(text.lines().next().unwrap_or_default().to_owned()));
            }
        }));
    });
}

/// How much was tried.
pub(super) struct Explored {
    pub(super) executions: u64,
    /// The combinations of stores after which threads died.
    pub(super) kills: usize,
}

/// Explores a model, without the rule `out` if one is given. An error: how it failed.
pub(super) fn explore(of: &'static Model, out: Option<Rule>) -> Result<Explored, String> {
    let _ = keys();
    ablate(None);
    simulated::lay_out();
    (of.set_up)(&Heap::default());
    ablate(out);
    EXECUTIONS.set(0);
    let mut kills = 0;
    for first in 1.. {
        for second in 1.. {
            DIED.set([false; 2]);
            explore_kills(of, [first, second])?;
            kills += usize::from(DIED.get() != [false; 2]);
            if of.deaths < 2 || !DIED.get()[1] {
                break;
            }
        }
        if of.deaths < 1 || !DIED.get()[0] {
            break;
        }
    }
    let executions = EXECUTIONS.get();
    Ok(Explored { executions, kills })
}

fn explore_kills(of: &'static Model, kills: [usize; 2]) -> Result<(), String> {
    loop {
        FAILURE.set(None);
        let mut builder = loom::model::Builder::new();
        builder.max_branches = 20_000;
        builder.preemption_bound = of.bound;
        let before = EXECUTIONS.get();
        let result = catch_unwind(AssertUnwindSafe(|| {
            builder.check(move || {
                simulated::begin();
                EXECUTIONS.set(EXECUTIONS.get() + 1);
                (of.run)(Rc::new(Heap::default()), kills);
            });
        }));
        simulated::end();
        match result {
            Ok(()) => return Ok(()),
            // One more word turned out to be stored to: explored again from the start.
            Err(payload) if payload.is::<Grown>() => EXECUTIONS.set(before),
            Err(_) => return Err(FAILURE.take().unwrap_or_default()),
        }
    }
}
