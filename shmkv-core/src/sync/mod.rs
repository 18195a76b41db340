//! The one door to atomics and fences.
//!
//! Everything that accesses shared memory imports from here. In a normal build the
//! atomics are std's, and the functions below compile to the access that they name
//! and nothing else. Under `--cfg loom` the same code runs on loom's atomics, so that
//! the model checker sees the shipped algorithms, and each [`Rule`] of the protocol
//! can be taken out, to prove that some model fails without it.
//!
//! On a `PROT_READ` mapping Rust promises only that `Relaxed` loads do not write. An
//! acquire load is therefore written as a relaxed load and a fence
//! ([`load_acquire`]), which is also the form that loom models best.

mod ablation;
#[cfg(loom)]
pub(crate) mod loom;
mod only_atomics;

#[cfg(loom)]
pub(crate) use self::loom::{AtomicU8, AtomicU32, AtomicU64, fence};
pub(crate) use ablation::Rule;
#[cfg(all(test, loom))]
pub(crate) use ablation::ablate;
#[cfg(not(loom))]
pub(crate) use only_atomics::OnlyAtomics;
pub(crate) use only_atomics::only_atomics;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, fence};

pub(crate) use std::sync::atomic::Ordering;

/// An acquire load that is fit for read-only memory.
///
/// Pairs with the release store of the value that it returns.
#[inline(always)]
pub(crate) fn load_acquire(rule: Rule, word: &AtomicU64) -> u64 {
    let value = word.load(Ordering::Relaxed);
    rule.fence(Ordering::Acquire);
    value
}

/// The first load of an operation, sequentially consistent, by which operations on
/// different keys are linearized.
///
/// Pairs with the sequentially consistent read-modify-write that ends every critical
/// section: an operation that starts after another one has returned sees its effect,
/// whatever their keys.
///
/// On x86-64 that read-modify-write is a full barrier and loads are not reordered, so
/// an acquire load suffices. Elsewhere the load itself must be sequentially
/// consistent. Rust does not promise that such a load leaves read-only memory alone;
/// on the 64-bit targets of this crate it is one load instruction (`ldar` on AArch64).
///
/// There is no [`Rule`] for it: the fences with which every operation ends imply that
/// it acquires, and loom models no more of sequential consistency than that.
#[inline(always)]
pub(crate) fn load_linearized(word: &AtomicU64) -> u64 {
    if cfg!(all(target_arch = "x86_64", not(loom))) {
        let value = word.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        value
    } else {
        word.load(Ordering::SeqCst)
    }
}
