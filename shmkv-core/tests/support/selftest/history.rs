//! Proves the checker of histories: on examples, and against a search through all orders.

use crate::dummy::Outcome;
use crate::support::history::check;
use crate::support::history::event::{Answer, Event, Op, Seen};
use crate::support::report::Report;

const OLD: Op = Op::Insert { value: 1 };
const NEW: Op = Op::Insert { value: 2 };
const NOTHING: Answer = Answer::Saw(None);

fn saw(value: u64) -> Answer {
    Answer::saw(Some(value))
}

fn versioned(value: u64, version: u64) -> Option<Seen> {
    Some(Seen { value, version })
}

fn done(op: Op, invoked: u64, returned: u64, answer: Answer) -> Event {
    Event {
        key: 0,
        op,
        invoked,
        returned: Some((returned, answer)),
    }
}

fn cut_off(op: Op, invoked: u64) -> Event {
    Event {
        key: 0,
        op,
        invoked,
        returned: None,
    }
}

pub(crate) fn by_hand() -> Outcome {
    let old = done(OLD, 0, 1, NOTHING);
    let exchange = |expected, value| Op::CompareExchange { expected, value };
    let add = |value| Op::Update { value };
    let wrong = [
        (
            "stale read",
            vec![old, done(NEW, 2, 3, saw(1)), done(Op::Get, 4, 5, saw(1))],
        ),
        (
            "lost update",
            vec![
                old,
                done(add(2), 2, 5, saw(1)),
                done(add(3), 3, 6, saw(1)),
                done(Op::Get, 7, 8, saw(3)),
            ],
        ),
        ("never written", vec![old, done(Op::Get, 2, 3, saw(9))]),
        (
            "read of a removed value",
            vec![
                old,
                done(Op::Remove, 2, 3, saw(1)),
                done(Op::Get, 4, 5, saw(1)),
            ],
        ),
        ("hidden key", vec![old, done(Op::Get, 2, 3, NOTHING)]),
        (
            "new value, then the old one",
            vec![
                old,
                done(NEW, 2, 9, saw(1)),
                done(Op::Get, 3, 4, saw(2)),
                done(Op::Get, 5, 6, saw(1)),
            ],
        ),
        (
            "cut off, seen, then gone",
            vec![
                old,
                cut_off(NEW, 2),
                done(Op::Get, 3, 4, saw(2)),
                done(Op::Get, 5, 6, saw(1)),
            ],
        ),
        (
            "cut off, seen before it was invoked",
            vec![old, done(Op::Get, 2, 3, saw(2)), cut_off(NEW, 4)],
        ),
        (
            "two exchanges of one version",
            vec![
                old,
                done(Op::Get, 2, 3, Answer::Saw(versioned(1, 7))),
                done(exchange(7, 2), 4, 6, Answer::Stored(8)),
                done(exchange(7, 3), 4, 6, Answer::Stored(9)),
            ],
        ),
        (
            "version does not grow",
            vec![
                old,
                done(Op::Get, 2, 3, Answer::Saw(versioned(1, 7))),
                done(NEW, 4, 5, saw(1)),
                done(Op::Get, 6, 7, Answer::Saw(versioned(2, 7))),
            ],
        ),
        (
            "exchange refused although the version matched",
            vec![
                old,
                done(exchange(7, 3), 4, 6, Answer::Changed(versioned(1, 7))),
            ],
        ),
    ];
    let right = [
        (
            "concurrent write, either value",
            vec![
                old,
                done(NEW, 2, 9, saw(1)),
                done(Op::Get, 3, 4, saw(1)),
                done(Op::Get, 5, 6, saw(2)),
            ],
        ),
        (
            "cut off, never seen",
            vec![old, cut_off(NEW, 2), done(Op::Get, 3, 4, saw(1))],
        ),
        (
            "cut off, seen late",
            vec![
                old,
                cut_off(NEW, 2),
                done(Op::Get, 3, 4, saw(1)),
                done(Op::Get, 5, 6, saw(2)),
            ],
        ),
        (
            "cut off, overwritten",
            vec![
                old,
                cut_off(NEW, 2),
                done(Op::Insert { value: 3 }, 3, 4, saw(2)),
            ],
        ),
        (
            "removal cut off, seen late",
            vec![
                old,
                cut_off(Op::Remove, 2),
                done(Op::Get, 5, 6, saw(1)),
                done(Op::Get, 7, 8, NOTHING),
            ],
        ),
        (
            "update on an unseen insert, both cut off",
            vec![
                cut_off(OLD, 0),
                cut_off(add(2), 1),
                done(Op::Get, 5, 6, saw(2)),
            ],
        ),
        (
            "exchange cut off",
            vec![
                old,
                done(Op::Get, 2, 3, Answer::Saw(versioned(1, 7))),
                cut_off(exchange(7, 2), 4),
                done(exchange(7, 3), 5, 6, Answer::Changed(versioned(2, 8))),
            ],
        ),
        (
            "update of an absent key",
            vec![done(add(2), 0, 1, NOTHING), done(Op::Get, 2, 3, NOTHING)],
        ),
    ];
    for (what, history) in &wrong {
        if check(history).violations.is_empty() {
            return Err(format!("accepted: {what}").into());
        }
    }
    for (what, history) in &right {
        if let Some(violation) = check(history).violations.first() {
            return Err(format!("refused: {what}: {violation}").into());
        }
    }
    Report::new("support", "history/by hand")
        .count("violations caught", wrong.len())
        .count("correct histories accepted", right.len())
        .print();
    Ok(())
}

/// A small history of concurrent operations, some cut off; every other history has one answer changed.
fn small(random: &mut fastrand::Rng) -> Vec<Event> {
    let mut planned: Vec<(u64, Event)> = Vec::new();
    for value in 1..=random.u64(3..8) {
        let op = match random.u8(..6) {
            0 | 1 => Op::Get,
            2 => Op::Insert { value },
            3 => Op::Remove,
            4 => Op::Update { value },
            _ => Op::Add { value },
        };
        let mut times = [0; 3].map(|_| random.u64(..20));
        times.sort_unstable();
        planned.push((times[1], done(op, times[0], times[2], NOTHING)));
    }
    planned.sort_by_key(|(point, _)| *point);
    let mut now = 0;
    for (_, event) in &mut planned {
        let is_cut_off = random.u8(..3) == 0;
        if !is_cut_off || random.bool() {
            event.returned = event
                .returned
                .map(|(time, _)| (time, answer(event.op, now)));
            now = after(event.op, now);
        }
        if is_cut_off {
            event.returned = None;
        }
    }
    let mut history: Vec<Event> = planned.into_iter().map(|(_, event)| event).collect();
    if random.bool() {
        let (at, seen) = (
            random.usize(..history.len()),
            random.u64(..=history.len() as u64),
        );
        let answer = answer(history[at].op, seen);
        history[at].returned = history[at].returned.map(|(time, _)| (time, answer));
    }
    history
}

/// The register once more, independent of the checker's: the value after `op` on `value`, 0 for absent.
fn after(op: Op, value: u64) -> u64 {
    match op {
        Op::Insert { value: new } => new,
        Op::Update { value: new } if value != 0 => new,
        Op::Add { value: new } if value == 0 => new,
        Op::Remove => 0,
        _ => value,
    }
}

/// What `op` answers when it finds `value`.
fn answer(op: Op, value: u64) -> Answer {
    let seen = (value != 0).then_some(Seen { value, version: 0 });
    match (op, seen) {
        (Op::Add { .. }, None) => Answer::Stored(0),
        (Op::Add { .. }, seen) => Answer::Changed(seen),
        (_, seen) => Answer::Saw(seen),
    }
}

/// Whether any of all orders explains the events that are left.
fn explained_by_brute_force(left: &[Event], value: u64) -> bool {
    if left.iter().all(|event| event.returned.is_none()) {
        return true;
    }
    let first_return = left
        .iter()
        .filter_map(|event| event.returned)
        .map(|(time, _)| time)
        .min();
    (0..left.len()).any(|i| {
        let event = left[i];
        let fits = event
            .returned
            .is_none_or(|(_, told)| told == answer(event.op, value));
        let rest = || [&left[..i], &left[i + 1..]].concat();
        fits && first_return.is_none_or(|time| event.invoked <= time)
            && explained_by_brute_force(&rest(), after(event.op, value))
    })
}

pub(crate) fn by_brute_force() -> Outcome {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut wrong = 0;
    let histories = 50_000;
    for _ in 0..histories {
        let history = small(&mut random);
        let explained = explained_by_brute_force(&history, 0);
        if check(&history).violations.is_empty() != explained {
            return Err(format!(
                "seed {seed}: brute force says explained = {explained}, the checker the opposite: {history:#?}"
            )
            .into());
        }
        wrong += usize::from(!explained);
    }
    let report =
        Report::new("support", "history/by brute force").count("histories judged alike", histories);
    report
        .count("of them wrong", wrong)
        .note("seed", seed)
        .print();
    if wrong * 5 > histories && wrong * 5 < histories * 4 {
        Ok(())
    } else {
        Err("too few correct histories, or too few wrong ones".into())
    }
}
