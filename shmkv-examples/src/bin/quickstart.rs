//! The first program to run: two processes share a key-value store.
//!
//! ```text
//! cargo run --release -p shmkv-examples --bin quickstart
//! ```
//!
//! It creates a store in shared memory, starts itself twice, once to write and
//! once to read, and removes the store when both have ended.

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
        ["producer", name] => producer(name),
        ["consumer", name] => consumer(name),
        _ => Err("quickstart takes no arguments".into()),
    })
}

fn parent() -> Result<(), Failure> {
    let stop = Stop::on_ctrl_c()?;
    // A name like a file's: it is one, /dev/shm/shmkv-quickstart-…
    let name = format!("/shmkv-quickstart-{}", process::id());
    let store = Store::create(&name)?;
    let _remove = RemoveName(&name);
    println!(
        "parent   created {name}: room for {} entries, {} bytes in all",
        store.capacity(),
        store.stats().bytes
    );

    let mut consumer = Program::start(&["consumer", &name])?;
    let mut producer = Program::start(&["producer", &name])?;
    producer.wait(&stop)?;
    consumer.wait(&stop)?;

    // The entries do not belong to the process that made them.
    println!(
        "parent   both have ended, {} entries are left; removing {name}",
        store.len()
    );
    println!("\nNext: the same with kill -9 in the middle of the work,");
    println!("  cargo run --release -p shmkv-examples --bin survive_crash");
    Ok(())
}

/// Changes the store, slowly enough to be watched.
fn producer(name: &str) -> Result<(), Failure> {
    let store = Store::open(name)?;
    let say = |what: String| {
        println!("producer {what}");
        thread::sleep(Duration::from_millis(250));
    };

    store.insert("unit", "celsius")?;
    say(r#"inserted "unit""#.into());

    // `insert` also replaces, and gives back what was there before.
    let before = store.insert("unit", "kelvin")?;
    say(format!(r#"replaced "unit", which was {before:?}"#));

    store.insert("temperature", "293.1")?;
    say(r#"inserted "temperature""#.into());

    // Change a value only if nobody else has changed it since we read it.
    if let Some(seen) = store.get_versioned("temperature")? {
        let kelvin: f64 = seen.value.parse()?;
        let warmer = format!("{:.1}", kelvin + 1.5);
        match store.compare_exchange("temperature", seen.version, &warmer)? {
            Exchange::Stored(version) => say(format!("raised it, now version {version}")),
            Exchange::Changed(now) => say(format!("somebody was faster: {now:?}")),
        }
    }

    // What does not fit is refused, and nothing changes.
    if let Err(error) = store.insert("x".repeat(64), "?") {
        say(format!("was refused a long key: {error}"));
    }

    store.remove("unit")?;
    say(r#"removed "unit""#.into());

    store.insert("status", "done")?;
    println!(r#"producer inserted "status" and ends"#);
    Ok(())
}

/// Shows what changes, until the status is "done".
fn consumer(name: &str) -> Result<(), Failure> {
    // Read-only: the memory is mapped without write permission.
    let store = Store::open_read_only(name)?;
    let mut watcher = Watcher::default();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        for change in watcher.look(&store)? {
            println!("consumer          sees: {change}");
        }
        if store.get("status")?.as_deref() == Some("done") {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err("the producer did not come to an end".into())
}
