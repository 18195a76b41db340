//! A reader of the storm: it checks that every value is whole, that versions grow, and that no completed
//! change is missing.

use std::collections::HashMap;

use shmkv_core::{AccessError, Version};

use super::board::{Board, WRITERS, Word};
use super::value::{OWN, Origin, Reader, judge, origin, removes};

pub(crate) struct Checker<'a, const N: usize> {
    pub(crate) map: &'a Reader<N>,
    pub(crate) board: &'a Board,
    pub(crate) lane: usize,
    pub(crate) random: fastrand::Rng,
    pub(crate) shared: u64,
    pub(crate) hot: u64,
    /// The newest version seen of each key, and where its value came from.
    pub(crate) newest: HashMap<u64, (Version, Origin)>,
}

impl<const N: usize> Checker<'_, N> {
    pub(crate) fn run(&mut self) -> i32 {
        while self.board.is_running() {
            let done = match self.random.u32(..2_000) {
                0 => self.walk(),
                1..50 => self.many(),
                50..500 => self.own(),
                _ => self.shared(),
            };
            match done {
                Ok(()) => {}
                Err(AccessError::Contended { .. }) => self.board.add(self.lane, Word::Contended, 1),
                Err(error) => {
                    self.complain(Word::Wrong, &format!("reader: {error}: {error:?}"));
                    return 1;
                }
            }
        }
        0
    }

    fn complain(&self, word: Word, what: &str) {
        self.board.add(self.lane, word, 1);
        eprintln!("lane {}: {what}", self.lane);
    }

    fn key(&mut self) -> u64 {
        if self.random.bool() {
            self.random.u64(..self.hot)
        } else {
            self.random.u64(..self.shared)
        }
    }

    fn shared(&mut self) -> Result<(), AccessError> {
        let key = self.key();
        let Some(seen) = self.map.get_versioned(key)? else {
            judge(self.board, self.lane, key, None);
            return Ok(());
        };
        judge(self.board, self.lane, key, Some(&seen.value));
        if let Ok(origin) = origin(key, &seen.value) {
            self.is_newest(key, seen.version, origin);
        }
        Ok(())
    }

    /// Checks that the versions of a key grow, and that a version names one value.
    fn is_newest(&mut self, key: u64, version: Version, origin: Origin) {
        let before = self.newest.insert(key, (version, origin));
        let Some((old, from)) = before else { return };
        if version < old || (version == old && origin != from) {
            let what = format!("key {key}: {version} of {origin:?} after {old} of {from:?}");
            self.complain(Word::Wrong, &what);
        }
    }

    /// Checks that a read sees the changes of an own key that were done before it, and none that was not
    /// begun before its end.
    fn own(&mut self) -> Result<(), AccessError> {
        let (board, owner) = (self.board, self.random.usize(..WRITERS));
        let key = OWN + owner as u64;
        let last = board.get(owner, Word::OwnLast);
        let mark = board.get(owner, Word::OwnMark);
        let seen = self.map.get_versioned(key)?;
        judge(board, self.lane, key, seen.as_ref().map(|seen| &seen.value));
        let found = match &seen {
            Some(seen) => match origin(key, &seen.value) {
                Ok(origin) => Some(origin),
                Err(_) => return Ok(()), // `judge` has counted it
            },
            None => None,
        };
        let begun = board.get(owner, Word::OwnBegun);
        let lost = match found {
            Some(origin) => origin.change < last,
            None if (last..=begun).any(removes) => false,
            None if board.sum(Word::ClearsBegun) > mark => {
                board.add(self.lane, Word::OwnExcused, 1);
                return Ok(());
            }
            None => true,
        };
        board.add(self.lane, Word::OwnChecks, 1);
        if lost {
            let what = format!("own key {key}: change {last} was done, but the map has {found:?}");
            self.complain(Word::Lost, &what);
        }
        if let (Some(seen), Some(origin)) = (seen, found) {
            self.is_newest(key, seen.version, origin);
        }
        Ok(())
    }

    fn many(&mut self) -> Result<(), AccessError> {
        let keys: [u64; 8] = std::array::from_fn(|_| self.key());
        for (key, found) in keys.into_iter().zip(self.map.get_many(keys)?) {
            judge(self.board, self.lane, key, found.as_ref());
        }
        Ok(())
    }

    /// Checks that an iteration sees an own key exactly once if no writer removes it meanwhile.
    fn walk(&mut self) -> Result<(), AccessError> {
        let owns = |word| std::array::from_fn::<u64, WRITERS, _>(|i| self.board.get(i, word));
        let last = owns(Word::OwnLast);
        let marks = owns(Word::OwnMark);
        let mut times = [0; WRITERS];
        for entry in self.map {
            let (key, found) = entry?;
            judge(self.board, self.lane, key, Some(&found));
            if let Some(owner) = key.checked_sub(OWN).filter(|owner| *owner < WRITERS as u64) {
                times[owner as usize] += 1;
            }
        }
        let begun = owns(Word::OwnBegun);
        let cleared = self.board.sum(Word::ClearsBegun);
        for i in 0..WRITERS {
            let stays = !(last[i]..=begun[i]).any(removes) && cleared <= marks[i];
            if stays && times[i] != 1 {
                let what = format!("an iteration saw own key {i} {} times", times[i]);
                self.complain(Word::Lost, &what);
            }
        }
        if self.map.len() > N {
            self.complain(Word::Wrong, "more entries than fit");
        }
        Ok(())
    }
}
