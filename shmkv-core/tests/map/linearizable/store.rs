//! The map whose answers are recorded, and maps with flaws that the checker must catch.

use std::cell::{Cell, RefCell};

use shmkv_core::{Exchange, Pod, ShmMap, Version, Versioned};

use crate::support::history::event::{ANY, Answer, Op, Seen};
use crate::support::record::Lane;

/// 64 bytes. Only the first word carries information; the others show whether the value is whole.
type Value = [u64; 8];
pub(crate) type Map<const N: usize> = ShmMap<N, 8, 64, u64, Pod<Value, 64>>;

/// How many keys the histories use.
pub(crate) const KEYS: usize = 4;

/// What is wrong with a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// Reads return a copy that is refreshed now and then.
    StaleReads,
    /// A compare-and-exchange is a read, then a write.
    LostUpdates,
    /// An insert-if-absent is a read, then a write.
    DoubleInserts,
    /// A removal returns what an earlier read returned.
    StaleRemovals,
    /// An insert removes the old value, then stores the new one.
    InsertGaps,
}

/// The map as one process uses it.
pub(crate) struct Store<'a, const N: usize> {
    pub(crate) map: &'a Map<N>,
    pub(crate) flaw: Flaw,
    copies: RefCell<[Option<Seen>; KEYS]>,
    /// The versions that this process saw last, for the next exchange.
    last: [Cell<Option<Version>>; KEYS],
}

fn spread(value: u64) -> Value {
    std::array::from_fn(|i| value ^ (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// The number in a whole value. A torn one ends the process, which the test reports as a violation.
fn number(value: &Value) -> u64 {
    assert_eq!(*value, spread(value[0]), "torn value");
    value[0]
}

fn saw(found: Option<Pod<Value, 64>>) -> Option<Seen> {
    found.map(|found| Seen {
        value: number(&found),
        version: 0,
    })
}

impl<'a, const N: usize> Store<'a, N> {
    pub(crate) fn new(map: &'a Map<N>, flaw: Flaw) -> Self {
        Self {
            map,
            flaw,
            copies: RefCell::new([None; KEYS]),
            last: [const { Cell::new(None) }; KEYS],
        }
    }

    /// The entry that the map returned; its version is kept for the next exchange.
    fn seen(&self, at: usize, found: &Versioned<Pod<Value, 64>>) -> Seen {
        self.last[at].set(Some(found.version));
        Seen {
            value: number(&found.value),
            version: found.version.get(),
        }
    }

    fn get(&self, at: usize) -> Option<Seen> {
        let found = self.map.get_versioned(at as u64).expect("get");
        found.map(|found| self.seen(at, &found))
    }

    /// Runs one random operation on a random key, and logs it. `value` is a new one. If processes are
    /// killed, operations that report only whether a key is present stay out of the history.
    pub(crate) fn step(
        &self,
        lane: &Lane<'_>,
        value: u64,
        random: &mut fastrand::Rng,
        killed: bool,
    ) {
        let at = random.usize(..KEYS);
        let key = at as u64;
        match random.u8(..20) {
            0..5 => {
                let fresh = self.flaw != Flaw::StaleReads || random.u8(..4) == 0;
                lane.record(key, Op::Get, || {
                    if fresh {
                        self.copies.borrow_mut()[at] = self.get(at);
                    }
                    Some(Answer::Saw(self.copies.borrow()[at]))
                });
            }
            5 if !killed => {
                lane.record(key, Op::Get, || {
                    let there = self.map.contains_key(key).expect("contains_key");
                    Some(Answer::saw(there.then_some(ANY)))
                });
            }
            5..8 => self.insert(lane, key, value),
            8..10 => self.remove(lane, key, random.bool()),
            10..13 => self.exchange(lane, at, value),
            13 => self.try_insert(lane, at, value, killed),
            14..16 => self.get_or_insert(lane, key, value),
            16..18 => {
                lane.record(key, Op::Update { value }, || {
                    let old = self.map.replace(key, spread(value)).expect("replace");
                    Some(Answer::Saw(saw(old)))
                });
            }
            _ => {
                lane.record(key, Op::Update { value }, || {
                    let mut old = None;
                    let change = |found: &mut Pod<Value, 64>| {
                        old = saw(Some(*found));
                        *found = Pod(spread(value));
                    };
                    let new = self.map.update(key, change).expect("update");
                    Some(Answer::Saw(new.and(old)))
                });
            }
        }
    }

    fn insert(&self, lane: &Lane<'_>, key: u64, value: u64) {
        lane.record(key, Op::Insert { value }, || {
            let mut gone = None;
            if self.flaw == Flaw::InsertGaps {
                gone = saw(self.map.remove(key).expect("remove"));
            }
            let old = saw(self.map.insert(key, spread(value)).expect("insert"));
            Some(Answer::Saw(old.or(gone)))
        });
    }

    fn remove(&self, lane: &Lane<'_>, key: u64, conditionally: bool) {
        lane.record(key, Op::Remove, || {
            let old = match self.flaw {
                Flaw::StaleRemovals => {
                    let old = self.map.get(key).expect("get");
                    self.map.remove(key).expect("remove");
                    old
                }
                _ if conditionally => self.map.remove_if(key, |_| true).expect("remove_if"),
                _ => self.map.remove(key).expect("remove"),
            };
            Some(Answer::Saw(saw(old)))
        });
    }

    fn exchange(&self, lane: &Lane<'_>, at: usize, value: u64) {
        let key = at as u64;
        let Some(version) = self.last[at].get() else {
            return;
        };
        let expected = version.get();
        lane.record(key, Op::CompareExchange { expected, value }, || {
            if self.flaw == Flaw::LostUpdates {
                let found = self.get(at);
                if found.is_none_or(|found| found.version != expected) {
                    return Some(Answer::Changed(found));
                }
                self.map.insert(key, spread(value)).expect("insert");
                return Some(Answer::Stored(0));
            }
            let done = self.map.compare_exchange(key, version, spread(value));
            Some(match done.expect("compare_exchange") {
                Exchange::Stored(version) => {
                    self.last[at].set(Some(version));
                    Answer::Stored(version.get())
                }
                Exchange::Changed(now) => Answer::Changed(now.map(|now| self.seen(at, &now))),
            })
        });
    }

    fn try_insert(&self, lane: &Lane<'_>, at: usize, value: u64, killed: bool) {
        let key = at as u64;
        lane.record(key, Op::Add { value }, || {
            let done = match self.flaw {
                Flaw::DoubleInserts => {
                    let absent = self.get(at).is_none();
                    if absent {
                        self.map.insert(key, spread(value)).expect("insert");
                    }
                    absent
                }
                _ => self.map.try_insert(key, spread(value)).expect("try_insert"),
            };
            let there = Seen {
                value: ANY,
                version: 0,
            };
            match done {
                true => Some(Answer::Stored(0)),
                false => (!killed).then_some(Answer::Changed(Some(there))),
            }
        });
    }

    fn get_or_insert(&self, lane: &Lane<'_>, key: u64, value: u64) {
        lane.record(key, Op::Add { value }, || {
            let made = self.map.get_or_insert_with(key, || Pod(spread(value)));
            let there = saw(Some(made.expect("get_or_insert_with")));
            let ours = there.is_some_and(|there| there.value == value);
            Some(if ours {
                Answer::Stored(0)
            } else {
                Answer::Changed(there)
            })
        });
    }
}
