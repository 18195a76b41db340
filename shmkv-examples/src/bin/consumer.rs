//! Shows what changes in a store, until Ctrl-C; see `producer`.
//!
//! It has a read-only handle: it takes no lock, and nothing that it does or
//! suffers can disturb a producer.

use std::process::{self, ExitCode};
use std::time::Duration;

use shmkv_core::OpenError;
use shmkv_examples::{
    Arguments, Failure, Stop, Store, StoreReader, Watcher, is_removed, remove, run,
};

const PACE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    run(|| match Arguments::parse(std::env::args().skip(1))? {
        Arguments::Work(name) => consume(&name),
        Arguments::Remove(name) => remove(&name),
        Arguments::Help => {
            let usage = Arguments::usage("consumer", "shows what changes");
            println!("{usage}");
            Ok(())
        }
    })
}

fn consume(name: &str) -> Result<(), Failure> {
    let stop = Stop::on_ctrl_c()?;
    let me = process::id();
    println!("consumer {me} watches {name}; Ctrl-C ends it");
    while let Some(store) = open(name, &stop)? {
        println!("open: {} of {} entries", store.len(), store.capacity());
        watch(&store, &stop)?;
        if !stop.is_wanted() {
            println!("somebody removed {name}");
        }
    }
    // Reading left no trace; there is nothing to clean up.
    println!("consumer {me} ends; to remove {name}: consumer --remove {name}");
    Ok(())
}

/// Opens the store, as soon as there is one; `None` if we should stop.
fn open(name: &str, stop: &Stop) -> Result<Option<StoreReader>, Failure> {
    let mut patience = Some(format!("waiting for a producer to create {name}"));
    while !stop.is_wanted() {
        // A name appears with a complete store behind it, or not at all: there
        // is no half-made one to guard against.
        match Store::open_read_only(name) {
            Err(OpenError::NotFound { .. }) => {
                if let Some(message) = patience.take() {
                    println!("{message}");
                }
            }
            opened => return Ok(Some(opened?)),
        }
        let _ = stop.wait(PACE);
    }
    Ok(None)
}

/// Prints changes until the store's name is removed, or we should stop.
fn watch(store: &StoreReader, stop: &Stop) -> Result<(), Failure> {
    let mut watcher = Watcher::default();
    loop {
        let removed = is_removed(store)?;
        for change in watcher.look(store)? {
            println!("{change}");
        }
        if removed || !stop.wait(PACE) {
            return Ok(());
        }
    }
}
