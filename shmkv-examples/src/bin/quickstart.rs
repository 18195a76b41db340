//! The first program to run: two processes share a key-value store.
//!
//! ```text
//! cargo run --release -p shmkv-examples --bin quickstart
//! ```
//!
//! It creates a store in shared memory and starts itself twice, as a writer and as a
//! reader. When both have exited, it removes the store.

use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use shmkv_core::Exchange;
use shmkv_examples::{Failure, Program, RemoveName, Stop, Store, Watcher, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(|| match arguments[..] {
        [] => parent(),
        ["writer", name] => writer(name),
        ["reader", name] => reader(name),
        _ => Err("quickstart takes no arguments".into()),
    })
}

fn parent() -> Result<(), Failure> {
    let stop = Stop::on_ctrl_c()?;
    // The name of a file in /dev/shm: every process that knows it can open the store.
    let name = format!("/shmkv-quickstart-{}", process::id());
    let store = Store::create(&name)?;
    let _remove = RemoveName(&name);
    println!(
        "parent: created {name}: at most {} entries, {} bytes of shared memory",
        store.capacity(),
        store.stats().bytes
    );

    let mut reader = Program::start(&["reader", &name])?;
    let mut writer = Program::start(&["writer", &name])?;
    writer.wait(&stop)?;
    reader.wait(&stop)?;

    // Entries outlive the process that inserted them.
    println!(
        "parent: both processes have exited and left {} entries; removing {name}",
        store.len()
    );
    println!("\nNext, the same while writers are killed with kill -9:");
    println!("  cargo run --release -p shmkv-examples --bin survive_crash");
    Ok(())
}

/// Changes the store, slowly enough to follow.
fn writer(name: &str) -> Result<(), Failure> {
    let store = Store::open(name)?;
    let say = |what: String| {
        println!("writer: {what}");
        thread::sleep(Duration::from_millis(250));
    };

    store.insert("unit", "celsius")?;
    say(r#"inserted "unit""#.into());

    // `insert` replaces a value too, and returns the old one.
    if let Some(old) = store.insert("unit", "kelvin")? {
        say(format!(
            r#"replaced the value of "unit", which was {old:?}"#
        ));
    }

    store.insert("temperature", "293.1")?;
    say(r#"inserted "temperature""#.into());

    // Stores the new value only if no other process has changed the entry since it
    // was read: every change gives it another version.
    if let Some(seen) = store.get_versioned("temperature")? {
        let kelvin: f64 = seen.value.parse()?;
        let warmer = format!("{:.1}", kelvin + 1.5);
        match store.compare_exchange("temperature", seen.version, &warmer)? {
            Exchange::Stored(_) => say(format!(
                r#"changed "temperature", which still had version {}"#,
                seen.version
            )),
            Exchange::Changed(now) => say(format!("another process was faster: {now:?}")),
        }
    }

    // A key or value that does not fit is an error, and changes nothing.
    if let Err(error) = store.insert("x".repeat(64), "?") {
        say(format!("failed to insert a key of 64 bytes: {error}"));
    }

    store.remove("unit")?;
    say(r#"removed "unit""#.into());

    store.insert("status", "done")?;
    println!(r#"writer: inserted "status", and exits"#);
    Ok(())
}

/// Prints every change, until the status is "done".
fn reader(name: &str) -> Result<(), Failure> {
    // Read-only: the kernel maps the memory without write permission.
    let store = Store::open_read_only(name)?;
    let mut watcher = Watcher::default();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        for change in watcher.changes(&store)? {
            println!("    reader: {change}");
        }
        if store.get("status")?.as_deref() == Some("done") {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err("the writer did not finish within 30 seconds".into())
}
