//! Types that consist of atomics only, and so may lie in shared memory.
//!
//! # Safety
//!
//! `unsafe` for a trait that the segment's mapping relies on. (1) A type that
//! implements [`OnlyAtomics`] consists of atomics, arrays of them and structs of them:
//! any bytes are a valid value of it, another process may store to it at any time, and
//! it may be stored to through a shared reference. (2) Its alignment is at most a page.
//! The macro [`only_atomics!`] implements the trait for a struct, and the compiler checks
//! both: every field must implement the trait, too, and the alignment is asserted.
#![allow(unsafe_code)]

#[cfg(not(loom))]
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

/// A type that may be referred to in shared memory.
///
/// # Safety
///
/// (1) The type consists of atomics, arrays of them and structs of them. (2) It is aligned
/// to at most a page.
#[cfg(not(loom))]
pub(crate) unsafe trait OnlyAtomics {}

// SAFETY: by (1), it is an atomic; by (2), its alignment is 1.
#[cfg(not(loom))]
unsafe impl OnlyAtomics for AtomicU8 {}
// SAFETY: by (1), it is an atomic; by (2), its alignment is 4.
#[cfg(not(loom))]
unsafe impl OnlyAtomics for AtomicU32 {}
// SAFETY: by (1), it is an atomic; by (2), its alignment is 8.
#[cfg(not(loom))]
unsafe impl OnlyAtomics for AtomicU64 {}
// SAFETY: by (1), an array of such types; by (2), it is aligned as they are.
#[cfg(not(loom))]
unsafe impl<T: OnlyAtomics, const N: usize> OnlyAtomics for [T; N] {}

/// Defines a struct of atomics and implements [`OnlyAtomics`] for it.
macro_rules! only_atomics {
    (
        $(#[$of_struct:meta])*
        $of_type:vis struct $name:ident {
            $($(#[$of_field:meta])* $vis:vis $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$of_struct])*
        $of_type struct $name {
            $($(#[$of_field])* $vis $field: $type,)*
        }

        #[cfg(not(loom))]
        const _: () = assert!(::core::mem::align_of::<$name>() <= 4096);

        // SAFETY: every field consists of atomics only, which the bounds check; the
        // alignment is at most a page, which the assertion above checks.
        #[cfg(not(loom))]
        #[allow(unsafe_code)]
        unsafe impl $crate::sync::OnlyAtomics for $name
        where
            $($type: $crate::sync::OnlyAtomics,)*
        {
        }
    };
}
pub(crate) use only_atomics;
