//! The one door to atomics and fences.
//!
//! Everything that touches shared memory imports from here. In a normal build
//! these are std's atomics and the functions below compile to nothing but the
//! access they name. Under `--cfg loom` the same code runs on loom's atomics,
//! so that the model checker sees the shipped algorithms, and every named
//! [`Part`] can be taken out to prove that some model needs it.
//!
//! On a mapping that is `PROT_READ` Rust promises only that `Relaxed` loads do
//! not write. An acquire load is therefore spelled as a relaxed load and a
//! fence ([`load_acquire`]), which is also what loom understands best.

mod part;

#[cfg(loom)]
pub(crate) mod model;

#[cfg(loom)]
pub(crate) use model::{AtomicU8, AtomicU32, AtomicU64, fence};
pub(crate) use part::Part;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, fence};

pub(crate) use std::sync::atomic::Ordering;

/// An acquire load that is fit for read-only memory.
///
/// Pairs with the release store of whatever value it returns.
#[inline(always)]
pub(crate) fn load_acquire(part: Part, word: &AtomicU64) -> u64 {
    let value = word.load(Ordering::Relaxed);
    fence_of(part, Ordering::Acquire);
    value
}

/// The first load of an operation, sequentially consistent.
///
/// Pairs with the sequentially consistent read-modify-write that ends every
/// critical section: an operation that starts after another has returned sees
/// it, whatever the key.
///
/// On x86-64 that read-modify-write is a full barrier and loads stay in order,
/// so an acquire load does. Elsewhere the load itself must be sequentially
/// consistent. Rust does not promise that such a load leaves read-only memory
/// alone; on the 64-bit targets of this crate it is a load instruction (`ldar` on
/// AArch64), and a test reads through a read-only mapping.
///
/// No [`Part`]: that it acquires is implied by the fences with which every
/// operation ends, and loom knows no more of sequential consistency than that.
#[inline(always)]
pub(crate) fn load_first(word: &AtomicU64) -> u64 {
    if cfg!(all(target_arch = "x86_64", not(loom))) {
        let value = word.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        value
    } else {
        word.load(Ordering::SeqCst)
    }
}

/// Whether `part` is in force: always, except in a model that took it out.
#[inline(always)]
fn kept(part: Part) -> bool {
    #[cfg(loom)]
    {
        model::kept(part)
    }
    #[cfg(not(loom))]
    {
        let _ = part;
        true
    }
}

/// The fence that `part` names.
#[inline(always)]
pub(crate) fn fence_of(part: Part, order: Ordering) {
    if kept(part) {
        fence(order);
    }
}

/// The ordering that `part` names.
#[inline(always)]
pub(crate) fn order_of(part: Part, order: Ordering) -> Ordering {
    if kept(part) { order } else { Ordering::Relaxed }
}

/// The re-check that `part` names: whether what was read may be believed.
#[inline(always)]
pub(crate) fn check_of(part: Part, holds: bool) -> bool {
    holds || !kept(part)
}

/// Whether the step that `part` names is taken.
#[inline(always)]
pub(crate) fn step_of(part: Part) -> bool {
    kept(part)
}
