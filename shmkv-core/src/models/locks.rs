//! Models of the lock: writers that contend, wait, die and take over.

use std::cell::Cell;
use std::rc::Rc;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU32, fence};
use loom::thread::JoinHandle;

use super::heap::{Heap, keys, put_all};
use super::kernel::Kernel;
use super::run::{Model, mortal};
use crate::lock::{Acquired, Guard, Os, TimedOut, acquire, disown};
use crate::sync::AtomicU32 as LockWord;
use crate::sync::Ordering::{Relaxed, SeqCst};
use crate::sync::loom::{exchanges_are_barriers, spawn};

pub(super) const MODELS: &[&Model] = &[
    &TWO,
    &CHANGES,
    &THREE,
    &KILLED,
    &WAITER_KILLED,
    &REUSED,
    &ABANDONED,
    &TIMED_OUT,
    &REAL_TIME,
];

/// What writers share.
struct World {
    /// The lock word, in place of the shard's, which is no loom object.
    word: LockWord,
    heap: Rc<Heap>,
    kernel: Kernel,
    /// Accessed under the lock only: loom fails if two threads are inside at once, or if
    /// one does not happen after the other.
    inside: UnsafeCell<()>,
    /// Whether a writer died or unwound while it held the lock.
    orphaned: Cell<bool>,
    repairs: Cell<usize>,
}

impl World {
    fn new(heap: Rc<Heap>, slices_end: bool) -> Rc<Self> {
        Rc::new(Self {
            word: LockWord::shared(),
            heap,
            kernel: Kernel::new(slices_end),
            inside: UnsafeCell::new(()),
            orphaned: Cell::new(false),
            repairs: Cell::new(0),
        })
    }

    fn lock(&self, me: u32, expired: bool) -> Result<Guard<'_, Kernel>, TimedOut> {
        let word = &self.word;
        let guard = match acquire(word, 0, me, &self.kernel, || expired)? {
            Acquired::Clean(guard) => guard,
            Acquired::Orphaned(orphan) => {
                self.repairs.set(self.repairs.get() + 1);
                orphan.recover(|held| self.heap.table().recover(held))
            }
        };
        self.enter();
        Ok(guard)
    }

    fn enter(&self) {
        self.inside.with_mut(|_| ());
    }

    /// Takes the lock, changes the table, gives the lock back.
    fn put(&self, me: u32) {
        // In the order of the shipped code: the hint is found before the lock is taken.
        let hint = self.heap.hint(keys().a);
        let Ok(guard) = self.lock(me, false) else {
            panic!("no deadline");
        };
        self.heap.put_hinted(guard.held(), hint, keys().a);
        guard.release();
    }

    /// The writer dies; records whether it held the lock.
    fn bury(&self, id: u32) {
        let word = self.word.load(Relaxed);
        self.orphaned.set(word & ((1 << 30) - 1) == id);
        self.kernel.bury(id);
    }

    /// At the end the table has no faults, the lock is free, and there was one repair for
    /// an orphaned lock and none otherwise.
    fn ends_well(&self) {
        let faults = self.heap.table().check();
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(self.word.load(Relaxed), 0, "still locked");
        assert_eq!(self.repairs.get(), usize::from(self.orphaned.get()));
    }
}

/// Starts a writer.
fn start(world: &Rc<World>, body: impl FnOnce(&World) + 'static) -> JoinHandle<()> {
    let world = world.clone();
    spawn(move || body(&world))
}

/// One writer changes what the other's hint rests on, before that has the lock.
static CHANGES: Model = Model {
    name: "lock, two changes",
    bound: Some(3),
    deaths: 0,
    set_up: |heap| put_all(heap, &[keys().a]),
    run: |heap, _| {
        let world = World::new(heap, false);
        let other = start(&world, |world| world.put(1));
        world.put(2);
        other.join().expect("the other");
        assert_eq!(world.heap.get(keys().a), Some(Some(world.heap.last())));
        world.ends_well();
    },
};

/// One holds the lock at a time, and a sleeper is woken.
static TWO: Model = Model {
    name: "lock, two writers",
    bound: None,
    deaths: 0,
    set_up: |_| {},
    run: |heap, _| {
        let world = World::new(heap, false);
        let other = start(&world, |world| {
            drop(world.lock(2, false).map(Guard::release));
        });
        drop(world.lock(1, false).map(Guard::release));
        other.join().expect("a writer");
        world.ends_well();
    },
};

/// Two writers may sleep at once.
static THREE: Model = Model {
    name: "lock, three writers",
    bound: Some(3),
    deaths: 0,
    set_up: |_| {},
    run: |heap, _| {
        let world = World::new(heap, false);
        let others = [2, 3].map(|id| {
            start(&world, move |world| {
                drop(world.lock(id, false).map(Guard::release));
            })
        });
        drop(world.lock(1, false).map(Guard::release));
        for other in others {
            other.join().expect("a writer");
        }
        world.ends_well();
    },
};

/// The holder dies after any of its stores.
static KILLED: Model = Model {
    name: "lock, holder killed",
    bound: Some(3),
    deaths: 1,
    set_up: |heap| put_all(heap, &keys().others),
    run: |heap, kills| {
        let world = World::new(heap, true);
        let victim = start(&world, move |world| {
            if mortal(0, kills[0], || world.put(1)).is_none() {
                world.bury(1);
            }
        });
        world.put(2);
        victim.join().expect("the victim");
        // The first `put` may have come before the death; this one takes over then.
        world.put(2);
        world.ends_well();
    },
};

/// Of two writers that contend with a third one, one dies after any of its stores:
/// asleep, woken, or with the lock.
static WAITER_KILLED: Model = Model {
    name: "lock, one of three killed",
    bound: Some(1),
    deaths: 1,
    set_up: |_| {},
    run: |heap, kills| {
        let world = World::new(heap, true);
        let victim = start(&world, move |world| {
            if mortal(0, kills[0], || world.put(1)).is_none() {
                world.bury(1);
            }
        });
        let other = start(&world, |world| {
            drop(world.lock(3, false).map(Guard::release));
        });
        drop(world.lock(2, false).map(Guard::release));
        victim.join().expect("the victim");
        other.join().expect("a writer");
        world.put(2);
        world.ends_well();
    },
};

/// The holder dies, and a new writer gets its id. The new writer does not lock before
/// the others are done: a writer that has just found the old holder dead could take the
/// lock from it, which `lock` documents.
static REUSED: Model = Model {
    name: "lock, holder killed and its id used again",
    bound: Some(3),
    deaths: 1,
    set_up: |heap| put_all(heap, &keys().others),
    run: |heap, kills| {
        let world = World::new(heap, true);
        let victim = start(&world, move |world| {
            if mortal(0, kills[0], || world.put(1)).is_none() {
                world.bury(1);
                world.kernel.revive(1);
                disown(&world.word, 1);
            }
        });
        world.put(2);
        victim.join().expect("the victim");
        world.put(1);
        world.ends_well();
    },
};

/// The holder unwinds after any of its stores.
static ABANDONED: Model = Model {
    name: "lock, holder unwound",
    bound: Some(3),
    deaths: 1,
    set_up: |heap| put_all(heap, &keys().others),
    run: |heap, kills| {
        let world = World::new(heap, true);
        let victim = start(&world, move |world| {
            let Ok(guard) = world.lock(1, false) else {
                panic!("no deadline");
            };
            let put = || world.heap.put(guard.held(), keys().a);
            if mortal(0, kills[0], put).is_none() {
                world.orphaned.set(true);
                drop(guard);
            } else {
                guard.release();
            }
        });
        world.put(2);
        victim.join().expect("the victim");
        // The first `put` may have come before the death; this one takes over then.
        world.put(2);
        world.ends_well();
    },
};

/// A writer whose deadline has passed still takes over from a dead holder.
static TIMED_OUT: Model = Model {
    name: "lock, holder killed, no time",
    bound: Some(3),
    deaths: 1,
    set_up: |heap| put_all(heap, &keys().others),
    run: |heap, kills| {
        let world = World::new(heap, true);
        let victim = start(&world, move |world| {
            if mortal(0, kills[0], || world.put(1)).is_none() {
                world.bury(1);
            }
        });
        let dead = !world.kernel.is_alive(1);
        match world.lock(2, true) {
            Ok(guard) => guard.release(),
            Err(TimedOut) => assert!(!dead, "timed out on a dead holder"),
        }
        victim.join().expect("the victim");
        world.put(2);
        world.ends_well();
    },
};

/// A reader that starts after a writer has returned sees what that wrote, though the
/// two share no other word. The model learns the order from a word that the reader
/// stores to before it begins and the writer loads when it has returned.
static REAL_TIME: Model = Model {
    name: "real time, insert then get",
    bound: None,
    deaths: 0,
    set_up: |_| {},
    run: |heap, _| {
        exchanges_are_barriers();
        let world = World::new(heap, true);
        let started = Rc::new(AtomicU32::new(0));
        let seen = started.clone();
        let first = Rc::new(Cell::new(true));
        let was_first = first.clone();
        let writer = start(&world, move |world| {
            world.put(1);
            was_first.set(seen.load(Relaxed) == 0);
        });
        started.store(1, Relaxed);
        fence(SeqCst);
        let got = world.heap.get(keys().a);
        writer.join().expect("the writer");
        if first.get() {
            assert_ne!(got, Some(None), "an insert that was complete is missed");
        }
    },
};
