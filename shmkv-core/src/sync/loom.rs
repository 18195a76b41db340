//! Atomics under loom, and threads that die.
//!
//! A model's memory is an *image*: a list of words in the order in which they
//! are created. Outside a run of loom the words are plain, so that a model
//! can be set up by the shipped code itself. In a run each word starts with its
//! value in the image. Words that no thread of the model stores to are no loom
//! objects, which keeps the state space small; the first store to such a word
//! ends the run with [`Grown`], and the model starts again with one more.
//!
//! loom looks for another order of two accesses only if nobody has accessed the
//! word between them. A reader's load, a writer's load and that writer's store,
//! in this order, would therefore never be tried with the reader last. So a
//! thread that alone stores to a word reads it from a copy, since it can read
//! nothing but what it stored last; and on the lock's word, to which several
//! store, every access counts as a store, by way of a second loom object.
//!
//! loom runs all threads of a model on one thread of the system, so what
//! belongs to a run is thread-local here.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use loom::sync::atomic as inner;
use loom::thread::{JoinHandle, ThreadId, current};

use std::sync::atomic::Ordering::{self, Relaxed, SeqCst};

/// Who stores to a word.
#[derive(Clone, Copy, PartialEq)]
enum Storer {
    Nobody,
    /// The thread with this number.
    One(usize),
    Many,
}

/// What the words of one model are, and how its run stands.
#[derive(Default)]
struct World {
    /// The words' values at the start of each execution.
    image: Vec<u64>,
    /// Which threads store to them.
    storers: Vec<Storer>,
    /// Their values in this execution, if they have one storer or none.
    copy: Vec<u64>,
    /// The index of the word that is created next.
    next: usize,
    /// Whether loom is at work.
    running: bool,
    /// Whether the run has failed, so that all that is left is unwinding.
    failed: bool,
    /// Whether a sequentially consistent exchange is a full barrier.
    barriers: bool,
    /// The threads of this execution, in the order of their numbers.
    threads: Vec<ThreadId>,
    /// Threads that are to die, and after how many more stores; 0 = dead.
    doomed: Vec<(ThreadId, usize)>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

fn world<R>(of: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(of)
}

/// Why a run ended early: a word turned out to be stored to.
pub(crate) struct Grown;

/// Why a doomed thread unwinds.
struct Killed;

/// Forgets everything; what is created and stored next makes up the image.
pub(crate) fn lay_out() {
    world(|world| *world = World::default());
}

/// To be called at the start of each execution.
pub(crate) fn begin() {
    let me = current().id();
    world(|world| {
        world.threads = vec![me];
        world.copy.clone_from(&world.image);
        world.next = 0;
        world.running = true;
        world.failed = false;
        world.barriers = false;
        world.doomed.clear();
    });
}

/// To be called when loom has finished.
pub(crate) fn end() {
    world(|world| world.running = false);
}

/// To be called by whatever fails, before it unwinds: from then on no thread of
/// the model does anything. Tells whether there was a model.
pub(crate) fn fail() -> bool {
    WORLD.with(|world| match world.try_borrow_mut() {
        Ok(mut world) => {
            world.failed |= world.running;
            world.running
        }
        Err(_) => false,
    })
}

/// In this execution a sequentially consistent exchange is a full barrier, as
/// it is on x86-64. For loom it is no more than acquire and release.
pub(crate) fn exchanges_are_barriers() {
    world(|world| world.barriers = true);
}

/// Starts a thread of the model.
pub(crate) fn spawn<R: 'static>(body: impl FnOnce() -> R + 'static) -> JoinHandle<R> {
    let handle = loom::thread::spawn(body);
    world(|world| world.threads.push(handle.thread().id()));
    handle
}

/// This thread's number.
fn me() -> usize {
    let me = current().id();
    world(|world| world.threads.iter().position(|id| *id == me)).unwrap_or(0)
}

/// Runs `body`, of which nothing happens after its store number `stores`.
///
/// `None` if it was killed: its destructors ran, but had no effect.
pub(crate) fn killed_after<R>(stores: usize, body: impl FnOnce() -> R) -> Option<R> {
    let me = current().id();
    world(|world| world.doomed.push((me, stores)));
    let result = catch_unwind(AssertUnwindSafe(body));
    world(|world| world.doomed.retain(|(id, _)| *id != me));
    match result {
        Ok(value) => Some(value),
        Err(payload) if payload.is::<Killed>() => None,
        Err(payload) => resume_unwind(payload),
    }
}

/// Whether this thread has no effect any more.
fn is_gone() -> bool {
    let (failed, doomed) = world(|world| (world.failed, !world.doomed.is_empty()));
    failed || doomed && fuse(|left| *left == 0).unwrap_or(false)
}

/// How many stores this thread may still make, if it is doomed.
fn fuse<R>(of: impl FnOnce(&mut usize) -> R) -> Option<R> {
    let me = current().id();
    world(|world| {
        let mut doomed = world.doomed.iter_mut();
        doomed.find(|(id, _)| *id == me).map(|(_, left)| of(left))
    })
}

/// Counts a store; the thread dies of the last one.
fn stored() {
    if world(|world| world.doomed.is_empty()) {
        return;
    }
    let dead = fuse(|left| {
        *left -= 1;
        *left == 0
    });
    if dead == Some(true) {
        resume_unwind(Box::new(Killed));
    }
}

/// Creates the next word: its index, and its first value if it is a loom object.
fn create() -> (usize, Option<u64>) {
    world(|world| {
        let at = world.next;
        world.next += 1;
        if at == world.image.len() {
            world.image.push(0);
            world.storers.push(Storer::Nobody);
        }
        let shared = world.running && world.storers[at] != Storer::Nobody;
        (at, shared.then(|| world.image[at]))
    })
}

/// The word's value, if this thread can know it without looking.
fn known(at: usize) -> Option<u64> {
    let (running, storer) = world(|world| (world.running, world.storers[at]));
    match storer {
        Storer::Nobody if !running => Some(world(|world| world.image[at])),
        Storer::Nobody => Some(world(|world| world.copy[at])),
        Storer::One(one) if one == me() => Some(world(|world| world.copy[at])),
        _ => None,
    }
}

/// Before a store: notes who stores what.
fn note_store(at: usize, value: u64) {
    if !world(|world| world.running) {
        world(|world| world.image[at] = value);
        return;
    }
    let me = me();
    let grown = world(|world| {
        world.copy[at] = value;
        let storer = match world.storers[at] {
            Storer::Nobody => Storer::One(me),
            Storer::One(one) if one != me => Storer::Many,
            _ => return false,
        };
        world.storers[at] = storer;
        world.failed = true;
        true
    });
    if grown {
        resume_unwind(Box::new(Grown));
    }
}

/// The fence, except for a thread that has no effect any more.
pub(crate) fn fence(order: Ordering) {
    if world(|world| world.running) && !is_gone() {
        inner::fence(order);
    }
}

macro_rules! word {
    ($name:ident, $int:ty) => {
        /// A word of the image.
        #[derive(Debug)]
        pub(crate) struct $name {
            at: usize,
            word: Option<inner::$name>,
        }

        impl Default for $name {
            fn default() -> Self {
                let (at, value) = create();
                let word = value.map(|value| inner::$name::new(value as $int));
                Self { at, word }
            }
        }

        impl $name {
            pub(crate) fn load(&self, order: Ordering) -> $int {
                if is_gone() {
                    return 0; // Of all values this makes unwinding end soonest.
                }
                match (known(self.at), &self.word) {
                    (None, Some(word)) => word.load(order),
                    (value, _) => value.unwrap_or_default() as $int,
                }
            }

            pub(crate) fn store(&self, value: $int, order: Ordering) {
                if is_gone() {
                    return;
                }
                note_store(self.at, value.into());
                if let Some(word) = &self.word {
                    word.store(value, order);
                }
                stored();
            }
        }
    };
}

word!(AtomicU8, u8);
word!(AtomicU64, u64);

impl AtomicU64 {
    /// Of tables with several shards, which no model has.
    pub(crate) fn fetch_add(&self, _: u64, _: Ordering) -> u64 {
        unreachable!("the models' tables have one shard")
    }

    /// As [`fetch_add`](Self::fetch_add).
    pub(crate) fn fetch_sub(&self, _: u64, _: Ordering) -> u64 {
        unreachable!("the models' tables have one shard")
    }
}

/// A lock's word; always free at first.
#[derive(Debug, Default)]
pub(crate) struct AtomicU32 {
    word: Option<(inner::AtomicU32, inner::AtomicU32)>,
}

impl AtomicU32 {
    /// A word that threads of the model use.
    pub(crate) fn shared() -> Self {
        let new = || inner::AtomicU32::new(0);
        Self {
            word: Some((new(), new())),
        }
    }

    fn word(&self) -> &inner::AtomicU32 {
        let Some((turn, word)) = &self.word else {
            unreachable!("no part of any model");
        };
        turn.fetch_add(1, Relaxed);
        word
    }

    pub(crate) fn load(&self, order: Ordering) -> u32 {
        if is_gone() {
            return 0; // Nobody holds the lock: there is nothing to give back.
        }
        self.word().load(order)
    }

    pub(crate) fn compare_exchange(
        &self,
        old: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        if is_gone() {
            return Err(0);
        }
        let result = self.word().compare_exchange(old, new, success, failure);
        if result.is_ok() {
            if success == SeqCst && world(|world| world.barriers) {
                fence(SeqCst);
            }
            stored();
        }
        result
    }
}
