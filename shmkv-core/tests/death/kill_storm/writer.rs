//! A writer of the storm: it changes shared keys at random, and keeps a record of one key of its own.
//!
//! Before a change of its own key, a writer records on the board that the change is pending, and
//! afterwards that it is done. The next process in the same lane must find the change that was recorded
//! as done, or the one that was pending at the death.

use shmkv_core::{AccessError, Exchange, Pod};

use super::board::{Board, Word};
use super::value::{Map, OWN, Origin, Value, judge, origin, removes, value};

pub(crate) struct Writer<'a, const N: usize> {
    pub(crate) map: &'a Map<N>,
    pub(crate) board: &'a Board,
    pub(crate) lane: usize,
    pub(crate) random: fastrand::Rng,
    /// How many keys all writers share, and how many of those are used most.
    pub(crate) shared: u64,
    pub(crate) hot: u64,
}

type Access = Result<(), AccessError>;

impl<const N: usize> Writer<'_, N> {
    pub(crate) fn run(&mut self) -> i32 {
        // If the process before was killed in a clear, that clear is over.
        let cleared = self.board.get(self.lane, Word::ClearsBegun);
        self.board.set(self.lane, Word::ClearsEnded, cleared);
        let mut done = self.settle();
        while done.is_ok() && self.board.is_running() {
            done = match self.random.u32(..1_000_000) {
                0 => self.clear(),
                1..50 => self.retain(),
                50..150_000 => self.change_own(),
                _ => self.change_shared(),
            };
            self.board.add(self.lane, Word::Writes, 1);
        }
        if let Err(error) = done {
            self.complain(Word::Wrong, &format!("writer: {error}: {error:?}"));
            return 1;
        }
        0
    }

    fn complain(&self, word: Word, what: &str) {
        self.board.add(self.lane, word, 1);
        eprintln!("lane {}: {what}", self.lane);
    }

    fn own(&self) -> u64 {
        OWN + self.lane as u64
    }

    /// Finds out whether the change that a dead writer of this lane left pending took effect.
    fn settle(&self) -> Access {
        let pending = self.board.get(self.lane, Word::OwnPending);
        let found = self.map.get(self.own())?.map(|found| *found);
        if pending != 0 {
            let happened = match found.as_ref().map(|found| origin(self.own(), found)) {
                Some(Ok(origin)) => origin.change == pending,
                Some(Err(_)) => false,
                None => removes(pending),
            };
            if happened {
                self.done();
            }
            self.board.set(self.lane, Word::OwnPending, 0);
        }
        self.check_own(found);
        Ok(())
    }

    /// Records that the pending change took effect. A kill between the stores is harmless.
    fn done(&self) {
        let (board, lane) = (self.board, self.lane);
        board.set(lane, Word::OwnMark, board.get(lane, Word::OwnPendingMark));
        board.set(lane, Word::OwnLast, board.get(lane, Word::OwnPending));
        board.set(lane, Word::OwnPending, 0);
    }

    /// Compares the value of the own key with the record, which has nothing pending.
    fn check_own(&self, found: Option<Value>) {
        let (board, lane) = (self.board, self.lane);
        let last = board.get(lane, Word::OwnLast);
        let origin = match found.map(|found| origin(self.own(), &found)).transpose() {
            Ok(origin) => origin,
            Err(torn) => return self.complain(Word::Torn, &torn),
        };
        let wrong = match origin {
            None if removes(last) => false,
            None if board.sum(Word::ClearsBegun) > board.get(lane, Word::OwnMark) => {
                return board.add(lane, Word::OwnExcused, 1);
            }
            None => true,
            Some(origin) => origin.writer != lane || origin.change != last || removes(last),
        };
        board.add(lane, Word::OwnChecks, 1);
        if wrong {
            self.complain(
                Word::Lost,
                &format!("own key: change {last} was done, but the map has {origin:?}"),
            );
        }
    }

    fn change_own(&mut self) -> Access {
        let (board, lane, key) = (self.board, self.lane, self.own());
        if self.random.bool() {
            self.check_own(self.map.get(key)?.map(|found| *found));
        }
        let change = board.get(lane, Word::OwnBegun) + 1;
        board.set(lane, Word::OwnPendingMark, board.sum(Word::ClearsEnded));
        board.set(lane, Word::OwnBegun, change);
        board.set(lane, Word::OwnPending, change);
        let old = if removes(change) {
            self.map.remove(key)?
        } else {
            let origin = Origin {
                writer: lane,
                change,
            };
            self.map.insert(key, value(key, origin))?
        };
        self.check_own(old.map(|old| *old));
        self.done();
        Ok(())
    }

    fn clear(&self) -> Access {
        self.board.add(self.lane, Word::ClearsBegun, 1);
        self.map.clear()?;
        self.board.add(self.lane, Word::ClearsEnded, 1);
        Ok(())
    }

    /// Removes one in eight of the shared keys, and no own key.
    fn retain(&mut self) -> Access {
        let salt = self.random.u64(..8);
        self.map.retain(|key, found| {
            judge(self.board, self.lane, *key, Some(found));
            *key >= OWN || key % 8 != salt
        })
    }

    fn change_shared(&mut self) -> Access {
        let key = if self.random.u8(..10) < 7 {
            self.random.u64(..self.hot)
        } else {
            self.random.u64(..self.shared)
        };
        let change = self.board.get(self.lane, Word::Begun) + 1;
        self.board.set(self.lane, Word::Begun, change);
        let origin = Origin {
            writer: self.lane,
            change,
        };
        let new = value(key, origin);
        let (map, board, lane) = (self.map, self.board, self.lane);
        let judge = |found: Option<&Pod<Value, 256>>| judge(board, lane, key, found);
        match self.random.u8(..16) {
            0..4 => judge(map.insert(key, new)?.as_ref()),
            4..7 => {
                map.update(key, |found| {
                    judge(Some(found));
                    *found = Pod(new);
                })?;
            }
            7..9 => judge(map.remove(key)?.as_ref()),
            9 => judge(map.remove_if(key, |found| found[2] % 2 == 0)?.as_ref()),
            10..13 => {
                if let Some(seen) = map.get_versioned(key)? {
                    judge(Some(&seen.value));
                    match map.compare_exchange(key, seen.version, new)? {
                        Exchange::Stored(version) if version <= seen.version => {
                            self.complain(
                                Word::Wrong,
                                &format!("{version} after {}", seen.version),
                            );
                        }
                        Exchange::Stored(_) | Exchange::Changed(None) => {}
                        Exchange::Changed(Some(now)) => judge(Some(&now.value)),
                    }
                }
            }
            13 => judge(map.replace(key, new)?.as_ref()),
            14 => {
                map.try_insert(key, new)?;
            }
            _ => judge(Some(&map.get_or_insert_with(key, || Pod(new))?)),
        }
        Ok(())
    }
}
