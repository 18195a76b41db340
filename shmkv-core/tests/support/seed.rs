//! One number from which a test derives all its randomness, so that a run can be repeated.

/// The environment variable that sets it.
const VARIABLE: &str = "SHMKV_TEST_SEED";

/// The value of `SHMKV_TEST_SEED`, or a random seed. The caller prints it.
pub(crate) fn seed() -> u64 {
    match std::env::var(VARIABLE) {
        Ok(text) => text.parse().expect("SHMKV_TEST_SEED is a number"),
        Err(_) => fastrand::u64(..),
    }
}
