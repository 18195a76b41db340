//! What happens with more processors, processes and entries, and larger values, than a
//! usual machine has: measured where that is possible, simulated where it is not.
//!
//! ```sh
//! cargo bench -p shmkv-examples --bench scale -- all
//! cargo bench -p shmkv-examples --bench scale -- placement
//! ```
//!
//! | part | what |
//! |---|---|
//! | `machine` | the cost of a cache-line transfer, a wake-up, and a question to the kernel |
//! | `window` | the cost of each instruction beside accesses to memory |
//! | `contention` | many processes and shards, simulated; two processes also measured |
//! | `placement` | where entries go, up to 10^8, simulated; one size also measured |
//! | `size` | time and memory of maps of 10^6 to 10^8 entries, recovery after a kill |
//! | `huge` | the same for 10^8 entries of 64 bytes; needs 16 GiB of free memory |
//! | `large` | readers beside a writer of the same large value |
//!
//! A simulation depends only on the printed seed and on costs that are constants of the
//! program. They are copied by hand from what `machine` measured, so that a simulation
//! gives the same results everywhere.
//!
//! `outcome`, `seed`, `figures`, `futex`, `tail` and `process` are the lowest modules;
//! `simulator` is the simulation; the parts are above them, and only this file calls them.
#![allow(missing_docs)]

mod contention;
mod figures;
mod futex;
mod large;
mod machine;
mod outcome;
mod placement;
mod process;
mod seed;
mod simulator;
mod size;
mod tail;
mod window;

use outcome::Outcome;
use seed::SEED;

const PARTS: [&str; 7] = [
    "machine",
    "window",
    "contention",
    "placement",
    "size",
    "huge",
    "large",
];

fn main() -> Outcome {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "--child") {
        return child(&words[1..]);
    }
    words.retain(|word| word != "--bench");
    let known = |word: &String| word == "all" || PARTS.contains(&&**word);
    if words.is_empty() || !words.iter().all(known) {
        // Not an error: cargo passes the arguments of one benchmark to all of them.
        let parts = PARTS.join(", ");
        println!("Usage: cargo bench -p shmkv-examples --bench scale -- all");
        println!("or, in place of all, some of: {parts}");
        return Ok(());
    }
    process::tidy_when_interrupted()?;
    println!("seed {SEED}");
    for part in PARTS {
        if !words.iter().any(|word| word == part || word == "all") {
            continue;
        }
        println!("\n## {part}\n");
        match part {
            "machine" => machine::run()?,
            "window" => window::run()?,
            "contention" => contention::run()?,
            "placement" => placement::run()?,
            "size" => size::run()?,
            "huge" => size::run_huge()?,
            _ => large::run()?,
        }
    }
    Ok(())
}

/// The main function of a process that [`process::Helper`] started.
fn child(words: &[String]) -> Outcome {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["large", ref rest @ ..] => large::child(rest),
        ["contention", ref rest @ ..] => contention::child(rest),
        ["size", ref rest @ ..] => size::child(rest),
        _ => Err(format!("no task is called {words:?}").into()),
    }
}
