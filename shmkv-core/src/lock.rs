//! The writer lock: one futex word a shard.
//!
//! | word | meaning |
//! |---|---|
//! | 0 | free |
//! | id | held by the writer with that id |
//! | id + `WAITERS` | held, and somebody may sleep |
//! | `ABANDONED` (+ `WAITERS`) | its holder unwound; free after repair |
//!
//! The lock never judges a holder by time or process id. It asks an [`Os`],
//! which answers from the kernel's own book-keeping, and only a proven death
//! lets another writer take the word over. Whoever takes over gets an
//! [`Orphan`], and the only way from there to a [`Guard`] is the repair of the
//! table. Dropping a guard, as unwinding does, abandons the lock;
//! [`Guard::release`] is the way to give it back.
//!
//! Asking for a holder and taking its word over are two steps. If the holder's
//! id came to a new writer between them, and that writer took the lock, it
//! would lose it to the one who asked. Ids are handed out in turn, so for that
//! the dead holder must have been registered exactly [`MAX_ID`] registrations,
//! more than 10^9, before that moment.
//!
//! The word is the futex mutex of Drepper's "Futexes Are Tricky" (mutex 2),
//! with the holder's id in place of 1.

use std::time::Duration;

use crate::layout::Geometry;
use crate::sync::{
    self, AtomicU32,
    Ordering::{self, Acquire, Relaxed, Release, SeqCst},
    Part,
};
use crate::table::{Exclusive, Table};

/// Set while somebody may sleep on the word.
const WAITERS: u32 = 1 << 31;
/// The bits of a holder's id.
const ID: u32 = (1 << 30) - 1;
/// In place of an id: the holder unwound and left the shard to be repaired.
const ABANDONED: u32 = ID;
/// Ids run from 1 to this.
pub(crate) const MAX_ID: u32 = ABANDONED - 1;

/// Looks at a held word before going to sleep.
#[cfg(not(loom))]
const SPINS: usize = 100;
#[cfg(loom)]
const SPINS: usize = 0;

/// What the lock needs from the operating system.
pub(crate) trait Os {
    /// Whether the writer with this id exists; in doubt, that it does.
    fn is_alive(&self, id: u32) -> bool;
    /// Sleeps while the word is `seen`, until woken or for `at_most`.
    fn sleep(&self, word: &AtomicU32, seen: u32, at_most: Duration);
    /// Wakes one of those who sleep on the word.
    fn wake_one(&self, word: &AtomicU32);
    /// Passes a moment while the holder is expected to finish.
    fn spin(&self);
}

/// The deadline passed while a living writer held the lock.
#[derive(Debug)]
pub(crate) struct TimedOut;

/// What taking the lock may bring.
pub(crate) enum Acquired<'a, O: Os> {
    /// The lock, and a shard in order.
    Clean(Guard<'a, O>),
    /// The lock, and whatever the last holder left.
    OwnerDied(Orphan<'a, O>),
}

/// The lock of one shard, held.
#[must_use]
pub(crate) struct Guard<'a, O: Os> {
    word: &'a AtomicU32,
    me: u32,
    os: &'a O,
    shard: usize,
}

/// The lock of one shard whose holder died: to be repaired before use.
#[must_use]
pub(crate) struct Orphan<'a, O: Os>(Guard<'a, O>);

impl<'a, O: Os> Orphan<'a, O> {
    /// Repairs the shard, and hands over the lock.
    #[cold]
    pub(crate) fn recover<G: Geometry>(self, table: &Table<'_, G>) -> Guard<'a, O> {
        if sync::step_of(Part::LockRecovery) {
            table.recover(self.0.proof());
        }
        self.0
    }
}

/// Takes the lock of `shard`, whose word is `word`, for the writer `me`, if it is
/// free.
#[inline(always)]
pub(crate) fn try_acquire<'a, O: Os>(
    word: &'a AtomicU32,
    shard: usize,
    me: u32,
    os: &'a O,
) -> Option<Guard<'a, O>> {
    let order = sync::order_of(Part::LockAcquire, Acquire);
    let taken = word.compare_exchange(0, me, order, Relaxed).is_ok();
    taken.then(|| Guard::new(word, shard, me, os))
}

/// As [`try_acquire`], waiting for a holder that lives.
///
/// `expired` is asked only before sleeping; once it says yes and the holder
/// lives, the answer is [`TimedOut`].
pub(crate) fn acquire<'a, O: Os>(
    word: &'a AtomicU32,
    shard: usize,
    me: u32,
    os: &'a O,
    expired: impl FnMut() -> bool,
) -> Result<Acquired<'a, O>, TimedOut> {
    match try_acquire(word, shard, me, os) {
        Some(guard) => Ok(Acquired::Clean(guard)),
        None => acquire_slow(word, shard, me, os, expired),
    }
}

#[cold]
fn acquire_slow<'a, O: Os>(
    word: &'a AtomicU32,
    shard: usize,
    me: u32,
    os: &'a O,
    mut expired: impl FnMut() -> bool,
) -> Result<Acquired<'a, O>, TimedOut> {
    let mut spins = SPINS;
    while spins > 0 && word.load(Relaxed) != 0 {
        os.spin();
        spins -= 1;
    }
    let acquire = sync::order_of(Part::LockAcquire, Acquire);
    // From here on others may sleep beside us, so the mark of waiters stays.
    let mine = if sync::step_of(Part::LockKeepWaiters) {
        me | WAITERS
    } else {
        me
    };
    let mut has_slept = false;
    loop {
        let seen = word.load(Relaxed);
        let holder = seen & ID;
        if seen & !WAITERS == 0 {
            if word.compare_exchange(seen, mine, acquire, Relaxed).is_ok() {
                return Ok(Acquired::Clean(Guard::new(word, shard, me, os)));
            }
        } else if holder == ABANDONED || !os.is_alive(holder) {
            // Asked before the exchange: if it succeeds, the word has not
            // changed hands since, and what the dead one stored is visible.
            if word.compare_exchange(seen, mine, acquire, Relaxed).is_ok() {
                let guard = Guard::new(word, shard, me, os);
                return Ok(Acquired::OwnerDied(Orphan(guard)));
            }
        } else if expired() {
            if has_slept {
                // It may have been woken in another's place.
                os.wake_one(word);
            }
            return Err(TimedOut);
        } else if seen & WAITERS != 0
            || word
                .compare_exchange(seen, seen | WAITERS, Relaxed, Relaxed)
                .is_ok()
        {
            os.sleep(word, seen | WAITERS, slice(me));
            has_slept = true;
        }
    }
}

/// How long to sleep before looking whether the holder still lives: 10 to
/// 20 ms, not the same for all who wait.
fn slice(me: u32) -> Duration {
    if sync::step_of(Part::LockWaitSlice) {
        Duration::from_millis(u64::from(10 + me % 11))
    } else {
        Duration::MAX
    }
}

/// Marks a lock that says it is held by `id` as abandoned, before a new writer
/// uses that id.
pub(crate) fn disown(word: &AtomicU32, id: u32) {
    // Released, for whoever finds the word abandoned asks for no holder.
    let release = sync::order_of(Part::LockDisownRelease, Release);
    let mut seen = word.load(Relaxed);
    while seen & ID == id {
        let abandoned = ABANDONED | (seen & WAITERS);
        match word.compare_exchange(seen, abandoned, release, Relaxed) {
            Ok(_) => return,
            // Whoever took the lock over has seen that its holder is dead. One
            // who waits may just have left its mark, and not know.
            Err(now) if sync::step_of(Part::LockDisownAgain) => seen = now,
            Err(_) => return,
        }
    }
}

impl<'a, O: Os> Guard<'a, O> {
    #[inline(always)]
    fn new(word: &'a AtomicU32, shard: usize, me: u32, os: &'a O) -> Self {
        Self {
            word,
            me,
            os,
            shard,
        }
    }

    /// That the lock is held.
    #[inline(always)]
    pub(crate) fn proof(&self) -> Exclusive<'_> {
        Exclusive::of_locked(self.shard)
    }

    /// Gives the lock back.
    #[inline(always)]
    pub(crate) fn release(self) {
        let (order, word) = (leave_order(), self.word);
        if word.compare_exchange(self.me, 0, order, Relaxed).is_err() {
            leave_slow(word, self.me, self.os, 0);
        }
        std::mem::forget(self);
    }
}

/// Gives a lock back as `to`, and wakes one who waits.
///
/// It takes the guard apart, so that a guard can stay in registers.
#[cold]
#[inline(never)]
fn leave_slow<O: Os>(word: &AtomicU32, me: u32, os: &O, to: u32) {
    let order = leave_order();
    loop {
        let seen = word.load(Relaxed);
        if seen & ID != me {
            return; // Not ours: somebody damaged the word. Leave it alone.
        }
        if word.compare_exchange(seen, to, order, Relaxed).is_ok() {
            if seen & WAITERS != 0 {
                os.wake_one(word);
            }
            return;
        }
    }
}

/// How a lock is left: sequentially consistent, see `sync::load_first`.
#[inline(always)]
fn leave_order() -> Ordering {
    let total = sync::step_of(Part::LockReleaseTotal);
    sync::order_of(Part::LockRelease, if total { SeqCst } else { Release })
}

impl<O: Os> Drop for Guard<'_, O> {
    /// Reached by unwinding only.
    #[inline(always)]
    fn drop(&mut self) {
        leave_slow(self.word, self.me, self.os, ABANDONED);
    }
}
