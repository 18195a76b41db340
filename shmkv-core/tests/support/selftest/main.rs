//! Proves the tools of `support` on small dummies: what they must catch is caught, what is correct passes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod dummy;
mod history;
mod processes;
mod register;
mod sleep;
mod step;
#[path = "../mod.rs"]
mod support;
mod walk;

use libtest_mimic::{Arguments, Trial};
use support::proc;

fn main() {
    if let Some(role) = proc::role() {
        std::process::exit(processes::run_role(&role));
    }
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    let trials = vec![
        Trial::test(
            "step_catches_a_broken_protocol",
            step::step_catches_a_broken_protocol,
        ),
        Trial::test(
            "step_accepts_a_correct_protocol",
            step::step_accepts_a_correct_protocol,
        ),
        Trial::test(
            "step_kills_a_futex_sleeper",
            sleep::step_kills_a_futex_sleeper,
        ),
        Trial::test(
            "step_survives_a_long_sleep",
            sleep::step_survives_a_long_sleep,
        ),
        Trial::test("step_stops_and_resumes", step::step_stops_and_resumes),
        Trial::test("step_starts_at_the_marker", step::step_starts_at_the_marker),
        Trial::test("step_costs", step::step_costs),
        Trial::test("step_forwards_signals", step::step_forwards_signals),
        Trial::test("step_walks_rep_and_vdso", step::step_walks_rep_and_vdso),
        Trial::test(
            "step_kills_at_system_calls",
            walk::step_kills_at_system_calls,
        ),
        Trial::test("step_kills_twice", walk::step_kills_twice),
        Trial::test(
            "step_samples_a_long_operation",
            walk::step_samples_a_long_operation,
        ),
        Trial::test("inject_fails_each_call", processes::inject_fails_each_call),
        Trial::test(
            "inject_reports_deaths_and_sleeps",
            processes::inject_reports_deaths_and_sleeps,
        ),
        Trial::test("proc_children", processes::proc_children),
        Trial::test("proc_environments", processes::proc_environments),
        Trial::test("history_by_hand", history::by_hand),
        Trial::test("history_by_brute_force", history::by_brute_force),
        Trial::test("history_of_killed_processes", register::of_killed_processes),
    ];
    libtest_mimic::run(&args, trials).exit();
}
