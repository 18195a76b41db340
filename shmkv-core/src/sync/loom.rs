//! Atomics under loom, and threads that die.
//!
//! The memory of a model is an *image*: a list of words in the order in which they are
//! created. Outside a run of loom the words are plain, so that the shipped code itself can
//! set a model up. In a run each word starts with its value in the image. A word to which
//! no thread of the model stores is no loom object, which keeps the state space small; the
//! first store to such a word ends the run with [`Grown`], and the model starts again with
//! one more loom object.
//!
//! loom tries two accesses in the other order only if no access to the word lies between
//! them. So it would never move a reader's load behind a writer's load and store of the
//! same word. Therefore the only thread that stores to a word reads it from a copy (it can
//! read nothing but its own last store), and on the lock's word, to which several threads
//! store, every access counts as a store, by way of a second loom object.
//!
//! loom runs all threads of a model on one thread of the system, so the state of a run is
//! thread-local here.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::{self, Relaxed, SeqCst};

use loom::sync::atomic as inner;
use loom::thread::{JoinHandle, ThreadId, current};

/// The threads that store to a word.
#[derive(Clone, Copy, PartialEq)]
enum Storer {
    Nobody,
    /// The thread with this number.
    One(usize),
    Many,
}

/// The words of one model, and the state of its run.
#[derive(Default)]
struct World {
    /// The words' values at the start of each execution.
    image: Vec<u64>,
    /// The threads that store to them.
    storers: Vec<Storer>,
    /// Their values in this execution, if they have one storer or none.
    copy: Vec<u64>,
    /// The index of the word that is created next.
    next: usize,
    /// Whether loom is running the model.
    running: bool,
    /// Whether the run has failed, so that its threads only unwind.
    failed: bool,
    /// Whether a sequentially consistent exchange is a full barrier.
    barriers: bool,
    /// The threads of this execution, in the order of their numbers.
    threads: Vec<ThreadId>,
    /// Threads that are to die, and after how many more stores; 0: dead.
    doomed: Vec<(ThreadId, usize)>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

fn world<R>(of: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(of)
}

/// The payload with which a run ends early: a thread stored to one more word.
pub(crate) struct Grown;

/// The payload with which a doomed thread unwinds.
struct Killed;

/// Starts a new image: what is created and stored from now on.
pub(crate) fn lay_out() {
    world(|world| *world = World::default());
}

/// Called at the start of each execution.
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

/// Called when loom has finished.
pub(crate) fn end() {
    world(|world| world.running = false);
}

/// Called when an assertion fails, before it unwinds: from then on the accesses of the
/// model's threads have no effect. Returns whether a model was running.
pub(crate) fn fail() -> bool {
    WORLD.with(|world| match world.try_borrow_mut() {
        Ok(mut world) => {
            world.failed |= world.running;
            world.running
        }
        Err(_) => false,
    })
}

/// Makes a sequentially consistent exchange a full barrier in this execution, as it is on
/// x86-64. To loom it is only an acquire and a release.
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

/// Runs `body`, which has no effect after its store number `stores`.
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

/// Whether the accesses of this thread have no effect any more.
fn is_gone() -> bool {
    let (failed, doomed) = world(|world| (world.failed, !world.doomed.is_empty()));
    failed || doomed && fuse(|left| *left == 0).unwrap_or(false)
}

/// Passes the number of stores that this thread may still make, if it is doomed.
fn fuse<R>(of: impl FnOnce(&mut usize) -> R) -> Option<R> {
    let me = current().id();
    world(|world| {
        let mut doomed = world.doomed.iter_mut();
        doomed.find(|(id, _)| *id == me).map(|(_, left)| of(left))
    })
}

/// Counts a store; after the last one the thread dies.
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

/// Before a store: records the thread and the value.
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

/// The fence; none for a thread whose accesses have no effect any more.
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
    /// For tables with several shards, which no model has.
    pub(crate) fn fetch_add(&self, _: u64, _: Ordering) -> u64 {
        unreachable!("the models' tables have one shard")
    }

    /// For tables with several shards, which no model has.
    pub(crate) fn fetch_sub(&self, _: u64, _: Ordering) -> u64 {
        unreachable!("the models' tables have one shard")
    }
}

/// A lock's word, free at first.
#[derive(Debug, Default)]
pub(crate) struct AtomicU32 {
    word: Option<(inner::AtomicU32, inner::AtomicU32)>,
}

impl AtomicU32 {
    /// A word that the threads of the model share.
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
