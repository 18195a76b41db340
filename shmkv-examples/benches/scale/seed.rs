//! The seed of every random number, so that simulations give the same results
//! everywhere.

/// The seed.
pub(crate) const SEED: u64 = 20_250_101;
