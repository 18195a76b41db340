//! Inserts, updates and removes entries of a store until Ctrl-C.
//!
//! Run it in one terminal and `consumer` in another, in any order, as many of each as
//! you like:
//!
//! ```text
//! cargo run --release -p shmkv-examples --bin producer
//! cargo run --release -p shmkv-examples --bin consumer
//! ```
//!
//! Kill one of them with `kill -9`: the others go on.

use std::process::{self, ExitCode};
use std::time::Duration;

use shmkv_core::AccessError;
use shmkv_examples::{Arguments, Failure, Stop, Store, is_removed, remove, run};

const PAUSE: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    run(|| match Arguments::parse(std::env::args().skip(1))? {
        Arguments::Work(name) => produce(&name),
        Arguments::Remove(name) => remove(&name),
        Arguments::Help => {
            let usage = Arguments::usage("producer", "change the store");
            println!("{usage}");
            Ok(())
        }
    })
}

fn produce(name: &str) -> Result<(), Failure> {
    let stop = Stop::on_ctrl_c()?;
    // The first process creates the store; the others open it.
    let store = Store::open_or_create(name)?;
    let me = process::id();
    println!("producer {me}: writing to {name}; press Ctrl-C to stop");

    let mut steps = 0;
    loop {
        let total = count_step(&store)?;
        let done = step(&store, me, steps)?;
        steps += 1;
        println!("step {total} of all producers: {done}");
        if !stop.wait(PAUSE) {
            break;
        }
        if is_removed(&store)? {
            println!("{name} was removed; its memory is freed when the last process closes it");
            break;
        }
    }
    // Dropping the handle removes nothing: other processes may be using the store.
    println!("producer {me}: stopped after {steps} steps");
    println!("{name} still exists; to remove it: producer --remove {name}");
    Ok(())
}

/// Does one of four things to the store.
fn step(store: &Store, me: u32, round: u32) -> Result<String, Failure> {
    let done = match round % 4 {
        0 => {
            let value = format!("{}.{} C", 20 + round / 4 % 5, me % 10);
            store.insert("temperature", &value)?;
            format!(r#"set "temperature" to {value:?}"#)
        }
        1 => {
            let key = format!("producer {me}");
            let value = format!("at its step {}", round + 1);
            match store.insert(&key, &value) {
                Ok(_) => format!("set {key:?} to {value:?}"),
                // The eleventh entry does not fit. The error has changed nothing.
                Err(error @ AccessError::Full { .. }) => {
                    format!("could not set {key:?}: {error}")
                }
                Err(error) => return Err(error.into()),
            }
        }
        2 => {
            // Of several producers at the same time, one inserts the key.
            if store.try_insert("notice", format!("written by {me}"))? {
                r#"inserted "notice""#.into()
            } else {
                r#"found a "notice" of another producer"#.into()
            }
        }
        _ => match store.remove("notice")? {
            Some(notice) => format!(r#"removed "notice", {notice:?}"#),
            None => r#"found no "notice" to remove"#.into(),
        },
    };
    Ok(done)
}

/// Adds one to a number that all producers share, without losing a step: the new
/// value is stored only if the entry still has the version that was read.
fn count_step(store: &Store) -> Result<u64, Failure> {
    loop {
        let Some(seen) = store.get_versioned("steps")? else {
            store.try_insert("steps", "0")?;
            continue;
        };
        let next = seen.value.parse::<u64>()? + 1;
        let stored = store.compare_exchange("steps", seen.version, next.to_string())?;
        if stored.is_stored() {
            return Ok(next);
        }
    }
}
