//! Do `producer` and `consumer` work together, whoever comes and goes first?
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use nix::sys::signal::Signal::{SIGINT, SIGKILL, SIGTERM};
use shmkv_core::StrMap;
use support::{Name, Running, file_of};

fn producer(name: &Name) -> Running {
    Running::start(env!("CARGO_BIN_EXE_producer"), &[&name.0])
}

fn consumer(name: &Name) -> Running {
    Running::start(env!("CARGO_BIN_EXE_consumer"), &[&name.0])
}

/// The steps that a producer says it did, at its end.
fn steps(producer: &Running) -> u64 {
    let line = producer.printed.iter().find(|line| line.contains(" did "));
    let figure = line.unwrap().split_whitespace().nth(3).unwrap();
    figure.parse().unwrap()
}

#[test]
fn consumer_first() {
    let name = Name::new("consumer-first");
    let mut consumer = consumer(&name);
    consumer.wait_for("waiting for a producer");
    assert!(!name.exists(), "a consumer creates nothing");

    let mut producer = producer(&name);
    consumer.wait_for(r#""temperature" is "#);
    consumer.wait_for(r#""notice" is "#);
    consumer.wait_for(r#""notice" is gone"#);
    for program in [&mut producer, &mut consumer] {
        program.signal(SIGINT);
        program.end_well();
    }
    assert!(name.exists(), "ending removes nothing");
}

#[test]
fn producer_first_and_two_of_each() {
    let name = Name::new("producer-first");
    let mut first = producer(&name);
    first.wait_for("step 1 ");
    let mut watchers = [consumer(&name), consumer(&name)];
    for consumer in &mut watchers {
        consumer.wait_for(r#""temperature" is "#);
    }
    let mut second = producer(&name);
    for consumer in &mut watchers {
        for producer in [&first, &second] {
            // In whatever order: it looks the same with one or both in a line.
            let line = format!(r#""producer {}" is"#, producer.pid());
            if !consumer.has_printed(&line) {
                consumer.wait_for(&line);
            }
        }
    }
    for _ in 0..3 {
        first.wait_for("step ");
        second.wait_for("step ");
    }
    for program in [&mut first, &mut second].into_iter().chain(&mut watchers) {
        program.signal(SIGINT);
        program.end_well();
    }

    // Both counted in the same entry, and no step was lost.
    let store = StrMap::<10, 64, 256>::open(&name.0).unwrap();
    let total: u64 = store.get("steps").unwrap().unwrap().parse().unwrap();
    assert_eq!(total, steps(&first) + steps(&second));
    println!("{total} steps of two producers, none lost");
}

#[test]
fn a_killed_producer_disturbs_nobody() {
    let name = Name::new("killed");
    let mut victim = producer(&name);
    victim.wait_for("step 1 ");
    let mut other = producer(&name);
    let mut consumer = consumer(&name);
    other.wait_for("step ");
    victim.signal(SIGKILL);
    assert_eq!(victim.end(), None);

    let mut late = producer(&name);
    late.wait_for(&format!("\"producer {}\"", late.pid()));
    other.wait_for("step ");
    let line = format!(r#""producer {}" is"#, late.pid());
    consumer.wait_for(&line);
    for program in [&mut other, &mut late, &mut consumer] {
        program.signal(SIGTERM);
        program.end_well();
    }
}

#[test]
fn a_removed_store_ends_producers_and_makes_consumers_wait() {
    let name = Name::new("removed");
    let mut old = producer(&name);
    let mut consumer = consumer(&name);
    consumer.wait_for(r#""temperature" is "#);
    Running::start(env!("CARGO_BIN_EXE_producer"), &["--remove", &name.0]).end_well();
    assert!(!name.exists());
    old.end_well();
    assert!(old.has_printed("somebody removed"));
    consumer.wait_for("somebody removed");

    let mut new = producer(&name);
    consumer.wait_for(&format!(r#""producer {}" is"#, new.pid()));
    for program in [&mut new, &mut consumer] {
        program.signal(SIGINT);
        program.end_well();
    }
    Running::start(env!("CARGO_BIN_EXE_consumer"), &["--remove", &name.0]).end_well();
    assert!(!name.exists());
}

/// Each program fails, with its message.
fn refused(programs: Vec<(Running, &str)>) {
    for (mut program, message) in programs {
        assert_eq!(program.end(), Some(1), "{:#?}", program.printed);
        assert!(program.has_printed(message), "{:#?}", program.printed);
    }
}

#[test]
fn mistakes_are_told() {
    let name = Name::new("mistakes");
    let mut programs = Vec::new();
    for program in [
        env!("CARGO_BIN_EXE_producer"),
        env!("CARGO_BIN_EXE_consumer"),
    ] {
        for (arguments, message) in [
            (&["--remove", &name.0][..], "there is no store"),
            (&["--remvoe"], "unknown option --remvoe"),
            (&["/a", "/b"], "more than one name"),
            (&["/a/b"], "cannot be the name of a segment"),
        ] {
            programs.push((Running::start(program, arguments), message));
        }
    }
    refused(programs);

    // Something else has that name.
    std::fs::write(file_of(&name.0), "no segment at all").unwrap();
    refused(vec![
        (producer(&name), "is not a shmkv segment"),
        (consumer(&name), "is not a shmkv segment"),
    ]);
    let untouched = std::fs::read(file_of(&name.0)).unwrap();
    assert_eq!(untouched, b"no segment at all");

    let mut other = Running::start(env!("CARGO_BIN_EXE_producer"), &["--help"]);
    other.end_well();
    assert!(other.has_printed("NAME is /shmkv-store"));
}

#[test]
fn an_interrupt_is_obeyed_while_waiting() {
    let name = Name::new("waiting");
    let mut consumer = consumer(&name);
    consumer.wait_for("waiting for a producer");
    std::thread::sleep(Duration::from_millis(10));
    consumer.signal(SIGINT);
    consumer.end_well();
}
