//! The words that the processes of a storm share beside the map, and that outlive each of them.
//!
//! All accesses are sequentially consistent: the checks compare what happened before with what happened
//! after.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use crate::support::shared::SharedWords;

/// How many processes run at a time; each has a lane, and so do its successors.
pub(crate) const LANES: usize = 9;
/// How many of them write; the others read.
pub(crate) const WRITERS: usize = 6;

/// The words of a lane.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    /// The number of the last change of a shared key that this writer has begun.
    Begun,
    /// Of its own key: the last change that is known to have taken effect.
    OwnLast,
    /// Of its own key: the change under way, 0 for none.
    OwnPending,
    /// Of its own key: the last change that was begun.
    OwnBegun,
    /// How many clears had ended before the change `OwnLast` began.
    OwnMark,
    /// How many clears had ended before the change `OwnPending` began.
    OwnPendingMark,
    ClearsBegun,
    ClearsEnded,
    // Figures.
    Writes,
    Reads,
    OwnChecks,
    OwnExcused,
    Contended,
    Torn,
    Lost,
    /// Any other error.
    Wrong,
    Count,
}

pub(crate) struct Board(SharedWords);

impl Board {
    pub(crate) fn open(path: &Path) -> Self {
        Self(SharedWords::in_file(path, 1 + LANES * Word::Count as usize))
    }

    fn word(&self, lane: usize, word: Word) -> &AtomicU64 {
        &self.0[1 + lane * Word::Count as usize + word as usize]
    }

    pub(crate) fn get(&self, lane: usize, word: Word) -> u64 {
        self.word(lane, word).load(SeqCst)
    }

    pub(crate) fn set(&self, lane: usize, word: Word, value: u64) {
        self.word(lane, word).store(value, SeqCst);
    }

    pub(crate) fn add(&self, lane: usize, word: Word, more: u64) {
        self.set(lane, word, self.get(lane, word) + more);
    }

    pub(crate) fn sum(&self, word: Word) -> u64 {
        (0..LANES).map(|lane| self.get(lane, word)).sum()
    }

    pub(crate) fn stop(&self) {
        self.0[0].store(1, SeqCst);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.0[0].load(SeqCst) == 0
    }
}
