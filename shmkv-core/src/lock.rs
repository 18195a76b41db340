//! The writer lock: one futex word a shard.
//!
//! | word | meaning |
//! |---|---|
//! | 0 | free |
//! | id | held by the writer with that id |
//! | id + `WAITERS` | held, and another writer may sleep on the word |
//! | `ABANDONED` (+ `WAITERS`) | its holder panicked, or died and its id was handed out again; free after a repair |
//!
//! The lock never judges a holder by time or process id. It asks an [`Os`], which
//! answers from the kernel's own records, and only a proven death lets another writer
//! take the word over. A takeover yields an [`Orphan`], and the only way from there to
//! a [`Guard`] is [`Orphan::recover`], which runs the repair that its caller hands in.
//! [`Guard::release`] gives the lock back; dropping a guard, which only unwinding does,
//! abandons it.
//!
//! [`Held`] proves that a lock is held: only a guard makes one, it borrows the guard,
//! and no other module can construct it. Every operation of `table` that changes a shard
//! takes a `Held`.
//!
//! Asking whether the holder lives and taking its word over are two steps. If the
//! holder's id went to a new writer between them, and that writer took the lock, the
//! lock would be taken from a live writer. Ids are handed out in turn, so this needs
//! exactly [`MAX_ID`] registrations, more than 10^9, since the dead holder's own.
//!
//! The word is the mutex of Drepper, "Futexes Are Tricky" (mutex 2), with the holder's
//! id in place of 1. The module imports nothing but `sync`: models run it on the heap.

use std::marker::PhantomData;
use std::time::Duration;

use crate::sync::{
    AtomicU32,
    Ordering::{self, Acquire, Relaxed, Release, SeqCst},
    Rule,
};

/// Set while a writer may sleep on the word.
const WAITERS: u32 = 1 << 31;
/// The bits of a holder's id.
const ID: u32 = (1 << 30) - 1;
/// In place of an id: the holder panicked, or died and its id went to a new writer. The
/// shard has to be repaired.
const ABANDONED: u32 = ID;
/// Ids run from 1 to this.
pub(crate) const MAX_ID: u32 = ABANDONED - 1;

/// How often a held word is loaded again before the writer sleeps.
#[cfg(not(loom))]
const SPINS: usize = 100;
#[cfg(loom)]
const SPINS: usize = 0;

/// What the lock needs from the operating system.
pub(crate) trait Os {
    /// Whether the writer with this id lives; in doubt, true.
    fn is_alive(&self, id: u32) -> bool;
    /// Sleeps while the word is `seen`, until woken or for `at_most`.
    fn sleep(&self, word: &AtomicU32, seen: u32, at_most: Duration);
    /// Wakes one thread that sleeps on the word.
    fn wake_one(&self, word: &AtomicU32);
    /// Passes a moment while the holder is expected to finish.
    fn spin(&self);
}

/// The deadline passed while a live writer held the lock.
#[derive(Debug)]
pub(crate) struct TimedOut;

/// A lock that was taken, and the state of its shard.
pub(crate) enum Acquired<'a, O: Os> {
    /// The shard is in order.
    Clean(Guard<'a, O>),
    /// The last holder died or panicked: the shard has to be repaired.
    Orphaned(Orphan<'a, O>),
}

/// The lock of one shard, held.
#[must_use]
pub(crate) struct Guard<'a, O: Os> {
    word: &'a AtomicU32,
    me: u32,
    os: &'a O,
    shard: usize,
}

/// The lock of one shard whose holder died or panicked; the shard has to be repaired before
/// use.
#[must_use]
pub(crate) struct Orphan<'a, O: Os>(Guard<'a, O>);

/// Proof that the lock of one shard is held, for as long as it lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'g> {
    shard: usize,
    guard: PhantomData<&'g ()>,
}

impl Held<'_> {
    /// The shard whose lock is held.
    #[inline(always)]
    pub(crate) fn shard(self) -> usize {
        self.shard
    }
}

/// For models with one writer, in which taking the lock would only add states.
#[cfg(all(test, loom))]
impl Held<'static> {
    pub(crate) fn by_the_only_writer(shard: usize) -> Self {
        Self {
            shard,
            guard: PhantomData,
        }
    }
}

impl<'a, O: Os> Orphan<'a, O> {
    /// Runs `repair` on the shard, and hands the lock over.
    #[cold]
    pub(crate) fn recover(self, repair: impl FnOnce(Held<'_>)) -> Guard<'a, O> {
        Rule::LockRecovery.step(|| repair(self.0.held()));
        self.0
    }
}

/// Takes the lock of `shard`, whose word is `word`, for the writer `me`, if it is free.
#[inline(always)]
pub(crate) fn try_acquire<'a, O: Os>(
    word: &'a AtomicU32,
    shard: usize,
    me: u32,
    os: &'a O,
) -> Option<Guard<'a, O>> {
    let order = Rule::LockAcquire.order(Acquire);
    let taken = word.compare_exchange(0, me, order, Relaxed).is_ok();
    taken.then(|| Guard::new(word, shard, me, os))
}

/// As [`try_acquire`], waiting for a holder that lives.
///
/// `expired` is called only before sleeping; if it returns true and the holder lives,
/// the result is [`TimedOut`].
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
    let acquire = Rule::LockAcquire.order(Acquire);
    // From here on other writers may sleep beside this one, so the waiters' bit stays.
    let mine = Rule::LockKeepWaiters.or(me | WAITERS, me);
    let mut has_slept = false;
    loop {
        let seen = word.load(Relaxed);
        let holder = seen & ID;
        if seen & !WAITERS == 0 {
            if word.compare_exchange(seen, mine, acquire, Relaxed).is_ok() {
                return Ok(Acquired::Clean(Guard::new(word, shard, me, os)));
            }
        } else if holder == ABANDONED || !os.is_alive(holder) {
            // The question comes before the exchange: if the exchange succeeds, the
            // word has not changed hands since, and what the dead holder stored is
            // visible.
            if word.compare_exchange(seen, mine, acquire, Relaxed).is_ok() {
                let guard = Guard::new(word, shard, me, os);
                return Ok(Acquired::Orphaned(Orphan(guard)));
            }
        } else if expired() {
            if has_slept {
                // The wake-up that ended this sleep may have been another's.
                os.wake_one(word);
            }
            return Err(TimedOut);
        } else if seen & WAITERS != 0
            || word
                .compare_exchange(seen, seen | WAITERS, Relaxed, Relaxed)
                .is_ok()
        {
            os.sleep(word, seen | WAITERS, time_slice(me));
            has_slept = true;
        }
    }
}

/// How long to sleep before asking again whether the holder lives: 10 to 20 ms, spread
/// so that waiters do not all wake at once.
fn time_slice(me: u32) -> Duration {
    let slice = Duration::from_millis(u64::from(10 + me % 11));
    Rule::LockWaitSlice.or(slice, Duration::MAX)
}

/// Marks a lock that the id `id` holds as abandoned, before a new writer uses that id.
pub(crate) fn disown(word: &AtomicU32, id: u32) {
    // With release, since a writer that finds the word abandoned asks about no holder.
    let release = Rule::LockDisownRelease.order(Release);
    let mut seen = word.load(Relaxed);
    while seen & ID == id {
        let abandoned = ABANDONED | (seen & WAITERS);
        match word.compare_exchange(seen, abandoned, release, Relaxed) {
            Ok(_) => return,
            // Either a writer has taken the lock over, and saw the holder dead, or a
            // waiter has set its bit, and does not know.
            Err(now) if Rule::LockDisownAgain.is_kept() => seen = now,
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

    /// Proof that the lock is held.
    #[inline(always)]
    pub(crate) fn held(&self) -> Held<'_> {
        Held {
            shard: self.shard,
            guard: PhantomData,
        }
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

/// Gives a lock back as `to`, and wakes one waiter.
///
/// It takes the parts of a guard: a guard that is passed by reference could not stay in
/// registers.
#[cold]
#[inline(never)]
fn leave_slow<O: Os>(word: &AtomicU32, me: u32, os: &O, to: u32) {
    let order = leave_order();
    loop {
        let seen = word.load(Relaxed);
        if seen & ID != me {
            return; // Not this writer's: the word was damaged. Leave it alone.
        }
        if word.compare_exchange(seen, to, order, Relaxed).is_ok() {
            if seen & WAITERS != 0 {
                os.wake_one(word);
            }
            return;
        }
    }
}

/// The ordering with which a lock is given back: sequentially consistent; see
/// `sync::load_linearized`.
#[inline(always)]
fn leave_order() -> Ordering {
    let order = Rule::LockReleaseTotal.or(SeqCst, Release);
    Rule::LockRelease.order(order)
}

impl<O: Os> Drop for Guard<'_, O> {
    /// Abandons the lock: only unwinding comes here.
    #[inline(always)]
    fn drop(&mut self) {
        leave_slow(self.word, self.me, self.os, ABANDONED);
    }
}
