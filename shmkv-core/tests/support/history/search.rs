//! The search for an order that explains one key's history; [`history`](super) states the question.
//!
//! **Method.** Wing and Gong's search as improved by Lowe (*Testing for linearizability*, 2017): try any
//! operation that was invoked before the first return that is still open, backtrack when stuck, and
//! never visit the same set of operations with the same state twice. A set is identified by the
//! exclusive or of random 128-bit numbers of its members: a collision, with odds of 2⁻¹²⁸ per pair,
//! could raise a false alarm but never hide a violation.
//!
//! Unique values keep the search near linear. Two rules keep operations that were cut off from making
//! it exponential, without changing the verdict: [`Role`] limits where they may stand, and of the
//! removals that were cut off, which are all alike, only the first is tried.

use std::collections::HashSet;
use std::fmt;

use super::event::{Answer, Event, Op};
use super::register::State;

/// No order explains the answers about one key.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) key: u64,
    /// The first answer that no order could explain, and the operations that overlap it.
    pub(crate) stuck_at: Vec<Event>,
    /// How many operations the best order explained.
    pub(crate) explained: usize,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "key {}: {} operations explained, then none of",
            self.key, self.explained
        )?;
        self.stuck_at
            .iter()
            .try_for_each(|event| write!(f, "\n    {event:?}"))
    }
}

/// How an event takes part in the order. Values are unique, so a value that an operation saw was seen
/// before the next write: an event that was cut off need only be tried right before one that sees.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    /// Returned: it must have a place in the order.
    Whole,
    /// Cut off, with an effect that another operation may have seen; such an operation must come next.
    Effect,
    /// An insert or add that was cut off and whose value no operation saw: it can only make the key
    /// present for an update that was cut off too.
    Ground,
}

/// The events that matter, with their roles. Reads that were cut off do not, nor do writes that were
/// cut off and not seen.
fn roles(events: &[Event]) -> Vec<(Event, Role)> {
    let values = events.iter().filter_map(|event| match event.returned?.1 {
        Answer::Saw(seen) | Answer::Changed(seen) => seen.map(|seen| seen.value),
        Answer::Stored(_) => None,
    });
    let seen: HashSet<u64> = values.collect();
    let needs_ground = events.iter().any(|event| match event.op {
        Op::Update { value } => event.returned.is_none() && seen.contains(&value),
        _ => false,
    });
    let role = |event: &Event| match event.op {
        _ if event.returned.is_some() => Some(Role::Whole),
        Op::Get => None,
        Op::Remove => Some(Role::Effect),
        Op::Insert { value }
        | Op::Add { value }
        | Op::CompareExchange { value, .. }
        | Op::Update { value }
            if seen.contains(&value) =>
        {
            Some(Role::Effect)
        }
        Op::Insert { .. } | Op::Add { .. } => needs_ground.then_some(Role::Ground),
        Op::CompareExchange { .. } | Op::Update { .. } => None,
    };
    events
        .iter()
        .filter_map(|event| Some((*event, role(event)?)))
        .collect()
}

/// The search over one key's events. Entries 2 i and 2 i + 1 are event i's invocation and return, linked in order of time.
pub(super) struct Search {
    key: u64,
    events: Vec<(Event, Role)>,
    /// Neighbours in time; the entry after the last is the list's head and end.
    next: Vec<usize>,
    prev: Vec<usize>,
    /// One random number per event.
    names: Vec<u128>,
    visited: HashSet<(u128, State, Role)>,
}

/// The state of the search, apart from the set of operations that are placed.
#[derive(Clone, Copy)]
struct Node {
    state: State,
    /// The role of the operation placed last.
    last: Role,
    /// Whether one of the interchangeable operations that were cut off was tried here.
    alike_tried: bool,
}

impl Search {
    pub(super) fn new(key: u64, events: &[Event]) -> Self {
        let events = roles(events);
        // At the same nanosecond, invocations come first: the operations count as concurrent, which
        // raises no false alarm.
        let mut times: Vec<(u64, usize, usize)> = Vec::new();
        for (i, (event, _)) in events.iter().enumerate() {
            times.push((event.invoked, 0, 2 * i));
            times.extend(event.returned.map(|(time, _)| (time, 1, 2 * i + 1)));
        }
        times.sort_unstable();
        let head = 2 * events.len();
        let (mut next, mut prev) = (vec![head; head + 1], vec![head; head + 1]);
        let mut last = head;
        for (_, _, entry) in times {
            (next[last], prev[entry]) = (entry, last);
            last = entry;
        }
        (next[last], prev[head]) = (head, last);
        let mut random = fastrand::Rng::with_seed(0);
        let names = events.iter().map(|_| random.u128(..)).collect();
        Self {
            key,
            events,
            next,
            prev,
            names,
            visited: HashSet::new(),
        }
    }

    /// How many placements were tried.
    pub(super) fn tried(&self) -> usize {
        self.visited.len()
    }

    /// Finds an order; the error says how far the best one got.
    pub(super) fn run(&mut self) -> Result<(), Violation> {
        let head = 2 * self.events.len();
        let mut open = self
            .events
            .iter()
            .filter(|(_, role)| *role == Role::Whole)
            .count();
        let mut node = Node {
            state: State::default(),
            last: Role::Whole,
            alike_tried: false,
        };
        let mut set = 0;
        let mut path: Vec<(usize, Node)> = Vec::new();
        let mut best: Option<(usize, usize)> = None;
        let mut entry = self.next[head];
        while open > 0 {
            let event = entry / 2;
            if entry != head && entry.is_multiple_of(2) {
                let role = self.events[event].1;
                if let Some(state) = self.place(event, &mut node)
                    && self.visited.insert((set ^ self.names[event], state, role))
                {
                    path.push((event, node));
                    self.unlink(event);
                    open -= usize::from(role == Role::Whole);
                    node = Node {
                        state,
                        last: role,
                        alike_tried: false,
                    };
                    set ^= self.names[event];
                    entry = self.next[head];
                } else {
                    entry = self.next[entry];
                }
                continue;
            }
            // A return that is not explained yet: no operation invoked after it may come first.
            if best.is_none_or(|(explained, _)| path.len() > explained) {
                best = Some((path.len(), event));
            }
            let Some((event, before)) = path.pop() else {
                break;
            };
            self.relink(event);
            open += usize::from(self.events[event].1 == Role::Whole);
            node = before;
            set ^= self.names[event];
            entry = self.next[2 * event];
        }
        match best {
            Some((explained, event)) if open > 0 => Err(self.violation(explained, event)),
            _ => Ok(()),
        }
    }

    /// The state after `event` if it may come next.
    fn place(&self, event: usize, node: &mut Node) -> Option<State> {
        let (event, role) = &self.events[event];
        let in_turn = match node.last {
            Role::Whole => true,
            // An add that was cut off may need a removal that was cut off too.
            Role::Effect if matches!(event.op, Op::Add { .. }) => {
                *role == Role::Whole || node.state.value == 0
            }
            Role::Effect => *role == Role::Whole,
            Role::Ground => *role == Role::Effect && matches!(event.op, Op::Update { .. }),
        };
        // Grounds apply to an absent key, removals to a present one: one flag serves both.
        let ground = *role == Role::Ground;
        let alike = ground || (*role == Role::Effect && event.op == Op::Remove);
        if !in_turn || (alike && node.alike_tried) || (ground && node.state.value != 0) {
            return None;
        }
        let after = node.state.apply(event);
        node.alike_tried |= alike && after.is_some();
        after
    }

    fn unlink(&mut self, event: usize) {
        for entry in self.entries(event) {
            let (before, after) = (self.prev[entry], self.next[entry]);
            (self.next[before], self.prev[after]) = (after, before);
        }
    }

    /// Undoes `unlink`, in the opposite order.
    fn relink(&mut self, event: usize) {
        for entry in self.entries(event).rev() {
            let (before, after) = (self.prev[entry], self.next[entry]);
            (self.next[before], self.prev[after]) = (entry, entry);
        }
    }

    fn entries(&self, event: usize) -> std::ops::Range<usize> {
        2 * event..2 * event + 1 + usize::from(self.events[event].1 == Role::Whole)
    }

    fn violation(&self, explained: usize, event: usize) -> Violation {
        let stuck = self.events[event].0;
        let end = stuck.returned.map_or(u64::MAX, |(time, _)| time);
        let overlaps = |other: &&Event| {
            other.invoked <= end
                && other
                    .returned
                    .is_some_and(|(time, _)| time >= stuck.invoked)
                && **other != stuck
        };
        let beside = self
            .events
            .iter()
            .map(|(event, _)| event)
            .filter(overlaps)
            .take(8)
            .copied();
        Violation {
            key: self.key,
            stuck_at: std::iter::once(stuck).chain(beside).collect(),
            explained,
        }
    }
}
