//! Mistakes that show only when sizes are known.

use shmkv_core::{ShmKey, ShmValue};

#[derive(ShmValue)]
#[shm(size = 8)]
struct TooSmall {
    a: u64,
    b: u32,
}

#[derive(ShmKey)]
struct EmptyKey;

#[derive(ShmValue)]
enum WideDiscriminant {
    A = 1000,
}

#[derive(ShmValue)]
enum NegativeDiscriminant {
    A = -1,
}

fn main() {}
