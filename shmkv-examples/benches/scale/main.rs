//! What happens on a larger machine, with more processes, more entries and larger
//! values than there are here: measured where it can be, simulated where not.
//!
//! ```sh
//! cargo bench -p shmkv-examples --bench scale -- all
//! cargo bench -p shmkv-examples --bench scale -- placement
//! ```
//!
//! | part | what |
//! |---|---|
//! | `machine` | what a cache line, a wake-up, a question to the kernel cost here |
//! | `window` | what each instruction costs beside the accesses to memory |
//! | `contention` | many processes and shards, simulated; two of them measured too |
//! | `placement` | where entries go, up to 10^8, simulated; one size measured too |
//! | `size` | time and memory of maps of 10^6 to 10^8 entries, recovery after a kill |
//! | `huge` | the same for 10^8 entries of 64 bytes; needs 16 GiB of free memory |
//! | `large` | readers beside a writer of the same large value |
//!
//! Simulations are functions of the seed that is printed, and of costs that are
//! constants of the program: what `machine` measures goes into them by hand, so
//! that they give the same everywhere.
#![allow(missing_docs)]

mod contention;
mod figures;
mod futex;
mod large;
mod machine;
mod placement;
mod process;
mod simulator;
mod size;
mod tail;
mod window;

use process::Outcome;

/// Every random number follows from this.
const SEED: u64 = 20_250_101;

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
        return process::child(&words[1..]);
    }
    words.retain(|word| word != "--bench");
    let known = |word: &String| word == "all" || PARTS.contains(&&**word);
    if words.is_empty() || !words.iter().all(known) {
        // Perhaps the words are another benchmark's, which cargo runs beside this.
        let parts = PARTS.join(", ");
        println!("run by: cargo bench -p shmkv-examples --bench scale -- all");
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
