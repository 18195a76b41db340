//! Does a map in shared memory answer as `std::collections::HashMap` does?
//!
//! Random sequences of all operations run through two handles and a read-only one, for several sizes.
//! proptest shortens a sequence that fails. The model also keeps every version that a key has had:
//! versions grow, and no version is used twice.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod reads;
mod run;
mod step;
mod subject;
#[path = "../../support/mod.rs"]
mod support;
mod writes;

use std::cell::Cell;

use libtest_mimic::{Arguments, Failed, Trial};
use proptest::collection::vec;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use support::report::Report;
use support::seed::seed;

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1); // so that the reports come in order
    let trials = vec![
        // N, K, V
        Trial::test("one_entry_set", || model::<1, 1, 0>(1600)),
        Trial::test("one_entry", || model::<1, 8, 8>(1600)),
        Trial::test("one_bucket_full", || model::<7, 3, 7>(2400)),
        Trial::test("set", || model::<10, 7, 0>(2400)),
        Trial::test("odd_sizes", || model::<10, 9, 13>(2400)),
        Trial::test("readme_sizes", || model::<10, 64, 256>(2400)),
        Trial::test("one_byte_keys", || model::<200, 1, 3>(800)),
        Trial::test("some_buckets", || model::<40, 13, 1>(1600)),
        Trial::test("large_values", || model::<7, 16, 20_000>(480)),
        Trial::test("large_keys", || model::<7, 17_000, 9>(320)),
        Trial::test("four_shards", || model::<4_096, 13, 9>(90)),
        Trial::test("eight_shards_set", || model::<9_000, 8, 0>(45)),
    ];
    libtest_mimic::run(&args, trials).exit();
}

fn model<const N: usize, const K: usize, const V: usize>(cases: u32) -> Result<(), Failed> {
    let seed = seed();
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let bytes = [seed; 4].map(u64::to_le_bytes).concat();
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, random);
    let (tried, steps, refused) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let outcome = runner.run(&vec(step::any(), 1..150), |sequence| {
        tried.set(tried.get() + 1);
        steps.set(steps.get() + sequence.len());
        subject::Subject::<N, K, V>::new(&refused)?.run(&sequence)
    });
    let violations: Vec<String> = outcome.err().iter().map(ToString::to_string).collect();
    Report::new(
        "answers as a HashMap",
        &format!("N = {N}, K = {K}, V = {V}"),
    )
    .count("cases", tried.get())
    .count("steps", steps.get())
    .count("inserts refused by a full map", refused.get())
    .note("seed", seed)
    .require(&violations)
}
