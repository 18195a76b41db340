//! Prints what changes in a store, until Ctrl-C; see `producer`.
//!
//! It opens the store read-only: it takes no lock, and whatever happens to it cannot
//! disturb a producer.

use std::process::{self, ExitCode};
use std::time::Duration;

use shmkv_core::OpenError;
use shmkv_examples::{
    Arguments, Failure, Stop, Store, StoreReader, Watcher, is_removed, remove, run,
};

const PAUSE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    run(|| match Arguments::parse(std::env::args().skip(1))? {
        Arguments::Work(name) => consume(&name),
        Arguments::Remove(name) => remove(&name),
        Arguments::Help => {
            let usage = Arguments::usage("consumer", "print what changes in the store");
            println!("{usage}");
            Ok(())
        }
    })
}

fn consume(name: &str) -> Result<(), Failure> {
    let stop = Stop::on_ctrl_c()?;
    let me = process::id();
    println!("consumer {me}: reading {name}; press Ctrl-C to stop");
    while let Some(store) = open(name, &stop)? {
        println!(
            "opened {name}, with {} of {} entries in use",
            store.len(),
            store.capacity()
        );
        watch(&store, &stop)?;
        if !stop.is_requested() {
            println!("{name} was removed");
        }
    }
    // A reader leaves nothing behind that would have to be cleaned up.
    println!("consumer {me}: stopped; to remove {name}: consumer --remove {name}");
    Ok(())
}

/// Opens the store as soon as it exists. Returns `None` if the program should end.
fn open(name: &str, stop: &Stop) -> Result<Option<StoreReader>, Failure> {
    let mut message = Some(format!("waiting for a producer to create {name}"));
    while !stop.is_requested() {
        // A name appears together with a complete store: there is no moment at which
        // `open` could find a half-made one.
        match Store::open_read_only(name) {
            Err(OpenError::NotFound { .. }) => {
                if let Some(message) = message.take() {
                    println!("{message}");
                }
            }
            opened => return Ok(Some(opened?)),
        }
        let _ = stop.wait(PAUSE);
    }
    Ok(None)
}

/// Prints changes until the name of the store is removed, or the program should end.
fn watch(store: &StoreReader, stop: &Stop) -> Result<(), Failure> {
    let mut watcher = Watcher::default();
    loop {
        let removed = is_removed(store)?;
        for change in watcher.changes(store)? {
            println!("{change}");
        }
        if removed || !stop.wait(PAUSE) {
            return Ok(());
        }
    }
}
