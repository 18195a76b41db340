//! One number from which a test draws all its randomness, so that a run can be repeated.

/// The environment variable that sets it.
const VARIABLE: &str = "SHMKV_TEST_SEED";

/// A new seed, or the one that `SHMKV_TEST_SEED` asks for. Print it.
pub(crate) fn seed() -> u64 {
    match std::env::var(VARIABLE) {
        Ok(text) => text.parse().expect("SHMKV_TEST_SEED is a number"),
        Err(_) => fastrand::u64(..),
    }
}
