//! The sequential register that a history is compared with: its state, and what an event does to it.

use super::event::{ANY, Answer, Event, Op, Seen};

/// The state of one key's register, used by one process at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// 0: absent.
    pub(super) value: u64,
    /// 0: not known yet.
    version: u64,
    /// The highest version known so far; every later one must exceed it.
    floor: u64,
}

impl State {
    /// The state, if `seen` is its entry. `seen` may make the version known.
    fn observe(self, seen: Option<Seen>) -> Option<Self> {
        match seen {
            None => (self.value == 0).then_some(self),
            Some(seen) if seen.value == ANY => (self.value != 0).then_some(self),
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

    /// The state after `event`, if it can give its answer here. An event that was cut off is applied
    /// with an effect, or not at all.
    pub(super) fn apply(self, event: &Event) -> Option<Self> {
        let absent = Self {
            value: 0,
            version: 0,
            ..self
        };
        match (event.op, event.returned.map(|(_, answer)| answer)) {
            (Op::Get, Some(Answer::Saw(seen))) => self.observe(seen),
            (Op::Insert { value }, Some(Answer::Saw(seen))) => self.observe(seen)?.write(value, 0),
            (Op::Remove, Some(Answer::Saw(seen))) => {
                let floor = self.observe(seen)?.floor;
                Some(Self { floor, ..absent })
            }
            (Op::Update { .. }, Some(Answer::Saw(None))) => self.observe(None),
            (Op::Update { value }, Some(Answer::Saw(seen))) => self.observe(seen)?.write(value, 0),
            (Op::CompareExchange { expected, value }, Some(Answer::Stored(version))) => {
                self.has_version(expected)?.write(value, version)
            }
            (Op::CompareExchange { expected, .. }, Some(Answer::Changed(seen))) => {
                let after = self.observe(seen)?;
                (after.value == 0 || after.version != expected).then_some(after)
            }
            (Op::Add { value }, Some(Answer::Stored(version))) => {
                self.observe(None)?.write(value, version)
            }
            (Op::Add { .. }, Some(Answer::Changed(Some(seen)))) => self.observe(Some(seen)),
            (Op::Add { value }, None) => self.observe(None)?.write(value, 0),
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
            // The search drops gets that were cut off; other pairs do not belong together.
            (Op::Get, None) | (_, Some(_)) => None,
        }
    }
}
