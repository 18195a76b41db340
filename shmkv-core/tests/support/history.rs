//! Could one register a key, used by one process at a time, have given these answers? (Linearizability, per key.)
//!
//! A history is a list of [`Event`]s with the times of invocation and return, all by one clock. It is accepted if its
//! operations can be put in an order that respects real time (what returned before another was invoked comes first) and in
//! which each answer is right. An operation without a return, cut off by a kill, may have happened at any time after its
//! invocation, or never. Keys are independent, and linearizability is local, so each is judged alone.
//!
//! **Contract.** Values are never 0 and written once each, a first value included: it has an insert of its own. Versions are 0 where unknown;
//! where known, they must grow from write to write; the version that an exchange expects was seen in the same history. [`record`](super::record) collects such histories.
//!
//! **Method.** Wing and Gong's search as improved by Lowe (*Testing for linearizability*, 2017): take any operation that was
//! invoked before the first return that is still open, try it, go back when stuck, and never look twice at the same set of
//! operations with the same state. A set is known by the exclusive or of random 128-bit numbers of its members: a collision, at odds of
//! 2⁻¹²⁸ a pair, could raise a false alarm and never hide a violation. Unique values keep the search near linear. Two things
//! keep the kills from making it exponential, without changing the verdict: a write cut off whose value nobody saw is left out
//! unless something seen could build on it, and of the removals cut off, which are all alike, only the first is tried.
//!
//! Own rather than `todc-utils` or stateright's: versions that become known only when somebody looks, killed operations, and
//! memory that does not grow with the square of the history.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// What an operation was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Get,
    Insert {
        value: u64,
    },
    Remove,
    /// Stores `value` if the version is `expected`.
    CompareExchange {
        expected: u64,
        value: u64,
    },
    /// Replaces whatever is there by `value`; does nothing to an absent key.
    Update {
        value: u64,
    },
}

/// A present value; version 0 is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) value: u64,
    pub(crate) version: u64,
}

/// What an operation answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// get, insert, remove, update: what was there before.
    Saw(Option<Seen>),
    /// `compare_exchange`: done, under this version.
    Stored(u64),
    /// `compare_exchange`: not done, this was there.
    Changed(Option<Seen>),
}

impl Answer {
    /// Of an operation that tells the value alone.
    pub(crate) fn saw(value: Option<u64>) -> Self {
        Self::Saw(value.map(|value| Seen { value, version: 0 }))
    }
}

/// One operation of a history; times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) key: u64,
    pub(crate) op: Op,
    pub(crate) invoked: u64,
    /// `None`: cut off.
    pub(crate) returned: Option<(u64, Answer)>,
}

/// How much was judged, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) operations: usize,
    pub(crate) cut_off: usize,
    pub(crate) keys: usize,
    /// Steps of the search; close to `operations` when it went well.
    pub(crate) tried: usize,
    pub(crate) violations: Vec<Violation>,
}

/// No order explains the answers about one key.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) key: u64,
    /// The first answer that no order could explain, with what was under way at the time.
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

/// Judges a history, in any order.
pub(crate) fn check(history: &[Event]) -> Verdict {
    let mut keys: BTreeMap<u64, Vec<Event>> = BTreeMap::new();
    for event in history {
        keys.entry(event.key).or_default().push(*event);
    }
    let mut verdict = Verdict {
        operations: history.len(),
        keys: keys.len(),
        ..Verdict::default()
    };
    for (key, events) in keys {
        verdict.cut_off += events
            .iter()
            .filter(|event| event.returned.is_none())
            .count();
        let mut search = Search::new(key, without_idle(events));
        verdict.violations.extend(search.run().err());
        verdict.tried += search.seen.len();
    }
    verdict
}

/// Leaves out what was cut off and cannot matter: reads, and writes that nobody saw, unless an update that was cut off as
/// well, and was seen, may have found one of them present. (An exchange builds on a version that somebody saw.)
fn without_idle(events: Vec<Event>) -> Vec<Event> {
    let looks = events.iter().filter_map(|event| match event.returned?.1 {
        Answer::Saw(seen) | Answer::Changed(seen) => seen.map(|seen| seen.value),
        Answer::Stored(_) => None,
    });
    let looked_at: HashSet<u64> = looks.collect();
    let seen_update = |event: &Event| match (event.op, event.returned) {
        (Op::Update { value }, None) => looked_at.contains(&value),
        _ => false,
    };
    let unseen_may_matter = events.iter().any(seen_update);
    let matters = |event: &Event| match event.op {
        _ if event.returned.is_some() => true,
        Op::Get => false,
        Op::Remove => true,
        Op::Insert { value } | Op::CompareExchange { value, .. } | Op::Update { value } => {
            unseen_may_matter || looked_at.contains(&value)
        }
    };
    events.into_iter().filter(matters).collect()
}

/// The register: what one process at a time would see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    /// 0: absent.
    value: u64,
    /// 0: present under a version that nobody has told yet.
    version: u64,
    /// The highest version known so far; each later one is above it.
    floor: u64,
}

impl State {
    /// The state, if `seen` is what is there; it may tell the version.
    fn look(self, seen: Option<Seen>) -> Option<Self> {
        match seen {
            None => (self.value == 0).then_some(self),
            Some(seen) if seen.value != self.value || seen.value == 0 => None,
            Some(seen) if seen.version == 0 => Some(self),
            Some(seen) => self.has_version(seen.version),
        }
    }

    fn has_version(self, version: u64) -> Option<Self> {
        match self.version {
            _ if self.value == 0 => None,
            0 if version > self.floor => Some(Self {
                version,
                floor: version,
                ..self
            }),
            known => (known == version).then_some(self),
        }
    }

    fn write(self, value: u64, version: u64) -> Option<Self> {
        let floor = match version {
            0 => self.floor,
            _ if version > self.floor => version,
            _ => return None,
        };
        Some(Self {
            value,
            version,
            floor,
        })
    }

    /// The state after `event`, if it can happen here with its answer. Cut off, it happens with an effect or not at all.
    fn apply(self, event: &Event) -> Option<Self> {
        let absent = Self {
            value: 0,
            version: 0,
            ..self
        };
        match (event.op, event.returned.map(|(_, answer)| answer)) {
            (Op::Get, Some(Answer::Saw(seen))) => self.look(seen),
            (Op::Insert { value }, Some(Answer::Saw(seen))) => self.look(seen)?.write(value, 0),
            (Op::Remove, Some(Answer::Saw(seen))) => {
                let floor = self.look(seen)?.floor;
                Some(Self { floor, ..absent })
            }
            (Op::Update { .. }, Some(Answer::Saw(None))) => self.look(None),
            (Op::Update { value }, Some(Answer::Saw(seen))) => self.look(seen)?.write(value, 0),
            (Op::CompareExchange { expected, value }, Some(Answer::Stored(version))) => {
                self.has_version(expected)?.write(value, version)
            }
            (Op::CompareExchange { expected, .. }, Some(Answer::Changed(seen))) => {
                let after = self.look(seen)?;
                (after.value == 0 || after.version != expected).then_some(after)
            }
            (Op::Insert { value }, None) => self.write(value, 0),
            (Op::Remove, None) => (self.value != 0).then_some(absent),
            (Op::Update { value }, None) => {
                if self.value == 0 {
                    None
                } else {
                    self.write(value, 0)
                }
            }
            (Op::CompareExchange { expected, value }, None) => {
                self.has_version(expected)?.write(value, 0)
            }
            // A get is never cut off here; an answer of another operation's is none.
            (Op::Get, None) | (_, Some(_)) => None,
        }
    }
}

/// The search over one key's events. Entries 2 i and 2 i + 1 are event i's invocation and return, linked in order of time.
struct Search {
    key: u64,
    events: Vec<Event>,
    /// Neighbours in time; the entry after the last is the list's head and end.
    next: Vec<usize>,
    prev: Vec<usize>,
    /// One random number an event.
    names: Vec<u128>,
    seen: HashSet<(u128, State)>,
}

/// What a step back restores.
struct Frame {
    event: usize,
    state: State,
    removal_tried: bool,
}

impl Search {
    fn new(key: u64, events: Vec<Event>) -> Self {
        // At the same nanosecond, invocations come first: taken as concurrent, so no false alarm.
        let mut times: Vec<(u64, usize, usize)> = Vec::new();
        for (i, event) in events.iter().enumerate() {
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

    fn run(&mut self) -> Result<(), Violation> {
        let head = 2 * self.events.len();
        let mut open = self
            .events
            .iter()
            .filter(|event| event.returned.is_some())
            .count();
        let (mut state, mut set, mut removal_tried) = (State::default(), 0, false);
        let mut path: Vec<Frame> = Vec::new();
        let mut best: Option<(usize, usize)> = None;
        let mut entry = self.next[head];
        while open > 0 {
            let event = entry / 2;
            if entry != head && entry.is_multiple_of(2) {
                let alike =
                    self.events[event].op == Op::Remove && self.events[event].returned.is_none();
                let after = if alike && removal_tried {
                    None
                } else {
                    state.apply(&self.events[event])
                };
                removal_tried |= alike && after.is_some();
                if let Some(after) = after
                    && self.seen.insert((set ^ self.names[event], after))
                {
                    path.push(Frame {
                        event,
                        state,
                        removal_tried,
                    });
                    self.unlink(event);
                    open -= usize::from(self.events[event].returned.is_some());
                    (state, removal_tried) = (after, false);
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
            let Some(frame) = path.pop() else { break };
            self.relink(frame.event);
            open += usize::from(self.events[frame.event].returned.is_some());
            (state, removal_tried) = (frame.state, frame.removal_tried);
            set ^= self.names[frame.event];
            entry = self.next[2 * frame.event];
        }
        match best {
            Some((explained, event)) if open > 0 => Err(self.violation(explained, event)),
            _ => Ok(()),
        }
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
        2 * event..2 * event + 1 + usize::from(self.events[event].returned.is_some())
    }

    fn violation(&self, explained: usize, event: usize) -> Violation {
        let stuck = self.events[event];
        let end = stuck.returned.map_or(u64::MAX, |(time, _)| time);
        let overlaps = |other: &&Event| {
            other.invoked <= end
                && other
                    .returned
                    .is_some_and(|(time, _)| time >= stuck.invoked)
                && **other != stuck
        };
        let beside = self.events.iter().filter(overlaps).take(8).copied();
        Violation {
            key: self.key,
            stuck_at: std::iter::once(stuck).chain(beside).collect(),
            explained,
        }
    }
}
