//! The search for an order that explains one key's history; [`history`](super::history) says what is asked.
//!
//! **Method.** Wing and Gong's search as improved by Lowe (*Testing for linearizability*, 2017): take any operation that was
//! invoked before the first return that is still open, try it, go back when stuck, and never look twice at the same set of
//! operations with the same state. A set is known by the exclusive or of random 128-bit numbers of its members: a collision, at odds of
//! 2⁻¹²⁸ a pair, could raise a false alarm and never hide a violation. Unique values keep the search near linear. What keeps kills
//! from making it exponential, without changing the verdict: see [`Role`]; and of the removals cut off, which are all alike,
//! only the first is tried.

use std::collections::HashSet;

use super::history::{Answer, Event, Op, State, Violation};

/// What an event can do for the order. Values are unique, so a value that somebody saw was seen before the next write: what
/// was cut off need only be tried right before an operation that looks.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    /// Returned: must have its place.
    Whole,
    /// Cut off, with an effect that somebody may have looked at; such a one must come next.
    Effect,
    /// An insert or add cut off whose value nobody saw: at most the ground for an update that was cut off too.
    Ground,
}

/// The events that matter, with their roles. Reads that were cut off do not, nor do writes that nobody saw.
fn roles(events: &[Event]) -> Vec<(Event, Role)> {
    let looks = events.iter().filter_map(|event| match event.returned?.1 {
        Answer::Saw(seen) | Answer::Changed(seen) => seen.map(|seen| seen.value),
        Answer::Stored(_) => None,
    });
    let looked_at: HashSet<u64> = looks.collect();
    let needs_ground = events.iter().any(|event| match event.op {
        Op::Update { value } => event.returned.is_none() && looked_at.contains(&value),
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
            if looked_at.contains(&value) =>
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
    /// One random number an event.
    names: Vec<u128>,
    seen: HashSet<(u128, State, Role)>,
}

/// Where the search stands, but for the set of operations that are placed.
#[derive(Clone, Copy)]
struct Node {
    state: State,
    /// Of the operation placed last.
    last: Role,
    /// Whether one of those cut off that are all alike was tried here.
    alike_tried: bool,
}

impl Search {
    pub(super) fn new(key: u64, events: &[Event]) -> Self {
        let events = roles(events);
        // At the same nanosecond, invocations come first: taken as concurrent, so no false alarm.
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
            seen: HashSet::new(),
        }
    }

    /// How many placements were tried.
    pub(super) fn tried(&self) -> usize {
        self.seen.len()
    }

    /// Finds an order, or how far one gets.
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
                    && self.seen.insert((set ^ self.names[event], state, role))
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
            // A return that is not explained yet: nothing behind it may come first.
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
            // An add that was cut off may need a removal that was.
            Role::Effect if matches!(event.op, Op::Add { .. }) => {
                *role == Role::Whole || node.state.value == 0
            }
            Role::Effect => *role == Role::Whole,
            Role::Ground => *role == Role::Effect && matches!(event.op, Op::Update { .. }),
        };
        // Grounds apply to an absent key, removals to a present one: one flag does for both.
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
            let (before, behind) = (self.prev[entry], self.next[entry]);
            (self.next[before], self.prev[behind]) = (behind, before);
        }
    }

    /// Undoes `unlink`, in the opposite order.
    fn relink(&mut self, event: usize) {
        for entry in self.entries(event).rev() {
            let (before, behind) = (self.prev[entry], self.next[entry]);
            (self.next[before], self.prev[behind]) = (entry, entry);
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
