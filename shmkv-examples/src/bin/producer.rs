//! Sets, updates and deletes entries of a store until Ctrl-C.
//!
//! Run it in one terminal and `consumer` in another, in any order, as many of
//! both as you like:
//!
//! ```text
//! cargo run --release -p shmkv-examples --bin producer
//! cargo run --release -p shmkv-examples --bin consumer
//! ```
//!
//! Kill one with `kill -9` if you want to see that nobody else minds.

use std::process::{self, ExitCode};
use std::time::Duration;

use shmkv_core::AccessError;
use shmkv_examples::{Arguments, Failure, Stop, Store, is_removed, remove, run};

const PACE: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    run(|| match Arguments::parse(std::env::args().skip(1))? {
        Arguments::Work(name) => produce(&name),
        Arguments::Remove(name) => remove(&name),
        Arguments::Help => {
            let usage = Arguments::usage("producer", "changes the store");
            println!("{usage}");
            Ok(())
        }
    })
}

fn produce(name: &str) -> Result<(), Failure> {
    let stop = Stop::on_ctrl_c()?;
    // Whoever comes first creates the store; all others open the same one.
    let store = Store::open_or_create(name)?;
    let me = process::id();
    println!("producer {me} works on {name}; Ctrl-C ends it");

    let mut steps = 0;
    loop {
        let total = count_step(&store)?;
        let done = step(&store, me, steps)?;
        steps += 1;
        println!("step {total} of all producers: {done}");
        if !stop.wait(PACE) {
            break;
        }
        if is_removed(&store)? {
            println!("somebody removed {name}; its memory is freed when the last user ends");
            break;
        }
    }
    // Dropping the handle removes nothing: others may be using the store.
    println!("producer {me} did {steps} steps");
    println!("{name} stays; to remove it: producer --remove {name}");
    Ok(())
}

/// One of four things to do to the store.
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
                // Ten entries are ten entries: the eleventh is an error, which
                // has changed nothing.
                Err(error @ AccessError::Full { .. }) => format!("no room for {key:?}: {error}"),
                Err(error) => return Err(error.into()),
            }
        }
        2 => {
            // At most one of all producers makes it.
            if store.try_insert("notice", format!("written by {me}"))? {
                r#"wrote the "notice""#.into()
            } else {
                r#"left the "notice", which somebody else wrote"#.into()
            }
        }
        _ => match store.remove("notice")? {
            Some(notice) => format!(r#"deleted the "notice" {notice:?}"#),
            None => r#"found no "notice" to delete"#.into(),
        },
    };
    Ok(done)
}

/// Adds one to a number that all producers share, and loses none: the new value
/// is stored only if the entry still has the version that was read.
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
