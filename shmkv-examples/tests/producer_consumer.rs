//! Do `producer` and `consumer` work together, in whatever order they start and stop?
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

/// The number of steps that a producer prints at its end.
fn steps(producer: &Running) -> u64 {
    let mut lines = producer.printed.iter();
    let line = lines.find(|line| line.contains(": stopped after "));
    let figure = line.unwrap().split_whitespace().nth(4).unwrap();
    figure.parse().unwrap()
}

#[test]
fn consumer_first() {
    let name = Name::new("consumer-first");
    let mut consumer = consumer(&name);
    consumer.wait_for("waiting for a producer");
    assert!(!name.exists(), "a consumer creates nothing");

    let mut producer = producer(&name);
    consumer.wait_for(r#""temperature" = "#);
    consumer.wait_for(r#""notice" = "#);
    consumer.wait_for(r#""notice" was removed"#);
    for program in [&mut producer, &mut consumer] {
        program.signal(SIGINT);
        program.end_well();
    }
    assert!(name.exists(), "a program that ends removes nothing");
}

#[test]
fn producer_first_and_two_of_each() {
    let name = Name::new("producer-first");
    let mut first = producer(&name);
    first.wait_for("step 1 ");
    let mut watchers = [consumer(&name), consumer(&name)];
    for consumer in &mut watchers {
        consumer.wait_for(r#""temperature" = "#);
    }
    let mut second = producer(&name);
    for consumer in &mut watchers {
        for producer in [&first, &second] {
            // The lines come in either order.
            let line = format!(r#""producer {}" ="#, producer.pid());
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

    // Both producers count in the same entry, and no step is lost.
    let store = StrMap::<10, 64, 256>::open(&name.0).unwrap();
    let total: u64 = store.get("steps").unwrap().unwrap().parse().unwrap();
    assert_eq!(total, steps(&first) + steps(&second));
    println!("{total} steps of two producers, none lost");
}

#[test]
fn a_killed_producer_disturbs_no_other_process() {
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
    let line = format!(r#""producer {}" ="#, late.pid());
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
    consumer.wait_for(r#""temperature" = "#);
    Running::start(env!("CARGO_BIN_EXE_producer"), &["--remove", &name.0]).end_well();
    assert!(!name.exists());
    old.end_well();
    let removed = format!("{} was removed", name.0);
    assert!(old.has_printed(&removed));
    consumer.wait_for(&removed);

    let mut new = producer(&name);
    consumer.wait_for(&format!(r#""producer {}" ="#, new.pid()));
    for program in [&mut new, &mut consumer] {
        program.signal(SIGINT);
        program.end_well();
    }
    Running::start(env!("CARGO_BIN_EXE_consumer"), &["--remove", &name.0]).end_well();
    assert!(!name.exists());
}

/// Asserts that each program fails with its message.
fn refused(programs: Vec<(Running, &str)>) {
    for (mut program, message) in programs {
        assert_eq!(program.end(), Some(1), "{:#?}", program.printed);
        assert!(program.has_printed(message), "{:#?}", program.printed);
    }
}

#[test]
fn mistakes_are_reported() {
    let name = Name::new("mistakes");
    let no_store = format!("error: cannot remove {}: no such store", name.0);
    let mut programs = Vec::new();
    for program in [
        env!("CARGO_BIN_EXE_producer"),
        env!("CARGO_BIN_EXE_consumer"),
    ] {
        for (arguments, message) in [
            (&["--remove", &name.0][..], &*no_store),
            (&["--remvoe"], "error: unknown option --remvoe; try --help"),
            (&["/a", "/b"], "error: unexpected argument /b; try --help"),
            (&["/a/b"], "invalid segment name"),
        ] {
            programs.push((Running::start(program, arguments), message));
        }
    }
    refused(programs);

    // The name is that of a file which is not a map.
    std::fs::write(file_of(&name.0), "no segment at all").unwrap();
    refused(vec![
        (producer(&name), "not a shmkv segment"),
        (consumer(&name), "not a shmkv segment"),
    ]);
    let untouched = std::fs::read(file_of(&name.0)).unwrap();
    assert_eq!(untouched, b"no segment at all");

    for (program, what) in [
        (env!("CARGO_BIN_EXE_producer"), "change the store"),
        (
            env!("CARGO_BIN_EXE_consumer"),
            "print what changes in the store",
        ),
    ] {
        let mut help = Running::start(program, &["--help"]);
        help.end_well();
        let program = program.rsplit('/').next().unwrap();
        assert_eq!(
            help.printed,
            [
                &*format!("Usage: {program} [NAME]            {what} until Ctrl-C"),
                &*format!("       {program} --remove [NAME]   remove the store's name"),
                "",
                "NAME is the store's name, by default /shmkv-store.",
            ]
        );
    }
}

#[test]
fn an_interrupt_ends_a_waiting_consumer() {
    let name = Name::new("waiting");
    let mut consumer = consumer(&name);
    consumer.wait_for("waiting for a producer");
    std::thread::sleep(Duration::from_millis(10));
    consumer.signal(SIGINT);
    consumer.end_well();
}
