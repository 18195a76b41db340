//! Models of death: a writer is killed after each of its stores in turn, while a reader
//! reads.

use std::cell::RefCell;
use std::rc::Rc;

use super::heap::{Heap, Observer, held, keys, put_all};
use super::run::{Model, mortal};
use crate::sync::loom::spawn;

pub(super) const MODELS: &[&Model] = &[
    &INSERT_AT_HOME,
    &INSERT_ELSEWHERE,
    &UPDATE,
    &REMOVE_AT_HOME,
    &REMOVE_ELSEWHERE,
    &CLEAR,
    &TWICE_INSERT,
    &TWICE_REMOVE,
    &TWICE_CLEAR,
];

/// `write` dies after store number `kills[0]`, and in a model of two deaths the recovery
/// after store number `kills[1]`. Then a recovery and a change complete. The reader may
/// see the state before, what `write` published, if it did, and the last change, in
/// this order.
fn killed(heap: Rc<Heap>, kills: [usize; 2], deaths: usize, write: fn(&Heap)) {
    let before = heap.get(keys().a).expect("no writer interferes");
    let states = Rc::new(RefCell::new(vec![before]));
    let writer = {
        let (heap, states) = (heap.clone(), states.clone());
        spawn(move || {
            let table = heap.table();
            let alive = mortal(0, kills[0], || write(&heap)).is_some();
            let after = heap.get(keys().a).expect("no writer interferes");
            states.borrow_mut().push(after);
            if !alive {
                let faults = table.check();
                assert!(faults.iter().all(|f| f.is_harmless()), "{faults:?}");
                if deaths < 2 || mortal(1, kills[1], || table.recover(held())).is_none() {
                    table.recover(held());
                }
            }
            let faults = table.check();
            assert!(faults.is_empty(), "{faults:?}");
            let last = heap.put(held(), keys().a);
            states.borrow_mut().push(Some(last));
        })
    };
    let mut seen = vec![heap.get(keys().a)];
    if deaths < 2 {
        seen.push(heap.get(keys().a));
    }
    writer.join().expect("the writer");
    seen.push(heap.get(keys().a));
    let mut observer = Observer::new(&states.borrow());
    for seen in seen.into_iter().flatten() {
        observer.saw(seen);
    }
    assert!(observer.is_at_end(), "the last change is lost");
    let faults = heap.table().check();
    assert!(faults.is_empty(), "{faults:?}");
}

fn put(heap: &Heap) {
    heap.put(held(), keys().a);
}

/// A model with one death.
const fn once(
    name: &'static str,
    bound: Option<usize>,
    set_up: fn(&Heap),
    run: fn(Rc<Heap>, [usize; 2]),
) -> Model {
    Model {
        name,
        bound,
        deaths: 1,
        set_up,
        run,
    }
}

static INSERT_AT_HOME: Model = once(
    "one killed, insert at home",
    None,
    |_| {},
    |heap, kills| killed(heap, kills, 1, put),
);

static INSERT_ELSEWHERE: Model = once(
    "one killed, insert elsewhere",
    None,
    |heap| put_all(heap, &keys().others),
    |heap, kills| killed(heap, kills, 1, put),
);

static UPDATE: Model = once(
    "one killed, update",
    None,
    |heap| put_all(heap, &[keys().a]),
    |heap, kills| killed(heap, kills, 1, put),
);

static REMOVE_AT_HOME: Model = once(
    "one killed, remove at home",
    Some(2),
    |heap| put_all(heap, &[keys().a]),
    |heap, kills| killed(heap, kills, 1, |heap| heap.remove(held(), keys().a)),
);

static REMOVE_ELSEWHERE: Model = once(
    "one killed, remove elsewhere",
    Some(2),
    |heap| {
        put_all(heap, &keys().others);
        put_all(heap, &[keys().a]);
    },
    |heap, kills| killed(heap, kills, 1, |heap| heap.remove(held(), keys().a)),
);

static CLEAR: Model = once(
    "one killed, clear",
    Some(2),
    |heap| {
        put_all(heap, &keys().others);
        put_all(heap, &[keys().a]);
    },
    |heap, kills| killed(heap, kills, 1, |heap| heap.table().clear(held())),
);

static TWICE_INSERT: Model = Model {
    name: "two killed, insert elsewhere",
    bound: None,
    deaths: 2,
    set_up: |heap| put_all(heap, &keys().others),
    run: |heap, kills| killed(heap, kills, 2, put),
};

static TWICE_REMOVE: Model = Model {
    name: "two killed, remove elsewhere",
    bound: Some(2),
    deaths: 2,
    set_up: |heap| {
        put_all(heap, &keys().others);
        put_all(heap, &[keys().a]);
    },
    run: |heap, kills| killed(heap, kills, 2, |heap| heap.remove(held(), keys().a)),
};

static TWICE_CLEAR: Model = Model {
    name: "two killed, clear",
    bound: Some(1),
    deaths: 2,
    set_up: TWICE_REMOVE.set_up,
    run: |heap, kills| killed(heap, kills, 2, |heap| heap.table().clear(held())),
};
