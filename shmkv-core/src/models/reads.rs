//! Models of reading: a reader beside one live writer.

use std::rc::Rc;

use loom::sync::atomic::AtomicUsize;

use super::heap::{Heap, Observer, held, keys, put_all};
use super::run::Model;
use crate::sync::Ordering::{Acquire, Release};
use crate::sync::loom::spawn;

pub(super) const MODELS: &[&Model] = &[
    &INSERT_AT_HOME,
    &INSERT_ELSEWHERE,
    &UPDATE,
    &TWO_UPDATES,
    &PREPARED,
    &PREPARED_REUSE,
    &REMOVE_AT_HOME,
    &REMOVE_ELSEWHERE,
    &MOVE_HOME,
    &MOVE_AWAY,
    &MISS,
    &ITERATION,
    &ITERATION_REUSE,
    &TWO_KEYS_HOME,
    &TWO_KEYS_ELSEWHERE,
    &TOTALS,
];

/// Runs a writer's changes beside a reader of key `a`, which goes through `states`. The
/// reader learns how many changes were complete when it began.
fn beside(
    heap: Rc<Heap>,
    states: &[Option<u64>],
    write: fn(&Heap, &dyn Fn()),
    read: impl FnOnce(&Heap, &mut Observer),
) {
    let done = Rc::new(AtomicUsize::new(0));
    let mut observer = Observer::new(states);
    let writer = {
        let (heap, done) = (heap.clone(), done.clone());
        spawn(move || {
            let changes = std::cell::Cell::new(0);
            write(&heap, &|| {
                changes.set(changes.get() + 1);
                done.store(changes.get(), Release);
            });
        })
    };
    observer.knows(done.load(Acquire));
    read(&heap, &mut observer);
    writer.join().expect("the writer");
    let faults = heap.table().check();
    assert!(faults.is_empty(), "{faults:?}");
    observer.knows(states.len() - 1);
    observer.get(&heap, keys().a);
}

/// A new key, in its home bucket.
static INSERT_AT_HOME: Model = Model {
    name: "get, insert at home",
    bound: None,
    deaths: 0,
    set_up: |_| {},
    run: |heap, _| {
        let states = [None, Some(1)];
        let write = |heap: &Heap, done: &dyn Fn()| {
            heap.put(held(), keys().a);
            done();
        };
        beside(heap, &states, write, |heap, observer| {
            observer.get(heap, keys().a);
            observer.get(heap, keys().a);
        });
    },
};

/// A new key, in the bucket after its home bucket, which is full. A reader that sees it
/// there, in a scan, also finds it by its key.
static INSERT_ELSEWHERE: Model = Model {
    name: "get, insert elsewhere",
    bound: None,
    deaths: 0,
    set_up: |heap| put_all(heap, &keys().others),
    run: |heap, _| {
        let states = [None, Some(8)];
        let write = |heap: &Heap, done: &dyn Fn()| {
            heap.put(held(), keys().a);
            done();
        };
        beside(heap, &states, write, |heap, observer| {
            observer.find(heap, 1, keys().a);
            observer.get(heap, keys().a);
        });
    },
};

/// An update.
static UPDATE: Model = Model {
    name: "get, update",
    bound: None,
    deaths: 0,
    set_up: |heap| put_all(heap, &[keys().a]),
    run: |heap, _| {
        let states = [Some(1), Some(2)];
        let write = |heap: &Heap, done: &dyn Fn()| {
            heap.put(held(), keys().a);
            done();
        };
        beside(heap, &states, write, |heap, observer| {
            observer.get(heap, keys().a);
            observer.get(heap, keys().a);
        });
    },
};

fn update_twice(heap: &Heap, done: &dyn Fn()) {
    for _ in 0..2 {
        heap.put(held(), keys().a);
        done();
    }
}

/// Two updates in a full bucket: the second one writes the slot that the first one
/// vacated.
static TWO_UPDATES: Model = Model {
    name: "get, two updates",
    bound: Some(3),
    deaths: 0,
    set_up: |heap| {
        put_all(heap, &[keys().a]);
        put_all(heap, &keys().others[..6]);
    },
    run: |heap, _| {
        let states = [Some(1), Some(8), Some(9)];
        beside(heap, &states, update_twice, |heap, observer| {
            observer.get(heap, keys().a);
            observer.get(heap, keys().a);
        });
    },
};

/// Two updates in a full bucket: the entry is back in the slot that a prepared key
/// remembers, with another version.
static PREPARED: Model = Model {
    name: "get prepared, two updates",
    bound: Some(2),
    deaths: 0,
    set_up: TWO_UPDATES.set_up,
    run: |heap, _| {
        let mut last = None;
        assert_eq!(heap.get_prepared(&mut last, keys().a), Some(Some(1)));
        let states = [Some(1), Some(8), Some(9)];
        beside(heap, &states, update_twice, |heap, observer| {
            observer.get_prepared(heap, &mut last, keys().a);
            observer.get_prepared(heap, &mut last, keys().a);
        });
    },
};

/// The key is removed, and another one with the same tag takes the slot that a prepared
/// key remembers.
static PREPARED_REUSE: Model = Model {
    name: "get prepared, remove, insert another like key",
    bound: Some(2),
    deaths: 0,
    set_up: |heap| {
        put_all(heap, &[keys().a]);
        put_all(heap, &keys().others[..6]);
    },
    run: |heap, _| {
        let mut last = None;
        assert_eq!(heap.get_prepared(&mut last, keys().a), Some(Some(1)));
        let states = [Some(1), None];
        let write = |heap: &Heap, done: &dyn Fn()| {
            heap.remove(held(), keys().a);
            done();
            heap.put(held(), keys().b);
            heap.put(held(), keys().b);
        };
        beside(heap, &states, write, |heap, observer| {
            observer.get_prepared(heap, &mut last, keys().a);
            observer.get_prepared(heap, &mut last, keys().a);
        });
    },
};

/// A removal from the home bucket.
static REMOVE_AT_HOME: Model = Model {
    name: "get, remove at home",
    bound: None,
    deaths: 0,
    set_up: |heap| put_all(heap, &[keys().a]),
    run: |heap, _| {
        let states = [Some(1), None];
        let write = |heap: &Heap, done: &dyn Fn()| {
            heap.remove(held(), keys().a);
            done();
        };
        beside(heap, &states, write, |heap, observer| {
            observer.get(heap, keys().a);
            observer.get(heap, keys().a);
        });
    },
};

/// A removal from a later bucket. A reader that misses the key does not see it in a scan
/// of that bucket afterwards.
static REMOVE_ELSEWHERE: Model = Model {
    name: "get, remove elsewhere",
    bound: None,
    deaths: 0,
    set_up: |heap| {
        put_all(heap, &keys().others);
        put_all(heap, &[keys().a]);
    },
    run: |heap, _| {
        let states = [Some(8), None];
        let write = |heap: &Heap, done: &dyn Fn()| {
            heap.remove(held(), keys().a);
            done();
        };
        beside(heap, &states, write, |heap, observer| {
            observer.get(heap, keys().a);
            observer.find(heap, 1, keys().a);
        });
    },
};

/// The key is removed from the later bucket and inserted in its home bucket, which is
/// not full any more.
static MOVE_HOME: Model = Model {
    name: "get, remove elsewhere, insert at home",
    bound: None,
    deaths: 0,
    set_up: |heap| {
        put_all(heap, &keys().others);
        put_all(heap, &[keys().a]);
        heap.remove(held(), keys().others[3]);
    },
    run: |heap, _| {
        let states = [Some(8), None, Some(11)];
        let write = |heap: &Heap, done: &dyn Fn()| {
            heap.remove(held(), keys().a);
            done();
            heap.put(held(), keys().a);
            done();
        };
        beside(heap, &states, write, |heap, observer| {
            observer.get(heap, keys().a);
            observer.get(heap, keys().a);
        });
    },
};

/// The key is removed from its home bucket, another one takes its place, and it is
/// inserted in the later bucket.
static MOVE_AWAY: Model = Model {
    name: "get, remove at home, insert elsewhere",
    bound: Some(2),
    deaths: 0,
    set_up: |heap| {
        put_all(heap, &[keys().a]);
        put_all(heap, &keys().others[..6]);
    },
    run: |heap, _| {
        let states = [Some(1), None, None, Some(10)];
        let write = |heap: &Heap, done: &dyn Fn()| {
            heap.remove(held(), keys().a);
            done();
            heap.put(held(), keys().others[6]);
            done();
            heap.put(held(), keys().a);
            done();
        };
        beside(heap, &states, write, |heap, observer| {
            observer.get(heap, keys().a);
            observer.get(heap, keys().a);
        });
    },
};

fn update_like_keys(heap: &Heap, done: &dyn Fn()) {
    for key in [keys().a, keys().b, keys().a] {
        heap.put(held(), key);
        done();
    }
}

/// Two keys with one tag change slots in a full bucket: neither may be missed.
static MISS: Model = Model {
    name: "miss, three updates of two like keys",
    bound: Some(3),
    deaths: 0,
    set_up: |heap| {
        put_all(heap, &[keys().b, keys().a]);
        put_all(heap, &keys().others[..5]);
    },
    run: |heap, _| {
        let states = [Some(2), Some(8), Some(8), Some(10)];
        beside(heap, &states, update_like_keys, |heap, observer| {
            observer.get_validated(heap, keys().a);
        });
    },
};

/// The same, beside a scan of the bucket, which must see each key once.
static ITERATION: Model = Model {
    name: "iteration, three updates of two like keys",
    bound: Some(3),
    deaths: 0,
    set_up: |heap| {
        put_all(heap, &[keys().b, keys().a]);
        put_all(heap, &keys().others[..5]);
    },
    run: |heap, _| {
        let states = [Some(2), Some(8), Some(8), Some(10)];
        beside(heap, &states, update_like_keys, |heap, observer| {
            observer.find(heap, 0, keys().a);
        });
    },
};

/// Two updates in a full bucket, beside a scan of it.
static ITERATION_REUSE: Model = Model {
    name: "iteration, two updates",
    bound: Some(3),
    deaths: 0,
    set_up: TWO_UPDATES.set_up,
    run: |heap, _| {
        let states = [Some(1), Some(8), Some(9)];
        beside(heap, &states, update_twice, |heap, observer| {
            observer.find(heap, 0, keys().a);
            observer.get(heap, keys().a);
        });
    },
};

/// One key is inserted, then another one removed: a reader must not miss both.
fn never_both_absent(heap: Rc<Heap>) {
    let writer = {
        let heap = heap.clone();
        spawn(move || {
            heap.put(held(), keys().next_door);
            heap.remove(held(), keys().a);
        })
    };
    let removed = heap.get(keys().a);
    let inserted = heap.get(keys().next_door);
    assert!(
        removed != Some(None) || inserted != Some(None),
        "a removal was seen, and not the insertion before it"
    );
    writer.join().expect("the writer");
}

/// The keys are in two buckets.
static TWO_KEYS_HOME: Model = Model {
    name: "two keys, remove at home",
    bound: None,
    deaths: 0,
    set_up: |heap| put_all(heap, &[keys().a]),
    run: |heap, _| never_both_absent(heap),
};

/// The reader may learn of the removal from an overflow counter alone.
static TWO_KEYS_ELSEWHERE: Model = Model {
    name: "two keys, remove elsewhere",
    bound: None,
    deaths: 0,
    set_up: REMOVE_ELSEWHERE.set_up,
    run: |heap, _| never_both_absent(heap),
};

/// A reader that has seen the map's length or version grow finds the new key.
static TOTALS: Model = Model {
    name: "totals, insert",
    bound: None,
    deaths: 0,
    set_up: |_| {},
    run: |heap, _| {
        let writer = {
            let heap = heap.clone();
            spawn(move || heap.put(held(), keys().a))
        };
        let counted = heap.table().len() == 1;
        let inserted = heap.get(keys().a);
        assert!(!counted || inserted != Some(None), "counted, not found");
        let counted = heap.table().version() == 1;
        let inserted = heap.get(keys().a);
        assert!(!counted || inserted != Some(None), "a version too new");
        writer.join().expect("the writer");
    },
};
